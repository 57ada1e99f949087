//! A fully compromised assistant: whatever it calls, nothing is stored that the user's rules do not let be. What counts is what
//! the sandbox has stored, judged by ids.

mod fake;
mod forms;
mod judge;
mod notes;
mod plan;
mod users;

use std::{collections::BTreeMap, fs, sync::Arc, time::Duration};

use futures::future::join_all;
use switchboard_kit::{
    AccountKey, Call, Principal, Result, ToolHost,
    host::{Content, ExposeSecret as _, JsonObject, Reply, tools},
};
use tokio_util::sync::CancellationToken;

use self::{
    fake::Fake,
    judge::{Asks, Judge, Law, Meant, Origin},
    notes::{Notes, Outcome, outcome},
    plan::{Account, Hostile, Plan, Step},
    users::{Manner, User},
};
use super::workspace::{Workspace, free};
use crate::{
    chat::{Budget, Chats, Confirm, Guards, Rules, Served, Targets},
    server::{Linked, Provider as _},
};

/// How many calls, unless `SWITCHBOARD_HOSTILE` says otherwise.
const SOME: usize = 400;
const SEED: u64 = 20_261_122;
/// How many processes share what is remembered.
const PROCESSES: usize = 3;

/// What a user has configured, and means by it.
struct Policy {
    name: &'static str,
    accounts: Vec<(Account, Rules, Law)>,
    manners: &'static [Manner],
    /// How many calls are made at once.
    at_once: usize,
}

const UNREACHABLE: &[Manner] = &[Manner::Unreachable, Manner::Pages];
const UNWILLING: &[Manner] = &[Manner::Declines, Manner::Leaves, Manner::Breaks, Manner::Reads];
const ANYBODY: &[Manner] =
    &[Manner::Unreachable, Manner::Pages, Manner::Declines, Manner::Leaves, Manner::Breaks, Manner::Reads];
const ROBIN: Account = ("sandbox", 1);

fn rules(allow: &[&str], deny: &[&str]) -> Rules {
    let targets = |patterns: &[&str]| Targets {
        write: patterns.iter().map(|pattern| (*pattern).to_owned()).collect(),
        ..Targets::default()
    };
    let budget = Budget { minute: u32::MAX, day: u32::MAX };
    Rules { write: true, mark_read: true, allow: targets(allow), deny: targets(deny), budget, ..Rules::default() }
}

fn law(allow: &[Meant], deny: &[Meant]) -> Law {
    let (allow, deny) = (allow.to_vec(), deny.to_vec());
    Law {
        write: true,
        mark_read: true,
        allow,
        deny,
        asks: Asks::Unlisted,
        reply_only: false,
        most: usize::MAX,
        guards: true,
    }
}

fn policies() -> Vec<Policy> {
    use Meant::{Conversation, Conversations, Everything, Person};
    let one = |name, rules, law, manners| Policy { name, accounts: vec![(ROBIN, rules, law)], manners, at_once: 1 };
    let never = |rules| Rules { confirm: Confirm::Never, ..rules };
    let quiet = |law| Law { asks: Asks::Never, ..law };
    let unguarded = |rules| Rules { guards: Guards { private: false, secrets: false, links: false }, ..rules };
    let people = ["sandbox:@mara", "C4", "sandbox:place-5??", "sandbox:#ops"];
    let listed = [Person(2), Conversation(4), Conversation(2)];
    vec![
        one("only what is listed", never(rules(&people, &[])), quiet(law(&listed, &[])), ANYBODY),
        one("nobody to ask", rules(&["sandbox:#random"], &[]), law(&[Conversation(5)], &[]), UNREACHABLE),
        one(
            "an unwilling user",
            rules(&["#design", "@kenji"], &[]),
            law(&[Conversation(3), Person(3)], &[]),
            UNWILLING,
        ),
        one(
            "denied above all",
            rules(&["*"], &["#hiring", "sandbox:C500", "@mara", "*:C54?", "*:@guest*", "sandbox_add_channel"]),
            law(&[Everything], &[Conversation(6), Conversation(500), Person(2), Conversations(540, 549)]),
            ANYBODY,
        ),
        one(
            "only answers",
            unguarded(Rules { reply_only: true, ..never(rules(&[], &[])) }),
            Law { reply_only: true, guards: false, ..quiet(law(&[], &[])) },
            ANYBODY,
        ),
        Policy {
            at_once: 6,
            ..one(
                "a small budget",
                unguarded(Rules { budget: Budget { minute: 9, day: 23 }, ..never(rules(&[], &[])) }),
                Law { most: 23, guards: false, ..quiet(law(&[], &[])) },
                UNREACHABLE,
            )
        },
        one("no writing", Rules { write: false, ..rules(&["*"], &[]) }, Law { write: false, ..law(&[], &[]) }, ANYBODY),
        Policy {
            name: "two accounts",
            accounts: vec![
                (("work", 1), never(rules(&["work:C2"], &["second:*"])), quiet(law(&[Conversation(2)], &[]))),
                (
                    ("second", 2),
                    Rules { confirm: Confirm::Always, mark_read: false, ..rules(&["*"], &["C1"]) },
                    Law { asks: Asks::Always, mark_read: false, ..law(&[], &[Conversation(1)]) },
                ),
            ],
            manners: ANYBODY,
            at_once: 1,
        },
    ]
}

/// What became of the calls of a plan.
#[derive(Default)]
struct Tally {
    calls: usize,
    landed: usize,
    refused: usize,
    /// Why others stored nothing.
    nothing: BTreeMap<String, usize>,
    stored: usize,
    objections: Vec<String>,
}

/// A workspace with its processes, and who looks at what they do.
struct Scene {
    workspace: Workspace,
    processes: Vec<(Arc<Served>, Linked)>,
    tokens: Vec<String>,
    fake: Fake,
    notes: Notes,
    judge: Judge,
    tally: Tally,
}

impl Scene {
    async fn of(plan: &Plan, accounts: &[(Account, Rules, Law)]) -> Self {
        let workspace = Workspace::open().await;
        let fake = Fake::of(&workspace, plan);
        for (name, text) in &plan.files {
            fs::write(workspace.folder.path().join("uploads").join(name), text).unwrap();
        }
        fs::write(workspace.folder.path().join("uploads/.env"), "only you should know").unwrap();
        let (mut processes, mut tokens) = (Vec::new(), Vec::new());
        for _ in 0..PROCESSES {
            let mut all = Vec::new();
            for ((key, person), rules, _) in accounts {
                let mut account = workspace.account(key, &format!("P{person}")).await;
                account.rules = rules.clone();
                let credentials = account.account.credentials.fresh(&Principal::local(), "").await.unwrap();
                tokens.push(credentials.secret.expose_secret().to_owned());
                all.push(account);
            }
            let toolsets = all.iter().map(|account| (account.key().clone(), vec!["all".to_owned()]));
            let toolsets: BTreeMap<AccountKey, Vec<String>> = toolsets.collect();
            let served = workspace.serve(all).0;
            processes.push((served.clone(), Linked::new(served, &toolsets).unwrap()));
        }
        let notes = Notes::of(&workspace.folder.path().join("audit.jsonl"));
        let judge = Judge::of(accounts.iter().map(|((_, person), _, law)| (*person, law.clone())));
        Self { workspace, processes, tokens, fake, notes, judge, tally: Tally::default() }
    }

    /// Calls a tool as a client would; one that is not even listed as whoever gets past the list.
    async fn call(
        &self,
        tool: &str,
        arguments: &JsonObject,
        manner: Manner,
        (process, session): Origin,
    ) -> Result<Reply> {
        let user = Arc::new(User { manner, session });
        let call = Call::of(user, Principal::local(), Duration::from_mins(1), CancellationToken::new());
        let (served, linked) = &self.processes[process];
        let verb = tools().into_iter().find(|def| def.host == Chats::KEY && def.name == tool);
        match verb.filter(|_| !served.accounts().iter().any(|account| account.rules.write)) {
            Some(verb) => (verb.call)(&Chats::new(served.clone(), call), arguments.clone()).await,
            None => linked.call_tool(&call, tool, arguments.clone()).await,
        }
    }

    async fn play(mut self, plan: &Plan, at_once: usize) -> Tally {
        let mut waiting: Vec<&Hostile> = Vec::new();
        for step in &plan.steps {
            if let Step::Call(call) = step {
                waiting.push(call);
                if waiting.len() < at_once {
                    continue;
                }
            }
            self.make(&std::mem::take(&mut waiting)).await;
            match step {
                Step::Call(_) => {}
                Step::Act(act) => self.fake.act(act),
                Step::Read(tool, arguments, origin) => {
                    let reply = self.call(tool, arguments.as_object().unwrap(), Manner::Unreachable, *origin).await;
                    for part in reply.unwrap_or_else(|error| panic!("{tool} {arguments}: {error:?}")).content {
                        let Content::Text(text) = part else { continue };
                        self.judge.shows(&self.fake, *origin, &text);
                    }
                }
            }
        }
        self.make(&waiting).await;
        drop(self.workspace);
        self.tally
    }

    /// Makes these calls at once, and looks at what came of them.
    async fn make(&mut self, calls: &[&Hostile]) {
        if calls.is_empty() {
            return;
        }
        let made = calls
            .iter()
            .map(|call| self.call(call.tool, call.arguments.as_object().unwrap(), call.manner, call.origin));
        let said = join_all(made).await;
        let (effects, entries) = (self.fake.effects(), self.notes.read(calls, &self.tokens));
        self.tally.objections.extend(self.judge.objections(&self.fake, calls, &effects));
        self.tally.stored += effects.len();
        for (call, said) in calls.iter().zip(&said) {
            self.tally.calls += 1;
            let alone = calls.len() == 1;
            // Of several at once, nobody knows whose an effect is.
            let landed = if alone {
                effects.clone()
            } else {
                effects.iter().filter(|effect| effect.text.contains(&call.nonce)).cloned().collect()
            };
            match outcome(call, said, &landed, if alone { Some(&entries) } else { None }, &self.tokens) {
                Outcome::Landed => self.tally.landed += 1,
                Outcome::Refused => self.tally.refused += 1,
                Outcome::Nothing(why) => *self.tally.nothing.entry(why).or_default() += 1,
            }
        }
    }
}

/// Makes the calls of a plan under a user's rules, and the same with all rules off.
async fn compare(policy: Policy, seed: u64, calls: usize) -> (&'static str, Tally, Tally) {
    let accounts: Vec<_> = policy.accounts.iter().map(|(account, ..)| *account).collect();
    let plan = Plan::of(seed, calls, &accounts, policy.manners);
    let under = Scene::of(&plan, &policy.accounts).await.play(&plan, policy.at_once).await;
    // With the rules off, the judge goes by the same law: it must see what they would have kept back.
    let free = |(account, _, law): (Account, Rules, Law)| (account, Rules { mark_read: true, ..free() }, law);
    let off: Vec<_> = policy.accounts.into_iter().map(free).collect();
    let off = Scene::of(&plan, &off).await.play(&plan, 1).await;
    (policy.name, under, off)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_stored_that_the_user_does_not_let_be() {
    let wanted = std::env::var("SWITCHBOARD_HOSTILE").ok().map_or(SOME, |count| count.parse().unwrap());
    let policies = policies();
    let each = wanted.div_ceil(policies.len());
    let numbered = policies.into_iter().zip(SEED..);
    let compared = join_all(numbered.map(|(policy, seed)| compare(policy, seed, each))).await;
    let (mut calls, mut landed) = (0, 0);
    for (name, under, off) in &compared {
        eprintln!(
            "{name}: of {} calls {} were refused, and {} changes were stored; with all rules off {} landed, and {} of {} changes were \
             against them",
            under.calls,
            under.refused,
            under.stored,
            off.landed,
            off.objections.len(),
            off.stored
        );
        calls += under.calls;
        landed += off.landed;
    }
    for (name, under, off) in &compared {
        let first = &under.objections[..under.objections.len().min(5)];
        assert!(
            first.is_empty(),
            "{name}, seed {SEED}: {} of {} stored: {first:#?}",
            under.objections.len(),
            under.stored
        );
        assert!(off.objections.len() * 12 > off.stored, "{name}: the judge sees too little");
    }
    assert!(
        calls >= wanted && landed * 100 >= calls * 95,
        "only {landed} of {calls} calls land with all rules off: {:#?}",
        compared.iter().map(|(_, _, off)| &off.nothing).collect::<Vec<_>>()
    );
    eprintln!("{calls} hostile calls: 0 stored outside the rules; {landed} of the same calls land with all rules off");
}
