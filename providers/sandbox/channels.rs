//! The sandbox's own tools: who is in a conversation, and new channels.

use schemars::JsonSchema;
use serde::Serialize;
use switchboard_kit::{Json, Result, chat, escape, serde_json::json, tool};

use crate::{Sandbox, conversations::Conversation, people::Group};

/// The people in a conversation.
#[derive(Serialize, JsonSchema)]
struct Members {
    members: Vec<Member>,
}

/// One of them.
#[derive(Serialize, JsonSchema)]
struct Member {
    /// Person id, such as `P2`.
    id: String,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
}

/// Lists the people in a conversation.
#[tool(read, scopes = ["chat:read"])]
async fn list_members(
    sandbox: &Sandbox,
    /// Conversation id, such as `C2`.
    conversation: String,
) -> Result<Json<Members>> {
    let request = sandbox.api.get(format!("api/conversations/{}/members", escape(&conversation))).query("limit", 1000);
    let group: Group = request.send().await?;
    let member = |person| {
        let chat::Person { id, name, title, .. } = chat::Person::from(person);
        Member { id, name, title }
    };
    Ok(Json(Members { members: group.people.into_iter().map(member).collect() }))
}

/// A channel that was added.
#[derive(Serialize, JsonSchema)]
struct Added {
    /// Conversation id, such as `C10`.
    id: String,
    name: String,
}

/// Adds a channel with the user in it.
#[tool(write, scopes = ["chat:write"])]
async fn add_channel(
    sandbox: &Sandbox,
    /// Name in lower-case letters, digits and hyphens, such as `trail-news`.
    name: String,
    /// What the channel is about.
    topic: Option<String>,
    /// Whether only its members see it.
    #[default(false)]
    private: bool,
) -> Result<Json<Added>> {
    let body = json!({ "name": name, "topic": topic, "private": private });
    let channel: Conversation = sandbox.api.post("api/conversations").json(&body).send().await?;
    let chat::Conversation { id, name, .. } = channel.into();
    Ok(Json(Added { id, name }))
}
