//! `get_file`: what came with a message, as text, as a picture, or saved.

use schemars::JsonSchema;
use serde::Deserialize;
use switchboard_kit::{
    Error, ErrorKind, Result,
    chat::{Download, File},
    host::{Content, Reply},
    tool,
};

use super::{
    escapes::label,
    find::{Place, Purpose},
    sanitise,
    served::{Chats, Opened, ServedAccount},
    targets,
    transcript::{View, bytes},
};

/// Most bytes of a file that is saved.
const LARGEST: usize = 25 << 20;
/// Most bytes of a picture that is shown.
const LARGEST_PICTURE: usize = 1 << 20;
/// Most characters of a text that is shown.
const LONGEST_TEXT: usize = 11_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
enum Mode {
    Text,
    Image,
    Save,
}

/// Fetches a file of a message: its text, the picture, or saved to the user's download folder.
#[tool(read)]
async fn get_file(
    chats: &Chats,
    /// File id from a transcript's `[file <id> …]`, or a message's ref or URL.
    r#ref: String,
    /// File id or name, if the message has several.
    file: Option<String>,
    /// Left out: a picture as picture, else text.
    mode: Option<Mode>,
) -> Result<Reply> {
    let (opened, id, known) = locate(chats, &r#ref, file.as_deref()).await?;
    let limit = if mode == Some(Mode::Image) { LARGEST_PICTURE } else { LARGEST };
    let download = chats.download(&opened, &id, limit).await?;
    let name = download.name.clone().or(known).unwrap_or_else(|| "file".to_owned());
    let head = format!("{}, {}", label(&name), bytes(download.bytes.len() as u64));
    let picture = picture(&download.bytes);
    match mode {
        Some(Mode::Save) => {
            let path = chats.served.files.save(Some(&name), &download.bytes)?;
            Ok(Reply::text(format!("saved {head} as {}", path.display())))
        }
        Some(Mode::Image) if picture.is_none() => {
            Err(Error::invalid(format!("`{}` is no PNG, JPEG, GIF or WebP", label(&name)))
                .hint("use mode `text` or `save`"))
        }
        Some(Mode::Image) | None if picture.is_some() => show(download, head, picture.unwrap_or_default()),
        _ => {
            let shown = read(&download, &name, &head)?;
            chats.session().shows_links(&shown);
            Ok(Reply::text(shown))
        }
    }
}

fn show(download: Download, head: String, media_type: &str) -> Result<Reply> {
    if download.bytes.len() > LARGEST_PICTURE {
        return Err(Error::invalid(format!("the picture {head} is larger than 1 MB")).hint("use mode `save`"));
    }
    let picture = Content::Image { data: download.bytes, media_type: media_type.to_owned() };
    Ok(Reply { content: vec![Content::Text(head), picture], structured: None })
}

fn read(download: &Download, name: &str, head: &str) -> Result<String> {
    let text = std::str::from_utf8(&download.bytes).ok().filter(|text| !text.contains('\0'));
    let Some(text) = text else {
        return Err(Error::invalid(format!("`{}` is not text", label(name))).hint("use mode `save`"));
    };
    let shown: String = text.chars().take(LONGEST_TEXT).collect();
    let rest = text.len() - shown.len();
    // Nothing of ours comes after the content: it could say the same.
    let more = if rest > 0 { format!("; {rest} bytes more are cut, mode `save` has all") } else { String::new() };
    Ok(format!("{head}{more}; content by others:\n{}", sanitise::text(&shown)))
}

/// Returns the account, the file's id, and its name if that is known already.
async fn locate<'a>(
    chats: &'a Chats,
    reference: &str,
    file: Option<&str>,
) -> Result<(Opened<'a>, String, Option<String>)> {
    let (account, rest) = targets::split(&chats.served, reference);
    let accounts: Vec<&ServedAccount> = account.map_or_else(|| chats.served.accounts.iter().collect(), |one| vec![one]);
    if chats.naming_message(reference).is_some() {
        let place = chats.place(reference, Purpose::Read).await?;
        let file = one_of(chats, &place, file).await?;
        return Ok((place.opened, file.id, Some(file.name)));
    }
    match accounts.as_slice() {
        [account] => Ok((chats.open(account), rest.to_owned(), None)),
        _ => Err(Error::invalid(format!("`{reference}` does not say in which account"))
            .hint(format!("write it with its account, such as `{}:{rest}`", accounts[0].key()))),
    }
}

async fn one_of(chats: &Chats, place: &Place<'_>, wanted: Option<&str>) -> Result<File> {
    let message = place.opened.message(&place.conversation.id, place.message()?).await?;
    chats.opens(place, &message)?;
    let (view, mut files) = (View { zone: &super::time::zone(), account: None, thread: None }, message.files);
    let names: Vec<_> = files.iter().map(|file| format!("`{}`", view.file(file))).collect();
    if let Some(wanted) = wanted {
        files.retain(|file| file.id == wanted || file.name == wanted);
    }
    match files.len() {
        1 => Ok(files.remove(0)),
        0 if names.is_empty() => Err(Error::new(ErrorKind::NotFound, "the message has no files")),
        _ => {
            Err(Error::invalid(format!("which file is meant: {}", names.join(", ")))
                .hint("give one of the ids as `file`"))
        }
    }
}

/// Returns the media type of a picture, by its first bytes: what the sender claims does not count.
fn picture(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x89, b'P', b'N', b'G', ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [b'G', b'I', b'F', b'8', ..] => Some("image/gif"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        _ => None,
    }
}
