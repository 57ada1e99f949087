//! Whom a text calls, for tests of those who write here: by the very words of the query that answers readers.

use rusqlite::Connection;

use super::messages::MESSAGE;
use crate::{Error, Result};

/// Tells of texts whether they would call everybody.
pub struct Mentions(Connection);

impl Mentions {
    /// Starts without any workspace.
    pub fn new() -> Result<Self> {
        Connection::open_in_memory().map(Self).map_err(failed)
    }

    /// Returns whether a message with this text mentions everyone.
    pub fn everyone(&self, text: &str) -> Result<bool> {
        let (_, rest) = MESSAGE.split_once("/* everyone */").unwrap_or_default();
        let (expression, _) = rest.split_once("/* end */").unwrap_or_default();
        let query = format!("SELECT {expression} FROM (SELECT ?1 AS text) AS m");
        let asked = self.0.prepare_cached(&query).and_then(|mut query| query.query_row([text], |row| row.get(0)));
        asked.map_err(failed)
    }
}

fn failed(source: rusqlite::Error) -> Error {
    Error::Database { path: ":memory:".into(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everyone_goes_by_three_names_behind_a_sign() {
        let mentions = Mentions::new().unwrap();
        for (text, expected) in [
            ("@everyone", true),
            ("(@Channel)", true),
            ("a@here.", true),
            ("@@HERE--", true),
            ("@everyone-else", false),
            ("@ everyone", false),
            ("@\u{2060}everyone", false),
            ("@\u{ff45}veryone", false),
            ("everyone, \"here\"", false),
        ] {
            assert_eq!(mentions.everyone(text).unwrap(), expected, "{text}");
        }
    }
}
