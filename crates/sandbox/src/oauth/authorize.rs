//! `/oauth/authorize`: asks the person and sends the client a code (RFC 6749 with PKCE, RFC 9207).

use axum::Form;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use url::Url;

use super::clients::Client;
use super::page::Page;
use super::{Denial, grants, scope};
use crate::chat::people::{self, Person};
use crate::sandbox::Sandbox;

const CODE_LIFETIME_MS: i64 = 60_000;

/// The parameters of the page, the same when it is shown and when it is answered.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Request {
    client_id: String,
    redirect_uri: String,
    response_type: String,
    scope: Option<String>,
    state: Option<String>,
    code_challenge: String,
    code_challenge_method: String,
    login_hint: Option<String>,
    prompt: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Decision {
    pub(super) decision: String,
}

/// A request that may be put to the person.
struct Sound {
    client: Client,
    person: Person,
    scope: String,
}

pub(super) async fn ask(State(sandbox): State<Sandbox>, Query(request): Query<Request>) -> Response {
    let silent = sandbox.options.auto_approve || request.prompt.as_deref() == Some("none");
    let allowed = if request.login_hint.as_deref() == Some("deny") { Some(false) } else { silent.then_some(true) };
    answer(&sandbox, request, allowed).await
}

pub(super) async fn decide(
    State(sandbox): State<Sandbox>,
    Query(request): Query<Request>,
    Form(decision): Form<Decision>,
) -> Response {
    answer(&sandbox, request, Some(decision.decision == "allow")).await
}

async fn answer(sandbox: &Sandbox, request: Request, allowed: Option<bool>) -> Response {
    // Until the redirect is known to be the client's own, errors stay on this page.
    let (client_id, redirect_uri) = (request.client_id.clone(), request.redirect_uri.clone());
    let found = sandbox.store.read(move |state| {
        let client = Client::find(state, &client_id)?;
        let redirect = client.redirect(&redirect_uri)?;
        Ok::<_, Denial>((client, redirect))
    });
    let (client, mut redirect) = match found.await {
        Ok(found) => found,
        Err(denial) => {
            let page = Page { title: "This sign-in link does not work", lines: &[denial.description], question: false };
            return page.show(denial.status);
        }
    };
    let outcome = match check(sandbox, &request, client).await {
        Err(denial) => Err(denial),
        Ok(sound) => match allowed {
            None => return question(&sound),
            Some(false) => Err(Denial::new("access_denied", "the person said no")),
            Some(true) => give_code(sandbox, &request, sound).await,
        },
    };
    finish(&mut redirect, sandbox.issuer(), &request, outcome);
    Redirect::to(redirect.as_str()).into_response()
}

async fn check(sandbox: &Sandbox, request: &Request, client: Client) -> Result<Sound, Denial> {
    if request.response_type != "code" {
        return Err(Denial::new("unsupported_response_type", "`response_type` is not `code`"));
    }
    if request.code_challenge_method != "S256" || request.code_challenge.len() != 43 {
        return Err(Denial::invalid_request("PKCE is required, with `code_challenge_method=S256`"));
    }
    let scope = scope::requested(request.scope.as_deref())?;
    let hint = request.login_hint.clone().filter(|hint| hint != "deny");
    let person = sandbox.store.read(move |state| people::hinted(state, hint.as_deref())).await?;
    let person = person.ok_or_else(|| Denial::new("login_required", "`login_hint` names nobody in this workspace"))?;
    Ok(Sound { client, person, scope })
}

fn question(sound: &Sound) -> Response {
    let lines = [
        format!("{} asks to use the sandbox workspace as {}.", sound.client.name, sound.person.name),
        format!("It may: {}.", sound.scope.replace(' ', ", ")),
    ];
    Page { title: "Sign in to the sandbox", lines: &lines, question: true }.show(StatusCode::OK)
}

async fn give_code(sandbox: &Sandbox, request: &Request, sound: Sound) -> Result<String, Denial> {
    let code = grants::random("code");
    let hash = grants::hash(&code);
    let Request { redirect_uri, code_challenge, .. } = request.clone();
    sandbox
        .store
        .write(move |state| {
            state
                .prepare_cached(
                    "INSERT INTO codes (hash, client, person, scope, redirect_uri, challenge, expires_at)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                )?
                .execute((
                    hash,
                    sound.client.id,
                    sound.person.id,
                    sound.scope,
                    redirect_uri,
                    code_challenge,
                    grants::now() + CODE_LIFETIME_MS,
                ))
                .map(drop)
                .map_err(Denial::from)
        })
        .await?;
    Ok(code)
}

fn finish(redirect: &mut Url, issuer: &str, request: &Request, outcome: Result<String, Denial>) {
    let mut query = redirect.query_pairs_mut();
    match outcome {
        Ok(code) => query.append_pair("code", &code),
        Err(denial) => query.append_pair("error", denial.error).append_pair("error_description", &denial.description),
    };
    if let Some(state) = &request.state {
        query.append_pair("state", state);
    }
    query.append_pair("iss", issuer);
}
