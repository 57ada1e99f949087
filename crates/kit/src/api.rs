//! A platform's API as one caller sees it: already signed in.

mod of_token;

use std::{fmt, sync::Arc, time::Duration};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{
    Method,
    header::{HeaderMap, HeaderName, HeaderValue},
};
use serde::{Serialize, de::DeserializeOwned};

use crate::{AccountKey, Call, Error, Response, Result, host::Account};

/// A platform's API, signed in as one caller, for one call. Cheap to clone.
///
/// It never shows a token. Every request asks for fresh credentials, keeps to the platform's pace, is repeated where
/// that is safe, and carries credentials only to the account's own endpoints.
#[derive(Clone)]
pub struct Api {
    pub(crate) account: Arc<Account>,
    pub(crate) call: Call,
    pub(crate) check: fn(&Response) -> Result<()>,
    endpoint: &'static str,
}

/// A request being built.
#[derive(Clone)]
pub struct Request {
    pub(crate) api: Api,
    pub(crate) method: Method,
    pub(crate) endpoint: &'static str,
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Result<(String, Vec<u8>), String>,
    pub(crate) repeatable: bool,
    pub(crate) patience: Duration,
    pub(crate) limit: usize,
}

/// Makes `text` fit for one segment of a path. A request whose path has a segment `.` or `..` is refused, since no escape
/// of those survives a URL.
pub fn escape(text: &str) -> String {
    // RFC 3986 §2.3: these and the alphanumerics need no escape anywhere.
    const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    utf8_percent_encode(text, SEGMENT).to_string()
}

impl Api {
    pub(crate) fn new(account: Arc<Account>, call: Call, check: fn(&Response) -> Result<()>) -> Self {
        Self { account, call, check, endpoint: "api" }
    }

    /// Returns the same API at another of the platform's endpoints.
    pub fn at(&self, endpoint: &'static str) -> Self {
        Self { endpoint, ..self.clone() }
    }

    /// Returns which account this is, for references.
    pub fn account(&self) -> &AccountKey {
        &self.account.key
    }

    /// Returns the call that this is for.
    pub fn call(&self) -> &Call {
        &self.call
    }

    /// Returns what `key` stands for to this caller in this account, constructing it if it is not there: for what a token
    /// gives access to, does not change, and is no secret.
    ///
    /// However many of the caller's calls ask, it is constructed once. A failure is not kept.
    pub async fn cached<T: Send + Sync + 'static>(
        &self,
        key: &str,
        construct: impl Future<Output = Result<T>> + Send,
    ) -> Result<Arc<T>> {
        let owner = (self.call.principal().clone(), self.account.key.clone());
        self.account.shared.cached_of(owner, key, construct).await
    }

    /// Starts a `GET`.
    pub fn get(&self, path: impl Into<String>) -> Request {
        self.request(Method::GET, path, true)
    }

    /// Starts a `POST`. It is repeated only if it says [`Request::repeatable`].
    pub fn post(&self, path: impl Into<String>) -> Request {
        self.request(Method::POST, path, false)
    }

    /// Starts a `PUT`.
    pub fn put(&self, path: impl Into<String>) -> Request {
        self.request(Method::PUT, path, true)
    }

    /// Starts a `PATCH`. It is repeated only if it says [`Request::repeatable`].
    pub fn patch(&self, path: impl Into<String>) -> Request {
        self.request(Method::PATCH, path, false)
    }

    /// Starts a `DELETE`.
    pub fn delete(&self, path: impl Into<String>) -> Request {
        self.request(Method::DELETE, path, true)
    }

    fn request(&self, method: Method, path: impl Into<String>, repeatable: bool) -> Request {
        Request {
            api: self.clone(),
            method,
            endpoint: self.endpoint,
            path: path.into(),
            query: Vec::new(),
            headers: HeaderMap::new(),
            body: Ok((String::new(), Vec::new())),
            repeatable,
            patience: Duration::from_secs(30),
            limit: 16 << 20,
        }
    }
}

impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Api").field("account", &self.account.key).finish_non_exhaustive()
    }
}

impl Request {
    /// Adds a query parameter.
    pub fn query(mut self, name: &str, value: impl fmt::Display) -> Self {
        self.query.push((name.into(), format!("{value}")));
        self
    }

    /// Adds a query parameter if there is a value.
    pub fn query_opt(self, name: &str, value: Option<impl fmt::Display>) -> Self {
        match value {
            Some(value) => self.query(name, value),
            None => self,
        }
    }

    /// Adds a header.
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        match HeaderValue::from_str(value) {
            Ok(value) => drop(self.headers.insert(HeaderName::from_static(name), value)),
            Err(_) => self.body = Err(format!("header `{name}` cannot hold that value")),
        }
        self
    }

    /// Sends `body` as JSON.
    pub fn json(mut self, body: &impl Serialize) -> Self {
        self.body =
            serde_json::to_vec(body).map(|body| ("application/json".into(), body)).map_err(|error| error.to_string());
        self
    }

    /// Sends `fields` as a form.
    pub fn form(mut self, fields: &[(&str, &str)]) -> Self {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.body = Ok(("application/x-www-form-urlencoded".into(), body.into_bytes()));
        self
    }

    /// Sends `body` as it is.
    pub fn bytes(mut self, media_type: &str, body: Vec<u8>) -> Self {
        self.body = Ok((media_type.into(), body));
        self
    }

    /// Says that the platform takes a repetition of this request for the same request.
    pub fn repeatable(mut self) -> Self {
        self.repeatable = true;
        self
    }

    /// Says how long one try may take; 30 s when nothing is said.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Says how many bytes the answer may have; 16 MiB when nothing is said.
    pub fn limit(mut self, bytes: usize) -> Self {
        self.limit = bytes;
        self
    }

    /// Sends and reads the answer as JSON.
    pub async fn send<T: DeserializeOwned>(self) -> Result<T> {
        self.fetch().await?.json()
    }

    /// Sends and returns the answer as it came, once [`Platform::check`](crate::Platform::check) has passed it.
    pub async fn fetch(self) -> Result<Response> {
        let call = self.api.call.clone();
        // Every facet's future would otherwise hold all of it.
        call.run(Box::pin(crate::send::send(self))).await
    }

    pub(crate) fn parts(&self) -> Result<&(String, Vec<u8>)> {
        self.body.as_ref().map_err(|why| Error::invalid(why.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn a_segment_stays_one_segment() {
        assert_eq!(escape("!room:server/../x?y#z"), "%21room%3Aserver%2F..%2Fx%3Fy%23z");
        assert_eq!(escape("é 1"), "%C3%A9%201");
    }
}
