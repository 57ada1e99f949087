//! `POST /oauth/revoke`: a client gives a sign-in back (RFC 7009).

use axum::Form;
use axum::extract::State;
use axum::http::StatusCode;
use rusqlite::OptionalExtension;
use serde::Deserialize;

use super::{Denial, grants};
use crate::sandbox::Sandbox;

#[derive(Deserialize)]
pub(super) struct Revocation {
    token: String,
    client_id: String,
}

/// Revokes the grant of either token; an unknown token is a success, as the standard asks.
pub(super) async fn revoke(
    State(sandbox): State<Sandbox>,
    Form(revocation): Form<Revocation>,
) -> Result<StatusCode, Denial> {
    sandbox
        .store
        .write(move |state| {
            let grant = state
                .prepare_cached(
                    "SELECT grants.id FROM grants JOIN
                     (SELECT hash, grant_id FROM refresh_tokens UNION ALL SELECT hash, grant_id FROM access_tokens)
                     ON grants.id = grant_id WHERE hash = ?1 AND client = ?2",
                )?
                .query_row((grants::hash(&revocation.token), &revocation.client_id), |row| row.get(0))
                .optional()?;
            grant.map_or(Ok(()), |grant| grants::revoke(state, grant))
        })
        .await?;
    Ok(StatusCode::OK)
}
