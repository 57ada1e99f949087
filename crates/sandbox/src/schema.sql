-- The whole state of one sandbox. Times of chat are RFC 3339 text with milliseconds in UTC, so that they
-- compare as text and go out unchanged; times of the OAuth server are milliseconds since 1970.

CREATE TABLE people (
    id INTEGER PRIMARY KEY,
    handle TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('person', 'bot', 'guest')),
    title TEXT NOT NULL,
    email TEXT
);

CREATE TABLE conversations (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL CHECK (kind IN ('channel', 'direct', 'group')),
    name TEXT UNIQUE,
    topic TEXT NOT NULL DEFAULT '',
    private INTEGER NOT NULL
);

CREATE TABLE members (
    conversation INTEGER NOT NULL REFERENCES conversations,
    person INTEGER NOT NULL REFERENCES people,
    read_up_to INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (conversation, person)
) WITHOUT ROWID;

-- Who sees what: members their conversations, everyone but guests the public channels.
CREATE VIEW visible AS
    SELECT people.id AS person, conversations.id AS conversation
    FROM people CROSS JOIN conversations
    WHERE (NOT conversations.private AND people.kind <> 'guest')
       OR EXISTS (SELECT 1 FROM members WHERE members.conversation = conversations.id AND members.person = people.id);

CREATE TABLE messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    conversation INTEGER NOT NULL REFERENCES conversations,
    author INTEGER NOT NULL REFERENCES people,
    thread INTEGER REFERENCES messages,
    quote INTEGER REFERENCES messages,
    text TEXT NOT NULL,
    posted_at TEXT NOT NULL,
    edited_at TEXT,
    deleted_at TEXT,
    key TEXT
);
CREATE INDEX message_timeline ON messages (conversation, id);
CREATE INDEX message_replies ON messages (thread, id) WHERE thread IS NOT NULL;
CREATE UNIQUE INDEX message_keys ON messages (author, key) WHERE key IS NOT NULL;

CREATE TABLE reactions (
    message INTEGER NOT NULL REFERENCES messages,
    emoji TEXT NOT NULL,
    person INTEGER NOT NULL REFERENCES people,
    PRIMARY KEY (message, emoji, person)
) WITHOUT ROWID;

CREATE TABLE files (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    owner INTEGER NOT NULL REFERENCES people,
    message INTEGER REFERENCES messages,
    name TEXT NOT NULL,
    media_type TEXT NOT NULL,
    content BLOB NOT NULL
);
CREATE INDEX message_files ON files (message) WHERE message IS NOT NULL;

CREATE TABLE changes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    message INTEGER NOT NULL REFERENCES messages,
    kind TEXT NOT NULL CHECK (kind IN ('new', 'edited', 'deleted'))
);

-- Trigrams find parts of words in every script, also in those that put no spaces between words.
CREATE VIRTUAL TABLE message_text USING fts5 (text, content = 'messages', content_rowid = 'id', tokenize = 'trigram remove_diacritics 1');

CREATE TRIGGER message_posted AFTER INSERT ON messages BEGIN
    INSERT INTO message_text (rowid, text) VALUES (new.id, new.text);
    INSERT INTO changes (message, kind) VALUES (new.id, 'new');
END;
CREATE TRIGGER message_edited AFTER UPDATE OF text ON messages BEGIN
    INSERT INTO message_text (message_text, rowid, text) VALUES ('delete', old.id, old.text);
    INSERT INTO message_text (rowid, text) VALUES (new.id, new.text);
    INSERT INTO changes (message, kind) VALUES (new.id, iif(new.deleted_at IS NULL, 'edited', 'deleted'));
END;

CREATE TABLE clients (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    redirect_uris TEXT NOT NULL
);

-- A grant is one sign-in: the family to which all its tokens belong, and which is revoked as a whole.
CREATE TABLE grants (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    client TEXT NOT NULL REFERENCES clients,
    person INTEGER NOT NULL REFERENCES people,
    scope TEXT NOT NULL,
    revoked_at INTEGER
);

CREATE TABLE codes (
    hash BLOB PRIMARY KEY,
    client TEXT NOT NULL REFERENCES clients,
    person INTEGER NOT NULL REFERENCES people,
    scope TEXT NOT NULL,
    redirect_uri TEXT NOT NULL,
    challenge TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    grant_id INTEGER REFERENCES grants
);

CREATE TABLE devices (
    hash BLOB PRIMARY KEY,
    user_code TEXT NOT NULL UNIQUE,
    client TEXT NOT NULL REFERENCES clients,
    scope TEXT NOT NULL,
    interval INTEGER NOT NULL,
    polled_at INTEGER,
    expires_at INTEGER NOT NULL,
    person INTEGER REFERENCES people,
    denied INTEGER NOT NULL DEFAULT 0,
    grant_id INTEGER REFERENCES grants
);

CREATE TABLE access_tokens (
    hash BLOB PRIMARY KEY,
    grant_id INTEGER NOT NULL REFERENCES grants,
    expires_at INTEGER NOT NULL
);

CREATE TABLE refresh_tokens (
    hash BLOB PRIMARY KEY,
    grant_id INTEGER NOT NULL REFERENCES grants,
    rotated_at INTEGER
);

CREATE TABLE token_events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    hash BLOB NOT NULL
);
