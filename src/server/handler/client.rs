//! The client that has made a call: told how far it has come, and asked what only its user knows.

use std::{
    any::Any,
    collections::BTreeMap,
    future::pending,
    sync::{Mutex, PoisonError},
};

use async_trait::async_trait;
use rmcp::{
    RoleServer,
    model::{
        CancelledNotificationParam, ElicitRequest, ElicitRequestParams, InputRequest, InputRequests,
        ProgressNotificationParam, ProgressToken, ProtocolVersion, RequestId, ServerRequest,
    },
    service::{Peer, PeerRequestOptions, RequestContext, ServiceError},
};
use serde_json::Value;
use switchboard_kit::{
    Answer, Ask, Call, Error, ErrorKind, Medium, Result,
    host::{Caller, JsonObject},
};
use tokio::{
    runtime::Handle,
    sync::{Notify, mpsc},
};

use super::news::Reports;

/// Most reports of progress that wait for a client to read them; more are dropped.
const REPORTS: usize = 16;

/// The client that has made a call.
pub struct Client {
    context: RequestContext<RoleServer>,
    may_ask: bool,
    progress: Option<Progress>,
    /// Answers from earlier rounds of the same call.
    pub(super) given: BTreeMap<String, Value>,
    asked: Mutex<InputRequests>,
    has_asked: Notify,
}

/// A question that the client's user has not answered. It is taken back if nobody waits for that any more.
struct OpenQuestion<'a> {
    peer: &'a Peer<RoleServer>,
    id: Option<RequestId>,
}

impl Drop for OpenQuestion<'_> {
    fn drop(&mut self) {
        if let (Some(id), Ok(runtime)) = (self.id.take(), Handle::try_current()) {
            let (peer, reason) = (self.peer.clone(), Some("the call that asked has ended".to_owned()));
            runtime
                .spawn(async move { peer.notify_cancelled(CancelledNotificationParam::new(Some(id), reason)).await });
        }
    }
}

struct Progress {
    token: ProgressToken,
    reports: mpsc::Sender<ProgressNotificationParam>,
    /// How far the last report said that the work has come.
    reported: Mutex<f64>,
}

impl Client {
    /// Takes a request in which the user may be asked, or not: the protocol knows questions in calls, reads and renderings.
    pub(super) fn new(context: RequestContext<RoleServer>, may_ask: bool) -> (Self, Reports) {
        let (progress, reports) = match context.meta.get_progress_token() {
            Some(token) => {
                let (reports, receiver) = mpsc::channel(REPORTS);
                let progress = Progress { token, reports, reported: Mutex::new(f64::NEG_INFINITY) };
                (Some(progress), Reports::to(context.peer.clone(), receiver))
            }
            None => (None, Reports::none()),
        };
        let client = Self {
            context,
            may_ask,
            progress,
            given: BTreeMap::new(),
            asked: Mutex::default(),
            has_asked: Notify::new(),
        };
        (client, reports)
    }

    /// Returns who has made `call`, if it came over MCP.
    pub fn of(call: &Call) -> Option<&Self> {
        (call.caller() as &dyn Any).downcast_ref()
    }

    /// Returns the request as the protocol library has it, for what this server itself does without.
    pub fn context(&self) -> &RequestContext<RoleServer> {
        &self.context
    }

    /// Returns whether the protocol lets a server ask in mid-call, as it did until 2025-11-25. Later, a call ends with its
    /// questions and is made again with their answers.
    pub(super) fn answers_by_asking_again(&self) -> bool {
        self.context.protocol_version().is_some_and(|version| version >= ProtocolVersion::V_2026_07_28)
    }

    /// Returns the client's answer to `request`. In the modern era it is never there the first time: then the call is dropped
    /// here, and made again with the answer.
    pub async fn input(&self, key: &str, request: InputRequest) -> Result<Value> {
        if self.answers_by_asking_again() {
            if let Some(answer) = self.given.get(key) {
                return Ok(answer.clone());
            }
            self.asked.lock().unwrap_or_else(PoisonError::into_inner).insert(key.to_owned(), request);
            self.has_asked.notify_one();
            return pending().await;
        }
        let request = match request {
            InputRequest::Elicitation(request) => ServerRequest::ElicitRequest(request),
            InputRequest::CreateMessage(request) => ServerRequest::CreateMessageRequest(request),
            InputRequest::ListRoots(request) => ServerRequest::ListRootsRequest(request),
            _ => return Err(Error::unsupported("this server cannot ask that")),
        };
        let gone = |error: ServiceError| match error {
            ServiceError::McpError(error) => {
                Error::new(ErrorKind::Unsupported, format!("the client did not ask its user: {}", error.message))
            }
            error => Error::new(ErrorKind::Cancelled, "the client went away before its user answered").caused_by(error),
        };
        let asked = self.context.peer.send_cancellable_request(request, PeerRequestOptions::no_options()).await;
        let asked = asked.map_err(gone)?;
        let mut open = OpenQuestion { peer: &self.context.peer, id: Some(asked.id.clone()) };
        let answer = asked.await_response().await;
        open.id = None;
        let answer = answer.map_err(gone)?;
        serde_json::to_value(answer)
            .map_err(|error| Error::unexpected("the client's answer is no JSON").caused_by(error))
    }

    /// Completes once the call has questions; returns all that it asked at once.
    pub(super) async fn questions(&self) -> InputRequests {
        self.has_asked.notified().await;
        std::mem::take(&mut *self.asked.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl Caller for Client {
    fn progress(&self, done: f64, total: Option<f64>, message: &str) {
        let Some(Progress { token, reports, reported }) = &self.progress else { return };
        let mut reported = reported.lock().unwrap_or_else(PoisonError::into_inner);
        // The protocol has it only ever grow.
        if done <= *reported {
            return;
        }
        *reported = done;
        let mut report = ProgressNotificationParam::new(token.clone(), done).with_message(message);
        report.total = total;
        // A client that has stopped reading must not hold up the work.
        drop(reports.try_send(report));
    }

    fn session(&self) -> Option<&str> {
        // Where the protocol has no sessions nobody checks what a client calls one, and each would be as if nothing was read.
        if self.answers_by_asking_again() {
            return None;
        }
        self.context.extensions.get::<axum::http::request::Parts>()?.headers.get("mcp-session-id")?.to_str().ok()
    }

    fn can_be_asked(&self, medium: Medium) -> bool {
        if !self.may_ask {
            return false;
        }
        let capabilities = self.context.client_capabilities();
        let Some(elicitation) = capabilities.and_then(|capabilities| capabilities.elicitation) else { return false };
        match medium {
            // Before there were two, the capability said nothing about modes.
            Medium::Form => elicitation.form.is_some() || elicitation.url.is_none(),
            Medium::Url => elicitation.url.is_some(),
        }
    }

    async fn ask(&self, key: &str, question: &Ask) -> Result<Answer> {
        if !self.can_be_asked(question.medium()) {
            let message = format!("the user has to be asked, which this client cannot do: {}", question.message());
            return Err(Error::unsupported(message));
        }
        let params = match question {
            Ask::Form { message, schema } => ElicitRequestParams::FormElicitationParams {
                meta: None,
                message: message.clone(),
                requested_schema: serde_json::from_value(schema.clone()).map_err(|error| {
                    Error::unexpected(format!("the form `{key}` has a schema that no client can show")).caused_by(error)
                })?,
            },
            Ask::Url { message, url } => ElicitRequestParams::UrlElicitationParams {
                meta: None,
                message: message.clone(),
                url: url.clone(),
                elicitation_id: format!("{:032x}", rand::random::<u128>()),
            },
            _ => return Err(Error::unsupported("this server cannot ask that")),
        };
        answer(&self.input(key, InputRequest::Elicitation(ElicitRequest::new(params))).await?)
    }
}

fn answer(answer: &Value) -> Result<Answer> {
    let content = || match &answer["content"] {
        Value::Object(content) => content.clone(),
        _ => JsonObject::new(),
    };
    match answer["action"].as_str() {
        Some("accept") => Ok(Answer::Accept(content())),
        Some("decline") => Ok(Answer::Decline),
        Some("cancel") => Ok(Answer::Cancel),
        _ => Err(Error::invalid("the answer to a question has no `action` of `accept`, `decline` or `cancel`")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_answer_is_read_from_its_action() {
        let filled = json!({ "name": "Ann" }).as_object().cloned().unwrap();
        let accepted = answer(&json!({ "action": "accept", "content": { "name": "Ann" } }));
        assert_eq!(accepted.unwrap(), Answer::Accept(filled));
        assert_eq!(answer(&json!({ "action": "accept" })).unwrap(), Answer::Accept(JsonObject::new()));
        assert_eq!(answer(&json!({ "action": "decline", "content": { "x": 1 } })).unwrap(), Answer::Decline);
        assert_eq!(answer(&json!({ "action": "cancel" })).unwrap(), Answer::Cancel);
        assert_eq!(answer(&json!({ "action": "maybe" })).unwrap_err().kind(), ErrorKind::InvalidInput);
    }
}
