//! `switchboard audit`: what was done and refused, for people or for programs.

use std::collections::VecDeque;

use clap::Args;
use jiff::tz::TimeZone;
use switchboard_kit::{AccountKey, Error, ErrorKind, Principal, Result};

use crate::{
    accounts::Accounts,
    audit::{Entry, Event, Wanted},
    chat::{
        sanitise,
        time::{Window, zone, zone_name},
    },
};

// No words here: they would be shown in place of the command's.
#[derive(Args, Clone, Debug, Default)]
pub struct AuditOptions {
    /// Show this account only; repeat it or separate names by commas.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    account: Vec<String>,

    /// Show this tool only, such as `send_message`; repeat it or separate names by commas.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    tool: Vec<String>,

    /// Show this only; repeat it or separate them by commas.
    #[arg(long, value_enum, value_name = "EVENT", value_delimiter = ',')]
    event: Vec<Event>,

    /// Show these targets only, by ids, such as `work:C5` or `work:*`.
    #[arg(long, value_name = "GLOB")]
    target: Option<String>,

    /// Show what happened from then on: `2026-11-20`, `2026-11-20T09:30`, `90m`, `1d`, `today` or `yesterday`.
    #[arg(long, value_name = "TIME")]
    since: Option<String>,

    /// Show what happened before then.
    #[arg(long, value_name = "TIME")]
    until: Option<String>,

    /// Show so many lines at most: the newest.
    #[arg(long, value_name = "NUMBER")]
    limit: Option<usize>,

    /// Print the lines as they are noted, a JSON object each.
    #[arg(long)]
    json: bool,
}

/// Prints the lines that are wanted, oldest first.
pub(super) fn audit(accounts: &Accounts, options: &AuditOptions) -> Result<()> {
    let mut names = options.account.clone();
    if accounts.are_named() {
        names.extend(accounts.keys().iter().map(AccountKey::to_string));
    }
    let window = Window::read(options.since.as_deref(), options.until.as_deref());
    let wanted = Wanted {
        accounts: names,
        tools: options.tool.clone(),
        events: options.event.clone(),
        target: options.target.clone(),
        window: window.map_err(|error| misused(&error))?,
    };
    let audit = accounts.audit();
    let mut entries = audit.read(wanted)?;
    let mut kept = VecDeque::new();
    for entry in entries.by_ref() {
        kept.push_back(entry?);
        if options.limit.is_some_and(|limit| kept.len() > limit) {
            kept.pop_front();
        }
    }
    if entries.unreadable() > 0 {
        eprintln!("warning: {} lines of `{}` cannot be read", entries.unreadable(), audit.path().display());
    }
    if options.json {
        let lines: Vec<_> = kept.iter().filter_map(|entry| serde_json::to_string(entry).ok()).collect();
        return if lines.is_empty() { Ok(()) } else { super::print(&lines.join("\n")) };
    }
    let (place, zone) = (audit.path().display(), zone());
    if kept.is_empty() {
        let none = if audit.path().exists() { "nothing like that was noted" } else { "nothing has been noted yet" };
        return super::print(&format!("{none} in {place}"));
    }
    let mut text = format!("{place}, times in {}\n", zone_name(&zone));
    let width = kept.iter().map(|entry| entry.account.chars().count()).max().unwrap_or_default();
    for entry in &kept {
        text += &line(entry, width, &zone);
        text.push('\n');
    }
    super::print(&text)
}

/// Makes a mistake in an argument one in the use of the program.
fn misused(error: &Error) -> Error {
    let misused = Error::new(ErrorKind::Config, error.message());
    error.hint_text().map(ToOwned::to_owned).into_iter().fold(misused, Error::hint)
}

/// Describes what happened in one line.
fn line(entry: &Entry, width: usize, zone: &TimeZone) -> String {
    let time = entry.time.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S");
    let event = serde_json::to_value(entry.event).ok();
    let event = event.as_ref().and_then(serde_json::Value::as_str).unwrap_or_default();
    let mut line = format!("{time}  {event:10}  {:width$}", entry.account);
    if entry.principal != Principal::local().to_string() {
        line += &format!("  for {}", entry.principal);
    }
    if let Some(tool) = &entry.tool {
        line += &format!("  {tool:14}");
    }
    // A message's ref begins with its conversation.
    match (entry.messages.as_slice(), &entry.target) {
        ([], Some(target)) => line += &format!("  {target}"),
        (messages @ [_, ..], _) => line += &format!("  {}", messages.join(", ")),
        ([], None) => {}
    }
    if let Some(person) = &entry.person {
        line += &format!("  {person}");
    }
    if let Some(why) = &entry.why {
        line += &format!("  ({why})");
    }
    // The file may have been written by something else.
    let mut line = line.trim_end().replace(['\n', '\r', '\t'], " ");
    sanitise::answer(&mut line);
    line
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    #[test]
    fn a_line_says_what_happened_where_and_why() {
        let mut entry = Entry::now(Event::Refused, &Principal::local(), &AccountKey::new("work"));
        entry.time = Timestamp::UNIX_EPOCH;
        entry.tool = Some("react".into());
        entry.target = Some("work:C5".into());
        entry.why = Some("it is on the `deny` list\u{1b}[2J\nsecond".into());
        let said = |entry: &Entry| line(entry, 5, &TimeZone::UTC);
        let start = "1970-01-01 00:00:00  refused     work ";
        assert_eq!(said(&entry), format!("{start}  react           work:C5  (it is on the `deny` list[2J second)"));
        entry.messages = vec!["work:C5/M1".into(), "work:C5/M2".into()];
        (entry.why, entry.principal) = (None, "idp/ana".into());
        assert_eq!(said(&entry), format!("{start}  for idp/ana  react           work:C5/M1, work:C5/M2"));
        let signed_in = Entry::now(Event::SignedIn, &Principal::local(), &AccountKey::new("work"));
        let signed_in = Entry { time: entry.time, person: Some("P1".into()), ..signed_in };
        assert_eq!(said(&signed_in), "1970-01-01 00:00:00  signed_in   work   P1");
    }
}
