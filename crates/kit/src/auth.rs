//! How a platform lets a user in, as data: the server does the signing in, the provider only describes it.

use std::time::Duration;

use serde_json::Value;

/// How a user signs in. Several ways are tried in order; the first that the platform offers is taken.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Auth {
    /// OAuth 2 authorization code (RFC 6749) with PKCE (RFC 7636), or the device grant (RFC 8628).
    OAuth(OAuth),
    /// A login of the platform's own that yields a session, with refresh tokens if the platform has them.
    Session(Session),
    /// A token that the user makes in the platform's settings and pastes.
    Token(StaticToken),
    /// Ways in the order of preference.
    FirstOf(Vec<Self>),
}

impl Auth {
    /// Describes OAuth with endpoints that never change.
    pub fn oauth(authorize: impl Into<String>, token: impl Into<String>) -> OAuth {
        OAuth::new(AuthServer::Fixed { authorize: authorize.into(), token: token.into(), device: None, revoke: None })
    }

    /// Whether any of the ways yields refresh tokens that are good for one use.
    pub fn rotates_strictly(&self) -> bool {
        match self {
            Self::OAuth(oauth) => oauth.rotation == Rotation::Strict,
            Self::Session(session) => session.refresh.is_some() && session.rotation == Rotation::Strict,
            Self::Token(_) => false,
            Self::FirstOf(ways) => ways.iter().any(Self::rotates_strictly),
        }
    }

    /// Describes OAuth whose endpoints the server itself publishes (RFC 8414) at `path` below the API endpoint.
    pub fn oauth_discovered(path: impl Into<String>) -> OAuth {
        OAuth::new(AuthServer::Discovered { path: path.into() })
    }
}

/// Where an authorization server's endpoints are found.
#[derive(Clone, Debug)]
pub enum AuthServer {
    /// In the platform's documentation.
    Fixed {
        /// Authorization endpoint.
        authorize: String,
        /// Token endpoint.
        token: String,
        /// Device authorization endpoint, if there is one.
        device: Option<String>,
        /// Revocation endpoint (RFC 7009), if there is one.
        revoke: Option<String>,
    },
    /// In metadata (RFC 8414) that lies at this path below the API endpoint.
    Discovered {
        /// Path of the metadata.
        path: String,
    },
}

/// An OAuth 2 authorization server and the ways in which it differs from the standard.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct OAuth {
    /// Where its endpoints are.
    pub server: AuthServer,
    /// The client to use when the user brings none of their own.
    pub client_id: Option<String>,
    /// Whether a client is registered on the first sign-in (RFC 7591). It is kept in the token record.
    pub registers: bool,
    /// Whether a code is bound to this sign-in by PKCE.
    pub pkce: Pkce,
    /// How the client proves itself at the token endpoint.
    pub client_auth: ClientAuth,
    /// Where the user may be sent back to.
    pub redirect: Redirect,
    /// What stands between two scopes.
    pub scope_separator: &'static str,
    /// Scopes for reading.
    pub read: Vec<String>,
    /// Scopes that writing needs besides.
    pub write: Vec<String>,
    /// A scope that names this device: its prefix. What follows is made up once and kept in the token record.
    pub device_scope: Option<&'static str>,
    /// What becomes of a refresh token that has been used.
    pub rotation: Rotation,
    /// How long a refresh token lives without being used, where the documentation says so and the answers do not.
    pub refresh_lifetime: Option<Duration>,
    /// Parameters of the platform's own for the authorization request.
    pub extra: Vec<(&'static str, String)>,
    /// Where in the token endpoint's answer the token is, as a JSON pointer.
    pub token_at: &'static str,
}

impl OAuth {
    fn new(server: AuthServer) -> Self {
        Self {
            server,
            client_id: None,
            registers: false,
            pkce: Pkce::S256,
            client_auth: ClientAuth::Body,
            redirect: Redirect::AnyPort,
            scope_separator: " ",
            read: Vec::new(),
            write: Vec::new(),
            device_scope: None,
            rotation: Rotation::Strict,
            refresh_lifetime: None,
            extra: Vec::new(),
            token_at: "",
        }
    }

    /// Uses this client when the user brings none.
    pub fn client(mut self, id: impl Into<String>) -> Self {
        self.client_id = Some(id.into());
        self
    }

    /// Registers a client on the first sign-in (RFC 7591).
    pub fn registering(mut self) -> Self {
        self.registers = true;
        self
    }

    /// Asks for these scopes to read, and for those besides to write.
    pub fn scopes<R: Into<String>, W: Into<String>>(
        mut self,
        read: impl IntoIterator<Item = R>,
        write: impl IntoIterator<Item = W>,
    ) -> Self {
        self.read = read.into_iter().map(Into::into).collect();
        self.write = write.into_iter().map(Into::into).collect();
        self
    }

    /// Asks besides for a scope that names this device: `prefix` and ten letters.
    pub fn device_scope(mut self, prefix: &'static str) -> Self {
        self.device_scope = Some(prefix);
        self
    }

    /// Says what becomes of a used refresh token; strict when nothing is said.
    pub fn rotation(mut self, rotation: Rotation) -> Self {
        self.rotation = rotation;
        self
    }

    /// Says how long a refresh token lives without being used, unless the platform's answers say so.
    pub fn refresh_lifetime(mut self, lifetime: Duration) -> Self {
        self.refresh_lifetime = Some(lifetime);
        self
    }

    /// Says where the user may be sent back to; any loopback port when nothing is said.
    pub fn redirect(mut self, redirect: Redirect) -> Self {
        self.redirect = redirect;
        self
    }

    /// Says how the client proves itself; in the body when nothing is said.
    pub fn client_auth(mut self, client_auth: ClientAuth) -> Self {
        self.client_auth = client_auth;
        self
    }

    /// Adds a parameter of the platform's own to the authorization request.
    pub fn parameter(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.extra.push((name, value.into()));
        self
    }
}

impl From<OAuth> for Auth {
    fn from(oauth: OAuth) -> Self {
        Self::OAuth(oauth)
    }
}

/// Whether a code is bound to this sign-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pkce {
    /// By PKCE with S256 (RFC 7636).
    S256,
    /// Not at all: the platform refuses the parameters.
    Unsupported,
}

/// How a client with a secret proves itself at the token endpoint (RFC 6749 §2.3.1). One without a secret sends its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientAuth {
    /// `client_secret_post`.
    Body,
    /// `client_secret_basic`.
    Basic,
}

/// Where the user may be sent back to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Redirect {
    /// Loopback, whatever the port (RFC 8252 §7.3).
    AnyPort,
    /// Loopback on one of these ports, tried in order: they are registered with the platform.
    Ports(Vec<u16>),
}

/// What becomes of a refresh token that has been used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// It stays the same.
    None,
    /// A new one comes, the old one stays good.
    Benign,
    /// A new one comes, the old one stays good until the new one is used, or for a while.
    Grace,
    /// A new one comes, and using the old one again ends the sign-in.
    Strict,
}

/// A login of the platform's own, in JSON over HTTP. Paths are below the API endpoint.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Session {
    /// Where to `POST` a login.
    pub login: &'static str,
    /// Where to `POST` a refresh token, if sessions have them.
    pub refresh: Option<&'static str>,
    /// Where to `POST` to end the session.
    pub logout: Option<&'static str>,
    /// The login request for a user name and a password.
    pub password: Option<fn(user: &str, password: &str) -> Value>,
    /// A login by browser that comes back with a one-time token.
    pub sso: Option<Sso>,
    /// What becomes of a refresh token that has been used.
    pub rotation: Rotation,
    /// The refresh request for a refresh token.
    pub refresh_body: fn(refresh_token: &str) -> Value,
    /// What a login or refresh answered.
    pub tokens: fn(answer: &Value) -> Option<SessionTokens>,
}

impl Session {
    /// Describes a login at `path` whose answer `tokens` reads.
    pub fn new(path: &'static str, tokens: fn(&Value) -> Option<SessionTokens>) -> Self {
        Self {
            login: path,
            refresh: None,
            logout: None,
            password: None,
            sso: None,
            rotation: Rotation::Strict,
            refresh_body: |token| serde_json::json!({ "refresh_token": token }),
            tokens,
        }
    }

    /// Lets the user type a name and a password.
    pub fn password(mut self, body: fn(&str, &str) -> Value) -> Self {
        self.password = Some(body);
        self
    }

    /// Lets the user log in with a browser.
    pub fn sso(mut self, sso: Sso) -> Self {
        self.sso = Some(sso);
        self
    }

    /// Renews tokens by a `POST` to `path`.
    pub fn refresh(mut self, path: &'static str) -> Self {
        self.refresh = Some(path);
        self
    }

    /// Says what becomes of a used refresh token; strict when nothing is said.
    pub fn rotation(mut self, rotation: Rotation) -> Self {
        self.rotation = rotation;
        self
    }

    /// Ends a session by a `POST` to `path`.
    pub fn logout(mut self, path: &'static str) -> Self {
        self.logout = Some(path);
        self
    }
}

impl From<Session> for Auth {
    fn from(session: Session) -> Self {
        Self::Session(session)
    }
}

/// A browser login that ends at a URL of ours with a one-time token.
#[derive(Clone, Debug)]
pub struct Sso {
    /// Where the browser is sent, below the API endpoint.
    pub path: &'static str,
    /// The query parameter that takes our URL.
    pub redirect_parameter: &'static str,
    /// The query parameter in which the one-time token comes back.
    pub token_parameter: &'static str,
    /// The login request for the one-time token.
    pub body: fn(token: &str) -> Value,
}

/// What a session login yields.
#[derive(Clone, Debug)]
pub struct SessionTokens {
    /// Access token.
    pub access: String,
    /// Refresh token, if sessions have them.
    pub refresh: Option<String>,
    /// Milliseconds until the access token expires.
    pub expires_in_ms: Option<u64>,
}

/// A token that the user pastes.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StaticToken {
    /// What to ask for, such as `Access token`.
    pub prompt: String,
    /// Where the user makes one.
    pub help: String,
}

impl StaticToken {
    /// Asks for `prompt`; `help` says where to make one.
    pub fn new(prompt: impl Into<String>, help: impl Into<String>) -> Self {
        Self { prompt: prompt.into(), help: help.into() }
    }
}

impl From<StaticToken> for Auth {
    fn from(token: StaticToken) -> Self {
        Self::Token(token)
    }
}
