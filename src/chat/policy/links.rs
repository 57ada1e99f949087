//! Links by which a text can carry data to whoever runs the host, if only by being shown.

use crate::chat::served::ServedAccount;

/// Returns the host of a link that carries data to where it need not go.
pub(super) fn carrying(_text: &str, _account: &ServedAccount) -> Option<String> {
    None
}
