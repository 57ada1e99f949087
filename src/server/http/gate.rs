//! Who is let in: requests that name this server, from pages that may, with the token where there is one.

use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, StatusCode, header, request::Parts, uri::Authority};
use switchboard_kit::{Error, ErrorKind, Result};
use url::{Origin, Url};

use super::{
    BearerToken,
    answer::{self, Answer},
};

const OWN_HOSTS: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];
const OWN_ORIGINS: [&str; 3] = ["http://localhost:*", "http://127.0.0.1:*", "http://[::1]:*"];

/// What a request must show. A web page that a browser on this machine shows can send requests here, and so can any page
/// whose name is made to lead here (DNS rebinding): `Origin` and `Host` give both away.
pub(super) struct Gate {
    hosts: Vec<String>,
    origins: Vec<String>,
    token: Option<BearerToken>,
}

impl Gate {
    /// Lets in what names the loopback interface, `bound` or one of `hosts`, from this machine's pages and `origins`.
    pub(super) fn new(
        bound: SocketAddr,
        hosts: &[String],
        origins: &[String],
        token: Option<BearerToken>,
    ) -> Result<Self> {
        let known = OWN_HOSTS.into_iter().map(str::to_owned).chain([bound.to_string()]);
        let asked = hosts.iter().map(|host| {
            let read = host.parse::<Authority>().ok().filter(|_| !host.contains('@'));
            read.map(|host| host.as_str().to_ascii_lowercase()).ok_or_else(|| {
                Error::new(ErrorKind::Config, format!("`--allowed-host`: `{host}` is no host"))
                    .hint("say it as in `chat.example.com` or, for one port only, `chat.example.com:8443`")
            })
        });
        let hosts = known.map(Ok).chain(asked).collect::<Result<_>>()?;
        let asked = origins.iter().map(|origin| {
            self::origin(origin).ok_or_else(|| {
                Error::new(ErrorKind::Config, format!("`--allowed-origin`: `{origin}` is no origin"))
                    .hint("say it as in `https://chat.example.com` or, for any port, `http://localhost:*`")
            })
        });
        let origins = OWN_ORIGINS.into_iter().map(str::to_owned).map(Ok).chain(asked).collect::<Result<_>>()?;
        Ok(Self { hosts, origins, token })
    }

    /// Refuses requests that do not name this server, which is `local` to whoever sent it, and those of other pages.
    pub(super) fn turns_away(&self, request: &Parts, local: Option<IpAddr>) -> Option<Answer> {
        if !self.is_named(request, local) {
            return Some(answer::text(StatusCode::FORBIDDEN, "The `Host` of the request is not allowed."));
        }
        let mut origins = request.headers.get_all(header::ORIGIN).iter();
        let allowed = |origin: &str| self.origins.iter().any(|allowed| is_covered(allowed, origin));
        let refused = !origins.all(|origin| origin.to_str().is_ok_and(allowed));
        refused.then(|| answer::text(StatusCode::FORBIDDEN, "The `Origin` of the request is not allowed."))
    }

    /// Refuses requests without the token, and takes it away from the others: nobody behind the gate needs it.
    pub(super) fn locks_out(&self, headers: &mut HeaderMap) -> Option<Answer> {
        if self.token.as_ref().is_none_or(|token| token.is_shown(headers)) {
            headers.remove(header::AUTHORIZATION);
            return None;
        }
        let answer = answer::text(StatusCode::UNAUTHORIZED, "Unauthorized");
        Some(answer::with(answer, header::WWW_AUTHENTICATE, "Bearer"))
    }

    /// A request must name its host once (RFC 9112 §3.2), and its target may as well.
    fn is_named(&self, request: &Parts, local: Option<IpAddr>) -> bool {
        let mut hosts = request.headers.get_all(header::HOST).iter();
        let (Some(host), None) = (hosts.next(), hosts.next()) else { return false };
        let host = host.to_str().ok().and_then(|host| host.parse().ok());
        host.is_some_and(|host| self.is_own(&host, local))
            && request.uri.authority().is_none_or(|authority| self.is_own(authority, local))
    }

    fn is_own(&self, host: &Authority, local: Option<IpAddr>) -> bool {
        let is =
            |allowed: &String| allowed.eq_ignore_ascii_case(host.as_str()) || allowed.eq_ignore_ascii_case(host.host());
        // No page is fetched from an address that a name was made to lead to.
        let address = || host.host().trim_matches(['[', ']']).parse::<IpAddr>().ok();
        let port = host.port_u16().is_some() || host.as_str() == host.host();
        port && !host.as_str().contains('@') && (self.hosts.iter().any(is) || (local.is_some() && address() == local))
    }
}

/// Writes an origin as browsers do (RFC 6454 §6.2), with `:*` kept. Desktop programs have schemes of their own.
fn origin(text: &str) -> Option<String> {
    let (start, any) = text.strip_suffix(":*").map_or((text, ""), |start| (start, ":*"));
    let url = Url::parse(start).ok()?;
    let written = match url.origin() {
        origin @ Origin::Tuple(..) if url.path() == "/" => origin.ascii_serialization(),
        Origin::Opaque(_) if url.has_host() && matches!(url.path(), "" | "/") => start.trim_end_matches('/').to_owned(),
        _ => return None,
    };
    let bare = url.username().is_empty() && url.query().is_none() && url.fragment().is_none();
    bare.then(|| written.to_ascii_lowercase() + any)
}

fn is_covered(allowed: &str, origin: &str) -> bool {
    let Some(any_port) = allowed.strip_suffix(":*") else { return allowed.eq_ignore_ascii_case(origin) };
    let origin = origin.to_ascii_lowercase();
    let rest = origin.strip_prefix(any_port);
    rest.is_some_and(|rest| rest.is_empty() || rest.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok()))
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    fn gate(hosts: &[&str], origins: &[&str]) -> Gate {
        let [hosts, origins] = [hosts, origins].map(|texts| texts.iter().map(ToString::to_string).collect::<Vec<_>>());
        Gate::new("192.0.2.1:8080".parse().unwrap(), &hosts, &origins, None).unwrap()
    }

    fn admitted(gate: &Gate, target: &str, headers: &[(&str, &str)]) -> bool {
        let request = headers.iter().fold(Request::get(target), |request, (name, value)| request.header(*name, *value));
        gate.turns_away(&request.body(()).unwrap().into_parts().0, "198.51.100.7".parse().ok()).is_none()
    }

    #[test]
    fn a_request_names_us_and_nobody_else() {
        let gate = gate(&["chat.example.com", "one.example.com:8443"], &[]);
        let named = |host: &str| admitted(&gate, "/mcp", &[("host", host)]);
        for good in [
            "localhost",
            "LOCALHOST:1",
            "127.0.0.1:9",
            "[::1]:9",
            "192.0.2.1:8080",
            "chat.example.com:5",
            "one.example.com:8443",
            "198.51.100.7:8080",
        ] {
            assert!(named(good), "{good}");
        }
        for bad in [
            "",
            "evil.example",
            "localhost.evil.example",
            "evil@localhost",
            "192.0.2.1:9",
            "192.0.2.2:8080",
            "127.0.0.2",
            "one.example.com",
            "one.example.com:8444",
            "localhost:",
            "localhost:x",
            "::1",
            "198.51.100.8",
        ] {
            assert!(!named(bad), "{bad}");
        }
        assert!(
            !admitted(&gate, "/mcp", &[]) && !admitted(&gate, "/mcp", &[("host", "localhost"), ("host", "localhost")])
        );
        assert!(!admitted(&gate, "http://evil.example/mcp", &[("host", "localhost")]));
        assert!(admitted(&gate, "http://127.0.0.1/mcp", &[("host", "127.0.0.1")]));
    }

    #[test]
    fn pages_of_this_machine_and_those_that_are_named_may_ask() {
        let gate = gate(&[], &["https://chat.example.com:443/", "https://any.example:*", "vscode-webview://abc"]);
        let from = |origin: &str| admitted(&gate, "/mcp", &[("host", "localhost"), ("origin", origin)]);
        for good in [
            "http://localhost",
            "http://localhost:6274",
            "http://127.0.0.1:3000",
            "http://[::1]:3000",
            "https://chat.example.com",
            "https://any.example:4",
            "vscode-webview://abc",
        ] {
            assert!(from(good), "{good}");
        }
        for bad in [
            "null",
            "",
            "https://localhost",
            "http://localhost.evil.example",
            "http://localhost:1.evil.example",
            "https://chat.example.com:8443",
            "http://chat.example.com",
            "vscode-webview://abcd",
            "http://127.0.0.1:99999",
        ] {
            assert!(!from(bad), "{bad}");
        }
        assert!(!admitted(
            &gate,
            "/mcp",
            &[("host", "localhost"), ("origin", "http://localhost"), ("origin", "http://evil.example")]
        ));
    }

    #[test]
    fn what_is_no_host_or_origin_is_a_mistake() {
        let of = |hosts: &[&str], origins: &[&str]| {
            let [hosts, origins] =
                [hosts, origins].map(|texts| texts.iter().map(ToString::to_string).collect::<Vec<_>>());
            Gate::new("127.0.0.1:8080".parse().unwrap(), &hosts, &origins, None).map(drop)
        };
        for bad in ["", "http://chat.example.com", "a b", "me@chat.example.com"] {
            assert!(of(&[bad], &[]).is_err(), "{bad}");
        }
        for bad in ["", "*", "null", "chat.example.com", "https://chat.example.com/path", "https://me@chat.example.com"]
        {
            assert!(of(&[], &[bad]).is_err(), "{bad}");
        }
    }
}
