//! All that a provider may use, and nothing else.
//!
//! A provider implements [`Platform`] under `#[provider]`, its share of the common verbs as the facets of [`chat`],
//! and whatever else its platform can do as `#[tool]` functions. What only the server needs sits in [`host`].

mod api;
mod ask;
mod auth;
mod call;
pub mod chat;
mod credentials;
mod endpoints;
mod error;
pub mod host;
mod http;
mod patience;
mod platform;
mod response;
mod schema;
mod send;
mod shared;
mod tool;

pub use api::{Api, Request, escape};
pub use ask::{Answer, Ask, Medium};
pub use auth::{
    Auth, AuthServer, ClientAuth, OAuth, Pkce, Redirect, Rotation, Session, SessionTokens, Sso, StaticToken,
};
pub use call::{Call, Principal};
pub use endpoints::Endpoints;
pub use error::{Error, ErrorKind, Result};
pub use platform::{AccountKey, Identity, Platform};
pub use response::Response;
pub use switchboard_macros::{provider, tool};
pub use tool::{Json, Text, ToolHost};

pub use async_trait::async_trait;
pub use jiff::{self, Timestamp};
pub use schemars;
pub use serde;
pub use serde_json;

/// What the macros' output names; not for people.
#[doc(hidden)]
pub mod private {
    pub use crate::schema::{Parameter, input_schema};
    pub use crate::tool::{Effect, JsonObject, Reply, ToolDef, json, open, output_schema, parse, reply};
    pub use crate::{Result, platform::PlatformDef};
    pub use futures::future::BoxFuture;
    pub use inventory;
    pub use std::any::Any;
}
