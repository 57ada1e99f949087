//! One check: what was looked at, how it is, and what to do about it.

use serde_json::{Value, json};
use switchboard_kit::{AccountKey, Error};

use crate::chat::sanitise;

/// How it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    Ok,
    Warning,
    Failed,
}

impl Mark {
    fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failed => "failed",
        }
    }
}

/// One check.
#[derive(Clone, Debug)]
pub(super) struct Check {
    pub(super) account: Option<AccountKey>,
    pub(super) name: &'static str,
    pub(super) mark: Mark,
    pub(super) message: String,
    pub(super) fix: Option<String>,
}

impl Check {
    /// Makes a check of what platforms, files and the operating system may have put in words.
    pub(super) fn new(name: &'static str, mark: Mark, message: impl AsRef<str>, fix: Option<&str>) -> Self {
        let (message, fix) = (sanitise::line(message.as_ref()), fix.map(sanitise::line));
        Self { account: None, name, mark, message, fix }
    }

    pub(super) fn ok(name: &'static str, message: impl AsRef<str>) -> Self {
        Self::new(name, Mark::Ok, message, None)
    }

    pub(super) fn warning(name: &'static str, message: impl AsRef<str>, fix: impl AsRef<str>) -> Self {
        Self::new(name, Mark::Warning, message, Some(fix.as_ref()))
    }

    pub(super) fn failed(name: &'static str, message: impl AsRef<str>, fix: Option<&str>) -> Self {
        Self::new(name, Mark::Failed, message, fix)
    }

    /// Says what an error says.
    pub(super) fn refused(name: &'static str, error: &Error) -> Self {
        Self::failed(name, error.message(), error.hint_text())
    }

    pub(super) fn of(mut self, account: &AccountKey) -> Self {
        self.account = Some(account.clone());
        self
    }

    pub(super) fn json(&self) -> Value {
        json!({
            "account": self.account,
            "check": self.name,
            "state": self.mark.word(),
            "message": self.message,
            "fix": self.fix,
        })
    }

    fn line(&self) -> String {
        let fix = self.fix.as_ref().map(|fix| format!(" → {fix}")).unwrap_or_default();
        format!("  {:<8} {:<15} {}{fix}", self.mark.word(), self.name, self.message)
    }
}

/// Puts checks together, under the account that each is of.
pub(super) fn report(checks: &[Check]) -> String {
    let mut lines = Vec::new();
    let mut account = None;
    for check in checks {
        if check.account != account {
            account.clone_from(&check.account);
            lines.extend(account.iter().map(|account| format!("{account}:")));
        }
        lines.push(check.line());
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use switchboard_kit::ErrorKind;

    use super::*;

    #[test]
    fn each_check_is_one_line_with_its_fix() {
        let error = Error::new(ErrorKind::Unavailable, "broken\nby \u{1b}[2Jsomebody").hint("mend it");
        let checks = [
            Check::ok("configuration", "fine"),
            Check::refused("api", &error).of(&AccountKey::new("work")),
            Check::warning("clock", "late", "set it").of(&AccountKey::new("work")),
        ];
        let expected = "  ok       configuration   fine\nwork:\n  failed   api             broken by [2Jsomebody → mend it\n  warning  clock           late → set it";
        assert_eq!(report(&checks), expected);
        assert_eq!(checks[1].json()["state"], "failed");
    }
}
