//! Which accounts are served: those that the flags name, and what is said about a name that is none.

use switchboard_kit::{AccountKey, Error, ErrorKind, Result, host};

use crate::{
    config::{Config, Source},
    sandbox,
};

/// Returns the accounts that the flags name, or all but the sandbox.
pub(super) fn choose(config: &Config, asked: &[String]) -> Result<Vec<AccountKey>> {
    if asked.is_empty() {
        let ordinary = config.accounts.iter().filter(|(_, account)| account.platform != sandbox::KEY);
        return Ok(ordinary.map(|(key, _)| key.clone()).collect());
    }
    let mut chosen = Vec::new();
    for name in asked {
        let Some((key, _)) = config.accounts.iter().find(|(key, _)| key.as_str() == name) else {
            let keys: Vec<_> = config.accounts.keys().map(|key| format!("`{key}`")).collect();
            let file = match &config.source {
                Source::File(path) => format!("`{}`", path.display()),
                Source::BuiltIn => "the built-in configuration".into(),
            };
            let error =
                Error::new(ErrorKind::Config, format!("no account `{name}` in {file}, which has {}", keys.join(", ")));
            return Err(match host::nearest(name, config.accounts.keys().map(AccountKey::as_str)) {
                Some(near) => error.hint(format!("say `--provider {near}`")),
                None => error.hint("add a block for it, or see `--list-providers`"),
            });
        };
        if !chosen.contains(key) {
            chosen.push(key.clone());
        }
    }
    Ok(chosen)
}
