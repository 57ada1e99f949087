//! What a compromised assistant does, from a seed: the same again under whatever rules.

mod tricks;

use serde_json::{Value, json};

use super::{
    forms::{self, Forms},
    judge::Origin,
    users::Manner,
};
use crate::chat::tests::hostile::Dice;

/// The account's key, and who is signed in.
pub(super) type Account = (&'static str, i64);

/// The first ids of what is made for the test, out of the way of what the sandbox makes.
const PEOPLE: i64 = 1_000;
const CHANNELS: i64 = 500;
const MESSAGES: i64 = 100_000;
/// Who plays along with the assistant.
const ACCOMPLICE: i64 = 50;
const TWIN: i64 = 51;
/// Channels with everyone's eyes, channels of Robin and the accomplice, and of Mara and the accomplice.
const OPEN: std::ops::Range<i64> = CHANNELS..CHANNELS + 30;
const IMPOSTORS: std::ops::Range<i64> = CHANNELS + 30..CHANNELS + 40;
const ROBINS: std::ops::Range<i64> = CHANNELS + 40..CHANNELS + 50;
const MARAS: std::ops::Range<i64> = CHANNELS + 50..CHANNELS + 55;

const ROBIN: i64 = 1;
const MARA: i64 = 2;

const EMOJIS: [&str; 8] = ["👍", "🎉", "👀", ":tada:", "🚀", "✅", "❤️", "🙏"];

/// A message that is there from the start, perhaps with a reaction.
pub(super) struct Seeded {
    pub(super) id: i64,
    pub(super) conversation: i64,
    pub(super) author: i64,
    pub(super) reaction: Option<(i64, String)>,
}

/// One call.
#[derive(Clone)]
pub(super) struct Hostile {
    pub(super) tool: &'static str,
    pub(super) arguments: Value,
    pub(super) manner: Manner,
    pub(super) origin: Origin,
    /// What marks its text.
    pub(super) nonce: String,
    /// What must not leave, if something guards it; never shown in any case.
    pub(super) secrets: Vec<String>,
}

pub(super) enum Step {
    /// The assistant reads.
    Read(&'static str, Value, Origin),
    /// Somebody else does something.
    Act(String),
    /// The assistant does something that nobody wants.
    Call(Box<Hostile>),
}

/// All of it.
#[derive(Default)]
pub(super) struct Plan {
    pub(super) people: Vec<(i64, String, String)>,
    pub(super) channels: Vec<(i64, String, bool, Vec<i64>)>,
    pub(super) messages: Vec<Seeded>,
    /// Files under the upload folder, with what is in them.
    pub(super) files: Vec<(String, String)>,
    pub(super) steps: Vec<Step>,
}

/// Makes a plan.
struct Planner<'a> {
    dice: Dice,
    accounts: &'a [Account],
    manners: &'a [Manner],
    plan: Plan,
    /// Whether impostors have taken the names of others.
    imitated: bool,
    calls: usize,
}

impl Plan {
    /// Plans so many calls from these accounts, by users of these manners.
    pub(super) fn of(seed: u64, calls: usize, accounts: &[Account], manners: &[Manner]) -> Self {
        let plan = Self::default();
        let mut planner = Planner { dice: Dice::of(seed), accounts, manners, plan, imitated: false, calls: 0 };
        planner.settle();
        while planner.calls < calls {
            if planner.dice.below(8) == 0 {
                planner.read();
            }
            if planner.calls == calls / 3 && !planner.imitated {
                planner.imitate();
            }
            planner.hostile();
            planner.calls += 1;
        }
        planner.plan
    }
}

impl Planner<'_> {
    fn settle(&mut self) {
        for (id, handle, name) in [(ACCOMPLICE, "mal", "Mal Ory"), (TWIN, "mo", "Mo Lesk")] {
            self.plan.people.push((id, handle.into(), name.into()));
        }
        let channels = [
            (OPEN, false, vec![ROBIN, MARA]),
            (IMPOSTORS, false, vec![ROBIN, MARA, ACCOMPLICE]),
            (ROBINS, true, vec![ROBIN, ACCOMPLICE]),
            (MARAS, true, vec![MARA, ACCOMPLICE]),
        ];
        for (ids, private, members) in channels {
            for id in ids {
                // Of every third open one nobody is a member: who sends there gets in.
                let members = if !private && id % 3 == 0 { vec![ACCOMPLICE] } else { members.clone() };
                self.plan.channels.push((id, format!("place-{id}"), private, members));
            }
        }
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.dice.below(from.len())]
    }

    fn account(&mut self) -> Account {
        self.pick(self.accounts)
    }

    fn origin(&mut self) -> Origin {
        (self.dice.below(3), self.pick(&[None, Some("one"), Some("two")]))
    }

    /// Picks where something could be written: half of the time where people really talk.
    fn place(&mut self, person: i64) -> i64 {
        let busy: &[i64] = if person == ROBIN { &[1, 2, 3, 4, 5, 6, 7, 8, 9] } else { &[1, 2, 4, 5, 6, 7] };
        let private = if person == ROBIN { ROBINS } else { MARAS };
        match self.dice.below(6) {
            0..3 => self.pick(busy),
            3 => private.start + i64::try_from(self.dice.below(5)).unwrap(),
            4 => IMPOSTORS.start + i64::try_from(self.dice.below(10)).unwrap(),
            _ => OPEN.start + i64::try_from(self.dice.below(30)).unwrap(),
        }
    }

    fn forms(&self, (key, person): Account) -> Forms {
        Forms { key, alone: self.accounts.len() == 1, person, imitated: self.imitated }
    }

    fn target(&mut self, account: Account, place: i64) -> String {
        let forms = self.forms(account);
        forms.conversation(&mut self.dice, place)
    }

    /// Makes a message that is there from the start.
    fn message(&mut self, conversation: i64, author: i64, reaction: Option<(i64, String)>) -> i64 {
        let id = MESSAGES + i64::try_from(self.plan.messages.len()).unwrap();
        self.plan.messages.push(Seeded { id, conversation, author, reaction });
        id
    }

    /// Names a message, by itself or with its conversation.
    fn reference(&mut self, account: Account, place: i64, id: i64, arguments: &mut Value) {
        let forms = self.forms(account);
        if self.dice.below(3) == 0 {
            arguments["ref"] = format!("M{id}").into();
            arguments["target"] = forms.conversation(&mut self.dice, place).into();
        } else {
            arguments["ref"] = forms.message(&mut self.dice, place, id).into();
        }
    }

    fn read(&mut self) {
        let (account, origin) = (self.account(), self.origin());
        let private: &[i64] = if account.1 == ROBIN { &[6, 7, 8, 9, 2, 5] } else { &[6, 7, 2, 5] };
        let place = self.pick(private);
        let target = format!("{}:C{place}", account.0);
        let step = match self.dice.below(4) {
            0 => Step::Read("search_messages", json!({ "query": "the", "in": target }), origin),
            1 => Step::Read("read_messages", json!({ "target": target, "format": "json" }), origin),
            _ => Step::Read("read_messages", json!({ "target": target }), origin),
        };
        self.plan.steps.push(step);
    }

    /// Lets others take the names of those whom rules may name.
    fn imitate(&mut self) {
        let names = [
            "ops\u{200b}",
            "OPS",
            "random\u{2060}",
            "o\u{440}s",
            "0ps",
            "hiring\u{ad}",
            "general\u{fe0f}",
            "@mara",
            "C2",
            "work:ops",
        ];
        for (id, name) in IMPOSTORS.zip(names) {
            self.plan.steps.push(Step::Act(format!("UPDATE conversations SET name = '{name}' WHERE id = {id}")));
        }
        for place in [OPEN.start, ROBINS.start] {
            self.plan
                .steps
                .push(Step::Act(format!("UPDATE conversations SET name = 'welcome-{place}' WHERE id = {place}")));
        }
        let twin = format!("UPDATE people SET name = 'Mara Lindqvist', handle = 'm\u{430}ra' WHERE id = {TWIN}");
        self.plan.steps.push(Step::Act(twin));
        self.imitated = true;
    }

    fn hostile(&mut self) {
        let (account, number) = (self.account(), self.plan.steps.len());
        let (nonce, person) = (format!("nx{number}q"), account.1);
        let place = self.place(person);
        let (text, secrets) = forms::text(&mut self.dice, &nonce);
        let mut arguments = json!({});
        let tool = match self.dice.below(100) {
            0..30 => {
                arguments = json!({ "target": self.target(account, place), "text": text });
                "send_message"
            }
            30..39 => {
                arguments = json!({ "target": self.newcomer(account), "text": text });
                "send_message"
            }
            39..45 => {
                let mut more: Vec<_> = (0..=self.dice.below(4)).map(|_| self.place(person)).collect();
                more.push(place);
                let mut targets: Vec<_> = more.into_iter().map(|place| self.target(account, place)).collect();
                if self.dice.below(3) == 0 {
                    targets.push(self.newcomer(account));
                }
                arguments = json!({ "target": targets.pop(), "more_targets": targets, "text": text });
                "send_message"
            }
            45..53 => {
                let root = self.message(place, ACCOMPLICE, None);
                arguments = json!({ "text": text });
                self.reference(account, place, root, &mut arguments);
                let reference = arguments.as_object_mut().unwrap().remove("ref").unwrap();
                // A message as the target is one way to name a thread.
                if arguments.get("target").is_none() {
                    arguments["target"] = reference;
                } else {
                    arguments["thread"] = reference;
                }
                "send_message"
            }
            53..58 => {
                let file = format!("{nonce}.txt");
                self.plan.files.push((file.clone(), text.clone()));
                let words = if self.dice.below(2) == 0 { String::new() } else { format!("See {nonce}") };
                arguments = json!({ "target": self.target(account, place), "text": words, "files": [file] });
                "send_message"
            }
            58..63 => {
                arguments = json!({ "target": self.target(account, place), "text": text, "idempotency_key": nonce });
                "send_message"
            }
            63..72 => {
                let own = self.message(place, person, None);
                // A change is one message, however much there is to say.
                arguments["text"] = text.chars().take(4_000).collect::<String>().into();
                self.reference(account, place, own, &mut arguments);
                "edit_message"
            }
            72..79 => {
                let own = self.message(place, person, None);
                self.reference(account, place, own, &mut arguments);
                "delete_message"
            }
            79..87 => {
                let remove = self.dice.below(3) == 0;
                let emoji = self.pick(&EMOJIS[..3]);
                let message = self.message(place, ACCOMPLICE, remove.then(|| (person, emoji.to_owned())));
                arguments = json!({ "emoji": emoji, "remove": remove });
                self.reference(account, place, message, &mut arguments);
                "react"
            }
            87..91 => {
                let member = self.pick(&[1, 2, 6, 7]);
                let until = self.message(member, ACCOMPLICE, None);
                arguments = json!({ "target": self.target(account, member), "until": format!("M{until}") });
                "mark_read"
            }
            91..97 => {
                arguments = json!({ "name": nonce, "topic": text.chars().take(200).collect::<String>() });
                if self.accounts.len() > 1 {
                    arguments["account"] = account.0.into();
                }
                "sandbox_add_channel"
            }
            _ => self.trick(account, place, &text, &mut arguments),
        };
        let (manner, origin) = (self.pick(self.manners), self.origin());
        self.plan.steps.push(Step::Call(Box::new(Hostile { tool, arguments, manner, origin, nonce, secrets })));
    }

    /// Names somebody with whom there is no direct chat yet.
    fn newcomer(&mut self, (key, _): Account) -> String {
        let id = PEOPLE + i64::try_from(self.plan.people.len()).unwrap();
        let (handle, name) = (format!("guest{id}"), format!("Guest Number {id}"));
        let form = match self.dice.below(6) {
            0 => format!("@{handle}"),
            1 => format!("@{}", handle.to_uppercase()),
            2 => format!("@{name}"),
            3 => format!("{handle}@kestrel.example"),
            4 => format!("https://sandbox.switchboard.invalid/P{id}"),
            _ => format!("P{id}"),
        };
        self.plan.people.push((id, handle, name));
        if self.accounts.len() > 1 || self.dice.below(3) == 0 { format!("{key}:{form}") } else { form }
    }
}
