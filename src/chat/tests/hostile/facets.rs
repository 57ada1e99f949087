//! Its share of the verbs: each facet tells what the dice say, and counts what is written.

use std::time::Duration;

use async_trait::async_trait;
use switchboard_kit::{
    Result,
    chat::{
        Change, Changes, Chat, Conversation, Conversations, Deletions, Delta, Download, Draft, Edits, Files, History,
        Length, Listing, Message, MessageRef, Messages, Page, People, Person, Posts, Query, Reactions, ReadMarkers,
        Reference, Search, Upload, Uploads,
    },
};

use super::Hostile;

impl Chat for Hostile {
    fn reference(&self, text: &str) -> Option<Reference> {
        let plain = text.len() > 1 && text[1..].bytes().all(|byte| byte.is_ascii_digit());
        match text.as_bytes().first() {
            Some(b'C') if plain => Some(Reference::Conversation(text.into())),
            Some(b'P') if plain => Some(Reference::Person(text.into())),
            _ => None,
        }
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

#[async_trait]
impl Conversations for Hostile {
    async fn list(&self, _: &Listing) -> Result<Page<Conversation>> {
        let mut items: Vec<_> = (0..30).map(|number| self.conversation(&format!("C{number}"))).collect();
        let odd = self.state().0.id('C');
        items.push(self.conversation(&odd));
        Ok(Page { items, next: None })
    }

    async fn get(&self, id: &str) -> Result<Conversation> {
        Ok(self.conversation(id))
    }

    async fn members(&self, _: &str, _: &Listing) -> Result<Page<Person>> {
        Ok(Page { items: (0..20).map(|number| self.person(&format!("P{number}"))).collect(), next: None })
    }

    async fn direct(&self, _: &str, _: bool) -> Result<Option<Conversation>> {
        Ok(Some(self.conversation("C3")))
    }
}

#[async_trait]
impl Messages for Hostile {
    async fn list(&self, conversation: &str, history: &History) -> Result<Page<Message>> {
        Ok(self.page(conversation, history.limit))
    }

    async fn get(&self, conversation: &str, id: &str) -> Result<Message> {
        // Whoever changes a message asks for it first, and it is the user's.
        let mut message = self.message(conversation, Some(id));
        if !self.outside {
            message.author.id = "P1".into();
        }
        self.state().1.messages.insert(id.to_owned(), message.clone());
        Ok(message)
    }
}

#[async_trait]
impl Search for Hostile {
    async fn search(&self, query: &Query) -> Result<Page<Message>> {
        let mut page = self.page("C1", query.limit);
        for (number, message) in page.items.iter_mut().enumerate() {
            message.at.conversation = format!("C{}", number % 3);
        }
        Ok(page)
    }
}

#[async_trait]
impl People for Hostile {
    async fn find(&self, _: &str, _: usize) -> Result<Vec<Person>> {
        Ok((0..20).map(|number| self.person(&format!("P{number}"))).collect())
    }

    async fn get(&self, id: &str) -> Result<Person> {
        Ok(self.person(id))
    }
}

#[async_trait]
impl Files for Hostile {
    async fn download(&self, _: &str, _: usize) -> Result<Download> {
        let (dice, truth) = &mut *self.state();
        let (name, text) = (self.words(dice, 3), self.words(dice, 9));
        truth.names.insert(text.clone());
        Ok(Download { name: Some(name), media_type: None, bytes: text.into_bytes() })
    }
}

#[async_trait]
impl Posts for Hostile {
    async fn send(&self, conversation: &str, _: &Draft) -> Result<MessageRef> {
        self.writes();
        Ok(self.at(conversation))
    }

    fn calls_everyone(&self, _: &str) -> bool {
        false
    }

    fn longest(&self) -> Length {
        Length::Characters(4_000)
    }
}

#[async_trait]
impl Edits for Hostile {
    async fn edit(&self, _: &str, _: &str, _: &str) -> Result<()> {
        self.writes();
        Ok(())
    }
}

#[async_trait]
impl Deletions for Hostile {
    async fn delete(&self, _: &str, _: &str) -> Result<()> {
        self.writes();
        Ok(())
    }
}

#[async_trait]
impl Reactions for Hostile {
    async fn add(&self, _: &str, _: &str, _: &str) -> Result<()> {
        self.writes();
        Ok(())
    }

    async fn remove(&self, _: &str, _: &str, _: &str) -> Result<()> {
        self.writes();
        Ok(())
    }
}

#[async_trait]
impl Uploads for Hostile {
    async fn send_file(&self, conversation: &str, _: Option<&str>, _: &Upload, _: Option<&str>) -> Result<MessageRef> {
        self.writes();
        Ok(self.at(conversation))
    }
}

#[async_trait]
impl ReadMarkers for Hostile {
    async fn mark_read(&self, _: &str, _: &str) -> Result<()> {
        self.writes();
        Ok(())
    }
}

#[async_trait]
impl Changes for Hostile {
    async fn since(&self, cursor: Option<&str>, _: Duration) -> Result<Delta> {
        let changes = cursor.map(|_| self.page("C1", 30).items).unwrap_or_default();
        Ok(Delta { changes: changes.into_iter().rev().map(Change::New).collect(), cursor: "c".into() })
    }
}
