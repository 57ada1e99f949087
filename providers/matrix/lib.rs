//! Matrix, over the client-server API.

mod body;
mod changes;
mod chat;
mod conversations;
mod directory;
mod errors;
mod event;
mod files;
mod fold;
mod html;
mod markdown;
mod messages;
mod names;
mod people;
mod posts;
mod quotes;
mod reactions;
mod references;
mod search;
mod sign_in;
mod state;
#[cfg(test)]
mod tests;

use std::sync::{Arc, OnceLock};

use schemars::JsonSchema;
use serde::Deserialize;
use switchboard_kit::{
    Api, Auth, Endpoints, Identity, Platform, Response, Result, Timestamp,
    chat::{Chat, MessageRef},
    escape, provider,
};

pub use sign_in::SignIn;

/// The client-server API that these requests are of.
const CLIENT: &str = "_matrix/client/v3";

/// A homeserver, as the person who signed in sees it.
pub struct Matrix {
    api: Api,
    me: OnceLock<Arc<String>>,
}

/// The keys of a Matrix account under `settings:` in `provider-config.yaml`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Address of the homeserver's client API, such as `https://matrix-client.matrix.org`.
    pub homeserver: String,
    /// How to sign in; `auto` takes the first way that the homeserver offers.
    pub sign_in: SignIn,
}

impl Default for Settings {
    fn default() -> Self {
        Self { homeserver: "https://matrix-client.matrix.org".into(), sign_in: SignIn::Auto }
    }
}

#[provider]
impl Platform for Matrix {
    type Settings = Settings;

    fn auth(settings: &Settings) -> Auth {
        sign_in::auth(settings.sign_in)
    }

    fn endpoints(settings: &Settings) -> Endpoints {
        Endpoints::api(&settings.homeserver)
    }

    fn connect(api: Api, _: &Settings) -> Self {
        Self { api, me: OnceLock::new() }
    }

    fn check(response: &Response) -> Result<()> {
        errors::check(response)
    }

    async fn whoami(&self) -> Result<Identity> {
        let id = self.ask_me().await?;
        let name = self.profile_name(&id).await?.unwrap_or_else(|| id.clone());
        let workspace = id.split_once(':').map(|(_, server)| server.to_owned());
        Ok(Identity { id, name, workspace })
    }

    fn chat(&self) -> Option<&dyn Chat> {
        Some(self)
    }
}

impl Matrix {
    /// Returns the user's own id, asking for it once as long as the token is the same.
    async fn me(&self) -> Result<&str> {
        if let Some(me) = self.me.get() {
            return Ok(me);
        }
        let me = self.api.cached_for_token("me", self.ask_me()).await?;
        Ok(self.me.get_or_init(|| me))
    }

    async fn ask_me(&self) -> Result<String> {
        #[derive(Deserialize)]
        struct Me {
            user_id: String,
        }
        let Me { user_id } = self.api.get(format!("{CLIENT}/account/whoami")).send().await?;
        Ok(user_id)
    }

    fn at(&self, room: &str, event: &str) -> MessageRef {
        MessageRef { account: self.api.account().clone(), conversation: room.into(), id: event.into() }
    }
}

/// Returns the path of a room.
fn room_path(room: &str) -> String {
    format!("{CLIENT}/rooms/{}", escape(room))
}

/// Returns the path of what relates to an event (`m.thread`, `m.annotation/m.reaction`).
fn relations_path(room: &str, event: &str, kind: &str) -> String {
    format!("_matrix/client/v1/rooms/{}/relations/{}/{kind}", escape(room), escape(event))
}

/// Returns a room that there is not. Synapse answers the same first sync from a cache for two minutes; a filter that
/// leaves out another room each time makes it another sync.
fn no_room() -> String {
    format!("!{:032x}:none.invalid", rand::random::<u128>())
}

/// Reads the milliseconds that Matrix counts time in.
fn time(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(milliseconds).unwrap_or_default()
}
