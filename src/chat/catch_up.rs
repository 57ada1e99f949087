//! `catch_up`: what happened since the user last looked, by how much it concerns them.
//!
//! - `look` is when and where each account is looked at, for one page and for those after it.
//! - `gather` reads one account, `threads` those of its threads that may concern the user.
//! - `digest` puts the news of all accounts in order, and shows what fits.

mod digest;
mod gather;
mod look;
mod threads;

use switchboard_kit::{AccountKey, Result, Text, tool};

use self::{
    digest::Digest,
    gather::{News, Wanted},
    look::{Bookmark, Look},
};
use super::{
    cursor::{self, mark},
    read::Format,
    scope::Scope,
    served::Chats,
    time::Window,
};
use crate::state::marks;

/// Shows what is new for the user everywhere: mentions, direct messages, their threads, then the newest of the rest.
/// Marks nothing as read.
#[tool(read)]
async fn catch_up(
    chats: &Chats,
    /// From this time; otherwise what is unread, or new since the last look.
    since: Option<String>,
    /// Conversation, or `account:`.
    r#in: Option<String>,
    /// Only mentions of the user.
    #[default(false)]
    mentions_only: bool,
    /// Most messages.
    #[default(60)]
    limit: u16,
    /// From the `next:` line before.
    cursor: Option<String>,
    /// Form of the answer.
    format: Option<Format>,
) -> Result<Text> {
    let since = Window::read(since.as_deref(), None)?.since;
    let bookmark: Option<Bookmark> = cursor.as_deref().map(cursor::unpack).transpose()?;
    let asked = mark(&format!("{:?}", (r#in.as_deref().map(str::trim), mentions_only)));
    if let Some(bookmark) = &bookmark {
        cursor::same(Some(bookmark.asked), asked, "`in` and `mentions_only`")?;
    }
    let Scope { mut accounts, conversation } = Scope::read(chats, r#in.as_deref()).await?;
    let mut bookmark = bookmark.unwrap_or_else(|| Bookmark {
        looks: None,
        // What was not looked at as a whole is looked at from the same instant the next time.
        marks: conversation.is_none() && !mentions_only,
        asked,
    });
    if let Some(looks) = &bookmark.looks {
        accounts.retain(|account| looks.get(account.key()).is_some_and(Look::has_more));
    }
    let wanted = &Wanted { since, conversation, mentions_only };
    let looks = bookmark.looks.as_ref();
    let answers = chats.ask(&accounts, |opened| async move {
        let look = looks.and_then(|looks| looks.get(opened.account.key()));
        News::gather(chats, &opened, wanted, look).await
    });
    let answers = answers.await.some()?;
    let first = looks.is_none();
    let json = matches!(format, Some(Format::Json));
    let mut digest = Digest::new(chats, answers, bookmark.looks.take(), usize::from(limit.clamp(1, 200)), json);
    let (looks, done) = digest.looks();
    let next = (!done).then(|| cursor::pack(&Bookmark { looks: Some(looks.clone()), marks: bookmark.marks, asked }));
    if done && bookmark.marks {
        for (account, look) in looks.into_iter().filter(|(_, look)| look.moves_mark) {
            if let Err(error) = remember(chats, &account, look).await {
                digest.notes.push(format!("the next look will not know of this one: {error}"));
                break;
            }
        }
    }
    Ok(Text(if json { digest.json(next.as_deref()) } else { digest.text(first, next.as_deref()) }))
}

async fn remember(chats: &Chats, account: &AccountKey, look: Look) -> Result<()> {
    let owner = chats.owner(chats.served.known(account.as_str())?);
    chats.served.state().write(move |state| marks::look(state, &owner, look.until)).await
}
