//! One request of a client, and the same request again with answers to our questions.

use std::{sync::Arc, time::Duration};

use rmcp::{
    ErrorData, RoleServer,
    model::{InputRequiredResult, InputResponses, JsonObject},
    service::RequestContext,
};
use switchboard_kit::{Call, Principal, Result};

use super::{
    client::Client,
    news::Reports,
    seals::{Binding, Seals},
    words,
};

/// Longest that a call may take; a question to the user stops the clock.
const PATIENCE: Duration = Duration::from_mins(1);

/// What a client asks to be done, and what it brings along if it has asked before.
pub(super) struct Demand<'a> {
    pub(super) method: &'static str,
    pub(super) name: &'a str,
    pub(super) arguments: &'a JsonObject,
    pub(super) state: Option<String>,
    pub(super) responses: Option<InputResponses>,
}

/// One request.
pub(super) struct Round<'a> {
    client: Arc<Client>,
    reports: Reports,
    /// Where the client answers questions by asking again: how to recognise that.
    resumption: Option<(&'a Seals, Binding)>,
}

/// How a request ended.
pub(super) enum Ended<T> {
    /// With a result.
    With(Result<T>),
    /// With questions, after whose answers it is made again.
    InQuestions(InputRequiredResult),
}

impl<'a> Round<'a> {
    /// Begins a request that ends in one go.
    pub(super) fn begin(context: RequestContext<RoleServer>) -> (Self, Call) {
        let (client, reports) = Client::new(context, false);
        Self { client: Arc::new(client), reports, resumption: None }.with_call()
    }

    /// Begins a request that may end in questions, or goes on where it did.
    pub(super) fn resume(
        seals: &'a Seals,
        context: RequestContext<RoleServer>,
        demand: Demand<'_>,
    ) -> Result<(Self, Call), ErrorData> {
        let (mut client, reports) = Client::new(context, true);
        let mut resumption = None;
        if client.answers_by_asking_again() {
            let binding = Binding::new(&Principal::local(), demand.method, demand.name, demand.arguments);
            if let Some(state) = demand.state {
                client.given = seals.open(&binding, &state, demand.responses.unwrap_or_default())?;
            }
            resumption = Some((seals, binding));
        }
        Ok(Self { client: Arc::new(client), reports, resumption }.with_call())
    }

    fn with_call(self) -> (Self, Call) {
        let cancellation = self.client.context().ct.clone();
        let call = Call::of(self.client.clone(), Principal::local(), PATIENCE, cancellation);
        (self, call)
    }

    /// Does the work, telling the client how far it has come.
    pub(super) async fn run<T>(self, call: &Call, work: impl Future<Output = Result<T>>) -> Result<T> {
        self.reports.during(call.run(work)).await
    }

    /// Does the work until it ends or has questions that the client answers by asking again. Then it is dropped.
    pub(super) async fn end<T>(self, call: &Call, work: impl Future<Output = Result<T>>) -> Ended<T> {
        let Self { client, reports, resumption } = self;
        let Some((seals, binding)) = resumption else { return Ended::With(reports.during(call.run(work)).await) };
        let ended = async {
            tokio::select! {
                biased;
                outcome = call.run(work) => Ended::With(outcome),
                questions = client.questions() => {
                    let state = seals.seal(&binding, questions.keys().cloned().collect(), &client.given);
                    let mut result = InputRequiredResult::new(Some(questions), Some(state));
                    result.meta = words::signature(client.context());
                    Ended::InQuestions(result)
                }
            }
        };
        reports.during(ended).await
    }
}
