//! Secrets that say whose they are, by how they begin.

use super::{is_placeholder, is_random};

/// Most of a token that is looked at.
const MOST: usize = 64;
/// Most lines that one is broken into.
const BREAKS: usize = 3;

/// Returns whether some token begins with this byte.
pub(super) fn can_begin(byte: u8) -> bool {
    matches!(byte, b'x' | b'g' | b'A' | b'1' | b'y' | b'G' | b's' | b'r' | b'w' | b'n' | b'p' | b'm' | b'e' | b'h')
        || matches!(byte, b'd' | b'l' | b'S' | b'M' | b'N' | b'O')
}

/// Returns what token begins a text.
///
/// This is code and not a table, as a table of texts would have to be relocated at every start.
pub(super) fn at(text: &[u8]) -> Option<&'static str> {
    let is = |prefix: &str, least: usize| {
        text.strip_prefix(prefix.as_bytes())
            .is_some_and(|rest| goes_on(rest, least, |byte| is_word(byte) || byte == b'-'))
    };
    let any = |prefixes: &[&str], least: usize| prefixes.iter().any(|prefix| is(prefix, least));
    match text.first()? {
        b'x' if any(
            &["xoxb-", "xoxp-", "xoxa-", "xoxr-", "xoxs-", "xoxc-", "xoxd-", "xoxe-", "xoxe.", "xapp-"],
            20,
        ) =>
        {
            Some("a Slack token")
        }
        b'h' if is_path(text, "hooks.slack.com/services/", 30) => Some("a Slack webhook"),
        b'g' if any(&["ghp_", "gho_", "ghu_", "ghs_", "ghr_"], 30) || is("github_pat_", 36) => Some("a GitHub token"),
        b'g' if any(&["glpat-", "glptt-", "gldt-", "glrt-", "glsoat-"], 20) => Some("a GitLab token"),
        b'A' if is_aws(text) => Some("an AWS access key"),
        b'A' if is("AIza", 35) => Some("a Google key"),
        b'A' if is("ATATT3", 50) => Some("an Atlassian token"),
        b'A' if is("AGE-SECRET-KEY-1", 40) => Some("a private key"),
        b'y' if is("ya29.", 20) => Some("a Google token"),
        b'G' if is("GOCSPX-", 20) => Some("a Google client secret"),
        b'1' if is("1//0", 36) => Some("a Google token"),
        b's' | b'r' if any(&["sk_live_", "rk_live_"], 20) => Some("a Stripe key"),
        b'w' if is("whsec_", 30) => Some("a Stripe key"),
        b's' if any(&["sk-ant-", "sk-proj-", "sk-svcacct-", "sk-admin-", "sk-or-v1-"], 20) => Some("an API key"),
        b's' if text
            .strip_prefix(b"sk-")
            .is_some_and(|rest| goes_on(rest, 32, |byte| byte.is_ascii_alphanumeric())) =>
        {
            Some("an API key")
        }
        b'n' if is("npm_", 36) => Some("an npm token"),
        b'p' if is("pypi-AgE", 40) => Some("a PyPI token"),
        b's' if is("syt_", 28) => Some("a Matrix token"),
        b'm' if any(&["mat_", "mct_", "mcr_"], 30) => Some("a Matrix token"),
        b'e' if is_web_token(text) => Some("a JSON web token"),
        b'h' if is("hf_", 34) => Some("a Hugging Face token"),
        b'h' if is("hvs.", 24) => Some("a Vault token"),
        b'd' if any(&["dop_v1_", "doo_v1_"], 60) => Some("a DigitalOcean token"),
        b'd' if is("dckr_pat_", 24) => Some("a Docker token"),
        b'l' if is("lin_api_", 36) => Some("a Linear token"),
        b's' if any(&["shpat_", "shpss_"], 30) => Some("a Shopify token"),
        b'S' if is("SG.", 20) => Some("a SendGrid key"),
        b'M' | b'N' | b'O' if is_discord(text) => Some("a Discord bot token"),
        _ => None,
    }
}

/// Returns what token has this colon in it: `<number>:AA…`.
pub(super) fn around(bytes: &[u8], colon: usize) -> Option<&'static str> {
    let digits = bytes[..colon].iter().rev().take(12).take_while(|byte| byte.is_ascii_digit()).count();
    let rest = bytes[colon + 1..].strip_prefix(b"AA")?;
    ((8..=11).contains(&digits) && goes_on(rest, 32, |byte| is_word(byte) || byte == b'-'))
        .then_some("a Telegram bot token")
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Returns whether at least so many such bytes follow, drawn by lot; a line may break within them.
fn goes_on(rest: &[u8], least: usize, belongs: impl Fn(u8) -> bool) -> bool {
    let (mut body, mut length, mut breaks) = ([0; MOST], 0, 0);
    let mut bytes = rest.iter().copied().peekable();
    while length < least {
        match bytes.next() {
            Some(byte) if belongs(byte) => {
                body[length] = byte;
                length += 1;
            }
            Some(b'\n' | b'\r') if length >= 4 && breaks < BREAKS => {
                breaks += 1;
                while bytes.next_if(|byte| matches!(byte, b'\n' | b' ' | b'>')).is_some() {}
            }
            _ => return false,
        }
    }
    // What is put behind it does not make a placeholder of it.
    let placeholder = is_placeholder(&body[..least]);
    for byte in bytes.take(MOST - least).take_while(|byte| belongs(*byte)) {
        body[length] = byte;
        length += 1;
    }
    !placeholder && is_random(&body[..length])
}

fn is_path(text: &[u8], prefix: &str, least: usize) -> bool {
    let belongs = |byte| is_word(byte) || byte == b'/';
    text.strip_prefix(prefix.as_bytes()).is_some_and(|rest| goes_on(rest, least, belongs))
}

fn is_aws(text: &[u8]) -> bool {
    let rest = text.strip_prefix(b"AKIA").or_else(|| text.strip_prefix(b"ASIA"));
    let capital = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    rest.is_some_and(|rest| goes_on(rest, 16, capital) && !rest.get(16).is_some_and(u8::is_ascii_alphanumeric))
}

/// Splits what stands before a dot, as base64 for addresses, from what follows.
fn part(text: &[u8], most: usize) -> Option<(&[u8], &[u8])> {
    let end = text.iter().take(most + 1).position(|byte| !is_word(*byte) && *byte != b'-')?;
    (text[end] == b'.').then(|| (&text[..end], &text[end + 1..]))
}

/// Three parts, of which the first two are JSON objects.
fn is_web_token(text: &[u8]) -> bool {
    let parts = || {
        let (head, rest) = part(text, 2_000)?;
        let (claims, rest) = part(rest.strip_prefix(b"eyJ")?, 8_000)?;
        Some(head.starts_with(b"eyJ") && head.len() > 12 && claims.len() > 8 && signed(rest, 20))
    };
    parts().unwrap_or(false)
}

fn is_discord(text: &[u8]) -> bool {
    let parts = || {
        let (user, rest) = part(text, 30)?;
        let (time, rest) = part(rest, 7)?;
        Some((23..=28).contains(&user.len()) && time.len() == 6 && signed(rest, 27))
    };
    parts().unwrap_or(false)
}

fn signed(rest: &[u8], least: usize) -> bool {
    goes_on(rest, least, |byte| is_word(byte) || byte == b'-')
}
