//! `whoami`: who is signed in where, and what is allowed.

use jiff::Zoned;
use switchboard_kit::{ErrorKind, Result, Text, tool};

use super::{
    answers::reason,
    escapes::label,
    sanitise,
    served::{Chats, ServedAccount},
    time,
};

/// Tells who is signed in to each account, whether writing is on, and the time.
#[tool(read)]
async fn whoami(chats: &Chats) -> Result<Text> {
    let accounts: Vec<&ServedAccount> = chats.served.accounts.iter().collect();
    let answers = chats.ask(&accounts, |opened| async move { opened.line.whoami().await }).await;
    let mut lines = Vec::new();
    for account in accounts {
        let access = account.rules.access();
        let given = answers.given.iter().find(|(other, _)| other.key() == account.key());
        let missing = answers.missing.iter().find(|(other, _)| other.key() == account.key());
        let who = match (given, missing) {
            (Some((_, identity)), _) => {
                let workspace = identity.workspace.as_deref().map(label);
                let workspace = workspace.map(|workspace| format!(", {workspace}")).unwrap_or_default();
                format!("{} ({}){workspace}", label(&identity.name), label(&identity.id))
            }
            (None, Some((_, error))) if error.kind() == ErrorKind::SignInRequired => {
                format!("not signed in: run `{}`", account.sign_in_command)
            }
            (None, Some((_, error))) => reason(error),
            (None, None) => String::new(),
        };
        let name = sanitise::name(&account.name);
        lines.push(format!("{} ({name}, {}): {who}; {access}", account.key(), account.bound.platform()));
    }
    let now = Zoned::now();
    let zone = time::zone_name(now.time_zone());
    lines.push(format!("now: {}, times in {zone}", now.strftime("%Y-%m-%d %a %H:%M")));
    Ok(Text(lines.join("\n")))
}
