//! `switchboard status`: who is signed in where.

use jiff::Timestamp;
use switchboard_kit::{Principal, Result};

use crate::{
    accounts::Accounts,
    chat::sanitise,
    tokens::{Record, TokenKey, TokenStore as _},
};

/// Prints a block for each served account, without asking any platform.
pub(super) async fn status(accounts: &Accounts) -> Result<()> {
    let mut text = String::new();
    for key in accounts.keys() {
        let token_key = TokenKey { principal: Principal::local(), account: key.clone() };
        let (state, signed_in) = match accounts.store().load(&token_key).await {
            Ok(Some(record)) => (describe(&record), record.dead.is_none()),
            Ok(None) => ("not signed in".into(), false),
            Err(error) => (error.to_string(), false),
        };
        let access = if accounts.may_write(key) { "read and write" } else { "read only" };
        text += &format!("{key}: {state}\n  access: {access}\n  tokens: {}\n", accounts.token_path(key)?.display());
        if !signed_in && accounts.account(key).platform != crate::sandbox::KEY {
            text += &format!("  sign in: {}\n", accounts.sign_in_command(key));
        }
    }
    super::print(&text)
}

fn describe(record: &Record) -> String {
    let who = record.identity.as_ref().map_or_else(|| "somebody".into(), |identity| sanitise::name(&identity.name));
    if let Some(dead) = &record.dead {
        return format!("{who} was signed in, but the platform no longer accepts it ({})", dead.reason);
    }
    let renewed = if record.refresh_token.is_some() { ", renewed by itself" } else { "" };
    match record.expiry {
        None => format!("signed in as {who}; the token does not expire"),
        Some(expiry) if expiry <= Timestamp::now() => format!("signed in as {who}; the token has expired{renewed}"),
        Some(expiry) => {
            let left = expiry.duration_since(Timestamp::now()).as_secs();
            format!("signed in as {who}; the token is good for {left} s{renewed}")
        }
    }
}

#[cfg(test)]
mod tests {
    use switchboard_kit::Identity;

    use super::*;
    use crate::tokens::Method;

    #[test]
    fn a_name_in_an_older_file_cannot_write_to_the_terminal() {
        let mut record = Record::new("matrix", Method::Static, "t".into());
        let name = "Ma\u{1b}[2Jra\nmatrix: signed in".to_owned();
        record.identity = Some(Identity { id: "1".into(), name, workspace: None });
        let text = describe(&record);
        assert!(text.starts_with("signed in as Ma"), "{text}");
        assert!(!text.contains(char::is_control), "{text}");
    }
}
