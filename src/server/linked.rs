//! The linked platforms as a provider: the chat verbs, the platform tools that the configuration asks for, and what users pick
//! by themselves: prompts and resources.

mod picks;

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};

use async_trait::async_trait;
use serde_json::json;
use switchboard_kit::{
    AccountKey, Call, Error, ErrorKind, Medium, Result,
    host::{self, Content, Effect, JsonObject, Reply, ResourceContents, ToolDef},
};

use super::{
    changes::{Change, Changes},
    provider::{Completion, Kinds, Prompt, PromptMessage, Provider, Resource, ResourceTemplate, Tool, Watch, unknown},
};
use crate::{
    chat::{self, Chats, Served, ServedAccount, Watching, sanitise},
    glob::Filter,
};

/// Longest name of a platform tool. Clients put their own prefix before it and stop at 60 to 64 characters.
const LONGEST_NAME: usize = 48;

/// What the linked platforms offer.
pub struct Linked {
    served: Arc<Served>,
    entries: BTreeMap<String, Entry>,
    /// The tools that a client is shown.
    shown: Filter,
    described: OnceLock<BTreeMap<String, Tool>>,
    watching: Arc<Watching>,
}

struct Entry {
    def: &'static ToolDef,
    /// The accounts that a platform tool may act for; none for a verb.
    accounts: Vec<AccountKey>,
}

impl Linked {
    /// Serves the verbs over what is served, and the platform tools in each account's toolsets.
    pub fn new(served: Arc<Served>, toolsets: &BTreeMap<AccountKey, Vec<String>>) -> Result<Self> {
        let mut entries: BTreeMap<String, Entry> = BTreeMap::new();
        for def in chat::verbs(&served) {
            insert(&mut entries, def.name.to_owned(), Entry { def, accounts: Vec::new() })?;
        }
        for (platform, account, wanted) in wanted(&served, toolsets) {
            let offered: Vec<_> = host::tools().into_iter().filter(|def| def.host == platform).collect();
            check_toolsets(account.key(), &wanted, &offered)?;
            for def in offered {
                let asked = wanted.iter().any(|name| name == "all" || name == def.toolset());
                if !asked || (def.effect != Effect::Read && !account.rules.write) {
                    continue;
                }
                let name = format!("{platform}_{}", def.name);
                if name.len() > LONGEST_NAME {
                    let message = format!("the tool `{name}` has a name of more than {LONGEST_NAME} characters");
                    return Err(Error::new(ErrorKind::Config, message));
                }
                match entries.get_mut(&name) {
                    Some(entry) if std::ptr::eq(entry.def, def) => entry.accounts.push(account.key().clone()),
                    _ => insert(&mut entries, name, Entry { def, accounts: vec![account.key().clone()] })?,
                }
            }
        }
        let watching = Watching::new(served.clone());
        Ok(Self { served, entries, shown: Filter::default(), described: OnceLock::new(), watching })
    }

    /// Has prompts name these tools only, and resources be there only if what reads them is one.
    pub fn showing(self, shown: Filter) -> Self {
        Self { shown, ..self }
    }

    /// Describes every tool, on the first question: schemas cost more than all the rest of start-up.
    fn described(&self) -> &BTreeMap<String, Tool> {
        self.described
            .get_or_init(|| self.entries.iter().map(|(name, entry)| (name.clone(), entry.describe(name))).collect())
    }
}

impl Linked {
    async fn attempt(&self, entry: &Entry, call: &Call, arguments: JsonObject) -> Result<Reply> {
        let mut reply = self.answer(entry, call, arguments).await?;
        for part in &mut reply.content {
            if let Content::Text(text) = part {
                sanitise::answer(text);
            }
        }
        Ok(reply)
    }

    async fn answer(&self, entry: &Entry, call: &Call, mut arguments: JsonObject) -> Result<Reply> {
        let chats = Chats::new(self.served.clone(), call.clone());
        if entry.accounts.is_empty() {
            return (entry.def.call)(&chats, arguments).await;
        }
        let account = entry.account(&self.served, &mut arguments)?;
        let work = |arguments| async move {
            let live = account.bound.connect(&account.account, call);
            (entry.def.call)(live.as_any(), arguments).await.map_err(|error| account.explain(error))
        };
        let tool = format!("{}_{}", entry.def.host, entry.def.name);
        if entry.def.effect == Effect::Read {
            chats.permit_reading(account, &tool, &mut arguments).await?;
            return work(arguments).await;
        }
        let permit = chats.permit_tool(account, &tool, &mut arguments).await?;
        permit.note(work(arguments).await).await
    }

    /// Does it, and once more if it failed for a sign-in that the user then makes up for.
    async fn signed_in<T, F: Future<Output = Result<T>>>(&self, call: &Call, attempt: impl Fn() -> F) -> Result<T> {
        match attempt().await {
            // Only who can be shown a page may sign in.
            Err(error) if call.can_ask(Medium::Url) && self.has_signed_in(call, &error).await? => attempt().await,
            outcome => outcome,
        }
    }

    /// Asks the user for the sign-in that a call has failed for; tells whether the call may be made once more.
    async fn has_signed_in(&self, call: &Call, error: &Error) -> Result<bool> {
        let lacking = error.account().filter(|_| error.kind() == ErrorKind::SignInRequired);
        let account = lacking.and_then(|key| self.served.accounts().iter().find(|account| account.key() == key));
        match account.and_then(|account| Some((account, account.invitations.as_ref()?))) {
            Some((account, invitations)) => {
                let name = format!("`{}` ({})", account.key(), sanitise::name(&account.name));
                let invited = invitations.invite(call, &name).await;
                invited.map_err(|error| account.explain(error))
            }
            None => Ok(false),
        }
    }
}

fn wanted<'a>(
    served: &'a Served,
    toolsets: &BTreeMap<AccountKey, Vec<String>>,
) -> Vec<(&'static str, &'a ServedAccount, Vec<String>)> {
    let accounts = served.accounts().iter();
    accounts
        .filter_map(|account| Some((account.bound.platform(), account, toolsets.get(account.key())?.clone())))
        .filter(|(.., toolsets)| !toolsets.is_empty())
        .collect()
}

fn check_toolsets(key: &AccountKey, wanted: &[String], offered: &[&ToolDef]) -> Result<()> {
    let mut known: Vec<_> = offered.iter().map(|def| def.toolset()).chain(["all"]).collect();
    known.sort_unstable();
    known.dedup();
    match wanted.iter().find(|name| !known.contains(&name.as_str())) {
        Some(name) => {
            let known: Vec<_> = known.iter().map(|name| format!("`{name}`")).collect();
            let message = format!("account `{key}`: unknown toolset `{name}`, expected {}", known.join(" or "));
            Err(Error::new(ErrorKind::Config, message))
        }
        None => Ok(()),
    }
}

fn insert(entries: &mut BTreeMap<String, Entry>, name: String, entry: Entry) -> Result<()> {
    if let Some(other) = entries.get(&name) {
        let places = format!("{} and {}", other.def.place, entry.def.place);
        return Err(Error::new(ErrorKind::Config, format!("two tools are called `{name}`: {places}")));
    }
    entries.insert(name, entry);
    Ok(())
}

impl Entry {
    fn describe(&self, name: &str) -> Tool {
        let mut input = (self.def.input)();
        if self.accounts.len() > 1 {
            let keys: Vec<_> = self.accounts.iter().map(AccountKey::as_str).collect();
            let account = json!({ "type": "string", "enum": keys, "description": "Account to act for." });
            if let Some(properties) = input.entry("properties").or_insert_with(|| json!({})).as_object_mut() {
                properties.insert("account".into(), account);
            }
            if let Some(required) = input.entry("required").or_insert_with(|| json!([])).as_array_mut() {
                required.push("account".into());
            }
        }
        Tool {
            name: name.to_owned(),
            title: title(name),
            description: self.def.description.to_owned(),
            effect: self.def.effect,
            input: Arc::new(input),
            output: (self.def.output)().map(Arc::new),
        }
    }

    /// Takes the account from the arguments, if there is a choice.
    fn account<'a>(&self, served: &'a Served, arguments: &mut JsonObject) -> Result<&'a ServedAccount> {
        let key = match self.accounts.as_slice() {
            [only] => only.as_str().to_owned(),
            several => {
                let asked = arguments.remove("account");
                let known = |key: &&str| several.iter().any(|account| account.as_str() == *key);
                let Some(key) = asked.as_ref().and_then(serde_json::Value::as_str).filter(known) else {
                    let keys: Vec<_> = several.iter().map(|key| format!("`{key}`")).collect();
                    return Err(Error::invalid(format!("argument `account` must be {}", keys.join(" or "))));
                };
                key.to_owned()
            }
        };
        served
            .accounts()
            .iter()
            .find(|account| account.key().as_str() == key)
            .ok_or_else(|| Error::not_found(format!("no account `{key}`")))
    }
}

/// Makes `read_messages` "Read messages".
fn title(name: &str) -> String {
    let words = name.replace('_', " ");
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[async_trait]
impl Provider for Linked {
    fn name(&self) -> &str {
        "linked"
    }

    fn kinds(&self) -> Kinds {
        let (resources, prompts) = (self.has_resources(), self.prompts().next().is_some());
        Kinds { resources, prompts, completions: resources || prompts, ..Kinds::TOOLS }
    }

    async fn list_tools(&self, _: &Call) -> Result<Vec<Tool>> {
        Ok(self.described().values().cloned().collect())
    }

    async fn get_tool(&self, _: &Call, name: &str) -> Result<Option<Tool>> {
        Ok(if self.entries.contains_key(name) { self.described().get(name).cloned() } else { None })
    }

    async fn call_tool(&self, call: &Call, name: &str, arguments: JsonObject) -> Result<Reply> {
        let entry = self.entries.get(name).ok_or_else(|| unknown("tool", name))?;
        self.signed_in(call, || self.attempt(entry, call, arguments.clone())).await
    }

    async fn list_resources(&self, call: &Call) -> Result<Vec<Resource>> {
        Ok(self.conversations(call).await)
    }

    async fn get_resource(&self, _: &Call, _: &str) -> Result<Option<Resource>> {
        // What is listed is of a family, too.
        Ok(None)
    }

    async fn list_resource_templates(&self, _: &Call) -> Result<Vec<ResourceTemplate>> {
        Ok(self.families())
    }

    async fn get_resource_template(&self, _: &Call, uri: &str) -> Result<Option<ResourceTemplate>> {
        Ok(self.family_of(uri))
    }

    async fn read_resource(&self, call: &Call, uri: &str) -> Result<Vec<ResourceContents>> {
        let named = self.named(uri).ok_or_else(|| unknown("resource", uri))?;
        self.signed_in(call, || self.contents(call, uri, &named)).await.map(|contents| vec![contents])
    }

    async fn watch_resource(&self, call: &Call, uri: &str) -> Result<Option<Watch>> {
        let named = self.named(uri).ok_or_else(|| unknown("resource", uri))?;
        self.watching.watch(call, uri, &named).await.map(Some)
    }

    async fn list_prompts(&self, _: &Call) -> Result<Vec<Prompt>> {
        Ok(self.prompts().map(picks::prompt).collect())
    }

    async fn render_prompt(&self, _: &Call, name: &str, arguments: JsonObject) -> Result<Vec<PromptMessage>> {
        self.said(name, &arguments)
    }

    async fn complete(&self, call: &Call, wanted: &Completion<'_>) -> Result<Option<Vec<String>>> {
        Ok(self.suggested(call, wanted).await)
    }

    async fn start(&self, changes: &Changes) -> Result<()> {
        let changes = changes.clone();
        self.watching.start(move |uri| changes.tell(Change::Resource(uri.into())));
        Ok(())
    }

    async fn stop(&self) {
        self.watching.stop().await;
    }
}
