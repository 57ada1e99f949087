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
    let mut request = Outgoing::new(Method::GET, at);
    request.limit = 1 << 20;
    let answer = http.execute(request).await?;
    if matches!(answer.status(), 400 | 404 | 405 | 501) {
        return Ok(None);
    }
    answer.error_for_status().map_err(|error| error.context("finding out how to sign in"))?;
    read(answer.json()?).map(Some)
}

fn read(metadata: Metadata) -> Result<Server> {
    secure("issuer", &metadata.issuer)?;
    Ok(Server {
        authorize: secure("authorization_endpoint", &metadata.authorization_endpoint)?,
        token: secure("token_endpoint", &metadata.token_endpoint)?,
        device: optional("device_authorization_endpoint", metadata.device_authorization_endpoint.as_deref())?,
        registration: optional("registration_endpoint", metadata.registration_endpoint.as_deref())?,
        revoke: optional("revocation_endpoint", metadata.revocation_endpoint.as_deref())?,
        names_itself: metadata.authorization_response_iss_parameter_supported,
        issuer: Some(metadata.issuer),
    })
}

fn optional(name: &str, url: Option<&str>) -> Result<Option<Url>> {
    url.map(|url| secure(name, url)).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata(token_endpoint: &str) -> Metadata {
        serde_json::from_value(serde_json::json!({
            "issuer": "https://id.example/",
            "authorization_endpoint": "https://id.example/authorize",
            "token_endpoint": token_endpoint,
        }))
        .unwrap()
    }

    #[test]
    fn every_endpoint_must_be_secure() {
        assert_eq!(read(metadata("https://id.example/token")).unwrap().token.path(), "/token");
        let error = read(metadata("http://id.example/token")).unwrap_err();
        assert_eq!(error.to_string(), "the authorization server's `token_endpoint` is not https");
    }
}
