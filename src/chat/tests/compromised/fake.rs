//! The sandbox as a witness: its own database writes down all that is stored in it, whoever had it done.

use rusqlite::Connection;

use super::plan::{Plan, Seeded};
use crate::chat::tests::workspace::Workspace;

/// Writes a line for each thing that is stored, changed or gone.
const JOURNAL: &str = "
    CREATE TABLE journal (id INTEGER PRIMARY KEY, kind TEXT, conversation INTEGER, person INTEGER, message INTEGER, thread INTEGER, text TEXT);
    CREATE TRIGGER journal_sent AFTER INSERT ON messages BEGIN
        INSERT INTO journal VALUES (NULL, 'sent', new.conversation, new.author, new.id, new.thread, new.text); END;
    CREATE TRIGGER journal_edited AFTER UPDATE OF text ON messages BEGIN
        INSERT INTO journal VALUES (NULL, iif(new.deleted_at IS NULL, 'edited', 'deleted'), new.conversation, new.author, new.id, new.thread, new.text); END;
    CREATE TRIGGER journal_reacted AFTER INSERT ON reactions BEGIN
        INSERT INTO journal SELECT NULL, 'reacted', conversation, new.person, new.message, thread, new.emoji FROM messages WHERE id = new.message; END;
    CREATE TRIGGER journal_took_back AFTER DELETE ON reactions BEGIN
        INSERT INTO journal SELECT NULL, 'took back', conversation, old.person, old.message, thread, old.emoji FROM messages WHERE id = old.message; END;
    CREATE TRIGGER journal_opened AFTER INSERT ON conversations BEGIN
        INSERT INTO journal VALUES (NULL, iif(new.kind = 'direct', 'opened', 'added'), new.id, NULL, NULL, NULL, new.name || ' ' || new.topic); END;
    CREATE TRIGGER journal_renamed AFTER UPDATE ON conversations BEGIN
        INSERT INTO journal VALUES (NULL, 'changed', new.id, NULL, NULL, NULL, new.name); END;
    CREATE TRIGGER journal_joined AFTER INSERT ON members BEGIN
        INSERT INTO journal VALUES (NULL, 'joined', new.conversation, new.person, NULL, NULL, NULL); END;
    CREATE TRIGGER journal_left AFTER DELETE ON members BEGIN
        INSERT INTO journal VALUES (NULL, 'left', old.conversation, old.person, NULL, NULL, NULL); END;
    CREATE TRIGGER journal_marked AFTER UPDATE OF read_up_to ON members BEGIN
        INSERT INTO journal VALUES (NULL, 'marked', new.conversation, new.person, new.read_up_to, NULL, NULL); END;
    CREATE TRIGGER journal_uploaded AFTER UPDATE OF message ON files BEGIN
        INSERT INTO journal SELECT NULL, 'uploaded', conversation, author, id, thread, new.name || ' ' || CAST(new.content AS TEXT) FROM messages WHERE id = new.message; END;";

/// Something that was stored.
#[derive(Clone, Debug)]
pub(super) struct Effect {
    pub(super) kind: String,
    pub(super) conversation: i64,
    /// Who did it or sent the message; nobody where it is about a conversation itself.
    pub(super) person: Option<i64>,
    pub(super) message: Option<i64>,
    /// The first message of its thread.
    pub(super) thread: Option<i64>,
    pub(super) text: String,
}

/// The sandbox's database, read behind its back.
pub(super) struct Fake {
    state: Connection,
    read: i64,
}

impl Fake {
    /// Fills a workspace with what a plan needs, and writes down all that happens from then on.
    pub(super) fn of(workspace: &Workspace, plan: &Plan) -> Self {
        let mut state = Connection::open(workspace.folder.path().join("sandbox.db")).unwrap();
        let filling = state.transaction().unwrap();
        for (id, handle, name) in &plan.people {
            let person = "INSERT INTO people (id, handle, name, kind, title, email) VALUES (?1, ?2, ?3, 'person', '', ?2 || '@kestrel.example')";
            filling.execute(person, (id, handle, name)).unwrap();
        }
        for (id, name, private, members) in &plan.channels {
            let channel = "INSERT INTO conversations (id, kind, name, private) VALUES (?1, 'channel', ?2, ?3)";
            filling.execute(channel, (id, name, private)).unwrap();
            for person in members {
                filling.execute("INSERT INTO members (conversation, person) VALUES (?1, ?2)", (id, person)).unwrap();
            }
        }
        for Seeded { id, conversation, author, reaction } in &plan.messages {
            let message = "INSERT INTO messages (id, conversation, author, text, posted_at) VALUES (?1, ?2, ?3, 'Said ' || ?1, '2026-11-20T09:00:00.000Z')";
            filling.execute(message, (id, conversation, author)).unwrap();
            if let Some((person, emoji)) = reaction {
                filling
                    .execute("INSERT INTO reactions (message, emoji, person) VALUES (?1, ?2, ?3)", (id, emoji, person))
                    .unwrap();
            }
        }
        filling.execute_batch(JOURNAL).unwrap();
        filling.commit().unwrap();
        Self { state, read: 0 }
    }

    /// Does what somebody else does in the workspace, of which nothing is written down.
    pub(super) fn act(&mut self, act: &str) {
        self.state.execute_batch(act).unwrap();
        drop(self.effects());
    }

    /// Returns what was stored since it was last asked.
    pub(super) fn effects(&mut self) -> Vec<Effect> {
        let mut journal = self.state.prepare_cached("SELECT * FROM journal WHERE id > ?1 ORDER BY id").unwrap();
        let mut read = self.read;
        let rows = journal.query_map([read], |row| {
            read = row.get(0)?;
            let text = row.get::<_, Option<String>>(6)?.unwrap_or_default();
            let (kind, conversation) = (row.get(1)?, row.get(2)?);
            Ok(Effect { kind, conversation, person: row.get(3)?, message: row.get(4)?, thread: row.get(5)?, text })
        });
        let effects = rows.unwrap().collect::<rusqlite::Result<_>>().unwrap();
        self.read = read;
        effects
    }

    /// Returns whether only its members can look into a conversation.
    pub(super) fn is_private(&self, conversation: i64) -> bool {
        let mut private = self.state.prepare_cached("SELECT private FROM conversations WHERE id = ?1").unwrap();
        private.query_row([conversation], |row| row.get(0)).unwrap()
    }

    /// Returns the two who talk in a direct chat.
    pub(super) fn pair(&self, conversation: i64) -> Vec<i64> {
        let pair =
            "SELECT person FROM members JOIN conversations ON id = conversation WHERE kind = 'direct' AND id = ?1";
        let mut pair = self.state.prepare_cached(pair).unwrap();
        pair.query_map([conversation], |row| row.get(0)).unwrap().collect::<rusqlite::Result<_>>().unwrap()
    }

    /// Returns the conversation of a message, and the first one of its thread.
    pub(super) fn message(&self, id: i64) -> Option<(i64, i64)> {
        let mut found =
            self.state.prepare_cached("SELECT conversation, coalesce(thread, id) FROM messages WHERE id = ?1").unwrap();
        found.query_row([id], |row| Ok((row.get(0)?, row.get(1)?))).ok()
    }
}
