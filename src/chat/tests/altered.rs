//! The sandbox with something changed: what it says of conversations, and perhaps its news. It can only be read.

use std::{
    any::Any,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use switchboard_kit::{
    Auth, Call, Endpoints, Identity, Result,
    chat::{Changes, Chat, Conversation, Conversations, Delta, Facet, Facets, Listing, Messages, Page, Reference},
    host::{Account, Bound, Live},
};

/// What is answered to whoever asks for news.
#[derive(Clone, Copy)]
pub(super) enum News {
    AsItIs,
    Told(fn() -> Result<Delta>),
}

impl News {
    /// Answers at once, that there is nothing.
    pub(super) fn nothing() -> Self {
        Self::Told(|| Ok(Delta { changes: Vec::new(), cursor: "here".into() }))
    }

    pub(super) fn told(answer: fn() -> Result<Delta>) -> Self {
        Self::Told(answer)
    }
}

/// What becomes of each conversation.
type Change = fn(&mut Conversation);

/// The sandbox, altered.
pub(super) struct Altered {
    bound: Arc<dyn Bound>,
    change: Change,
    news: News,
    /// How often somebody asked for made-up news.
    pub(super) asked: Arc<AtomicUsize>,
}

struct AlteredLive {
    live: Box<dyn Live>,
    change: Change,
    news: News,
    asked: Arc<AtomicUsize>,
}

impl Altered {
    pub(super) fn new(bound: Arc<dyn Bound>, change: Change, news: News) -> Arc<Self> {
        Arc::new(Self { bound, change, news, asked: Arc::default() })
    }
}

impl Bound for Altered {
    fn platform(&self) -> &'static str {
        self.bound.platform()
    }

    fn auth(&self) -> Auth {
        self.bound.auth()
    }

    fn endpoints(&self) -> Endpoints {
        self.bound.endpoints()
    }

    fn facets(&self) -> Facets {
        let mut facets = self.bound.facets();
        facets.optional.remove(&Facet::Search);
        facets
    }

    fn connect(&self, account: &Arc<Account>, call: &Call) -> Box<dyn Live> {
        let live = self.bound.connect(account, call);
        Box::new(AlteredLive { live, change: self.change, news: self.news, asked: self.asked.clone() })
    }
}

impl AlteredLive {
    fn inner(&self) -> &dyn Chat {
        self.live.chat().unwrap()
    }
}

#[async_trait]
impl Live for AlteredLive {
    fn as_any(&self) -> &(dyn Any + Send + Sync) {
        self.live.as_any()
    }

    async fn whoami(&self) -> Result<Identity> {
        match self.news {
            News::AsItIs => self.live.whoami().await,
            News::Told(_) => Ok(Identity { id: "P1".into(), name: "Robin".into(), workspace: None }),
        }
    }

    fn chat(&self) -> Option<&dyn Chat> {
        Some(self)
    }
}

impl Chat for AlteredLive {
    fn reference(&self, text: &str) -> Option<Reference> {
        self.inner().reference(text)
    }

    fn conversations(&self) -> &dyn Conversations {
        self
    }

    fn messages(&self) -> &dyn Messages {
        self.inner().messages()
    }

    fn changes(&self) -> Option<&dyn Changes> {
        Some(self)
    }
}

#[async_trait]
impl Conversations for AlteredLive {
    async fn list(&self, listing: &Listing) -> Result<Page<Conversation>> {
        let mut page = self.inner().conversations().list(listing).await?;
        page.items.iter_mut().for_each(self.change);
        Ok(page)
    }

    async fn get(&self, id: &str) -> Result<Conversation> {
        let mut conversation = self.inner().conversations().get(id).await?;
        (self.change)(&mut conversation);
        Ok(conversation)
    }
}

#[async_trait]
impl Changes for AlteredLive {
    async fn since(&self, cursor: Option<&str>, patience: Duration) -> Result<Delta> {
        match self.news {
            News::AsItIs => self.inner().changes().unwrap().since(cursor, patience).await,
            News::Told(answer) => {
                self.asked.fetch_add(1, Ordering::Relaxed);
                answer()
            }
        }
    }
}
