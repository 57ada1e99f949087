//! The pages that people see while they sign in.

use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};

/// What to put on a page; every text is escaped.
pub(super) struct Page<'a> {
    pub(super) title: &'a str,
    pub(super) lines: &'a [String],
    /// Offers Allow and Deny, sent back to the page's own address.
    pub(super) question: bool,
}

impl Page<'_> {
    pub(super) fn show(&self, status: StatusCode) -> Response {
        let title = escape(self.title);
        let lines: Vec<_> = self.lines.iter().map(|line| escape(line)).collect();
        let lines = lines.join("</p><p>");
        let form = if self.question { FORM } else { "" };
        let html = format!(
            "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
             <title>{title}</title><style>{STYLE}</style><main><h1>{title}</h1><p>{lines}</p>{form}</main></html>"
        );
        let headers = [
            (header::CACHE_CONTROL, "no-store"),
            (header::REFERRER_POLICY, "no-referrer"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (
                header::CONTENT_SECURITY_POLICY,
                "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
            ),
        ];
        (status, headers, Html(html)).into_response()
    }
}

// Without an `action` the form goes to the page's own address, parameters included.
const FORM: &str = "<form method=\"post\"><button name=\"decision\" value=\"allow\">Allow</button> \
    <button name=\"decision\" value=\"deny\">Deny</button></form>";

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;background:#f4f5f2;color:#23302b;margin:0}\
    main{max-width:26rem;margin:12vh auto;padding:2rem;background:#fff;border-radius:12px;box-shadow:0 1px 8px #0002}\
    h1{font-size:1.3rem;margin:0 0 1rem}button{font:inherit;padding:.5rem 1.4rem;border:1px solid #2b6a4d;border-radius:8px;\
    background:#fff;color:#2b6a4d;cursor:pointer}button[value=allow]{background:#2b6a4d;color:#fff}";

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}
