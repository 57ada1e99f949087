//! What the user lets be done in an account. The words and the defaults are those of provider-config.yaml.

use serde::Deserialize;

/// What the user lets be done in an account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a key of the configuration")]
pub struct Rules {
    /// Whether writing is on.
    pub write: bool,
    /// Whether conversations may be marked as read.
    pub mark_read: bool,
    /// What may be read, if it says so; and what may be written to without asking.
    pub allow: Targets,
    /// What is never read, and what is never written to.
    pub deny: Targets,
    /// When the user is asked before something is written.
    pub confirm: Confirm,
    /// Whether a flag has all be asked about that would pass; what is refused stays so.
    pub confirm_writes: bool,
    /// Whether only answers in threads that were read in the same session are sent.
    pub reply_only: bool,
    /// How much may be written.
    pub budget: Budget,
    /// Whether a text may notify everybody, once the user has agreed.
    pub call_everyone: bool,
    /// What is looked for before something is written.
    pub guards: Guards,
    /// Hosts that links may carry data to, as globs.
    pub link_hosts: Vec<String>,
    /// Whether what outsiders and programs wrote is withheld.
    pub lockdown: bool,
}

impl Rules {
    /// Says in few words what may be done.
    pub fn access(&self) -> String {
        let asked = match (self.confirm, self.allow.write.is_empty()) {
            _ if !self.write => return "read only".into(),
            (Confirm::Never, false) if self.confirm_writes => ", to its `allow` list only, asks first",
            (Confirm::Never, false) => ", to its `allow` list only",
            (Confirm::Never, true) if !self.confirm_writes => "",
            (Confirm::Unlisted, false) if !self.confirm_writes => ", asks first unless on its `allow` list",
            _ => ", asks first",
        };
        let answers = if self.reply_only { ", answers only" } else { "" };
        format!("read and write{asked}{answers}")
    }

    /// Returns whether not everything may be read.
    pub(in crate::chat) fn restrict_reading(&self) -> bool {
        !(self.allow.read.is_empty() && self.deny.read.is_empty())
    }
}

/// Globs of targets: `account:id`, `account:#name` and `account:@name`, or the same without the account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "WrittenTargets")]
pub struct Targets {
    /// To read.
    pub read: Vec<String>,
    /// To write to.
    pub write: Vec<String>,
}

/// A list alone is about writing.
#[derive(Deserialize)]
#[serde(untagged, deny_unknown_fields, expecting = "a list of targets, or lists under `read` and `write` only")]
enum WrittenTargets {
    Write(Vec<String>),
    ByAccess {
        #[serde(default)]
        read: Vec<String>,
        #[serde(default)]
        write: Vec<String>,
    },
}

impl TryFrom<WrittenTargets> for Targets {
    type Error = &'static str;

    fn try_from(written: WrittenTargets) -> Result<Self, Self::Error> {
        let (read, write) = match written {
            WrittenTargets::Write(write) => (Vec::new(), write),
            WrittenTargets::ByAccess { read, write } => (read, write),
        };
        // No name ends in a blank, so that with one a target would match nothing.
        let trimmed = |targets: Vec<String>| targets.into_iter().map(|target| target.trim().to_owned()).collect();
        let targets = Self { read: trimmed(read), write: trimmed(write) };
        // It would match nothing, and the rest of its list would not be what was meant.
        let empty = targets.read.iter().chain(&targets.write).any(String::is_empty);
        if empty { Err("there is an empty target in it; `*` stands for any") } else { Ok(targets) }
    }
}

/// When the user is asked before something is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Confirm {
    /// Whatever it is.
    Always,
    /// Unless the target is on `allow`.
    #[default]
    Unlisted,
    /// Never: what `allow` does not list, if it lists something, and what a guard finds, is refused.
    Never,
}

/// How many messages, changes and reactions may go out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Budget {
    /// Within a minute.
    pub minute: u32,
    /// Within 24 hours.
    pub day: u32,
}

impl Default for Budget {
    fn default() -> Self {
        Self { minute: 20, day: 200 }
    }
}

/// What is looked for before something is written: a find is a reason to ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Guards {
    /// That something private was read in the session, and this is another place.
    pub private: bool,
    /// Secrets in texts and files.
    pub secrets: bool,
    /// Links that carry data.
    pub links: bool,
}

impl Default for Guards {
    fn default() -> Self {
        Self { private: true, secrets: true, links: true }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_around_a_target_are_no_part_of_it() {
        let targets: Targets = serde_json::from_str(r##"{ "read": ["#ops "], "write": [" C1"] }"##).unwrap();
        assert_eq!(targets, Targets { read: vec!["#ops".into()], write: vec!["C1".into()] });
        assert!(serde_json::from_str::<Targets>(r#"[" "]"#).is_err());
    }

    #[test]
    fn how_writes_stand_is_said_in_few_words() {
        let list = || Targets { write: vec!["#ops".into()], ..Targets::default() };
        let rules = |confirm, allow| Rules { write: true, confirm, allow, ..Rules::default() };
        for (rules, said) in [
            (Rules::default(), "read only"),
            (rules(Confirm::Unlisted, Targets::default()), "read and write, asks first"),
            (rules(Confirm::Unlisted, list()), "read and write, asks first unless on its `allow` list"),
            (rules(Confirm::Always, list()), "read and write, asks first"),
            (rules(Confirm::Never, Targets::default()), "read and write"),
            (rules(Confirm::Never, list()), "read and write, to its `allow` list only"),
            (Rules { confirm_writes: true, ..rules(Confirm::Unlisted, list()) }, "read and write, asks first"),
            (Rules { reply_only: true, ..rules(Confirm::Never, Targets::default()) }, "read and write, answers only"),
        ] {
            assert_eq!(rules.access(), said, "{rules:?}");
        }
    }
}
