//! `find_people`: who is meant by a part of a name, and the exact target of each.

use serde_json::json;
use switchboard_kit::{
    AccountKey, Error, ErrorKind, Result, Text,
    chat::{AuthorKind, Person},
    tool,
};

use super::{
    answers::for_programs,
    escapes::label,
    find::is_person,
    names::{ABSENCE_LASTS, Extent, LIST_LASTS},
    read::Format,
    sanitise,
    served::{Chats, Opened, ServedAccount},
    transcript::fitting,
};

/// Finds people by a part of their name, handle or e-mail, with the exact target of each.
#[tool(read)]
async fn find_people(
    chats: &Chats,
    /// Part of a name, handle or e-mail.
    query: String,
    /// Only this account.
    account: Option<String>,
    /// Most per account.
    #[default(20)]
    limit: u16,
    /// Form of the answer.
    format: Option<Format>,
) -> Result<Text> {
    let (query, limit) = (&sanitise::line(&query), usize::from(limit.clamp(1, 200)));
    if query.trim_start_matches('@').is_empty() {
        return Err(Error::invalid("argument `query` is empty").hint("write a part of a name, handle or e-mail"));
    }
    let accounts: Vec<&ServedAccount> = match account {
        Some(key) => vec![chats.served.known(&key)?],
        None => chats.served.accounts.iter().collect(),
    };
    let answers = chats.ask(&accounts, |opened| async move { opened.people_about(query, limit).await }).await.some()?;
    let mut notes = Vec::new();
    let mut found = Vec::new();
    for (account, (people, note)) in &answers.given {
        notes.extend(note.iter().map(|note| format!("{}: {note}", account.key())));
        found.extend(people.iter().map(|person| (line(account.key(), person), to_json(account.key(), person))));
    }
    let json = matches!(format, Some(Format::Json));
    let size = |(line, value): &(String, serde_json::Value)| {
        if json { value.to_string().chars().count() + 1 } else { line.chars().count() + 1 }
    };
    let fits = fitting(found.iter().map(size)).min(found.len());
    if fits < found.len() {
        notes.push(format!("{} more did not fit; give a longer part of the name", found.len() - fits));
    }
    notes.extend(answers.coverage());
    let (lines, values): (Vec<_>, Vec<_>) = found.into_iter().take(fits).unzip();
    if json {
        return Ok(Text(for_programs(json!({ "people": values }), notes, None)));
    }
    let mut text = if lines.is_empty() { vec!["nobody found".to_owned()] } else { lines };
    text.extend(notes);
    text.push("end".to_owned());
    Ok(Text(text.join("\n")))
}

impl Opened<'_> {
    /// Returns people with `query` in their names, those first who are called exactly so, and what must be said of it.
    async fn people_about(&self, query: &str, limit: usize) -> Result<(Vec<Person>, Option<String>)> {
        let people = self.chat()?.people().ok_or_else(|| self.lacks("directory of people"))?;
        let mut note = None;
        let asked = match self.remembered.is_listed::<Person>().await {
            true => Err(Error::unsupported("the list is at hand")),
            false => self.run(people.find(query, limit + 1)).await,
        };
        let mut found = match asked {
            Ok(found) => {
                self.remembered.keep(&found).await;
                found
            }
            Err(error) if error.kind() == ErrorKind::Unsupported => {
                let mut extent = self.list_all::<Person>(LIST_LASTS).await?;
                let mut found = self.remembered.about::<Person>(query, limit + 1).await?;
                if found.is_empty() && extent == Extent::Young {
                    extent = self.list_all::<Person>(ABSENCE_LASTS).await?;
                    found = self.remembered.about(query, limit + 1).await?;
                }
                if extent == Extent::Part {
                    let known = self.remembered.count::<Person>().await?;
                    note = Some(format!("only {known} people are listed so far; call again to go on"));
                }
                found
            }
            Err(error) => return Err(error),
        };
        found.retain(|person| sanitise::is_plain(&person.id));
        self.withhold(&mut found);
        found.sort_by_key(|person| !is_person(person, query));
        if found.len() > limit {
            found.truncate(limit);
            note.get_or_insert(format!("more than {limit} match; give a longer part of the name, or raise `limit`"));
        }
        Ok((found, note))
    }
}

/// Describes someone in one line.
pub(super) fn line(account: &AccountKey, person: &Person) -> String {
    let handle = person.handle.as_deref().map(|handle| format!("@{} ", label(handle.trim_start_matches('@'))));
    let kind = match person.kind {
        AuthorKind::Bot => Some("bot".to_owned()),
        AuthorKind::Guest => Some("guest".to_owned()),
        _ => None,
    };
    let about = [person.title.as_deref(), person.email.as_deref()].into_iter().flatten().map(label);
    let about: Vec<_> = kind.into_iter().chain(about).filter(|about| !about.is_empty()).collect();
    let about = if about.is_empty() { String::new() } else { format!(" {}", about.join(", ")) };
    let name = label(&person.name);
    format!("{}{name} ({account}:{}){about}", handle.unwrap_or_default(), person.id)
}

/// Describes someone for programs.
pub(super) fn to_json(account: &AccountKey, person: &Person) -> serde_json::Value {
    let clean = |text: &Option<String>| text.as_deref().map(sanitise::name);
    let person = Person {
        name: sanitise::name(&person.name),
        handle: clean(&person.handle),
        email: clean(&person.email),
        title: clean(&person.title),
        ..person.clone()
    };
    let mut value = json!(person);
    value["target"] = format!("{account}:{}", person.id).into();
    value
}
