//! The same gate for platforms' own tools, of which only the arguments are known.

use serde_json::Value;
use switchboard_kit::{Error, ErrorKind, Result, chat::Conversation, host::JsonObject};

use super::{
    judgement::{Reason, carried, leaving, only_answers, settled, standing},
    names::{Names, denied},
    note::Note,
    question::{asked_because, quote},
};
use crate::chat::{
    find::Purpose,
    sanitise,
    served::{Chats, Opened, ServedAccount},
};

/// The argument by which a tool says which conversation it acts on: an id, or a target.
const CONVERSATION: &str = "conversation";

/// The leave for one call of a platform's own tool.
pub(crate) struct ToolPermit(Note);

impl Chats {
    /// Lets a platform's own tool write, or says why not. Rules know it by its name, and by the conversation that its arguments name.
    /// What it gets is what was judged and shown: clean texts, and the conversation's own id.
    pub(crate) async fn permit_tool(
        &self,
        account: &ServedAccount,
        tool: &str,
        arguments: &mut JsonObject,
    ) -> Result<ToolPermit> {
        clean_all(arguments)?;
        let (opened, note) = (self.open(account), Note::of_tool(self, account, tool, arguments));
        let judged = self.judge_tool(&opened, tool, arguments).await;
        let agreed = match judged {
            Ok(reasons) if reasons.is_empty() => Ok(None),
            Ok(reasons) => {
                let mut question = format!("Let `{tool}` act in `{}`, with:\n", account.key());
                for (name, value) in &*arguments {
                    let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                    quote(&mut question, &format!("{name}: {value}"));
                }
                let word = self.agreement(&(question + &asked_because(&reasons)), note.content()).await;
                word.given(&format!("{}:{tool}", account.key()), &reasons)
            }
            Err(error) => Err(error),
        };
        let counted = match agreed {
            Ok(agreed) => self.spend(&opened).await.map(|()| agreed),
            Err(error) => Err(error),
        };
        match counted {
            Ok(agreed) => note.passes(agreed).await.map(|()| ToolPermit(note)),
            Err(error) => Err(note.refused(error).await),
        }
    }

    /// Lets a platform's own tool read, or says why not: what it answers is known to nobody, so that where not everything may be
    /// read or shown, it must be about one conversation that may be, or listed by its name.
    pub(crate) async fn permit_reading(
        &self,
        account: &ServedAccount,
        tool: &str,
        arguments: &mut JsonObject,
    ) -> Result<()> {
        let (opened, rules, names) = (self.open(account), &account.rules, Names::of_tool(tool));
        let mut target = arguments.get(CONVERSATION).and_then(Value::as_str).map(ToOwned::to_owned);
        if rules.restrict_reading() || rules.lockdown {
            let listed = !rules.allow.read.is_empty() && opened.unreadable(&names).await?.is_none();
            if let Some(pattern) = names.denied_by(account, &rules.deny.read) {
                return Err(denied(account, &names, pattern));
            }
            match &mut target {
                Some(target) if listed || !rules.lockdown => {
                    let place = self.place(&format!("{}:{target}", account.key()), Purpose::Read).await?;
                    target.clone_from(&place.conversation.id);
                    arguments.insert(CONVERSATION.into(), place.conversation.id.into());
                }
                None if listed => {}
                _ => {
                    let why = if rules.lockdown { "what outsiders wrote is withheld" } else { "not all may be read" };
                    let message = format!("`{tool}` is not called in `{}`, as {why} there", account.key());
                    return Err(Error::new(ErrorKind::Forbidden, message).hint(format!(
                        "use the chat verbs, or ask the user to list `{tool}` beside what else may be read in `allow`, under `read`, in provider-config.yaml"
                    )));
                }
            }
        }
        if let Some(id) = target
            && opened.remembered.with_id::<Conversation>(&id).await.is_none_or(|known| known.private)
        {
            self.session().reads_private(account.key(), Some(&id));
        }
        Ok(())
    }

    async fn judge_tool(&self, opened: &Opened<'_>, tool: &str, arguments: &mut JsonObject) -> Result<Vec<Reason>> {
        let mut names = Names::of_tool(tool);
        let mut conversation = String::new();
        if let Some(target) = arguments.get(CONVERSATION).and_then(Value::as_str) {
            let place = self.place(&format!("{}:{target}", opened.account.key()), Purpose::Write).await?;
            conversation.clone_from(&place.conversation.id);
            names = names.and(Names::of(&place));
            arguments.insert(CONVERSATION.into(), place.conversation.id.into());
        }
        let mut reasons = standing(opened, &names).await?;
        if opened.account.rules.reply_only {
            // What a platform's own tool does is no answer to anything, as far as can be seen from here.
            return Err(only_answers(opened.account));
        }
        reasons.extend(leaving(self, opened, &conversation));
        let mut texts = Vec::new();
        arguments.values().for_each(|value| gather(value, &mut texts));
        reasons.extend(carried(self, opened, &texts.join("\n")));
        self.room(opened, 0, 1).await?;
        settled(opened, reasons)
    }
}

/// Cleans all texts in what a tool gets: nobody sees what is left out, and it could carry anything.
fn clean_all(arguments: &mut JsonObject) -> Result<()> {
    for (name, mut value) in std::mem::take(arguments) {
        clean(&mut value)?;
        arguments.insert(sanitise::line(&name), value);
    }
    Ok(())
}

fn clean(value: &mut Value) -> Result<()> {
    match value {
        Value::String(text) => *text = sanitise::outgoing(text)?,
        Value::Array(values) => values.iter_mut().try_for_each(clean)?,
        Value::Object(values) => clean_all(values)?,
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
    Ok(())
}

/// Gathers the texts in a value, however deep they are.
fn gather<'v>(value: &'v Value, texts: &mut Vec<&'v str>) {
    match value {
        Value::String(text) => texts.push(text),
        Value::Array(values) => values.iter().for_each(|value| gather(value, texts)),
        Value::Object(values) => values.values().for_each(|value| gather(value, texts)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

impl ToolPermit {
    /// Notes what came of it.
    pub(crate) async fn note<T>(&self, outcome: Result<T>) -> Result<T> {
        self.0.done(Vec::new(), outcome.as_ref().err()).await;
        outcome
    }
}
