//! The embedded chat that needs no account.

mod changes;
mod channels;
mod chat;
mod conversations;
mod files;
mod lookup;
mod messages;
mod people;
mod posts;
mod search;

use schemars::JsonSchema;
use serde::Deserialize;
use switchboard_kit::{
    Api, Auth, Endpoints, Error, ErrorKind, Identity, Platform, Response, Result, Rotation, chat::Chat, provider,
};

/// The origin that the service declares for itself, whatever port it listens on.
const ORIGIN: &str = "https://sandbox.switchboard.invalid/";

/// The code by which a workspace says that it looks no names up.
const NO_LOOKUP: &str = "no_lookup";

/// A sandbox workspace, as the person who signed in sees it.
pub struct Sandbox {
    api: Api,
}

/// The sandbox has no keys of its own in `provider-config.yaml`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {}

#[provider]
impl Platform for Sandbox {
    type Settings = Settings;

    fn auth(_: &Settings) -> Auth {
        Auth::oauth_discovered(".well-known/oauth-authorization-server")
            .client("switchboard")
            .scopes(["chat:read"], ["chat:write"])
            .rotation(Rotation::Strict)
            .into()
    }

    fn endpoints(_: &Settings) -> Endpoints {
        Endpoints::api(ORIGIN)
    }

    fn connect(api: Api, _: &Settings) -> Self {
        Self { api }
    }

    /// The sandbox explains a refusal in words that a user can act on.
    fn check(response: &Response) -> Result<()> {
        #[derive(Deserialize)]
        struct Refusal {
            error: String,
            message: String,
        }
        let Err(error) = response.error_for_status() else { return Ok(()) };
        let Ok(refusal) = response.json::<Refusal>() else { return Err(error) };
        let kind = match (refusal.error.as_str(), response.status()) {
            (NO_LOOKUP, _) => ErrorKind::Unsupported,
            (_, 422) => ErrorKind::InvalidInput,
            _ => error.kind(),
        };
        Err(Error::new(kind, refusal.message))
    }

    async fn whoami(&self) -> Result<Identity> {
        #[derive(Deserialize)]
        struct Me {
            id: String,
            name: String,
            workspace: Workspace,
        }
        #[derive(Deserialize)]
        struct Workspace {
            name: String,
        }
        let me: Me = self.api.get("api/me").send().await?;
        Ok(Identity { id: me.id, name: me.name, workspace: Some(me.workspace.name) })
    }

    fn chat(&self) -> Option<&dyn Chat> {
        Some(self)
    }
}
