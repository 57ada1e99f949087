//! `--list-providers`.

use switchboard_kit::Result;

use crate::accounts::Accounts;

/// Lists the configured accounts, a line each.
pub(super) fn list(accounts: &Accounts) -> Result<()> {
    let mut text = String::from("Available providers:\n");
    for (key, account) in &accounts.config().accounts {
        let description = if account.description.is_empty() { &account.name } else { &account.description };
        text += &format!("  - {key}: {description}\n");
    }
    super::print(&text)
}
