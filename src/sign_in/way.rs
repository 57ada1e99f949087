//! Chooses how to sign in: the first way that the platform describes and its server offers.

use switchboard_kit::{Auth, Error, ErrorKind, OAuth, Result, Session, Sso, StaticToken};

use super::{SignIn, session};
use crate::oauth::{self, Client};

/// How to sign in.
pub(super) enum Way {
    Browser(Browser),
    Device(Box<ByOAuth>),
    Password(Session),
    Token(StaticToken),
}

/// How to sign in by browser.
pub(super) enum Browser {
    Code(Box<ByOAuth>),
    Sso(Session, Sso),
}

/// An OAuth client, and what to ask for.
pub(super) struct ByOAuth {
    pub(super) client: Client,
    pub(super) scopes: Vec<String>,
    pub(super) device_scope: Option<String>,
    /// Whether the client's secret came from its registration, and so is kept with the tokens.
    pub(super) registered: bool,
}

/// Where a device scope is kept in a token record.
pub(super) const DEVICE_SCOPE: &str = "device_scope";

pub(super) async fn choose(request: &SignIn) -> Result<Way> {
    let ways = match request.bound.auth() {
        Auth::FirstOf(ways) => ways,
        way => vec![way],
    };
    if let Some(way) = ways.iter().find_map(|way| given(request, way)) {
        return Ok(way);
    }
    for way in ways {
        match way {
            Auth::OAuth(description) => {
                let Some(server) = oauth::discover(&request.http, &description, &request.endpoints).await? else {
                    continue;
                };
                let by = Box::new(by_oauth(request, description, server).await?);
                return Ok(if request.device { Way::Device(by) } else { Way::Browser(Browser::Code(by)) });
            }
            Auth::Session(session) => {
                let offers = session::offers(request, &session).await?;
                match session.sso.clone().filter(|_| offers.sso) {
                    Some(sso) => return Ok(Way::Browser(Browser::Sso(session, sso))),
                    None if offers.password && session.password.is_some() => return Ok(Way::Password(session)),
                    None => {}
                }
            }
            Auth::Token(token) => return Ok(Way::Token(token)),
            _ => {}
        }
    }
    let message = format!("`{}` offers no way of signing in that is known here", request.bound.platform());
    Err(Error::unsupported(message).hint("check the address in the account's settings"))
}

/// What the environment holds is a choice already made.
fn given(request: &SignIn, way: &Auth) -> Option<Way> {
    let set = |name| request.terminal.variable(name).is_some();
    match way {
        Auth::Token(token) if set("SWITCHBOARD_TOKEN") => Some(Way::Token(token.clone())),
        Auth::Session(session)
            if session.password.is_some() && set("SWITCHBOARD_USER") && set("SWITCHBOARD_PASSWORD") =>
        {
            Some(Way::Password(session.clone()))
        }
        _ => None,
    }
}

async fn by_oauth(request: &SignIn, description: OAuth, server: oauth::Server) -> Result<ByOAuth> {
    // A file that cannot be read is no reason not to sign in anew; storing will tell.
    let stored = request.store.load(&request.key()).await.ok().flatten();
    let stored = stored.filter(|record| {
        let same_hosts = record.api_hosts == request.endpoints.origins();
        // What replaces another person's sign-in takes over nothing of it.
        !request.replace && same_hosts && record.issuer.is_some() && record.issuer == server.issuer
    });
    let mut registered = false;
    let (id, secret) = match (&request.client, &description.client_id) {
        (Some(client), _) => (client.id.clone(), client.secret.clone()),
        (None, Some(id)) => (id.clone(), None),
        (None, None) if description.registers => {
            registered = true;
            match stored.as_ref().and_then(|record| Some((record.client_id.clone()?, record.client_secret.clone()))) {
                Some(known) => known,
                None => oauth::register(&request.http, &server, request.callback_url.as_ref()).await?,
            }
        }
        (None, None) => {
            let message = format!("signing in to `{}` needs an OAuth client of your own", request.account);
            return Err(Error::new(ErrorKind::Config, message)
                .hint("register one with the platform and put its `client_id` into credentials.json"));
        }
    };
    let mut scopes = request.scopes.clone().unwrap_or_else(|| usual_scopes(&description, request.write));
    let device_scope = description.device_scope.map(|prefix| {
        let kept = stored.as_ref().and_then(|record| record.other.get(DEVICE_SCOPE)?.as_str());
        kept.filter(|kept| kept.starts_with(prefix)).map_or_else(|| made_up(prefix), str::to_owned)
    });
    scopes.extend(device_scope.clone());
    let client = Client { http: request.http.clone(), server, description, id, secret };
    Ok(ByOAuth { client, scopes, device_scope, registered })
}

/// Returns the scopes that a platform asks for when the configuration names none.
pub(crate) fn usual_scopes(description: &OAuth, write: bool) -> Vec<String> {
    let write = description.write.iter().filter(|_| write);
    description.read.iter().chain(write).cloned().collect()
}

fn made_up(prefix: &str) -> String {
    let letters = (0..10).map(|_| char::from(b'A' + rand::random_range(0..26_u8)));
    prefix.chars().chain(letters).collect()
}
