//! Asks a token endpoint for tokens, and straightens its answer before it is read.

use std::{borrow::Cow, sync::Arc, time::Duration};

use futures::future::BoxFuture;
use oauth2::{
    AuthType, AuthorizationCode, ClientId, ClientSecret, EndpointNotSet, EndpointSet, ExtraTokenFields, HttpRequest,
    HttpResponse, PkceCodeVerifier, RedirectUrl, RefreshToken, StandardRevocableToken, StandardTokenResponse,
    TokenResponse as _, TokenUrl,
    basic::{BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse, BasicTokenType},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use switchboard_kit::{
    ClientAuth, Error, Result,
    host::{ExposeSecret as _, Http, Outgoing, Secret},
};
use url::Url;

use super::{Client, Failure, failure};

/// What a token endpoint gave.
#[derive(Debug)]
pub struct Tokens {
    /// Access token.
    pub access: Secret,
    /// Refresh token, if there is one.
    pub refresh: Option<Secret>,
    /// Seconds until the access token expires.
    pub expires_in: Option<f64>,
    /// Seconds until the refresh token expires if it is not used.
    pub refresh_expires_in: Option<f64>,
    /// Scopes that were granted, if the server says.
    pub scopes: Option<Vec<String>>,
}

impl Client {
    /// Exchanges an authorization code for tokens.
    pub async fn exchange(
        &self,
        code: &Secret,
        redirect: &Url,
        verifier: Option<PkceCodeVerifier>,
    ) -> Result<Tokens, Failure> {
        let client = self.basic();
        let redirect = RedirectUrl::from_url(redirect.clone());
        let code = AuthorizationCode::new(code.expose_secret().to_owned());
        let mut request = client.exchange_code(code).set_redirect_uri(Cow::Borrowed(&redirect));
        if let Some(verifier) = verifier {
            request = request.set_pkce_verifier(verifier);
        }
        let send = sender(&self.http, self.description.token_at, Duration::from_secs(30));
        Ok(tokens(&request.request_async(&send).await?))
    }

    pub(super) fn basic(&self) -> Basic {
        basic(&self.id, self.secret.as_ref(), self.description.client_auth, &self.server.token)
    }
}

/// The library's client, knowing the token endpoint.
pub(super) type Basic = oauth2::Client<
    BasicErrorResponse,
    Answer,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

/// The library's token answer, with what servers add to the standard.
pub(super) type Answer = StandardTokenResponse<Added, BasicTokenType>;

/// What servers add to RFC 6749's answer.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Added {
    refresh_expires_in: Option<f64>,
}

impl ExtraTokenFields for Added {}

pub(super) fn basic(id: &str, secret: Option<&Secret>, proof: ClientAuth, token: &Url) -> Basic {
    let client = oauth2::Client::new(ClientId::new(id.to_owned()))
        .set_token_uri(TokenUrl::from_url(token.clone()))
        .set_auth_type(match proof {
            ClientAuth::Body => AuthType::RequestBody,
            ClientAuth::Basic => AuthType::BasicAuth,
        });
    match secret {
        Some(secret) => client.set_client_secret(ClientSecret::new(secret.expose_secret().to_owned())),
        None => client,
    }
}

/// Exchanges a refresh token for fresh tokens.
pub(super) async fn refresh(
    http: &Arc<Http>,
    client: Basic,
    token_at: &'static str,
    refresh_token: &Secret,
) -> Result<Tokens, Failure> {
    let refresh_token = RefreshToken::new(refresh_token.expose_secret().to_owned());
    let send = sender(http, token_at, Duration::from_secs(6));
    Ok(tokens(&client.exchange_refresh_token(&refresh_token).request_async(&send).await?))
}

pub(super) fn tokens(answer: &Answer) -> Tokens {
    Tokens {
        access: Secret::from(answer.access_token().secret().as_str()),
        refresh: answer.refresh_token().map(|token| Secret::from(token.secret().as_str())),
        expires_in: answer.expires_in().map(|lifetime| lifetime.as_secs_f64()),
        refresh_expires_in: answer.extra_fields().refresh_expires_in,
        scopes: answer.scopes().map(|scopes| scopes.iter().map(|scope| scope.as_str().to_owned()).collect()),
    }
}

/// Returns what the library sends its requests with: our client.
pub(super) fn sender(
    http: &Arc<Http>,
    token_at: &'static str,
    patience: Duration,
) -> impl Fn(HttpRequest) -> BoxFuture<'static, Result<HttpResponse>> {
    let http = http.clone();
    move |request| Box::pin(send(http.clone(), token_at, patience, request))
}

/// Only answers that say something about the grant come back.
async fn send(http: Arc<Http>, token_at: &str, patience: Duration, request: HttpRequest) -> Result<HttpResponse> {
    let (parts, body) = request.into_parts();
    let url = Url::parse(&parts.uri.to_string()).map_err(|_| Error::unexpected("the token endpoint is no URL"))?;
    let mut outgoing = Outgoing::new(parts.method, url);
    (outgoing.headers, outgoing.body) = (parts.headers, body);
    (outgoing.patience, outgoing.limit) = (patience, 1 << 20);
    let answer = http.execute(outgoing).await?;
    if answer.status() == 429 || answer.status() >= 500 {
        answer.error_for_status()?;
    }
    readable(answer.status(), answer.body(), token_at)
}

fn readable(status: u16, body: &[u8], token_at: &str) -> Result<HttpResponse> {
    let (status, body) = straightened(status, body, token_at)
        .ok_or_else(|| Error::unexpected(format!("the authorization server answered HTTP {status} and no JSON")))?;
    let mut response = HttpResponse::new(body.to_string().into_bytes());
    *response.status_mut() = axum::http::StatusCode::from_u16(status).unwrap_or_default();
    response.headers_mut().insert("content-type", axum::http::HeaderValue::from_static("application/json"));
    Ok(response)
}

/// Turns platforms' dialects into RFC 6749: an error in a 200, tokens deep inside, numbers as text, scopes with commas.
fn straightened(status: u16, body: &[u8], token_at: &str) -> Option<(u16, Value)> {
    let answer: Value = serde_json::from_slice(body).ok()?;
    let failed = status >= 400 || answer.get("ok") == Some(&Value::Bool(false)) || answer.get("error").is_some();
    if failed {
        let code = failure::code_in(&answer).unwrap_or_else(|| "unknown".into());
        return Some((status.max(400), json!({ "error": code })));
    }
    let places = [answer.pointer(token_at), Some(&answer)].into_iter().flatten().filter_map(Value::as_object);
    let Some(fields) = places.into_iter().find(|fields| fields.contains_key("access_token")) else {
        return Some((status, answer));
    };
    let mut straight = Map::new();
    for name in ["access_token", "refresh_token"] {
        if let Some(Value::String(token)) = fields.get(name).filter(|token| **token != "") {
            straight.insert(name.into(), token.as_str().into());
        }
    }
    straight.insert("token_type".into(), "bearer".into());
    if let Some(seconds) = fields.get("expires_in").and_then(seconds) {
        straight.insert("expires_in".into(), seconds.into());
    }
    let refresh = ["refresh_expires_in", "refresh_token_expires_in"].into_iter().find_map(|name| fields.get(name));
    if let Some(seconds) = refresh.and_then(seconds) {
        straight.insert("refresh_expires_in".into(), seconds.into());
    }
    if let Some(scope) = fields.get("scope").and_then(Value::as_str) {
        straight.insert("scope".into(), scope.replace(',', " ").into());
    }
    Some((status, straight.into()))
}

fn seconds(value: &Value) -> Option<u64> {
    let whole = |text: &str| text.split('.').next().and_then(|whole| whole.parse().ok());
    value.as_u64().or_else(|| value.as_str().map_or_else(|| whole(&value.to_string()), whole))
}

#[cfg(test)]
mod tests {
    use std::future::ready;

    use futures::FutureExt as _;
    use proptest::prelude::*;

    use super::*;

    /// Reads an answer all the way, as a renewal does.
    fn read(status: u16, body: &[u8], token_at: &str) -> Result<Tokens, Failure> {
        let client = basic("client", None, ClientAuth::Body, &Url::parse("https://a.example/token").unwrap());
        let spent = RefreshToken::new("spent".into());
        let send = |_: HttpRequest| ready(readable(status, body, token_at));
        let answer = client.exchange_refresh_token(&spent).request_async(&send).now_or_never().unwrap();
        Ok(tokens(&answer?))
    }

    /// What stands in for a token, wherever the answer has it.
    const SECRET: &str = "never shown";

    /// All that a failure could show: its words and those of every cause.
    fn shown(failure: Failure) -> String {
        let mut shown = format!("{failure:?}");
        let error = Error::from(failure);
        shown += &format!("{error} {error:?} {:?}", error.hint_text());
        let mut cause = std::error::Error::source(&error);
        while let Some(error) = cause {
            shown += &format!("{error} {error:?}");
            cause = error.source();
        }
        shown
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            4 => Just(Value::from(SECRET)),
            1 => Just(Value::Null),
            1 => any::<bool>().prop_map(Value::from),
            1 => any::<u64>().prop_map(Value::from),
            1 => any::<i64>().prop_map(Value::from),
            1 => any::<f64>().prop_map(Value::from),
            1 => any::<String>().prop_map(Value::from),
            1 => "-?[0-9]{0,30}[.]?[0-9]{0,3}".prop_map(Value::from),
        ];
        let key = prop_oneof![
            4 => proptest::sample::select(vec![
                "access_token", "refresh_token", "expires_in", "scope", "token_type", "error", "errcode", "ok",
                "error_description", "user",
            ])
            .prop_map(str::to_owned),
            1 => any::<String>(),
        ];
        leaf.prop_recursive(3, 40, 10, move |inner| {
            prop_oneof![
                4 => proptest::collection::btree_map(key.clone(), inner.clone(), 0..8)
                    .prop_map(|fields| fields.into_iter().collect()),
                1 => proptest::collection::vec(inner, 0..4).prop_map(Value::from),
            ]
        })
    }

    proptest! {
        #[test]
        fn an_answer_is_tokens_or_a_failure_that_quotes_nothing(
            answer in value(), status in 200..500_u16, deep in any::<bool>(), cut in any::<proptest::sample::Index>(),
        ) {
            let whole = answer.to_string().into_bytes();
            let cut = &whole[..cut.index(whole.len() + 1)];
            for body in [&whole[..], cut] {
                match read(status, body, if deep { "/user" } else { "" }) {
                    Ok(tokens) => {
                        prop_assert!(!tokens.access.expose_secret().is_empty() && status < 400);
                        let debugged = format!("{tokens:?}");
                        prop_assert!(!debugged.contains(SECRET));
                        prop_assert!(tokens.refresh.is_none_or(|token| !token.expose_secret().is_empty()));
                        prop_assert!(tokens.expires_in.is_none_or(|seconds| seconds >= 0.0));
                    }
                    Err(failure) => {
                        let shown = shown(failure);
                        prop_assert!(!shown.contains(SECRET), "{}", shown);
                    }
                }
            }
        }

        #[test]
        fn bytes_that_are_no_json_are_a_failure(body in any::<Vec<u8>>(), status in any::<u16>()) {
            prop_assert!(read(status, &body, "").is_err());
        }
    }

    #[test]
    fn tokens_that_are_not_where_they_should_be_are_straightened_too() {
        let plain = br#"{"access_token":"a","expires_in":"60","scope":"x,y","user":{}}"#;
        let expected = json!({"access_token":"a","expires_in":60,"scope":"x y","token_type":"bearer"});
        assert_eq!(straightened(200, plain, "/user"), Some((200, expected)));
        assert!(read(200, br#"{"access_token":"","token_type":"bearer"}"#, "/user").is_err());
    }

    #[test]
    fn dialects_are_straightened() {
        let plain = br#"{"access_token":"a","expires_in":"3600","scope":"x,y","token_type":"User"}"#;
        let expected = json!({"access_token":"a","expires_in":3600,"scope":"x y","token_type":"bearer"});
        assert_eq!(straightened(200, plain, ""), Some((200, expected)));
        let deep = br#"{"ok":true,"user":{"access_token":"a","expires_in":59.9,"refresh_token_expires_in":"90"}}"#;
        let expected = json!({"access_token":"a","expires_in":59,"refresh_expires_in":90,"token_type":"bearer"});
        assert_eq!(straightened(200, deep, "/user"), Some((200, expected)));
    }

    #[test]
    fn an_error_in_a_200_is_an_error() {
        let answer = br#"{"ok":false,"error":"invalid_refresh_token"}"#;
        assert_eq!(straightened(200, answer, ""), Some((400, json!({"error": "invalid_refresh_token"}))));
        assert_eq!(straightened(502, b"<html>", ""), None);
    }
}
