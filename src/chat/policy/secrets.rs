//! What looks like a secret, in texts and files that are to be sent.
//!
//! One pass over the bytes stops where a secret can begin: `tokens` knows those that say whose they are, `assigned` those that a
//! name stands before, `keys` private keys. What is packed, enciphered or spelled out is not found: this catches what is sent
//! without a thought, and makes an assistant that was talked into it work for it.

mod assigned;
mod keys;
mod tokens;

use std::borrow::Cow;

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// Fewest different bytes of something that was drawn by lot.
const VARIETY: u32 = 7;

/// Returns what kind of secret a text seems to hold.
pub(super) fn found(text: &str) -> Option<&'static str> {
    scan(text.as_bytes()).or_else(|| {
        // As it is read: Markdown's backslashes are not shown, and letters that look the same are.
        let dressed = !text.is_ascii() || text.contains('\\');
        let plain = || text.nfkc().filter(|c| *c != '\\' && !is_combining_mark(*c)).collect::<String>();
        dressed.then(plain).and_then(|plain| scan(plain.as_bytes()))
    })
}

/// Returns what kind of secret a file seems to hold.
pub(super) fn found_in_file(bytes: &[u8]) -> Option<&'static str> {
    scan(&narrow(bytes))
}

/// Makes UTF-16 what a scan reads; all that it looks for is ASCII.
fn narrow(bytes: &[u8]) -> Cow<'_, [u8]> {
    let low = match bytes {
        [0xff, 0xfe, ..] | [1..=255, 0, 1..=255, 0, ..] => 0,
        [0xfe, 0xff, ..] | [0, 1..=255, 0, 1..=255, ..] => 1,
        _ => return bytes.into(),
    };
    bytes.chunks_exact(2).map(|unit| if unit[1 - low] == 0 { unit[low] } else { 0xff }).collect()
}

/// Looks at each place where a secret can begin, a bounded way ahead and behind.
fn scan(bytes: &[u8]) -> Option<&'static str> {
    (0..bytes.len()).find_map(|at| match bytes[at] {
        b'=' => assigned::at(bytes, at),
        b':' => assigned::at(bytes, at).or_else(|| assigned::in_address(bytes, at)),
        b'-' => keys::at(bytes, at),
        first if tokens::can_begin(first) && begins(bytes, at) => tokens::at(&bytes[at..]),
        _ => None,
    })
}

/// Returns whether a word begins here; `%3D` and its like are no part of it.
fn begins(bytes: &[u8], at: usize) -> bool {
    let within = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    at == 0 || !within(bytes[at - 1]) || at >= 3 && bytes[at - 3] == b'%'
}

/// Returns whether this could have been drawn by lot.
fn is_random(body: &[u8]) -> bool {
    let has = |kind: fn(&u8) -> bool| body.iter().any(kind);
    has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic) && variety(body) >= VARIETY
}

fn variety(body: &[u8]) -> u32 {
    body.iter().fold(0_u128, |seen, byte| seen | 1 << (byte & 0x7f)).count_ones()
}

/// Returns whether people write this where something else belongs.
fn is_placeholder(value: &[u8]) -> bool {
    let lower = value.to_ascii_lowercase();
    let has = |word: &str| lower.windows(word.len()).any(|part| part == word.as_bytes());
    let words = ["your", "example", "xxxx", "placeholder", "redacted", "change", "dummy", "insert", "****", "...", "<"];
    variety(&lower) < 4 || words.into_iter().any(has)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A token, in two parts so that nobody takes this file for a leak.
    fn token(prefix: &str, body: &str) -> String {
        format!("{prefix}{body}")
    }

    const BODY: &str = "A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8S9t0";

    #[test]
    fn ordinary_texts_hold_none() {
        for text in [
            "",
            "Merged in 9f0822c, see d1aeaf50b7a4c2f3e1d09876543210fedcba9876",
            "request 550e8400-e29b-41d4-a716-446655440000 failed at 12:05:33",
            "https://docs.google.com/document/d/1BxiMVs0XRA5nFMdKvBdBZjgmUUqptlbs74OgvE2upms/edit#heading=h.abc123def",
            "![dot](data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==)",
            "set SLACK_TOKEN=xoxb-your-token and GITHUB_TOKEN=<token> first",
            "password: ********",
            "The password: it is in the vault, as always.",
            "password: 8-character minimum, token: SHA256-hashed",
            "token: expired yesterday; secret: none",
            "let token = response.headers.get(\"x-token\");",
            "password = getpass.getpass()",
            "api_key = os.environ[\"API_KEY\"]",
            "API_KEY=$API_KEY DB_PASSWORD=${DB_PASSWORD:-} TOKEN={{ token }}",
            "TOKEN_URL=https://auth.example.org/oauth2/token PASSWORD_FILE=/run/secrets/password",
            "max_tokens=100000000, SECRET_NAME=projects-prod-1",
            "\"password\": \"Kennwort\", \"token\": \"string\"",
            "{\"token\": null, \"secret\": false}",
            "postgres://user:password@localhost/db and https://user:pass@example.org",
            "git@github.com:owner/repository.git, mailto:ana@example.org",
            "look for `-----BEGIN RSA PRIVATE KEY-----` at the top of the file",
            "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAwJ3vJv1h2mTVWj\n",
            "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----",
            "AKIAIOSFODNN7EXAMPLE is what the manual says",
            "sk-learn, sk-123, npm_config_registry, hf_hub, eyJ is how they begin",
            "Authorization: Bearer <token>",
            "12:05 and 10:30, ratio 3:2, C:\\Users\\ana, key=value, a==b, x := 5",
            "1234567890:12 is a time",
            "The key: ask Mara",
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl ana@laptop",
        ] {
            assert_eq!(found(text), None, "{text}");
            assert_eq!(found_in_file(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn secrets_are_found_by_what_they_are() {
        let pem = format!("{}BEGIN OPENSSH PRIVATE KEY-----\n{}\n", "-----", BODY.repeat(2));
        for (text, kind) in [
            (token("xoxb-", "123456789012-123456789012-AbCdEfGhIjKlMnOpQrStUvWx"), "a Slack token"),
            (token("ghp_", &BODY[..36]), "a GitHub token"),
            (token("github_pat_", &format!("{}_{BODY}", &BODY[..22])), "a GitHub token"),
            (token("glpat-", "x1Y2z3A4b5C6d7E8f9G0"), "a GitLab token"),
            (token("AKIA", "Z7QH3XN2W5RT8KLM"), "an AWS access key"),
            (token("AIza", "SyA1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q"), "a Google key"),
            (token("ya29.", BODY), "a Google token"),
            (token("sk_live_", "51H8a9b0c1d2e3f4g5h6i7j8"), "a Stripe key"),
            (token("sk-ant-", "api03-AbC1dEf2GhI3jKl4MnO5pQr6"), "an API key"),
            (token("sk-proj-", BODY), "an API key"),
            (token("npm_", &BODY[..36]), "an npm token"),
            (token("pypi-", &format!("AgEIcHlwaS5vcmc{BODY}")), "a PyPI token"),
            (token("123456789:", "AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw0"), "a Telegram bot token"),
            (
                token("MTAxMjM0NTY3ODkwMTIzNDU2", ".GhIjKl.AbCdEfGhIjKlMnOpQrStUvWxYz0123456789ab"),
                "a Discord bot token",
            ),
            (token("syt_", "cm9iaW4_AbCdEfGhIjKlMnOpQrSt_1a2b3c"), "a Matrix token"),
            (token("eyJhbGciOiJIUzI1NiJ9.", &format!("eyJzdWIiOiIxMjM0NTY3ODkwIn0.{BODY}")), "a JSON web token"),
            (token("AccountName=a;AccountKey=", &format!("{BODY}{BODY}==")), "a secret with the name `accountkey`"),
            (pem.clone(), "a private key"),
            (pem.replace('\n', "\\n"), "a private key"),
            ("export DB_PASSWORD=correcthorse".into(), "a password"),
            ("client_secret: \"q8X2vL9pTz\"".into(), "a secret"),
            ("The password: Sommer2024!".into(), "a password"),
            ("https://api.example.org/?access_token=a8f5f167f44f4964e6c998dee827110c".into(), "a token"),
            (format!("Authorization: Bearer {BODY}"), "a token"),
            ("postgres://app:Gx7kQ2pL@db.internal/app".into(), "an address with a password"),
        ] {
            let kind = kind.split(" with the name").next().unwrap();
            for text in
                [text.clone(), format!("It is `{text}`."), format!("x\n> \"{text}\"\ny"), format!("?a={text}&b=1")]
            {
                assert_eq!(found(&text), Some(kind), "{text}");
            }
            let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
            let marked: Vec<u8> = [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(u16::to_be_bytes).collect();
            assert_eq!((found_in_file(&wide), found_in_file(&marked)), (Some(kind), Some(kind)), "{text}");
        }
    }

    #[test]
    fn what_is_not_seen_hides_nothing() {
        let token = token("ghp_", &BODY[..36]);
        let wide: String = token.chars().map(|c| char::from_u32(u32::from(c) + 0xfee0).unwrap()).collect();
        let struck: String = token.chars().flat_map(|c| [c, '\u{336}']).collect();
        for text in [wide, struck, token.replace('_', "\\_"), format!("{}\n{}", &token[..20], &token[20..])] {
            assert_eq!(found(&text), Some("a GitHub token"), "{text}");
        }
    }

    #[test]
    fn a_large_file_is_read_to_its_end() {
        let mut bytes: Vec<u8> = (0..25_000_000_u32).map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()[3]).collect();
        bytes.extend_from_slice(b" = : - AAAA: ");
        assert_eq!(found_in_file(&bytes), None);
        bytes.extend_from_slice(token("ghp_", &BODY[..36]).as_bytes());
        assert_eq!(found_in_file(&bytes), Some("a GitHub token"));
    }

    proptest! {
        #[test]
        fn no_token_is_missed(
            body in "[A-Za-z0-9]{18}[0-9][a-z][A-Z][0-9][A-Za-z0-9]{18}",
            prefix in prop::sample::select(&["ghp_", "gho_", "ghs_", "glpat-", "npm_", "sk-", "sk-ant-", "sk_live_", "xoxp-", "hf_", "ya29.", "shpat_", "dckr_pat_"][..]),
            before in "(\\PC{0,20}[ \"'=:/(,\n<`])?", after in "([ \"'&),.\n>`]\\PC{0,20})?",
        ) {
            let text = format!("{before}{prefix}{body}{after}");
            prop_assert!(found(&text).is_some(), "{}", text);
        }

        #[test]
        fn words_are_no_secret(text in "([a-z]{1,9}[ ,.]|[A-Z][a-z]{2,8} |[0-9]{1,4} |\n|https://[a-z]{3,8}\\.org/[a-z0-9-]{1,12} ){0,60}") {
            prop_assert_eq!(found(&text), None);
        }

        #[test]
        fn bytes_are_no_secret(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
            prop_assert_eq!(found_in_file(&bytes), None);
        }
    }
}
