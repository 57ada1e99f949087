//! Grants and their tokens: issue, rotate, recognise, revoke. Tokens are kept as SHA-256 hashes only.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension};
use sha2::{Digest, Sha256};

use super::{Denial, Faults, Rotation};

/// The tokens of one answer, as the client gets them.
pub(super) struct Issued {
    pub(super) access_token: String,
    /// `None` where the one in use stays.
    pub(super) refresh_token: Option<String>,
    pub(super) scope: String,
}

/// Whose token a request bears, and what it may do.
pub(crate) struct Bearer {
    pub(crate) person: i64,
    pub(crate) scope: String,
}

/// Starts a grant for one sign-in and returns its id.
pub(super) fn open(connection: &Connection, client: &str, person: i64, scope: &str) -> rusqlite::Result<i64> {
    connection
        .prepare_cached("INSERT INTO grants (client, person, scope) VALUES (?1, ?2, ?3)")?
        .insert((client, person, scope))
}

/// Issues the first tokens of a grant.
pub(super) fn issue(connection: &Connection, grant: i64, scope: String, faults: &Faults) -> rusqlite::Result<Issued> {
    let access_token = issue_access_token(connection, grant, faults)?;
    let refresh_token = Some(issue_refresh_token(connection, grant)?);
    Ok(Issued { access_token, refresh_token, scope })
}

/// Spends a refresh token as the rotation in force has it. The inner refusal is part of what happened and is kept.
pub(super) fn refresh(
    connection: &Connection,
    client: &str,
    token: &str,
    faults: &Faults,
) -> rusqlite::Result<Result<Issued, Denial>> {
    let hash = hash(token);
    let found = connection
        .prepare_cached(
            "SELECT grant_id, rotated_at, scope FROM refresh_tokens JOIN grants ON grants.id = grant_id
             WHERE hash = ?1 AND client = ?2 AND revoked_at IS NULL",
        )?
        .query_row((hash, client), |row| Ok((row.get(0)?, row.get::<_, Option<i64>>(1)?, row.get(2)?)))
        .optional()?;
    let Some((grant, rotated_at, scope)) = found else {
        log(connection, "unknown", &hash)?;
        return Ok(Err(Denial::invalid_grant("the refresh token is unknown or revoked")));
    };
    if let Some(rotated_at) = rotated_at {
        let good = match faults.rotation {
            Rotation::None | Rotation::Benign => true,
            Rotation::Grace(seconds) => now() < rotated_at + i64::from(seconds) * 1000,
            Rotation::Strict => false,
        };
        if !good {
            log(connection, "reuse_refused", &hash)?;
            revoke(connection, grant)?;
            return Ok(Err(Denial::invalid_grant("the refresh token was used before; the sign-in is revoked")));
        }
    }
    log(connection, if rotated_at.is_some() { "reuse_accepted" } else { "refreshed" }, &hash)?;
    let refresh_token = if faults.rotation == Rotation::None {
        None
    } else {
        connection
            .prepare_cached("UPDATE refresh_tokens SET rotated_at = coalesce(rotated_at, ?2) WHERE hash = ?1")?
            .execute((hash, now()))?;
        Some(issue_refresh_token(connection, grant)?)
    };
    Ok(Ok(Issued { access_token: issue_access_token(connection, grant, faults)?, refresh_token, scope }))
}

/// Returns whose access token it is, if it is good.
pub(crate) fn bearer(connection: &Connection, token: &str) -> rusqlite::Result<Option<Bearer>> {
    connection
        .prepare_cached(
            "SELECT person, scope FROM access_tokens JOIN grants ON grants.id = grant_id
             WHERE hash = ?1 AND expires_at > ?2 AND revoked_at IS NULL",
        )?
        .query_row((hash(token), now()), |row| Ok(Bearer { person: row.get(0)?, scope: row.get(1)? }))
        .optional()
}

/// Ends a grant with all its tokens.
pub(super) fn revoke(connection: &Connection, grant: i64) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE grants SET revoked_at = coalesce(revoked_at, ?2) WHERE id = ?1")?
        .execute((grant, now()))
        .map(drop)
}

/// Ends every grant, or every grant of one person.
pub(crate) fn revoke_all(connection: &Connection, person: Option<i64>) -> rusqlite::Result<()> {
    connection
        .execute(
            "UPDATE grants SET revoked_at = ?2 WHERE revoked_at IS NULL AND person = coalesce(?1, person)",
            (person, now()),
        )
        .map(drop)
}

/// Lets every access token expire at once, or every one of one person.
pub(crate) fn expire_all(connection: &Connection, person: Option<i64>) -> rusqlite::Result<()> {
    connection
        .execute(
            "UPDATE access_tokens SET expires_at = ?2 WHERE expires_at > ?2
             AND grant_id IN (SELECT id FROM grants WHERE person = coalesce(?1, person))",
            (person, now()),
        )
        .map(drop)
}

/// Writes down what happened to a token, for the counters.
pub(super) fn log(connection: &Connection, kind: &str, hash: &[u8; 32]) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT INTO token_events (at, kind, hash) VALUES (?1, ?2, ?3)")?
        .execute((now(), kind, hash))
        .map(drop)
}

fn issue_access_token(connection: &Connection, grant: i64, faults: &Faults) -> rusqlite::Result<String> {
    let token = random("access");
    connection
        .prepare_cached("INSERT INTO access_tokens (hash, grant_id, expires_at) VALUES (?1, ?2, ?3)")?
        .execute((hash(&token), grant, now().saturating_add(faults.access_lifetime_ms())))?;
    Ok(token)
}

fn issue_refresh_token(connection: &Connection, grant: i64) -> rusqlite::Result<String> {
    let token = random("refresh");
    connection
        .prepare_cached("INSERT INTO refresh_tokens (hash, grant_id) VALUES (?1, ?2)")?
        .execute((hash(&token), grant))?;
    Ok(token)
}

/// Returns a new unguessable name, such as `access_…`.
pub(super) fn random(kind: &str) -> String {
    format!("{kind}_{}", URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>()))
}

pub(super) fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret).into()
}

pub(super) fn now() -> i64 {
    Timestamp::now().as_millisecond()
}
