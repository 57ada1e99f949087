//! URI templates, read backwards: which resource of a family a URI names.

use std::collections::{BTreeMap, HashSet};

use percent_encoding::percent_decode_str;

/// Returns the variables that make `uri` of `template`, or nothing if none do.
///
/// `{name}` stands for one or more characters but `/`, `{+name}` for any (RFC 6570 levels 1 and 2); a variable reaches as far
/// as what follows it allows.
pub fn parts(template: &str, uri: &str) -> Option<BTreeMap<String, String>> {
    let mut parts = BTreeMap::new();
    take(template, uri, &mut parts, &mut HashSet::new()).then_some(parts)
}

/// `dead` holds what was tried in vain, by the lengths of the rests: with several variables the same rests come again.
fn take(template: &str, uri: &str, parts: &mut BTreeMap<String, String>, dead: &mut HashSet<(usize, usize)>) -> bool {
    let Some((literal, rest)) = template.split_once('{') else { return template == uri };
    let Some(uri) = uri.strip_prefix(literal) else { return false };
    let Some((name, rest)) = rest.split_once('}') else { return false };
    let (name, reaches) = match name.strip_prefix('+') {
        Some(name) => (name, uri.len()),
        None => (name, uri.find('/').unwrap_or(uri.len())),
    };
    let ends = uri.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|end| *end <= reaches);
    for end in ends.collect::<Vec<_>>().into_iter().rev() {
        let state = (rest.len(), uri.len() - end);
        if dead.contains(&state) {
            continue;
        }
        if take(rest, &uri[end..], parts, dead) {
            let value = percent_decode_str(&uri[..end]).decode_utf8_lossy().into_owned();
            parts.insert(name.to_owned(), value);
            return true;
        }
        dead.insert(state);
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uri_is_read_by_its_template() {
        for (template, uri, expected) in [
            ("chat://{account}/{id}", "chat://work/C1", Some(vec![("account", "work"), ("id", "C1")])),
            ("chat://{account}/{id}", "chat://work/C1/M2", None),
            ("chat://{account}/{id}", "chat://work/", None),
            ("chat://{account}/{+path}", "chat://work/C1/M2", Some(vec![("account", "work"), ("path", "C1/M2")])),
            ("x://{id}/data", "x://a%20b/data", Some(vec![("id", "a b")])),
            ("x://{a}-{b}", "x://1-2-3", Some(vec![("a", "1-2"), ("b", "3")])),
            ("x://fixed", "x://fixed", Some(vec![])),
            ("x://{id", "x://1", None),
        ] {
            let expected = expected.map(|parts| parts.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect());
            assert_eq!(parts(template, uri), expected, "{template} {uri}");
        }
    }

    #[test]
    fn many_variables_take_no_longer_than_their_product() {
        let template = "x://{a}-{b}-{c}-{d}-{e}-{f}/end";
        assert_eq!(parts(template, &format!("x://{}", "-".repeat(1_000))), None);
    }
}
