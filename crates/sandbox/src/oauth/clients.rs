//! The applications that may ask people to sign in: public clients, known by their redirects.

use rusqlite::{Connection, OptionalExtension};
use url::Url;

use super::Denial;
use crate::host::is_loopback;

pub(crate) fn add_client(
    connection: &Connection,
    id: &str,
    name: &str,
    redirect_uris: &[String],
) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT INTO clients (id, name, redirect_uris) VALUES (?1, ?2, ?3)")?
        .execute((id, name, redirect_uris.join(" ")))
        .map(drop)
}

/// One registered application.
pub(super) struct Client {
    pub(super) id: String,
    pub(super) name: String,
    redirect_uris: Vec<Url>,
}

impl Client {
    pub(super) fn find(connection: &Connection, id: &str) -> Result<Self, Denial> {
        let found = connection
            .prepare_cached("SELECT name, redirect_uris FROM clients WHERE id = ?1")?
            .query_row([id], |row| Ok((row.get(0)?, row.get::<_, String>(1)?)))
            .optional()?;
        let Some((name, redirects)) = found else {
            return Err(Denial::new("invalid_client", "`client_id` is not registered here"));
        };
        let redirect_uris = redirects.split(' ').filter_map(|redirect| Url::parse(redirect).ok()).collect();
        Ok(Self { id: id.into(), name, redirect_uris })
    }

    /// Returns `redirect_uri` if it is one of the client's; on loopback any port is (RFC 8252, section 7.3).
    pub(super) fn redirect(&self, redirect_uri: &str) -> Result<Url, Denial> {
        let asked = Url::parse(redirect_uri).map_err(|_| Denial::invalid_request("`redirect_uri` is not a URL"))?;
        let matches = |registered: &Url| {
            let mut candidate = asked.clone();
            // The only failure is a URL without a host, which no registered redirect is equal to.
            let _ = is_loopback(registered).then(|| candidate.set_port(registered.port()));
            candidate == *registered
        };
        if self.redirect_uris.iter().any(matches) {
            Ok(asked)
        } else {
            Err(Denial::invalid_request("`redirect_uri` is not registered for this client"))
        }
    }
}
