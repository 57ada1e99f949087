//! What the local web server answers: it begins sign-ins, takes their answers, and trusts no request by itself.

use std::sync::{Arc, Mutex, PoisonError};

use axum::http::{HeaderValue, Method, StatusCode, header, request::Parts};
use jiff::Timestamp;
use serde_json::json;
use switchboard_kit::{Error, Principal, Result};
use tokio::sync::{Notify, mpsc};
use tokio_util::task::TaskTracker;
use url::{Url, form_urlencoded};

use super::{
    Completed, SignIn,
    attempt::{Attempt, Refusal},
    pages::{self, Answer, Page},
    pending::{Origin, unguessable},
};
use crate::{
    credentials::{self, Refused, Sources, StoredCredentials, SystemClock},
    oauth::OAuthRenewal,
    tokens::{Method as Obtained, Record},
};

/// The local web server's pages, and what has come of them.
pub(super) struct Site {
    pub(super) request: Arc<SignIn>,
    pub(super) attempt: Attempt,
    /// In the start address alone: other users of this machine do not know it.
    pub(super) nonce: String,
    /// Where platforms may send browsers back to; ours first.
    pub(super) redirects: Vec<Url>,
    /// What `Host` may say.
    pub(super) hosts: Vec<String>,
    /// The cookie's name. Browsers keep one jar for all ports of a host, and other sign-ins have theirs in it.
    pub(super) cookie: String,
    /// Renewals under way: a token that was spent must be replaced on disk before we go.
    pub(super) renewals: TaskTracker,
    pub(super) linked: Mutex<Option<Completed>>,
    pub(super) outcomes: mpsc::UnboundedSender<Result<Completed>>,
    /// Told when a browser has fetched the last page.
    pub(super) seen: Notify,
}

impl Site {
    pub(super) async fn answer(&self, request: &Parts) -> Answer {
        if !self.names_us(request) {
            return notice(StatusCode::FORBIDDEN, "This address is not served here");
        }
        let path = request.uri.path();
        let method = if path == "/auth/refresh" { Method::POST } else { Method::GET };
        let known = ["/auth", "/auth/done", "/status", "/auth/refresh"].contains(&path) || self.is_callback(path);
        if !known {
            return notice(StatusCode::NOT_FOUND, "There is no such page");
        }
        if request.method != method {
            let mut answer = notice(StatusCode::METHOD_NOT_ALLOWED, "This page is not used that way");
            if let Ok(allowed) = HeaderValue::from_str(method.as_str()) {
                answer.headers_mut().insert(header::ALLOW, allowed);
            }
            return answer;
        }
        match path {
            "/auth" => self.start(request).await,
            "/auth/done" => self.done(),
            "/auth/refresh" => self.refresh(request).await,
            "/status" => self.status().await,
            _ => self.callback(request).await,
        }
    }

    /// Whether the request names us wherever it names a host. It must do so once (RFC 9112 §3.2), and its target may as well.
    fn names_us(&self, request: &Parts) -> bool {
        let own = |name: &str| self.hosts.iter().any(|own| own.eq_ignore_ascii_case(name));
        let mut hosts = request.headers.get_all(header::HOST).iter();
        let (Some(host), None) = (hosts.next(), hosts.next()) else { return false };
        host.to_str().is_ok_and(own) && request.uri.authority().is_none_or(|authority| own(authority.as_str()))
    }

    fn is_callback(&self, path: &str) -> bool {
        self.redirects.iter().any(|redirect| redirect.path() == path)
    }

    fn cookie(&self, request: &Parts) -> Option<String> {
        let headers = request.headers.get_all(header::COOKIE).iter().filter_map(|header| header.to_str().ok());
        let mut pairs = headers.flat_map(|header| header.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.find(|(name, value)| *name == self.cookie && !value.is_empty()).map(|(_, value)| value.to_owned())
    }

    /// `GET /auth`: begins a sign-in in this browser.
    async fn start(&self, request: &Parts) -> Answer {
        let given = |name: &str| parameter(request, name);
        if given("nonce").as_deref() != Some(&self.nonce) {
            return notice(StatusCode::FORBIDDEN, "Open the address that the terminal shows");
        }
        let Some(redirect) = (match given("callback_url") {
            Some(asked) => self.redirects.iter().find(|allowed| allowed.as_str() == asked),
            None => self.redirects.first(),
        }) else {
            return notice(StatusCode::BAD_REQUEST, "This callback address is not allowed");
        };
        if given("again").is_none() && self.is_signed_in().await {
            return self.signed_in_already(request);
        }
        let browser = self.cookie(request).filter(|known| self.attempt.knows(known)).unwrap_or_else(unguessable);
        let target = match self.attempt.begin(&self.request, Origin::Browser(browser.clone()), redirect) {
            Ok(target) => target,
            Err(error) => return self.failed(error),
        };
        let mut answer = pages::redirect(target.as_str());
        let cookie = format!("{}={browser}; Path=/; HttpOnly; SameSite=Lax; Max-Age=600", self.cookie);
        if let Ok(cookie) = HeaderValue::from_str(&cookie) {
            answer.headers_mut().insert(header::SET_COOKIE, cookie);
        }
        answer
    }

    fn signed_in_already(&self, request: &Parts) -> Answer {
        let accepts = request.headers.get(header::ACCEPT).and_then(|it| it.to_str().ok()).unwrap_or_default();
        if accepts.contains("application/json") {
            let body = json!({ "status": "already_authenticated", "account": self.request.account.as_str() });
            return pages::answer(StatusCode::OK, "application/json", body.to_string());
        }
        let title = format!("Account {} is signed in already", self.request.account);
        let again = format!("/auth?nonce={}&again=1", self.nonce);
        let link = Some(("Sign in again", again.as_str()));
        Page { status: StatusCode::OK, title: &title, lines: &["You can close this tab."], link, remark: None }.show()
    }

    /// `GET /auth/callback`: the platform sends the browser back.
    async fn callback(&self, request: &Parts) -> Answer {
        let query = request.uri.query().unwrap_or_default();
        // A browser that began nothing has no cookie; no sign-in was begun with an empty one.
        let browser = Origin::Browser(self.cookie(request).unwrap_or_default());
        match self.complete(query, &browser).await {
            Ok(()) => pages::redirect("/auth/done"),
            Err(refusal) => refused(refusal),
        }
    }

    /// Completes a sign-in by what came back in a query, and tells how the whole ended, if it did.
    pub(super) async fn complete(&self, query: &str, origin: &Origin) -> Result<(), Refusal> {
        match self.attempt.complete(&self.request, query, origin).await? {
            Ok(linked) => {
                *self.linked.lock().unwrap_or_else(PoisonError::into_inner) = Some(linked.clone());
                // Nobody listens any more after the first success.
                let _ = self.outcomes.send(Ok(linked));
                Ok(())
            }
            Err(error) => {
                let refusal = Refusal::of(&error);
                let _ = self.outcomes.send(Err(error));
                Err(refusal)
            }
        }
    }

    fn failed(&self, error: Error) -> Answer {
        let refusal = Refusal::of(&error);
        let _ = self.outcomes.send(Err(error));
        refused(refusal)
    }

    /// `GET /auth/done`: says who signed in.
    fn done(&self) -> Answer {
        let linked = self.linked.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(Completed { account, identity, .. }) = linked else {
            return notice(StatusCode::NOT_FOUND, "Nobody has signed in yet");
        };
        self.seen.notify_one();
        let workspace = identity.workspace.map(|workspace| format!(" in {workspace}")).unwrap_or_default();
        let title = format!("Signed in as {}", identity.name);
        let who = format!("{}{workspace}, on {}.", identity.id, self.request.bound.platform());
        let what = format!("Switchboard now uses this sign-in for the account {account}.");
        let lines = [who.as_str(), what.as_str()];
        Page {
            status: StatusCode::OK,
            title: &title,
            lines: &lines,
            link: None,
            remark: Some("You can close this tab."),
        }
        .show()
    }

    /// `GET /status`: how things stand, without a path or a secret.
    async fn status(&self) -> Answer {
        let stored = self.stored().await;
        let state = match &stored {
            Some(record) if has_ended(record) => "expired",
            Some(_) => "signed_in",
            None => "signed_out",
        };
        let expires = stored.as_ref().and_then(|record| record.expiry).map(|at| seconds_until(at).max(0));
        let scopes = stored.map(|record| record.scopes).unwrap_or_default();
        let account = self.request.account.as_str();
        let body = json!({ "state": state, "expires_in_s": expires, "scopes": scopes, "account": account });
        pages::answer(StatusCode::OK, "application/json", body.to_string())
    }

    /// `POST /auth/refresh`: renews the tokens now. No web page can send this header without asking first.
    async fn refresh(&self, request: &Parts) -> Answer {
        let nonce = request.headers.get("x-auth-nonce").and_then(|nonce| nonce.to_str().ok());
        let reply = |status, body: serde_json::Value| pages::answer(status, "application/json", body.to_string());
        if nonce != Some(&self.nonce) {
            return reply(StatusCode::FORBIDDEN, json!({ "error": "nonce_required" }));
        }
        match self.renew().await {
            Ok(Some(record)) => {
                let expires = record.expiry.map(seconds_until);
                reply(StatusCode::OK, json!({ "state": "signed_in", "expires_in_s": expires }))
            }
            Ok(None) => reply(StatusCode::CONFLICT, json!({ "error": "not_renewable" })),
            Err(error) => {
                tracing::warn!(%error, "The tokens could not be renewed");
                reply(StatusCode::BAD_GATEWAY, json!({ "error": "refresh_failed" }))
            }
        }
    }

    async fn renew(&self) -> Result<Option<Record>> {
        let renewable = |record: &Record| record.refresh_token.is_some() && !has_ended(record);
        if !self.stored().await.is_some_and(|record| renewable(&record)) {
            return Ok(None);
        }
        let request = &self.request;
        let renewal = OAuthRenewal {
            http: request.http.clone(),
            bound: request.bound.clone(),
            client_secret: request.client.as_ref().and_then(|client| client.secret.clone()),
        };
        let sources = Sources {
            store: request.store.clone(),
            renewal: Arc::new(renewal),
            clock: Arc::new(SystemClock),
            detached: None,
            tasks: self.renewals.clone(),
        };
        let credentials = StoredCredentials::new(request.account.clone(), &request.command, sources);
        credentials.renew_now(&Principal::local()).await.map(Some)
    }

    async fn stored(&self) -> Option<Record> {
        self.request.store.load(&self.request.key()).await.ok().flatten()
    }

    /// Whether what is stored will do: alive, for these hosts, with every scope that would be asked for.
    async fn is_signed_in(&self) -> bool {
        self.stored().await.is_some_and(|record| {
            let fresh = record.refresh_token.is_some() || record.expiry.is_none_or(|at| seconds_until(at) > 0);
            let covers = |scope: &String| record.scopes.contains(scope);
            !has_ended(&record)
                && fresh
                && record.api_hosts == self.request.endpoints.origins()
                && (record.method != Obtained::OAuth || self.attempt.scopes().iter().all(covers))
        })
    }
}

/// Whether the platform has ended a sign-in for good.
fn has_ended(record: &Record) -> bool {
    credentials::refused(record) == Some(Refused::ForGood)
}

/// A page of one fixed sentence.
fn notice(status: StatusCode, title: &str) -> Answer {
    let lines = ["Go back to the terminal to see what to do next."];
    Page { status, title, lines: &lines, link: None, remark: None }.show()
}

/// A page that says which fixed kind of refusal it was; the log says more under the same number.
fn refused(refusal: Refusal) -> Answer {
    let id = format!("{:08x}", rand::random::<u32>());
    tracing::warn!(id, ?refusal, "A sign-in did not complete");
    let remark = format!("Reference {id}");
    let lines = [refusal.advice()];
    Page { status: refusal.status(), title: refusal.title(), lines: &lines, link: None, remark: Some(&remark) }.show()
}

fn seconds_until(at: Timestamp) -> i64 {
    at.duration_since(Timestamp::now()).as_secs()
}

fn parameter(request: &Parts, name: &str) -> Option<String> {
    let mut pairs = form_urlencoded::parse(request.uri.query()?.as_bytes());
    pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}
