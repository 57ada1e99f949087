//! What a client keeps for us between two rounds of a call: sealed, bound to that call, and good for one use.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use rmcp::{
    ErrorData,
    model::{InputResponses, JsonObject, RequestStateCodec, SealOptions},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use switchboard_kit::Principal;
use tracing::debug;

/// How long a user may take from round to round.
const LIFETIME: Duration = Duration::from_mins(15);
/// Most uses that are remembered. Beyond that the key is changed, which ends every call that waits for its user.
const REMEMBERED: usize = 10_000;

/// Seals and opens states, with a key that lives as long as the process.
#[derive(Default)]
pub(super) struct Seals(Mutex<Option<Key>>);

struct Key {
    codec: RequestStateCodec,
    used: HashSet<u128>,
}

/// What a state is good for: one caller, one method, one name, one set of arguments.
pub(super) struct Binding([u8; 32]);

#[derive(Serialize, Deserialize)]
struct State {
    id: u128,
    asked: BTreeSet<String>,
    given: BTreeMap<String, Value>,
}

impl Binding {
    pub(super) fn new(principal: &Principal, method: &str, name: &str, arguments: &JsonObject) -> Self {
        // As JSON, no part can be mistaken for a piece of another.
        let parts = serde_json::json!([*principal.issuer, *principal.subject, method, name, arguments]);
        Self(Sha256::digest(parts.to_string()).into())
    }
}

impl Seals {
    /// Seals what has been answered so far, and what is asked now.
    pub(super) fn seal(&self, binding: &Binding, asked: BTreeSet<String>, given: &BTreeMap<String, Value>) -> String {
        let state = State { id: rand::random(), asked, given: given.clone() };
        let options = SealOptions::new().associated_data(&binding.0).ttl(LIFETIME);
        let mut key = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let sealed = key.get_or_insert_with(Key::new).codec.seal_json_with(&state, &options);
        sealed.expect("a state is text, numbers and what came as JSON")
    }

    /// Returns all answers: those in the state, and those among `responses` that were asked for.
    pub(super) fn open(
        &self,
        binding: &Binding,
        sealed: &str,
        responses: InputResponses,
    ) -> Result<BTreeMap<String, Value>, ErrorData> {
        // One answer for all reasons: what hinders a forger is not for him to know.
        let refused = |why: &dyn std::fmt::Display| {
            debug!(%why, "A request state was refused");
            let message = "the request state is not ours, was changed, has expired or was used: ask again without it";
            ErrorData::invalid_params(message, None)
        };
        let mut key = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = key.get_or_insert_with(Key::new);
        let state: State = key.codec.open_json_with(sealed, &binding.0).map_err(|error| refused(&error))?;
        if key.used.contains(&state.id) {
            return Err(refused(&"it was used before"));
        }
        if key.used.len() >= REMEMBERED {
            *key = Key::new();
        } else {
            key.used.insert(state.id);
        }
        let mut given = state.given;
        given.extend(responses.into_iter().filter(|(key, _)| state.asked.contains(key)));
        Ok(given)
    }
}

impl Key {
    fn new() -> Self {
        let codec = RequestStateCodec::try_new(rand::random::<[u8; 32]>().to_vec());
        Self { codec: codec.expect("the key is as long as the least one"), used: HashSet::new() }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn binding(name: &str, arguments: &Value) -> Binding {
        Binding::new(&Principal::local(), "tools/call", name, arguments.as_object().unwrap())
    }

    fn sealed(seals: &Seals) -> String {
        let given = BTreeMap::from([("first".to_owned(), json!("yes"))]);
        seals.seal(&binding("send", &json!({ "to": "#ops" })), ["second".to_owned()].into(), &given)
    }

    fn responses() -> InputResponses {
        [("second".to_owned(), json!(2)), ("first".to_owned(), json!("no")), ("other".to_owned(), json!(3))].into()
    }

    #[test]
    fn only_what_was_asked_is_answered() {
        let seals = Seals::default();
        let given = seals.open(&binding("send", &json!({ "to": "#ops" })), &sealed(&seals), responses()).unwrap();
        assert_eq!(json!(given), json!({ "first": "yes", "second": 2 }));
    }

    #[test]
    fn a_state_is_good_for_one_use_of_one_call() {
        let (seals, own) = (Seals::default(), binding("send", &json!({ "to": "#ops" })));
        let state = sealed(&seals);
        for other in [binding("send", &json!({ "to": "#all" })), binding("delete", &json!({ "to": "#ops" }))] {
            assert!(seals.open(&other, &state, responses()).is_err());
        }
        let someone = Principal { issuer: "elsewhere".into(), subject: "local".into() };
        let someone = Binding::new(&someone, "tools/call", "send", json!({ "to": "#ops" }).as_object().unwrap());
        assert!(seals.open(&someone, &state, responses()).is_err());
        let mut forged = state.clone().into_bytes();
        let last = forged.last_mut().unwrap();
        *last = if *last == b'A' { b'B' } else { b'A' };
        assert!(seals.open(&own, &String::from_utf8(forged).unwrap(), responses()).is_err());
        assert!(Seals::default().open(&own, &state, responses()).is_err());
        assert!(seals.open(&own, &state, responses()).is_ok());
        assert!(seals.open(&own, &state, responses()).is_err());
    }

    #[test]
    fn when_too_many_are_used_none_comes_back() {
        let (seals, own) = (Seals::default(), binding("send", &json!({ "to": "#ops" })));
        let first = sealed(&seals);
        assert!(seals.open(&own, &first, responses()).is_ok());
        for _ in 0..REMEMBERED {
            assert!(seals.open(&own, &sealed(&seals), responses()).is_ok());
        }
        assert!(seals.open(&own, &first, responses()).is_err());
    }
}
