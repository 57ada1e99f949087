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

/// Globs of targets: `account:id`, `account:#name` and `account:@name`, or the same without the account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "WrittenTargets")]
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

impl From<WrittenTargets> for Targets {
    fn from(written: WrittenTargets) -> Self {
        match written {
            WrittenTargets::Write(write) => Self { read: Vec::new(), write },
            WrittenTargets::ByAccess { read, write } => Self { read, write },
        }
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
