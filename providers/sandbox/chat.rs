//! Which of the common verbs the sandbox has (all of them), and what its ids and URLs look like.

use switchboard_kit::chat::{
    Changes, Chat, Conversations, Deletions, Edits, Files, Messages, People, Posts, Reactions, ReadMarkers, Reference,
    Search, Uploads,
};

use crate::{ORIGIN, Sandbox};

impl Chat for Sandbox {
    /// Knows `C7`, `P2`, `C7/M123` and the permalinks that end in the first and the last.
    fn reference(&self, text: &str) -> Option<Reference> {
        reference(text)
    }

    fn conversations(&self) -> &dyn Conversations {
        self
    }

    fn messages(&self) -> &dyn Messages {
        self
    }

    fn posts(&self) -> Option<&dyn Posts> {
        Some(self)
    }

    fn edits(&self) -> Option<&dyn Edits> {
        Some(self)
    }

    fn deletions(&self) -> Option<&dyn Deletions> {
        Some(self)
    }

    fn reactions(&self) -> Option<&dyn Reactions> {
        Some(self)
    }

    fn search(&self) -> Option<&dyn Search> {
        Some(self)
    }

    fn people(&self) -> Option<&dyn People> {
        Some(self)
    }

    fn files(&self) -> Option<&dyn Files> {
        Some(self)
    }

    fn uploads(&self) -> Option<&dyn Uploads> {
        Some(self)
    }

    fn read_markers(&self) -> Option<&dyn ReadMarkers> {
        Some(self)
    }

    fn changes(&self) -> Option<&dyn Changes> {
        Some(self)
    }
}

fn reference(text: &str) -> Option<Reference> {
    let path = text.strip_prefix(ORIGIN).unwrap_or(text);
    match path.split_once('/') {
        Some((conversation, message)) if is_id('C', conversation) && is_id('M', message) => {
            Some(Reference::Message { conversation: conversation.into(), id: message.into() })
        }
        None if is_id('C', path) => Some(Reference::Conversation(path.into())),
        None if is_id('P', path) => Some(Reference::Person(path.into())),
        _ => None,
    }
}

fn is_id(letter: char, text: &str) -> bool {
    let number = text.strip_prefix(letter).unwrap_or_default();
    !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_permalinks_are_recognised_and_names_are_not() {
        let message = Reference::Message { conversation: "C7".into(), id: "M123".into() };
        assert_eq!(reference("https://sandbox.switchboard.invalid/C7/M123"), Some(message.clone()));
        assert_eq!(reference("C7/M123"), Some(message));
        assert_eq!(reference("https://sandbox.switchboard.invalid/C7"), Some(Reference::Conversation("C7".into())));
        assert_eq!(reference("C7"), Some(Reference::Conversation("C7".into())));
        assert_eq!(reference("P2"), Some(Reference::Person("P2".into())));
        for text in ["", "C", "C7b", "M123", "#general", "C7/x", "https://sandbox.switchboard.invalid.evil/C7"] {
            assert_eq!(reference(text), None, "{text}");
        }
    }
}
