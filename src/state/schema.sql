-- What is remembered between runs. Times are milliseconds since 1970. A change of anything here raises `VERSION` in state.rs.

-- Whose the rows of the other tables are.
CREATE TABLE owners (
    id INTEGER PRIMARY KEY,
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    sign_in TEXT NOT NULL,
    UNIQUE (issuer, subject, sign_in)
);

-- Conversations (kind 0) and people (kind 1), as their platform told of them last. `words` are their names, one a line.
CREATE TABLE known_things (
    owner INTEGER NOT NULL REFERENCES owners ON DELETE CASCADE,
    kind INTEGER NOT NULL,
    id TEXT NOT NULL,
    facts TEXT NOT NULL,
    words TEXT NOT NULL,
    read INTEGER NOT NULL,
    doubted INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (owner, kind, id)
) WITHOUT ROWID;

-- All that they are found by exactly, in the form in which names are compared.
CREATE TABLE known_names (
    owner INTEGER NOT NULL REFERENCES owners ON DELETE CASCADE,
    kind INTEGER NOT NULL,
    name TEXT NOT NULL,
    id TEXT NOT NULL,
    PRIMARY KEY (owner, kind, name, id)
) WITHOUT ROWID;

-- How far the platform's own list was read, and when it was last read to its end.
CREATE TABLE known_listings (
    owner INTEGER NOT NULL REFERENCES owners ON DELETE CASCADE,
    kind INTEGER NOT NULL,
    begun INTEGER NOT NULL,
    cursor TEXT,
    whole INTEGER,
    PRIMARY KEY (owner, kind)
) WITHOUT ROWID;

-- Which names the platform was asked for, and when.
CREATE TABLE known_lookups (
    owner INTEGER NOT NULL REFERENCES owners ON DELETE CASCADE,
    kind INTEGER NOT NULL,
    name TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (owner, kind, name)
) WITHOUT ROWID;

-- What was sent under a key of the caller's, kept for a day so that a repetition sends nothing twice.
CREATE TABLE sent (
    owner INTEGER NOT NULL REFERENCES owners ON DELETE CASCADE,
    conversation TEXT NOT NULL,
    key TEXT NOT NULL,
    -- A hash of all that the key stands for.
    content BLOB NOT NULL,
    -- What the keys that the platform is given start with.
    seed TEXT NOT NULL,
    begun INTEGER NOT NULL,
    -- Which attempt sends, and until when it may.
    holder INTEGER NOT NULL,
    held_until INTEGER NOT NULL,
    -- `begun`: what comes next may be out. `refused`: it is not. `done`: all is out.
    state TEXT NOT NULL CHECK (state IN ('begun', 'refused', 'done')),
    -- The ids of the messages that are out, as JSON.
    ids TEXT NOT NULL,
    PRIMARY KEY (owner, conversation, key)
) WITHOUT ROWID;

-- When something was written in the last 24 hours.
CREATE TABLE spent (
    owner INTEGER NOT NULL REFERENCES owners ON DELETE CASCADE,
    at INTEGER NOT NULL
);
CREATE INDEX spent_lately ON spent (owner, at);

-- When each account was last looked at by `catch_up`.
CREATE TABLE marks (
    owner INTEGER PRIMARY KEY REFERENCES owners ON DELETE CASCADE,
    looked INTEGER NOT NULL
);
