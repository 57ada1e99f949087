//! `/api/files`: uploads, which a message then attaches, and downloads.

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use rusqlite::OptionalExtension;
use serde::Deserialize;
use serde_json::{Value, json};

use super::request::{Parameters, Reader, Writer};
use super::{Refusal, id};
use crate::sandbox::Sandbox;

/// The largest file, in bytes.
pub(super) const LARGEST: usize = 25 * 1024 * 1024;

#[derive(Deserialize)]
pub(super) struct Name {
    name: String,
}

/// `POST /api/files`: the body is the file.
pub(super) async fn upload(
    State(sandbox): State<Sandbox>,
    Writer(viewer): Writer,
    Parameters(Name { name }): Parameters<Name>,
    headers: HeaderMap,
    content: Result<Bytes, BytesRejection>,
) -> Result<(StatusCode, Json<Value>), Refusal> {
    let too_large = |_| {
        let reason = format!("the file is larger than {LARGEST} bytes, or was cut off");
        Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", reason)
    };
    let content = content.map_err(too_large)?;
    if name.trim().is_empty() || name.contains(['/', '\\']) || name.contains(char::is_control) {
        return Err(Refusal::invalid("`name` is empty or a path, expected the name of a file"));
    }
    let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media_type = media_type.unwrap_or("application/octet-stream").to_owned();
    let answer = json!({ "name": name, "media_type": media_type, "size": content.len() });
    let file = sandbox
        .store
        .write(move |state| {
            state
                .prepare_cached("INSERT INTO files (owner, name, media_type, content) VALUES (?1, ?2, ?3, ?4)")?
                .insert((viewer.person, name, media_type, &content[..]))
                .map_err(Refusal::from)
        })
        .await?;
    let mut answer = answer;
    answer["id"] = format!("F{file}").into();
    Ok((StatusCode::CREATED, Json(answer)))
}

/// `GET /api/files/{id}`: for its owner and for those who can see the message that has it.
pub(super) async fn download(
    State(sandbox): State<Sandbox>,
    Reader(viewer): Reader,
    Path(name): Path<String>,
) -> Result<Response, Refusal> {
    let file = id::file(&name)?;
    let found = sandbox
        .store
        .read(move |state| {
            state
                .prepare_cached(
                    "SELECT files.name, media_type, content FROM files LEFT JOIN messages AS m ON m.id = files.message
                     WHERE files.id = ?2 AND (owner = ?1 OR EXISTS
                         (SELECT 1 FROM visible WHERE person = ?1 AND conversation = m.conversation))",
                )?
                .query_row((viewer.person, file), |row| {
                    Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, Vec<u8>>(2)?))
                })
                .optional()
                .map_err(Refusal::from)
        })
        .await?;
    let (file_name, media_type, content) = found.ok_or_else(|| Refusal::not_found("file", &name))?;
    let is_plain = file_name.chars().all(|letter| letter.is_ascii_graphic() && letter != '"' || letter == ' ');
    let disposition = if is_plain {
        format!("attachment; filename=\"{file_name}\"")
    } else {
        format!("attachment; filename*=UTF-8''{}", utf8_percent_encode(&file_name, NON_ALPHANUMERIC))
    };
    let headers = [
        (header::CONTENT_TYPE, media_type),
        (header::CONTENT_DISPOSITION, disposition),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".into()),
    ];
    Ok((headers, content).into_response())
}
