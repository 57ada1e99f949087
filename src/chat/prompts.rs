//! Prompts: what the user asks for by name, in words that tell a model which verbs to call and what to give back.
//!
//! They hold what the user gave and our own words, never what others wrote; and they name no verb that is not listed.

mod words;

use switchboard_kit::{
    Error, Result,
    host::{JsonObject, nearest},
};

use self::words::Words;
use super::{
    sanitise,
    served::{Served, ServedAccount},
    time::Window,
};

/// Most characters of an argument.
const LONGEST: usize = 500;

/// Something that the user can ask for by name.
#[derive(Clone, Copy)]
pub(crate) struct Prompt {
    /// Its name.
    pub(crate) name: &'static str,
    /// A title for people.
    pub(crate) title: &'static str,
    /// What it gives.
    pub(crate) description: &'static str,
    /// What it takes.
    pub(crate) arguments: &'static [Argument],
    /// The verbs that it is nothing without.
    needs: &'static [&'static str],
    say: fn(&Words<'_>) -> String,
}

/// What a prompt takes.
#[derive(Clone, Copy)]
pub(crate) struct Argument {
    /// Its name, by which it is also completed.
    pub(crate) name: &'static str,
    /// What it is.
    pub(crate) description: &'static str,
    /// Whether it may not be left out.
    pub(crate) required: bool,
}

const ACCOUNT: Argument =
    Argument { name: "account", description: "Only this account; otherwise all.", required: false };
const ABOUT: Argument = Argument { name: "about", description: "What it is about.", required: true };
const CONVERSATION: Argument =
    Argument { name: "conversation", description: "Conversation, such as #ops or @mara.", required: true };
const TARGETS: Argument =
    Argument { name: "targets", description: "Where to: #general, or several with commas.", required: false };
const SINCE: Argument = Argument { name: "since", description: "", required: false };

/// All of them.
const PROMPTS: [Prompt; 5] = [
    Prompt {
        name: "catch_me_up",
        title: "Catch me up",
        description: "What is new in the team chat, what waits for you first.",
        arguments: &[
            Argument { description: "From this time, such as 1d or 2026-11-20; otherwise what is unread.", ..SINCE },
            ACCOUNT,
        ],
        needs: &["catch_up"],
        say: words::catch_me_up,
    },
    Prompt {
        name: "standup",
        title: "Standup",
        description: "Your standup, out of what you wrote: done, next, open.",
        arguments: &[Argument { description: "From this time; otherwise since yesterday.", ..SINCE }, ACCOUNT],
        needs: &["search_messages", "catch_up"],
        say: words::standup,
    },
    Prompt {
        name: "channel_digest",
        title: "Channel digest",
        description: "A conversation in short: topics, decisions, open questions.",
        arguments: &[CONVERSATION, Argument { description: "From this time; otherwise the last seven days.", ..SINCE }],
        needs: &["read_messages"],
        say: words::channel_digest,
    },
    Prompt {
        name: "find_a_decision",
        title: "Find a decision",
        description: "What was decided about something, by whom and when, with the messages that say so.",
        arguments: &[ABOUT, Argument { required: false, ..CONVERSATION }],
        needs: &["search_messages"],
        say: words::find_a_decision,
    },
    Prompt {
        name: "draft_an_announcement",
        title: "Draft an announcement",
        description: "A draft for you to change; nothing is sent before you say so.",
        arguments: &[ABOUT, TARGETS],
        needs: &["read_messages"],
        say: words::draft_an_announcement,
    },
];

/// Returns the prompts that can be asked for: those whose verbs are listed.
pub(crate) fn prompts(listed: impl Fn(&str) -> bool) -> impl Iterator<Item = Prompt> {
    PROMPTS.into_iter().filter(move |prompt| prompt.needs.iter().all(|need| listed(need)))
}

impl Prompt {
    /// Returns what it says to a model that is shown the verbs which are `listed`.
    pub(crate) fn render(
        &self,
        served: &Served,
        arguments: &JsonObject,
        listed: impl Fn(&str) -> bool,
    ) -> Result<String> {
        let given = self.read(served, arguments)?;
        Ok((self.say)(&Words { given, listed: &listed }))
    }

    /// Reads what the user has given: each on one line, and nothing that the prompt does not take.
    fn read(&self, served: &Served, arguments: &JsonObject) -> Result<Vec<(&'static str, String)>> {
        let known = || self.arguments.iter().map(|argument| argument.name);
        if let Some(other) = arguments.keys().find(|name| known().all(|known| known != name.as_str())) {
            let near = nearest(other, known()).map_or_else(
                || format!("give {}", known().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" or ")),
                |near| format!("say `{near}`"),
            );
            let message = format!("`{}` takes no argument `{}`", self.name, sanitise::name(other));
            return Err(Error::invalid(message).hint(near));
        }
        let mut given = Vec::new();
        for Argument { name, description, required } in self.arguments {
            let text = match arguments.get(*name) {
                None => String::new(),
                Some(value) => sanitise::line(value.as_str().ok_or_else(|| {
                    Error::invalid(format!("argument `{name}` is no text")).hint("write it in quotation marks")
                })?),
            };
            if text.chars().nth(LONGEST).is_some() {
                return Err(Error::invalid(format!("argument `{name}` has more than {LONGEST} characters"))
                    .hint("say it in fewer words"));
            }
            if !text.is_empty() {
                given.push((*name, checked(served, name, text)?));
            } else if *required {
                let asked = description.trim_end_matches('.');
                return Err(Error::invalid(format!("argument `{name}` of `{}` is missing", self.name))
                    .hint(format!("give `{name}`: {}", lower(asked))));
            }
        }
        Ok(given)
    }
}

/// Refuses what no verb would take, while the user is there to mend it.
fn checked(served: &Served, name: &str, text: String) -> Result<String> {
    match name {
        "account" => served.known(&text).map(|account: &ServedAccount| account.key().to_string()),
        "since" => Window::read(Some(&text), None).map(|_| text),
        _ => Ok(text),
    }
}

fn lower(sentence: &str) -> String {
    let mut letters = sentence.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}
