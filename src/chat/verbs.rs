//! Which verbs are listed: those that some account can do, and may.

use switchboard_kit::{
    ToolHost,
    chat::{Facet, Facets},
    host::{Effect, ToolDef, tools},
};

use super::served::{Chats, Served, ServedAccount};

/// What a platform must have for a verb to be listed.
#[derive(Clone, Copy, Debug)]
enum Need {
    /// Nothing.
    Account,
    /// Conversations and messages, which come with chat.
    Chat,
    /// One of the facets.
    Facet(Facet),
    /// Marks of what was read, and the user's leave to move them.
    MarkRead,
}

/// The verbs, each with what it needs. Without a search of the platform's own, messages are scanned.
const NEEDS: &[(&str, Need)] = &[
    ("whoami", Need::Account),
    ("list_conversations", Need::Chat),
    ("read_messages", Need::Chat),
    ("search_messages", Need::Chat),
    ("catch_up", Need::Chat),
    ("wait_for_messages", Need::Facet(Facet::Changes)),
    ("find_people", Need::Facet(Facet::People)),
    ("get_conversation", Need::Chat),
    ("get_file", Need::Facet(Facet::Files)),
    ("send_message", Need::Facet(Facet::Posts)),
    ("edit_message", Need::Facet(Facet::Edits)),
    ("delete_message", Need::Facet(Facet::Deletions)),
    ("react", Need::Facet(Facet::Reactions)),
    ("mark_read", Need::MarkRead),
];

impl Need {
    fn met_by(self, account: &ServedAccount, facets: &Facets) -> bool {
        match self {
            Self::Account => true,
            Self::Chat => facets.chat,
            Self::Facet(facet) => facets.has(facet),
            Self::MarkRead => account.rules.mark_read && facets.has(Facet::ReadMarkers),
        }
    }
}

/// Returns the verbs to list, in the order of the table.
pub fn verbs(served: &Served) -> Vec<&'static ToolDef> {
    let tools: Vec<_> = tools().into_iter().filter(|tool| tool.host == Chats::KEY).collect();
    let listed = NEEDS.iter().filter_map(|(name, need)| {
        let tool = *tools.iter().find(|tool| tool.name == *name)?;
        let able = served.with_facets().any(|(account, facets)| {
            need.met_by(account, facets) && (tool.effect == Effect::Read || account.rules.write)
        });
        able.then_some(tool)
    });
    listed.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_chat_verb_is_in_the_table() {
        let mut table: Vec<_> = NEEDS.iter().map(|(name, _)| *name).collect();
        table.sort_unstable();
        let linked: Vec<_> = tools().into_iter().filter(|tool| tool.host == Chats::KEY).map(|tool| tool.name).collect();
        assert_eq!(linked, table);
    }

    #[test]
    fn every_schema_is_kept() {
        for tool in tools().into_iter().filter(|tool| tool.host == Chats::KEY) {
            let shown = serde_json::json!({
                "name": tool.name,
                "effect": format!("{:?}", tool.effect),
                "description": tool.description,
                "input": (tool.input)(),
            });
            insta::assert_json_snapshot!(tool.name, shown);
        }
    }
}
