//! Requests and answers as they go over the wire, to the byte: only the date, references and made-up numbers may vary.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::fmt::rfc2822;
use sha2::{Digest as _, Sha256};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

const STYLE: &str = include_str!("../../pages/page.css");

/// Sends bytes to `authority`, and reads until the other side ends.
pub(super) async fn send(authority: &str, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(authority).await.unwrap();
    stream.write_all(request).await.unwrap();
    rest(&mut stream).await
}

/// Reads what is left to come, and makes it comparable.
pub(super) async fn rest(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    comparable(std::str::from_utf8(&answer).unwrap())
}

/// Sorts the headers and masks what no two answers have in common.
fn comparable(answer: &str) -> String {
    if answer.is_empty() {
        return String::new();
    }
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let (status, headers) = head.split_once("\r\n").unwrap();
    let headers = headers.split("\r\n").map(|header| match header.split_once(": ").unwrap() {
        ("date", date) => {
            assert!(rfc2822::parse(date).is_ok(), "{date}");
            "date: *".into()
        }
        ("location" | "set-cookie", _) => made_up(header),
        _ => header.to_owned(),
    });
    together(status, headers.collect(), &referenced(body))
}

fn together(status: &str, mut headers: Vec<String>, body: &str) -> String {
    headers.sort();
    format!("{status}\n{}\n\n{body}", headers.join("\n"))
}

/// Masks each run of 43 letters that 256 bits make in base64.
fn made_up(text: &str) -> String {
    let is_letter = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let mask = |word: &str| if word.len() == 43 && word.chars().all(is_letter) { "*".to_owned() } else { word.into() };
    text.split_inclusive(|c| !is_letter(c))
        .map(|word| match word.char_indices().next_back().filter(|(_, last)| !is_letter(*last)) {
            Some((end, last)) => format!("{}{last}", mask(&word[..end])),
            None => mask(word),
        })
        .collect()
}

/// Masks the number that the log knows a refusal by.
fn referenced(body: &str) -> String {
    let Some((before, after)) = body.split_once(">Reference ") else { return body.to_owned() };
    let (number, after) = after.split_at(8);
    assert!(number.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f')), "{number}");
    format!("{before}>Reference ########{after}")
}

/// The whole of an answer of ours.
pub(super) fn answer(status: &str, media_type: &str, more: &[&str], body: &str) -> String {
    let hash = STANDARD.encode(Sha256::digest(STYLE));
    let mut headers = vec![
        "cache-control: no-store".into(),
        "connection: close".into(),
        format!("content-length: {}", body.len()),
        format!(
            "content-security-policy: default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; \
             form-action 'none'; frame-ancestors 'none'"
        ),
        format!("content-type: {media_type}"),
        "date: *".into(),
        "referrer-policy: no-referrer".into(),
        "x-content-type-options: nosniff".into(),
    ];
    headers.extend(more.iter().map(|header| (*header).to_owned()));
    together(&format!("HTTP/1.1 {status}"), headers, body)
}

/// The whole of a page: what stands below its title is given as HTML.
pub(super) fn page(status: &str, more: &[&str], title: &str, below: &str) -> String {
    let html = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}</title>\n<style>{STYLE}</style>\n\
         <main>\n<h1>{title}</h1>\n{below}\n</main>\n</html>\n"
    );
    answer(status, "text/html; charset=utf-8", more, &html)
}

/// A page of one fixed sentence.
pub(super) fn notice(status: &str, more: &[&str], title: &str) -> String {
    page(status, more, title, "<p>Go back to the terminal to see what to do next.</p>")
}

/// A page that refuses what came back from a platform.
pub(super) fn refusal(status: &str, title: &str, advice: &str) -> String {
    page(status, &[], title, &format!("<p>{advice}</p>\n<p class=\"quiet\">Reference ########</p>"))
}

/// A page that refuses what belongs to no sign-in, and changes nothing.
pub(super) fn stray(status: &str, title: &str) -> String {
    refusal(status, title, "Nothing was linked. Open the address that the terminal shows, in this browser.")
}

pub(super) fn json(status: &str, body: &str) -> String {
    answer(status, "application/json", &[], body)
}

/// Sends the browser on.
pub(super) fn redirect(target: &str, more: &[&str]) -> String {
    let location = format!("location: {target}");
    let headers: Vec<_> = more.iter().copied().chain([location.as_str()]).collect();
    answer("303 See Other", "text/plain; charset=utf-8", &headers, "")
}

/// What the HTTP library itself refuses, before any of ours has seen it.
pub(super) fn bare(status: &str) -> String {
    format!("HTTP/1.1 {status}\nconnection: close\ncontent-length: 0\ndate: *\n\n")
}

#[test]
fn only_numbers_that_were_made_up_are_masked() {
    let (number, short) = ("a".repeat(43), "a".repeat(42));
    let text = format!("location: http://x/y?state={number}&code={short}");
    assert_eq!(made_up(&text), format!("location: http://x/y?state=*&code={short}"));
}
