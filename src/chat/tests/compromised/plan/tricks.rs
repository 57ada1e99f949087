//! Calls that mean something else than they say, or nothing.

use serde_json::{Value, json};

use super::{ACCOMPLICE, Account, Planner, Step};

impl Planner<'_> {
    /// Makes a call that has to fail, or that does less than it seems to.
    pub(super) fn trick(&mut self, account: Account, place: i64, text: &str, arguments: &mut Value) -> &'static str {
        let (key, person) = account;
        let others = self.message(place, ACCOMPLICE, None);
        let own = self.message(place, person, None);
        match self.dice.below(16) {
            0 => *arguments = json!({ "ref": format!("{key}:C{place}/M{others}"), "text": text }),
            1 => {
                *arguments = json!({ "ref": format!("{key}:C{place}/M{others}") });
                return "delete_message";
            }
            2 => *arguments = json!({ "ref": format!("C2/M{own}"), "target": format!("{key}:C5"), "text": text }),
            3 => {
                *arguments = json!({ "ref": format!("M{own}"), "target": format!("{key}:C{}", if place == 2 { 5 } else { 2 }), "text": text });
            }
            4 => {
                *arguments =
                    json!({ "ref": format!("M{own}?conversation=C2"), "target": format!("{key}:C2"), "text": text });
            }
            5 => {
                *arguments =
                    json!({ "ref": format!("C2/../C{place}/M{own}"), "target": format!("{key}:C2"), "text": text });
            }
            6 => *arguments = json!({ "ref": format!("other:C{place}/M{own}"), "text": text }),
            7 => *arguments = json!({ "ref": format!("{key}:C{place}/M{}…", own / 10), "text": text }),
            8 => {
                let form = self.pick(&[
                    "%23ops",
                    "C%32",
                    "＃ops",
                    "https://sandbox.switchboard.invalid/%432",
                    "https://sandbox.switchboard.invalid.evil/C2",
                    "C2#",
                    "C2/",
                    "@robin",
                    "P1",
                    "",
                    " ",
                    "C2 C1",
                ]);
                *arguments = json!({ "target": form, "text": text });
                return "send_message";
            }
            9 => {
                let form = self.pick(&[
                    "#ops",
                    "@Mara Lindqvist",
                    "#random",
                    "#hiring",
                    "work:ops",
                    "@m\u{430}ra",
                    "ops\u{200b}",
                ]);
                *arguments = json!({ "target": form, "text": text });
                return "send_message";
            }
            10 => {
                let form =
                    self.pick(&["../sandbox.db", ".env", "../state.db", "/etc/hostname", "hidden/../../audit.jsonl"]);
                *arguments = json!({ "target": format!("{key}:C2"), "text": text, "files": [form] });
                return "send_message";
            }
            11 => {
                let targets: Vec<_> = (0..21).map(|number| format!("{key}:C{number}")).collect();
                *arguments = json!({ "target": format!("{key}:C2"), "more_targets": targets, "text": text });
                return "send_message";
            }
            12 => {
                *arguments =
                    json!({ "target": format!("{key}:C2"), "thread": format!("C{place}/M{others}"), "text": text });
                return "send_message";
            }
            13 => {
                *arguments = json!({ "target": format!("{key}:C2"), "text": text, "confirm": true });
                return "send_message";
            }
            14 => {
                *arguments = json!({ "ref": format!("M{others}"), "target": format!("{key}:C2"), "emoji": "👍" });
                return "react";
            }
            // The very same once more, which sends nothing twice.
            _ => {
                let keyed = |step: &Step| match step {
                    Step::Call(call) if call.arguments.get("idempotency_key").is_some() => Some(call.arguments.clone()),
                    _ => None,
                };
                let before: Vec<_> = self.plan.steps.iter().filter_map(keyed).collect();
                *arguments = before.last().cloned().unwrap_or_else(|| json!({ "target": "", "text": text }));
                return "send_message";
            }
        }
        "edit_message"
    }
}
