//! Which of the common verbs Matrix has: all of them.

use switchboard_kit::chat::{
    Changes, Chat, Conversations, Deletions, Edits, Files, Messages, People, Posts, Reactions, ReadMarkers, Reference,
    Search, Uploads,
};

use crate::{Matrix, references};

impl Chat for Matrix {
    fn reference(&self, text: &str) -> Option<Reference> {
        references::reference(text)
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
