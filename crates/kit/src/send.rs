//! Sending: fresh credentials, the platform's pace, safe repetition, and credentials for its own hosts only.

use std::time::Duration;

use reqwest::{
    Method,
    header::{AUTHORIZATION, HeaderValue},
};
use secrecy::ExposeSecret as _;
use tracing::debug;
use url::Url;

use crate::{
    Error, ErrorKind, Request, Response, Result,
    endpoints::origin,
    host::{Credentials, Outgoing},
};

const TRIES: u32 = 4;
const REDIRECTS: usize = 5;
/// A longer wait is the caller's to decide on.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Sends until there is an answer that the platform's own check accepts, or no use in another try.
pub(crate) async fn send(request: Request) -> Result<Response> {
    let account = request.api.account.clone();
    let _permit = account.pace.enter().await;
    let mut url = address(&request)?;
    let mut credentials = account.credentials.fresh(request.api.call.principal(), &origin(&url)).await?;
    let (mut renewed, mut redirects, mut tries) = (false, 0, 0);
    loop {
        account.pace.wait().await;
        let answer = account.shared.http().execute(outgoing(&request, &url, &credentials)?).await;
        let answer = match answer {
            Ok(response) => {
                debug!(account = %account.key, status = response.status(), path = response.url().path(), "Request answered");
                if let Some(next) = redirect(&request, &response)? {
                    redirects += 1;
                    if redirects > REDIRECTS {
                        return Err(Error::unexpected("the platform redirects in circles"));
                    }
                    credentials = account.credentials.fresh(request.api.call.principal(), &origin(&next)).await?;
                    url = next;
                    continue;
                }
                (request.api.check)(&response).map(|()| response)
            }
            Err(error) => Err(error),
        };
        let error = match answer {
            Ok(response) => return Ok(response),
            Err(error) => error,
        };
        match error.kind() {
            ErrorKind::SignInRequired if !renewed => {
                renewed = true;
                let principal = request.api.call.principal();
                credentials = account.credentials.refused(principal, &origin(&url), &credentials).await?;
            }
            // The platform did nothing, so even a write may be repeated.
            ErrorKind::RateLimited if tries + 1 < TRIES => {
                let wait = error.retry_after().unwrap_or(Duration::from_secs(1) * 2u32.pow(tries));
                if wait > LONGEST_WAIT.min(request.api.call.remaining()) {
                    return Err(error);
                }
                tries += 1;
                account.pace.hold(wait);
            }
            ErrorKind::Unavailable if request.repeatable && tries + 1 < TRIES => {
                let wait = error.retry_after().unwrap_or(Duration::from_millis(250) * 2u32.pow(tries));
                if wait > LONGEST_WAIT.min(request.api.call.remaining()) {
                    return Err(error);
                }
                tries += 1;
                tokio::time::sleep(wait).await;
            }
            _ => return Err(error),
        }
    }
}

fn address(request: &Request) -> Result<Url> {
    let account = &request.api.account;
    if request.path.split(['/', '?', '#']).any(is_dots) {
        return Err(Error::invalid("an id of dots alone is no id"));
    }
    let base = account.endpoints.url(request.endpoint)?;
    let mut url = base.join(&request.path).map_err(|error| Error::invalid("the path is no URL").caused_by(error))?;
    if !request.query.is_empty() {
        url.query_pairs_mut().extend_pairs(&request.query);
    }
    belongs(request, &url)?;
    Ok(url)
}

/// Returns where a request goes.
pub(crate) fn origin_of(request: &Request) -> Result<String> {
    address(request).map(|url| origin(&url))
}

/// Recognises `.` and `..`, which a URL resolves away however they are spelt.
fn is_dots(segment: &str) -> bool {
    let plain = segment.to_ascii_lowercase().replace("%2e", ".");
    plain == "." || plain == ".."
}

/// Refuses to take credentials to a host that the account does not name.
fn belongs(request: &Request, url: &Url) -> Result<()> {
    let (account, host) = (&request.api.account, origin(url));
    if account.endpoints.origins().contains(&host) {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Forbidden, format!("`{host}` is not one of the hosts of `{}`", account.key)))
}

/// Returns where to ask instead. Only reading follows a redirect.
fn redirect(request: &Request, response: &Response) -> Result<Option<Url>> {
    let (301 | 302 | 303 | 307 | 308) = response.status() else { return Ok(None) };
    let Some(location) = response.header("location").filter(|_| request.method == Method::GET) else { return Ok(None) };
    let next = response.url().join(location).map_err(|_| Error::unexpected("the platform redirects to no URL"))?;
    belongs(request, &next)?;
    Ok(Some(next))
}

fn outgoing(request: &Request, url: &Url, credentials: &Credentials) -> Result<Outgoing> {
    let proof = format!("{} {}", credentials.scheme, credentials.secret.expose_secret());
    let mut proof = HeaderValue::from_str(&proof)
        .map_err(|_| Error::new(ErrorKind::SignInRequired, "the stored token cannot be sent in a header"))?;
    proof.set_sensitive(true);
    let (media_type, body) = request.parts()?;
    let mut outgoing = Outgoing::new(request.method.clone(), url.clone());
    outgoing.headers.clone_from(&request.headers);
    if !media_type.is_empty() {
        outgoing = outgoing.body(media_type, body.clone());
    }
    outgoing.headers.insert(AUTHORIZATION, proof);
    outgoing.patience = request.patience.min(request.api.call.remaining());
    outgoing.limit = request.limit;
    Ok(outgoing)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Api, Call, Principal, host::Account};

    fn refusal(path: &str) -> String {
        let call = Call::new(Principal::local(), Duration::ZERO);
        let request = Api::new(Account::detached(), call, |_| Ok(())).get(path);
        address(&request).unwrap_err().to_string()
    }

    #[test]
    fn no_id_climbs_out_of_its_path() {
        for path in ["media/../../x", "media/%2E%2e", "messages/./reactions", ".."] {
            assert_eq!(refusal(path), "an id of dots alone is no id", "{path}");
        }
    }

    #[test]
    fn credentials_stay_with_the_accounts_hosts() {
        for path in ["https://evil.example/x", "//evil.example/x", "http://detached.invalid/x"] {
            assert!(refusal(path).contains("is not one of the hosts of `detached`"), "{path}");
        }
    }
}
