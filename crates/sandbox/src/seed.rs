//! Fills a fresh workspace: the people, conversations and posts of the tables below, dated back from now.

mod crowd;
mod picture;
mod posts;
mod workspace;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};
use rusqlite::Transaction;

use crate::chat::stamp;
use crate::oauth;

pub(crate) use crowd::crowd;
pub(crate) use workspace::WORKSPACE;

/// Where the sign-in of Switchboard comes back to; the port is free.
const REDIRECTS: [&str; 3] =
    ["http://127.0.0.1/auth/callback", "http://localhost/auth/callback", "http://[::1]/auth/callback"];

/// What happened longer ago than this has been read by everyone.
const UNREAD: SignedDuration = SignedDuration::from_hours(3);

/// One message of the table, with the thread below it.
#[derive(Clone, Copy)]
pub(crate) struct Post {
    ago: &'static str,
    author: &'static str,
    text: &'static str,
    reactions: &'static [(&'static str, &'static str)],
    file: Option<Attachment>,
    edited: bool,
    deleted: bool,
    replies: &'static [Self],
}

/// A file of the table.
#[derive(Clone, Copy)]
pub(crate) enum Attachment {
    Text { name: &'static str, media_type: &'static str, content: &'static str },
    Picture { name: &'static str },
}

const fn post(ago: &'static str, author: &'static str, text: &'static str) -> Post {
    Post { ago, author, text, reactions: &[], file: None, edited: false, deleted: false, replies: &[] }
}

impl Post {
    /// Each emoji with the handles of those who gave it.
    const fn reactions(self, reactions: &'static [(&'static str, &'static str)]) -> Self {
        Self { reactions, ..self }
    }

    const fn file(self, file: Attachment) -> Self {
        Self { file: Some(file), ..self }
    }

    const fn edited(self) -> Self {
        Self { edited: true, ..self }
    }

    const fn deleted(self) -> Self {
        Self { deleted: true, ..self }
    }

    const fn replies(self, replies: &'static [Self]) -> Self {
        Self { replies, ..self }
    }

    fn time(&self, now: Timestamp) -> Timestamp {
        let ago = self.ago.parse::<Span>().and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()));
        ago.and_then(|ago| now.checked_sub(ago)).expect("the table is tested")
    }
}

/// A post of the table with its place; `root` is the index of the entry that its thread begins with.
struct Entry {
    post: &'static Post,
    conversation: usize,
    root: Option<usize>,
}

/// Writes the whole workspace, its oldest message first, so that ids follow time.
pub(crate) fn plant(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    oauth::add_client(transaction, oauth::BUILT_IN_CLIENT, "Switchboard", &REDIRECTS.map(String::from))?;
    let people = plant_people(transaction)?;
    let conversations = plant_conversations(transaction, &people)?;
    let now = Timestamp::now();
    let entries = entries();
    let mut order: Vec<_> = (0..entries.len()).collect();
    order.sort_by_key(|index| entries[*index].post.time(now));
    let mut ids = vec![0; entries.len()];
    for index in order {
        let Entry { post, conversation, root } = &entries[index];
        let root = root.map(|root| ids[root]);
        ids[index] = plant_post(transaction, post, conversations[*conversation], root, now, &people)?;
    }
    transaction
        .execute(
            "UPDATE members SET read_up_to = (SELECT max(id) FROM messages WHERE posted_at < ?1)",
            [stamp(now - UNREAD)],
        )
        .map(drop)
}

fn entries() -> Vec<Entry> {
    let mut entries = Vec::new();
    for (conversation, table) in workspace::CONVERSATIONS.iter().enumerate() {
        for post in table.posts {
            let root = entries.len();
            entries.push(Entry { post, conversation, root: None });
            entries.extend(post.replies.iter().map(|post| Entry { post, conversation, root: Some(root) }));
        }
    }
    entries
}

fn plant_people(transaction: &Transaction<'_>) -> rusqlite::Result<BTreeMap<&'static str, i64>> {
    let mut statement =
        transaction.prepare("INSERT INTO people (handle, name, kind, title, email) VALUES (?1, ?2, ?3, ?4, ?5)")?;
    let mut plant = |someone: &workspace::Someone| {
        let id = statement.insert((someone.handle, someone.name, someone.kind, someone.title, someone.email))?;
        Ok((someone.handle, id))
    };
    workspace::PEOPLE.iter().map(&mut plant).collect()
}

fn plant_conversations(
    transaction: &Transaction<'_>,
    people: &BTreeMap<&'static str, i64>,
) -> rusqlite::Result<Vec<i64>> {
    let mut conversation =
        transaction.prepare("INSERT INTO conversations (kind, name, topic, private) VALUES (?1, ?2, ?3, ?4)")?;
    let mut member = transaction.prepare("INSERT INTO members (conversation, person) VALUES (?1, ?2)")?;
    let mut ids = Vec::new();
    for table in workspace::CONVERSATIONS {
        let id = conversation.insert((table.kind, table.name, table.topic, table.private))?;
        for handle in table.members.split(' ') {
            member.execute((id, people[handle]))?;
        }
        ids.push(id);
    }
    Ok(ids)
}

fn plant_post(
    transaction: &Transaction<'_>,
    post: &Post,
    conversation: i64,
    root: Option<i64>,
    now: Timestamp,
    people: &BTreeMap<&'static str, i64>,
) -> rusqlite::Result<i64> {
    let time = post.time(now);
    let later = stamp(time + SignedDuration::from_mins(4));
    let author = people[post.author];
    let id = transaction
        .prepare_cached(
            "INSERT INTO messages (conversation, author, thread, text, posted_at, edited_at, deleted_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .insert((
            conversation,
            author,
            root,
            if post.deleted { "" } else { post.text },
            stamp(time),
            post.edited.then_some(&later),
            post.deleted.then_some(&later),
        ))?;
    for (emoji, handles) in post.reactions {
        for handle in handles.split(' ') {
            transaction
                .prepare_cached("INSERT INTO reactions (message, emoji, person) VALUES (?1, ?2, ?3)")?
                .execute((id, emoji, people[handle]))?;
        }
    }
    if let Some(attachment) = post.file {
        let (name, media_type, content) = match attachment {
            Attachment::Text { name, media_type, content } => (name, media_type, content.into()),
            Attachment::Picture { name } => (name, "image/png", picture::hills()),
        };
        transaction
            .prepare_cached(
                "INSERT INTO files (owner, message, name, media_type, content) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute((author, id, name, media_type, content))?;
    }
    Ok(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_come_after_their_root_and_nothing_is_from_the_future() {
        let now = Timestamp::now();
        let entries = entries();
        for entry in &entries {
            let time = entry.post.time(now);
            assert!(time < now, "{}", entry.post.text);
            if let Some(root) = entry.root {
                assert!(time > entries[root].post.time(now), "{}", entry.post.text);
            }
        }
    }

    #[test]
    fn everyone_is_known_and_writes_only_where_they_are() {
        for table in workspace::CONVERSATIONS {
            let members: Vec<_> = table.members.split(' ').collect();
            for post in table.posts.iter().flat_map(|post| std::iter::once(post).chain(post.replies)) {
                assert!(members.contains(&post.author), "{}", post.text);
                assert!(post.replies.iter().all(|reply| reply.replies.is_empty()), "{}", post.text);
            }
        }
    }
}
