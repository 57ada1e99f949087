//! The one HTTP client: opened on first use, never following a redirect by itself.

use std::{
    collections::BTreeMap,
    fmt,
    net::SocketAddr,
    sync::{Arc, OnceLock},
    time::Duration,
};

use async_trait::async_trait;
use reqwest::{
    Method,
    header::{HeaderMap, HeaderName, HeaderValue},
};
use url::Url;

use crate::{Error, ErrorKind, Response, Result, endpoints::is_loopback, patience::in_time, shared::Close};

/// A service that runs inside this process. It is started when the first request goes to it.
#[async_trait]
pub trait Embedded: Close {
    /// Returns where it listens, starting it if need be.
    async fn address(&self) -> Result<SocketAddr>;
}

/// Sends requests. One is shared by all accounts, so that connections are kept and shared too.
#[derive(Default)]
pub struct Http {
    client: OnceLock<reqwest::Client>,
    /// For this machine: a proxy has no business with what does not leave it.
    direct: OnceLock<reqwest::Client>,
    embedded: BTreeMap<String, Arc<dyn Embedded>>,
}

/// A request, ready to go.
#[derive(Clone)]
pub struct Outgoing {
    /// Method.
    pub method: Method,
    /// Where to.
    pub url: Url,
    /// Headers; secrets among them are marked as such.
    pub headers: HeaderMap,
    /// Body; empty for none.
    pub body: Vec<u8>,
    /// Longest time from the first byte sent to the last byte read.
    pub patience: Duration,
    /// Most bytes to read.
    pub limit: usize,
}

impl Outgoing {
    /// Prepares a request that may take 30 s and answer with 16 MiB.
    pub fn new(method: Method, url: Url) -> Self {
        Self {
            method,
            url,
            headers: HeaderMap::new(),
            body: Vec::new(),
            patience: Duration::from_secs(30),
            limit: 16 << 20,
        }
    }

    /// Adds a header.
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Adds a body of this media type.
    pub fn body(mut self, media_type: &str, body: Vec<u8>) -> Self {
        if let Ok(value) = HeaderValue::from_str(media_type) {
            self.headers.insert(reqwest::header::CONTENT_TYPE, value);
        }
        self.body = body;
        self
    }
}

/// Shows neither headers nor query nor body: secrets travel in all three.
impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}{}", self.method, crate::endpoints::origin(&self.url), self.url.path())
    }
}

impl Http {
    /// Sends what goes to `https://<host>` to `service` instead.
    pub fn embedding(mut self, host: impl Into<String>, service: Arc<dyn Embedded>) -> Self {
        self.embedded.insert(host.into(), service);
        self
    }

    /// Returns the services that are embedded.
    pub(crate) fn embedded(&self) -> impl Iterator<Item = Arc<dyn Embedded>> {
        self.embedded.values().cloned()
    }

    /// Sends a request and reads the whole answer, whatever its status.
    pub async fn execute(&self, outgoing: Outgoing) -> Result<Response> {
        let Outgoing { method, mut url, headers, body, patience, limit } = outgoing;
        let asked = url.clone();
        if let Some(service) = url.host_str().and_then(|host| self.embedded.get(host)) {
            url = rerouted(&url, service.address().await?)?;
        }
        let request = self.client(&url)?.request(method, url).headers(headers).body(body);
        let late = || Err(Error::new(ErrorKind::Unavailable, "the platform did not answer in time"));
        in_time(patience, Box::pin(read(request, asked, limit))).await.unwrap_or_else(late)
    }

    fn client(&self, url: &Url) -> Result<&reqwest::Client> {
        let local = is_loopback(url);
        let kept = if local { &self.direct } else { &self.client };
        if let Some(client) = kept.get() {
            return Ok(client);
        }
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("switchboard/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .connect_timeout(Duration::from_secs(10));
        if local {
            builder = builder.no_proxy();
        }
        let roots = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter();
        let client =
            builder.tls_certs_only(roots.filter_map(|der| reqwest::Certificate::from_der(der).ok())).build().map_err(
                |error| Error::new(ErrorKind::Config, "the HTTP client could not be built").caused_by(error),
            )?;
        Ok(kept.get_or_init(|| client))
    }
}

async fn read(request: reqwest::RequestBuilder, asked: Url, limit: usize) -> Result<Response> {
    let mut answer = request.send().await.map_err(unreachable)?;
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(unreachable)? {
        if body.len() + chunk.len() > limit {
            return Err(Error::unexpected(format!("the platform's answer is larger than {limit} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Response::new(asked, status, headers, body))
}

fn rerouted(url: &Url, address: SocketAddr) -> Result<Url> {
    let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
    Url::parse(&format!("http://{address}{}{query}", url.path()))
        .map_err(|error| Error::unexpected("the embedded service's address is no URL").caused_by(error))
}

/// The URL stays out of the error: its query may hold a secret.
fn unreachable(error: reqwest::Error) -> Error {
    let error = error.without_url();
    let why = match () {
        () if error.is_timeout() => "did not answer in time",
        () if error.is_connect() => "could not be reached",
        () => "broke off the connection",
    };
    Error::new(ErrorKind::Unavailable, format!("the platform {why}")).caused_by(error)
}
