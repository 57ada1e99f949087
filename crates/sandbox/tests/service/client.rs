//! A served sandbox and the requests that tests send to it.

use std::path::Path;

use reqwest::{Method, RequestBuilder, Response, StatusCode, Url};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use switchboard_sandbox::{Options, Sandbox};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

pub(crate) const VERIFIER: &str = "a-verifier-that-is-long-enough-to-be-one-0123456789";
pub(crate) const REDIRECT: &str = "http://127.0.0.1:49999/auth/callback";

/// One process's worth of sandbox on a free port; it stops when dropped.
pub(crate) struct Served {
    pub(crate) origin: String,
    http: reqwest::Client,
    _stop: oneshot::Sender<()>,
    _folder: Option<TempDir>,
}

/// The tokens of a sign-in.
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: String,
}

impl Served {
    /// Serves a fresh workspace with `/control/`.
    pub(crate) async fn fresh() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sandbox.db");
        Self::with(&path, Some(folder), Options::default()).await
    }

    /// Serves the workspace in `path`.
    pub(crate) async fn over(path: &Path) -> Self {
        Self::with(path, None, Options::default()).await
    }

    /// Serves it with these options.
    pub(crate) async fn with(path: &Path, folder: Option<TempDir>, options: Options) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let options = Options { public_url: Some(origin.clone()), control: true, ..options };
        let sandbox = Sandbox::open(path).unwrap().with(options);
        let (stop, stopped) = oneshot::channel::<()>();
        tokio::spawn(sandbox.serve(listener, async {
            let _ = stopped.await;
        }));
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap();
        Self { origin, http, _stop: stop, _folder: folder }
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.origin))
    }

    /// Sends a request of the chat API.
    pub(crate) async fn call(
        &self,
        token: &str,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> (StatusCode, Value) {
        let mut request = self.request(method, path).bearer_auth(token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        parts(request.send().await.unwrap()).await
    }

    /// Reads from the chat API what must be there.
    pub(crate) async fn get(&self, token: &str, path: &str) -> Value {
        let (status, body) = self.call(token, Method::GET, path, None).await;
        assert_eq!(status, StatusCode::OK, "{path}: {body}");
        body
    }

    /// Posts a message.
    pub(crate) async fn post(&self, token: &str, conversation: &str, body: Value) -> Value {
        let path = format!("/api/conversations/{conversation}/messages");
        let (status, body) = self.call(token, Method::POST, &path, Some(body)).await;
        assert_eq!(status, StatusCode::CREATED, "{body}");
        body
    }

    /// Opens the sign-in page with the usual parameters and `extra`.
    pub(crate) async fn authorize(&self, extra: &[(&str, &str)]) -> Response {
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER));
        let usual = [
            ("response_type", "code"),
            ("client_id", "switchboard"),
            ("redirect_uri", REDIRECT),
            ("scope", "chat:read chat:write"),
            ("state", "the state"),
            ("code_challenge", challenge.as_str()),
            ("code_challenge_method", "S256"),
        ];
        let usual = usual.iter().filter(|(name, _)| extra.iter().all(|(other, _)| other != name));
        let address = format!("{}/oauth/authorize", self.origin);
        let address = Url::parse_with_params(&address, usual.chain(extra)).unwrap();
        self.http.get(address).send().await.unwrap()
    }

    /// Signs in silently and returns the code.
    pub(crate) async fn code(&self, extra: &[(&str, &str)]) -> String {
        let extra: Vec<_> = extra.iter().copied().chain([("prompt", "none")]).collect();
        answered(&self.authorize(&extra).await, "code").unwrap()
    }

    pub(crate) async fn token(&self, form: &[(&str, &str)]) -> (StatusCode, Value) {
        parts(self.token_response(form).await.unwrap()).await
    }

    pub(crate) async fn token_response(&self, form: &[(&str, &str)]) -> reqwest::Result<Response> {
        let client = ("client_id", "switchboard");
        let form: Vec<_> = form.iter().copied().chain([client]).collect();
        self.request(Method::POST, "/oauth/token").form(&form).send().await
    }

    pub(crate) async fn exchange(&self, code: &str) -> (StatusCode, Value) {
        let verifier = ("code_verifier", VERIFIER);
        self.token(&[("grant_type", "authorization_code"), ("code", code), ("redirect_uri", REDIRECT), verifier]).await
    }

    pub(crate) async fn refresh(&self, token: &str) -> (StatusCode, Value) {
        self.token(&[("grant_type", "refresh_token"), ("refresh_token", token)]).await
    }

    pub(crate) async fn sign_in(&self) -> Tokens {
        self.sign_in_with(&[]).await
    }

    pub(crate) async fn sign_in_with(&self, extra: &[(&str, &str)]) -> Tokens {
        let (status, body) = self.exchange(&self.code(extra).await).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        tokens(&body)
    }

    pub(crate) async fn faults(&self, faults: Value) {
        let response = self.request(Method::PUT, "/control/faults").json(&faults).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
    }

    pub(crate) async fn missteps_left(&self) -> usize {
        let response = self.request(Method::GET, "/control/faults").send().await.unwrap();
        parts(response).await.1["next"].as_array().unwrap().len()
    }

    pub(crate) async fn counter(&self, name: &str) -> i64 {
        let response = self.request(Method::GET, "/control/counters").send().await.unwrap();
        parts(response).await.1[name].as_i64().unwrap()
    }

    pub(crate) async fn is_signed_in(&self, access: &str) -> bool {
        self.call(access, Method::GET, "/api/me", None).await.0 == StatusCode::OK
    }
}

pub(crate) fn tokens(body: &Value) -> Tokens {
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    Tokens { access: text("access_token"), refresh: text("refresh_token") }
}

/// Returns a parameter of the redirect that a sign-in ended with.
pub(crate) fn answered(response: &Response, name: &str) -> Option<String> {
    let location = Url::parse(response.headers()["location"].to_str().unwrap()).unwrap();
    location.query_pairs().find(|(other, _)| other == name).map(|(_, value)| value.into_owned())
}

pub(crate) async fn parts(response: Response) -> (StatusCode, Value) {
    let status = response.status();
    let body = response.text().await.unwrap();
    (status, serde_json::from_str(&body).unwrap_or(json!(body)))
}

/// The ids of a list of messages or conversations.
pub(crate) fn ids(list: &Value) -> Vec<String> {
    list.as_array().unwrap().iter().map(|entry| entry["id"].as_str().unwrap().to_owned()).collect()
}
