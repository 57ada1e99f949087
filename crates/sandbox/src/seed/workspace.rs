//! The people and conversations of the seeded workspace.

use super::Post;
use super::posts;

/// The workspace's name.
pub(crate) const WORKSPACE: &str = "Kestrel Maps";

/// Someone in the workspace; the first is the person who signs in unless told otherwise.
pub(super) struct Someone {
    pub(super) handle: &'static str,
    pub(super) name: &'static str,
    pub(super) kind: &'static str,
    pub(super) title: &'static str,
    pub(super) email: Option<&'static str>,
}

const fn person(handle: &'static str, name: &'static str, title: &'static str, email: &'static str) -> Someone {
    Someone { handle, name, kind: "person", title, email: Some(email) }
}

pub(super) const PEOPLE: &[Someone] = &[
    person("robin", "Robin Vega", "Product engineer", "robin@kestrel.example"),
    person("mara", "Mara Lindqvist", "Engineering lead", "mara@kestrel.example"),
    person("kenji", "Kenji Watanabe", "Backend engineer", "kenji@kestrel.example"),
    person("aisha", "Aisha Bello", "Designer", "aisha@kestrel.example"),
    person("tomas", "Tomás Herrera", "Operations", "tomas@kestrel.example"),
    person("lea", "Léa Fontaine", "Product manager", "lea@kestrel.example"),
    Someone {
        handle: "noor",
        name: "Noor Haddad",
        kind: "guest",
        title: "Illustrator, Studio Papier",
        email: Some("noor@papier.example"),
    },
    Someone { handle: "deploys", name: "deploys", kind: "bot", title: "Announces deployments and alerts", email: None },
];

/// A conversation of the table.
pub(super) struct Conversation {
    pub(super) kind: &'static str,
    pub(super) name: Option<&'static str>,
    pub(super) topic: &'static str,
    pub(super) private: bool,
    pub(super) members: &'static str,
    pub(super) posts: &'static [Post],
}

const STAFF: &str = "robin mara kenji aisha tomas lea";

const fn channel(
    name: &'static str,
    topic: &'static str,
    members: &'static str,
    posts: &'static [Post],
) -> Conversation {
    Conversation { kind: "channel", name: Some(name), topic, private: false, members, posts }
}

pub(super) const CONVERSATIONS: &[Conversation] = &[
    channel("general", "Everyone, everything that matters to all of us", STAFF, posts::GENERAL),
    channel("ops", "Deployments, capacity, on-call", "robin mara kenji tomas deploys", posts::OPS),
    channel("design", "Screens, symbols, the trail style guide", "robin aisha lea noor", posts::DESIGN),
    channel(
        "incidents",
        "One thread per incident; summary in the first message",
        "robin mara kenji tomas deploys",
        posts::INCIDENTS,
    ),
    channel("random", "Boots, birds and baked goods", STAFF, posts::RANDOM),
    Conversation {
        kind: "channel",
        name: Some("hiring"),
        topic: "Candidates. Stays in here.",
        private: true,
        members: "robin mara lea",
        posts: posts::HIRING,
    },
    Conversation {
        kind: "direct",
        name: None,
        topic: "",
        private: true,
        members: "robin mara",
        posts: posts::WITH_MARA,
    },
    Conversation {
        kind: "direct",
        name: None,
        topic: "",
        private: true,
        members: "robin kenji",
        posts: posts::WITH_KENJI,
    },
    Conversation {
        kind: "group",
        name: None,
        topic: "Offline search, release 2.4",
        private: true,
        members: "robin aisha lea",
        posts: posts::OFFLINE_SEARCH,
    },
];
