//! What users pick by themselves, in a provider's words: prompts, resources, and suggestions for their arguments.

use switchboard_kit::{
    Call, Result,
    host::{Content, JsonObject, ResourceBody, ResourceContents},
};

use super::Linked;
use crate::{
    chat::{self, Chats, Named, Typed, sanitise},
    server::provider::{
        Completed, Completion, Prompt, PromptArgument, PromptMessage, Resource, ResourceTemplate, Role, unknown,
    },
};

/// The media type of a transcript.
const TRANSCRIPT: &str = "text/plain";
/// The verb that reads resources.
const READER: &str = "read_messages";

impl Linked {
    /// Returns whether a client is shown this verb.
    fn lists(&self, verb: &str) -> bool {
        self.entries.get(verb).is_some_and(|entry| entry.accounts.is_empty()) && self.shown.passes(verb)
    }

    pub(super) fn has_resources(&self) -> bool {
        self.lists(READER)
    }

    fn chats(&self, call: &Call) -> Chats {
        Chats::new(self.served.clone(), call.clone())
    }

    pub(super) fn prompts(&self) -> impl Iterator<Item = chat::Prompt> {
        chat::prompts(|verb| self.lists(verb))
    }

    /// Returns what a prompt says.
    pub(super) fn said(&self, name: &str, arguments: &JsonObject) -> Result<Vec<PromptMessage>> {
        let prompt = self.prompts().find(|prompt| prompt.name == name).ok_or_else(|| unknown("prompt", name))?;
        let text = prompt.render(&self.served, arguments, |verb| self.lists(verb))?;
        Ok(vec![PromptMessage { role: Role::User, content: Content::Text(text) }])
    }

    pub(super) async fn conversations(&self, call: &Call) -> Vec<Resource> {
        if !self.has_resources() {
            return Vec::new();
        }
        let resource = |listed: chat::Listed| Resource {
            uri: listed.uri,
            name: listed.name,
            description: Some(listed.description),
            media_type: Some(TRANSCRIPT.to_owned()),
        };
        self.chats(call).resources().await.into_iter().map(resource).collect()
    }

    pub(super) fn families(&self) -> Vec<ResourceTemplate> {
        if !self.has_resources() {
            return Vec::new();
        }
        let family = |template: &str, name: &str, description: &str| ResourceTemplate {
            uri_template: template.to_owned(),
            name: name.to_owned(),
            description: Some(description.to_owned()),
            media_type: Some(TRANSCRIPT.to_owned()),
        };
        vec![
            family(chat::CONVERSATION, "Conversation", "The newest messages of a conversation, such as #ops or @mara."),
            family(chat::MESSAGE, "Message", "A message, by its id, and what was said around it."),
        ]
    }

    /// Returns what a URI names, if it can be read.
    pub(super) fn named(&self, uri: &str) -> Option<Named> {
        Named::read(uri).filter(|_| self.has_resources())
    }

    pub(super) fn family_of(&self, uri: &str) -> Option<ResourceTemplate> {
        let template = self.named(uri)?.template();
        self.families().into_iter().find(|family| family.uri_template == template)
    }

    pub(super) async fn contents(&self, call: &Call, uri: &str, named: &Named) -> Result<ResourceContents> {
        let mut text = self.chats(call).read_resource(named).await?;
        sanitise::answer(&mut text);
        let media_type = Some(TRANSCRIPT.to_owned());
        Ok(ResourceContents { uri: uri.to_owned(), media_type, body: ResourceBody::Text(text) })
    }

    /// Returns what an argument may become, if it is one of ours.
    pub(super) async fn suggested(&self, call: &Call, wanted: &Completion<'_>) -> Option<Vec<String>> {
        let in_uri = match wanted.of {
            Completed::Prompt(name) => {
                let prompt = self.prompts().find(|prompt| prompt.name == name)?;
                prompt.arguments.iter().find(|argument| argument.name == wanted.argument)?;
                false
            }
            Completed::Template(template) => {
                self.families().into_iter().find(|family| family.uri_template == template)?;
                true
            }
        };
        let account = wanted.known.get("account").map(String::as_str).filter(|key| !key.is_empty());
        let typed = Typed { argument: wanted.argument, value: wanted.value, account, in_uri };
        Some(self.chats(call).suggestions(typed).await)
    }
}

/// Describes a prompt.
pub(super) fn prompt(prompt: chat::Prompt) -> Prompt {
    let argument = |argument: &chat::Argument| PromptArgument {
        name: argument.name.to_owned(),
        description: Some(argument.description.to_owned()),
        required: argument.required,
    };
    Prompt {
        name: prompt.name.to_owned(),
        title: Some(prompt.title.to_owned()),
        description: Some(prompt.description.to_owned()),
        arguments: prompt.arguments.iter().map(argument).collect(),
    }
}
