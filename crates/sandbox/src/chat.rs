//! The chat service: JSON under `/api/`, for bearers of the OAuth server's tokens.

mod changes;
mod conversations;
mod files;
mod id;
mod load;
mod mentions;
mod messages;
pub(crate) mod people;
mod reading;
mod refusal;
mod request;
mod search;
mod writing;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, patch, post, put};

pub(crate) use load::{Calls, count};
pub use mentions::Mentions;
pub(crate) use refusal::Refusal;
pub(crate) use request::stamp;

use crate::sandbox::Sandbox;

pub(crate) fn routes() -> Router<Sandbox> {
    Router::new()
        .route("/api/me", get(people::me))
        .route("/api/people", get(people::list))
        .route("/api/people/{id}", get(people::one))
        .route("/api/conversations", get(conversations::list).post(conversations::add_channel))
        .route("/api/conversations/direct", post(conversations::open_direct))
        .route("/api/conversations/{id}", get(conversations::one))
        .route("/api/conversations/{id}/members", get(people::members))
        .route("/api/conversations/{id}/read", put(reading::mark_read))
        .route("/api/conversations/{id}/messages", get(reading::list).post(writing::post))
        .route("/api/messages/{id}", patch(writing::edit).get(reading::one).delete(writing::delete))
        .route("/api/messages/{id}/reactions/{emoji}", put(writing::react).delete(writing::unreact))
        .route("/api/search", get(search::search))
        .route("/api/files", post(files::upload).layer(DefaultBodyLimit::max(files::LARGEST)))
        .route("/api/files/{id}", get(files::download))
        .route("/api/changes", get(changes::since))
}
