//! Reading the file again: the lines that are wanted, oldest first, past those that are none.

use std::{
    fs::File,
    io::{self, BufRead as _, BufReader, Read as _},
};

use switchboard_kit::{Error, ErrorKind, Result};

use super::{Audit, Entry, Event};
use crate::{chat::time::Window, glob};

/// Most bytes of a line: more than any of ours has.
const LONGEST: u64 = 64 * 1024;
/// What each line begins with. Within one, quotation marks are escaped.
const START: &[u8] = br#"{"time":""#;

/// Which lines are wanted: those that fit everything that is said, and each list that is not empty.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Accounts.
    pub accounts: Vec<String>,
    /// Tools.
    pub tools: Vec<String>,
    /// What happened.
    pub events: Vec<Event>,
    /// A glob of the target.
    pub target: Option<String>,
    /// When.
    pub(crate) window: Window,
}

impl Wanted {
    /// Returns whether a line is.
    pub fn has(&self, entry: &Entry) -> bool {
        let among = |list: &[String], word: Option<&String>| {
            list.is_empty() || word.is_some_and(|word| list.iter().any(|listed| listed == word))
        };
        let target = |glob: &String| entry.target.as_ref().is_some_and(|target| glob::matches(glob, target));
        among(&self.accounts, Some(&entry.account))
            && among(&self.tools, entry.tool.as_ref())
            && (self.events.is_empty() || self.events.contains(&entry.event))
            && self.target.as_ref().is_none_or(target)
            && self.window.has(entry.time)
    }
}

/// The lines of a file.
pub struct Entries {
    file: Option<BufReader<File>>,
    wanted: Wanted,
    unreadable: usize,
}

impl Audit {
    /// Returns the lines that are wanted. Where there is no file yet there are none.
    pub fn read(&self, wanted: Wanted) -> Result<Entries> {
        let open = || {
            // To open a pipe would be to wait for its other end.
            if !self.path().metadata()?.is_file() {
                return Err(io::Error::other("it is no ordinary file"));
            }
            File::open(self.path())
        };
        let file = match open() {
            Ok(file) => Some(BufReader::new(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                let message = format!("the audit file `{}` cannot be read: {error}", self.path().display());
                return Err(Error::new(ErrorKind::Unavailable, message).hint("see that you may read it"));
            }
        };
        Ok(Entries { file, wanted, unreadable: 0 })
    }
}

impl Entries {
    /// Returns how many lines, of those that were passed, are none of ours or were cut off.
    pub fn unreadable(&self) -> usize {
        self.unreadable
    }

    /// Returns the next line, without what is more than a line has.
    fn line(&mut self) -> io::Result<Option<Vec<u8>>> {
        let (Some(file), mut line) = (&mut self.file, Vec::new()) else { return Ok(None) };
        if file.by_ref().take(LONGEST).read_until(b'\n', &mut line)? == 0 {
            return Ok(None);
        }
        if !line.ends_with(b"\n") {
            file.skip_until(b'\n')?;
        }
        Ok(Some(line))
    }

    fn entry(&mut self, line: &[u8]) -> Option<Entry> {
        if line.trim_ascii().is_empty() {
            return None;
        }
        if let Ok(entry) = serde_json::from_slice(line) {
            return Some(entry);
        }
        self.unreadable += 1;
        // Who wrote this one could not know yet that the one before it was cut off.
        let start = line.windows(START.len()).rposition(|window| window == START)?;
        serde_json::from_slice(&line[start..]).ok()
    }
}

impl Iterator for Entries {
    type Item = Result<Entry>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let line = match self.line() {
                Ok(line) => line?,
                Err(error) => {
                    self.file = None;
                    return Some(Err(Error::new(
                        ErrorKind::Unavailable,
                        format!("the audit file ends early: {error}"),
                    )));
                }
            };
            if let Some(entry) = self.entry(&line).filter(|entry| self.wanted.has(entry)) {
                return Some(Ok(entry));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn read(text: impl AsRef<[u8]>, wanted: Wanted) -> (Vec<String>, usize) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        fs::write(&path, text).unwrap();
        let mut entries = Audit::at(path).read(wanted).unwrap();
        let found = entries.by_ref().map(|entry| entry.unwrap().target.unwrap_or_default()).collect();
        (found, entries.unreadable())
    }

    fn line(second: u32, event: &str, account: &str, tool: &str, target: &str) -> String {
        format!(
            "{{\"time\":\"2026-11-22T01:00:{second:02}Z\",\"event\":\"{event}\",\"principal\":\"local/local\",\
             \"account\":\"{account}\",\"tool\":\"{tool}\",\"target\":\"{target}\"}}\n"
        )
    }

    #[test]
    fn what_is_no_line_is_counted_and_passed() {
        let good = line(0, "done", "work", "react", "work:C1");
        let long = format!("{{\"time\":\"{}\n", "x".repeat(200_000));
        let text = [&good, "\n", "no line\n", &good[..40], &good, &long, &good, &good[..40]].concat();
        assert_eq!(read(&text, Wanted::default()), (vec!["work:C1".to_owned(); 3], 4));
        assert_eq!(read([&good.as_bytes()[..good.len() - 1], b""].concat(), Wanted::default()).0.len(), 1);
        assert_eq!(read("", Wanted::default()), (Vec::new(), 0));
    }

    #[test]
    fn what_another_version_adds_does_not_matter() {
        let line = line(0, "done", "work", "react", "work:C1").replace("}\n", ",\"more\":[1]}\n");
        assert_eq!(read(line, Wanted::default()), (vec!["work:C1".to_owned()], 0));
    }

    #[test]
    fn lines_are_chosen_by_all_that_is_said() {
        let text = [
            line(1, "allowed", "work", "send_message", "work:C1"),
            line(2, "done", "work", "send_message", "work:C1"),
            line(3, "refused", "home", "react", "home:C2"),
            line(4, "refused", "work", "react", "work:C3"),
        ]
        .concat();
        let at = |second: u32| format!("2026-11-22T01:00:{second:02}Z").parse().ok();
        let all = Wanted::default;
        for (wanted, expected) in [
            (all(), &["work:C1", "work:C1", "home:C2", "work:C3"][..]),
            (Wanted { accounts: vec!["home".into()], ..all() }, &["home:C2"]),
            (Wanted { tools: vec!["react".into(), "other".into()], ..all() }, &["home:C2", "work:C3"]),
            (Wanted { events: vec![Event::Done, Event::Allowed], ..all() }, &["work:C1", "work:C1"]),
            (Wanted { target: Some("work:*".into()), events: vec![Event::Refused], ..all() }, &["work:C3"]),
            (Wanted { window: Window { since: at(2), until: at(4) }, ..all() }, &["work:C1", "home:C2"]),
        ] {
            assert_eq!(read(&text, wanted.clone()).0, expected, "{wanted:?}");
        }
    }
}
