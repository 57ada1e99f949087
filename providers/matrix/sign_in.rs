//! Signing in: OAuth where the homeserver has it (Matrix 1.15), its own sessions where it has not.

use schemars::JsonSchema;
use serde::Deserialize;
use switchboard_kit::{
    Auth, Rotation, Session, SessionTokens, Sso, StaticToken,
    serde_json::{Value, json},
};

/// How to sign in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SignIn {
    /// OAuth if the homeserver has it, else a login of its own, by browser or password.
    #[default]
    Auto,
    /// OAuth in the browser.
    OAuth,
    /// The homeserver's single sign-on in the browser.
    Sso,
    /// User name and password.
    Password,
    /// An access token from elsewhere.
    Token,
}

pub(crate) fn auth(sign_in: SignIn) -> Auth {
    match sign_in {
        SignIn::Auto => Auth::FirstOf(vec![oauth(), session().sso(sso()).password(password).into()]),
        SignIn::OAuth => oauth(),
        SignIn::Sso => session().sso(sso()).into(),
        SignIn::Password => session().password(password).into(),
        SignIn::Token => StaticToken::new(
            "Access token",
            "copy it from your Matrix client; in Element: All settings, Help & About, Access token",
        )
        .into(),
    }
}

/// The homeserver publishes its authorization server; a refresh token stays good until its successor is used.
fn oauth() -> Auth {
    Auth::oauth_discovered("_matrix/client/v1/auth_metadata")
        .registering()
        .scopes(["urn:matrix:client:api:*"], [""; 0])
        .device_scope("urn:matrix:client:device:")
        .rotation(Rotation::Grace)
        .into()
}

fn session() -> Session {
    Session::new("_matrix/client/v3/login", tokens)
        .refresh("_matrix/client/v3/refresh")
        // The old one stays good until the new access token is used (Client-Server API, "Refreshing access tokens").
        .rotation(Rotation::Grace)
        .logout("_matrix/client/v3/logout")
}

fn sso() -> Sso {
    Sso {
        path: "_matrix/client/v3/login/sso/redirect",
        redirect_parameter: "redirectUrl",
        token_parameter: "loginToken",
        body: |token| login("m.login.token", json!({ "token": token })),
    }
}

fn password(user: &str, password: &str) -> Value {
    login("m.login.password", json!({ "identifier": { "type": "m.id.user", "user": user }, "password": password }))
}

fn login(kind: &str, mut body: Value) -> Value {
    body["type"] = kind.into();
    body["refresh_token"] = true.into();
    body["initial_device_display_name"] = "Switchboard".into();
    body
}

fn tokens(answer: &Value) -> Option<SessionTokens> {
    Some(SessionTokens {
        access: answer["access_token"].as_str()?.into(),
        refresh: answer["refresh_token"].as_str().map(Into::into),
        expires_in_ms: answer["expires_in_ms"].as_u64(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn oauth_is_preferred_and_a_session_is_what_is_left() {
        let Auth::FirstOf(ways) = auth(SignIn::Auto) else { panic!("one way only") };
        let [Auth::OAuth(oauth), Auth::Session(session)] = &ways[..] else { panic!("{ways:?}") };
        assert!(oauth.registers && oauth.write.is_empty());
        assert_eq!(oauth.rotation, Rotation::Grace);
        assert!(session.sso.is_some() && session.password.is_some());
    }

    #[test]
    fn a_login_asks_for_a_refresh_token() {
        let body = password("alice", "secret");
        assert_eq!(body["type"], "m.login.password");
        assert_eq!(body["identifier"]["user"], "alice");
        assert_eq!(body["refresh_token"], true);
        assert_eq!((sso().body)("once")["token"], "once");
    }

    #[test]
    fn an_answer_without_a_token_is_no_session() {
        assert!(tokens(&json!({ "user_id": "@alice:example.org" })).is_none());
        let tokens = tokens(&json!({ "access_token": "a", "refresh_token": "r", "expires_in_ms": 5000 })).unwrap();
        assert_eq!((tokens.refresh.as_deref(), tokens.expires_in_ms), (Some("r"), Some(5000)));
    }
}
