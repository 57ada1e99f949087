//! Finds an authorization server's endpoints: in the platform's description, or in what the server publishes (RFC 8414).

use serde::Deserialize;
use switchboard_kit::{
    AuthServer, Endpoints, Error, OAuth, Result,
    host::{Http, Method, Outgoing},
};
use url::Url;

use super::secure;

/// An authorization server.
#[derive(Clone, Debug)]
pub struct Server {
    /// Its name for itself, if it publishes one.
    pub issuer: Option<String>,
    /// Where the user says yes.
    pub authorize: Url,
    /// Where tokens are got and renewed.
    pub token: Url,
    /// Where a device asks for its codes (RFC 8628).
    pub device: Option<Url>,
    /// Where clients register (RFC 7591).
    pub registration: Option<Url>,
    /// Where tokens are given back (RFC 7009).
    pub revoke: Option<Url>,
    /// Whether its answers always name it (RFC 9207).
    pub names_itself: bool,
}

/// What we read of RFC 8414, section 2.
#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    device_authorization_endpoint: Option<String>,
    registration_endpoint: Option<String>,
    revocation_endpoint: Option<String>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

/// Finds the authorization server; `None` if the platform does not have one.
pub async fn discover(http: &Http, description: &OAuth, endpoints: &Endpoints) -> Result<Option<Server>> {
    let path = match &description.server {
        AuthServer::Fixed { authorize, token, device, revoke } => {
            return Ok(Some(Server {
                issuer: None,
                authorize: secure("authorization_endpoint", authorize)?,
                token: secure("token_endpoint", token)?,
                device: optional("device_authorization_endpoint", device.as_deref())?,
                registration: None,
                revoke: optional("revocation_endpoint", revoke.as_deref())?,
                names_itself: false,
            }));
        }
        AuthServer::Discovered { path } => path,
    };
    let base = endpoints.url("api")?;
    let at = base.join(path).map_err(|error| Error::unexpected("the metadata's path is no URL").caused_by(error))?;
    let Some(mut metadata) = fetch(http, at.clone()).await? else { return Ok(None) };
    let issuer = secure("issuer", &metadata.issuer)?;
    if issuer.origin() != at.origin() {
        metadata = confirmed(http, &issuer, &metadata).await?;
    }
    read(metadata).map(Some)
}

/// Gets metadata; `None` if there is none at that address.
async fn fetch(http: &Http, at: Url) -> Result<Option<Metadata>> {
    let mut request = Outgoing::new(Method::GET, at);
    request.limit = 1 << 20;
    let answer = http.execute(request).await?;
    if matches!(answer.status(), 400 | 404 | 405 | 501) {
        return Ok(None);
    }
    answer.error_for_status().map_err(|error| error.context("finding out how to sign in"))?;
    answer.json().map(Some)
}

/// Asks the issuer itself: who relays its metadata could have put an address of their own into it (RFC 8414, section 3.3).
async fn confirmed(http: &Http, issuer: &Url, relayed: &Metadata) -> Result<Metadata> {
    for at in well_known(issuer) {
        let Some(own) = fetch(http, at).await.map_err(|error| error.context("asking the issuer itself"))? else {
            continue;
        };
        if secure("issuer", &own.issuer)? != *issuer {
            return Err(untrue(&format!("`{issuer}` calls itself `{}`", own.issuer)));
        }
        if secure("token_endpoint", &own.token_endpoint)? != secure("token_endpoint", &relayed.token_endpoint)? {
            return Err(untrue(&format!("`token_endpoint` is not the one that `{issuer}` names")));
        }
        return Ok(own);
    }
    Err(untrue(&format!("`{issuer}` publishes no metadata of its own")))
}

/// Where an issuer publishes: `OpenID` Connect Discovery, section 4, and RFC 8414, section 3.
fn well_known(issuer: &Url) -> [Url; 2] {
    let path = issuer.path().trim_end_matches('/');
    let paths =
        [format!("{path}/.well-known/openid-configuration"), format!("/.well-known/oauth-authorization-server{path}")];
    paths.map(|path| {
        let mut at = issuer.clone();
        at.set_query(None);
        at.set_path(&path);
        at
    })
}

fn read(metadata: Metadata) -> Result<Server> {
    let issuer = secure("issuer", &metadata.issuer)?;
    let own = |name: &str, url: &str| {
        let url = secure(name, url)?;
        if url.origin() != issuer.origin() {
            return Err(untrue(&format!("`{name}` is at another host than the issuer `{issuer}`")));
        }
        Ok(url)
    };
    let optional = |name: &str, url: Option<&str>| url.map(|url| own(name, url)).transpose();
    Ok(Server {
        authorize: own("authorization_endpoint", &metadata.authorization_endpoint)?,
        token: own("token_endpoint", &metadata.token_endpoint)?,
        device: optional("device_authorization_endpoint", metadata.device_authorization_endpoint.as_deref())?,
        registration: optional("registration_endpoint", metadata.registration_endpoint.as_deref())?,
        revoke: optional("revocation_endpoint", metadata.revocation_endpoint.as_deref())?,
        names_itself: metadata.authorization_response_iss_parameter_supported,
        issuer: Some(metadata.issuer),
    })
}

fn untrue(why: &str) -> Error {
    Error::unexpected(format!("the authorization server's metadata is not to be trusted: {why}"))
        .hint("check the address in the account's settings")
}

fn optional(name: &str, url: Option<&str>) -> Result<Option<Url>> {
    url.map(|url| secure(name, url)).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata(issuer: &str, token_endpoint: &str) -> serde_json::Value {
        serde_json::json!({
            "issuer": issuer,
            "authorization_endpoint": format!("{issuer}/authorize"),
            "token_endpoint": token_endpoint,
        })
    }

    fn parsed(token_endpoint: &str) -> Result<Server> {
        read(serde_json::from_value(metadata("https://id.example", token_endpoint)).unwrap())
    }

    #[test]
    fn every_endpoint_must_be_secure_and_the_issuers_own() {
        assert_eq!(parsed("https://id.example/token").unwrap().token.path(), "/token");
        let error = parsed("http://id.example/token").unwrap_err();
        assert_eq!(error.to_string(), "the authorization server's `token_endpoint` is not https");
        let error = parsed("https://evil.example/token").unwrap_err();
        let why = "`token_endpoint` is at another host than the issuer `https://id.example/`";
        assert!(error.to_string().ends_with(why), "{error}");
    }

    /// Publishes metadata that names `token` as the token endpoint of `issuer`, its own address if not given.
    async fn publish(path: &'static str, issuer: Option<&str>, token: &str) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let issuer = issuer.unwrap_or(&origin);
        let answer = axum::Json(metadata(issuer, &format!("{issuer}{token}")));
        let router = axum::Router::new().route(path, axum::routing::get(async move || answer));
        tokio::spawn(async move { axum::serve(listener, router).await });
        origin
    }

    #[tokio::test]
    async fn relayed_metadata_is_compared_with_the_issuers_own() {
        let description = switchboard_kit::Auth::oauth_discovered("relayed");
        let discovered = async |issuer: &str| {
            let relay = publish("/relayed", Some(issuer), "/token").await;
            discover(&Http::default(), &description, &Endpoints::api(&relay)).await.map(Option::unwrap)
        };
        for path in ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"] {
            let issuer = publish(path, None, "/token").await;
            assert_eq!(discovered(&issuer).await.unwrap().token.as_str(), format!("{issuer}/token"));
        }
        let other = publish("/.well-known/openid-configuration", None, "/elsewhere").await;
        let error = discovered(&other).await.unwrap_err();
        assert!(error.to_string().contains("`token_endpoint` is not the one"), "{error}");
        let posing = publish("/.well-known/openid-configuration", Some("https://id.example"), "/token").await;
        let error = discovered(&posing).await.unwrap_err();
        assert!(error.to_string().contains("calls itself `https://id.example`"), "{error}");
        let silent = publish("/nothing", None, "/token").await;
        let error = discovered(&silent).await.unwrap_err();
        assert!(error.to_string().contains("publishes no metadata of its own"), "{error}");
    }
}
