//! The pages that a person sees at the end of a sign-in. They echo nothing of the request.

use std::fmt::Write as _;

use axum::{
    body::Body,
    http::{HeaderValue, Response, StatusCode, header},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest as _, Sha256};

/// What browsers get.
pub(super) type Answer = Response<Body>;

const TEMPLATE: &str = include_str!("pages/page.html");
const STYLE: &str = include_str!("pages/page.css");

/// A page: a title and paragraphs, all escaped.
pub(super) struct Page<'a> {
    pub(super) status: StatusCode,
    pub(super) title: &'a str,
    pub(super) lines: &'a [&'a str],
    /// A link at the end: its text and where it leads.
    pub(super) link: Option<(&'a str, &'a str)>,
    /// A remark in small type.
    pub(super) remark: Option<&'a str>,
}

impl Page<'_> {
    pub(super) fn show(&self) -> Answer {
        let mut body = String::new();
        // Writing to a string cannot fail.
        for line in self.lines {
            let _ = writeln!(body, "<p>{}</p>", escaped(line));
        }
        if let Some((text, target)) = self.link {
            let _ = writeln!(body, "<p><a href=\"{}\">{}</a></p>", escaped(target), escaped(text));
        }
        if let Some(remark) = self.remark {
            let _ = writeln!(body, "<p class=\"quiet\">{}</p>", escaped(remark));
        }
        let title = escaped(self.title);
        let html = TEMPLATE.replace("{style}", STYLE).replace("{title}", &title).replace("{body}", body.trim_end());
        answer(self.status, "text/html; charset=utf-8", html)
    }
}

/// Makes an answer with the headers that all of ours bear.
pub(super) fn answer(status: StatusCode, media_type: &'static str, body: impl Into<Body>) -> Answer {
    let mut answer = Response::new(body.into());
    *answer.status_mut() = status;
    let hash = STANDARD.encode(Sha256::digest(STYLE));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    answer
}

/// Sends the browser on.
pub(super) fn redirect(target: &str) -> Answer {
    let mut answer = answer(StatusCode::SEE_OTHER, "text/plain; charset=utf-8", "");
    if let Ok(target) = HeaderValue::from_str(target) {
        answer.headers_mut().insert(header::LOCATION, target);
    }
    answer
}

fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    // A brace would open a place of the template.
    text.replace('"', "&quot;").replace('\'', "&#39;").replace('{', "&#123;")
}
