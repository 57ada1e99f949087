//! Mix-up: a server that answers in the place of the one that was asked (RFC 9207).

use super::{INCOMPLETE, ISSUER, Target, UNKNOWN, changed, value, wire};

/// Sends an answer whose `iss` has been changed; what is asked with the good one afterwards finds nothing.
async fn expect(target: &Target, issuers: &[&str], title: &str) {
    let (browser, callback) = target.begun().await;
    let forged = changed(&callback, "iss", issuers);
    assert_eq!(target.get_as(&browser, &forged).await, wire::stray("400 Bad Request", title), "{issuers:?}");
    let spent = wire::stray("400 Bad Request", UNKNOWN);
    assert_eq!(target.get_as(&browser, &callback).await, spent, "{issuers:?}");
}

#[tokio::test]
async fn another_issuer_is_refused_and_so_is_none() {
    let target = Target::new().await;
    expect(&target, &["https://evil.example"], ISSUER).await;
    expect(&target, &[], ISSUER).await;
    expect(&target, &[""], ISSUER).await;
    target.stands().await;
}

#[tokio::test]
async fn an_issuer_is_compared_letter_by_letter() {
    let target = Target::new().await;
    let own = target.world.origin.clone();
    for near in [
        format!("{own}/"),
        format!("{own}?"),
        format!(" {own}"),
        format!("{own}\0"),
        own.to_uppercase(),
        own.replace("http:", "https:"),
        own.replace("127.0.0.1", "localhost"),
        format!("{own}.evil.example"),
        own.replace("http://", "http://user@"),
    ] {
        expect(&target, &[&near], ISSUER).await;
    }
    target.stands().await;
}

#[tokio::test]
async fn two_issuers_are_none() {
    let target = Target::new().await;
    let own = target.world.origin.clone();
    for both in [["https://evil.example", &own], [&own, "https://evil.example"], [&own, &own]] {
        expect(&target, &both, INCOMPLETE).await;
    }
    target.stands().await;
}

#[tokio::test]
async fn what_another_issuer_says_went_wrong_is_not_believed() {
    let target = Target::new().await;
    let (browser, callback) = target.begun().await;
    let declined = changed(&changed(&callback, "code", &[]), "error", &["access_denied"]);
    let forged = changed(&declined, "iss", &["https://evil.example"]);
    assert_eq!(target.get_as(&browser, &forged).await, wire::stray("400 Bad Request", ISSUER));
    target.stands().await;
}

#[tokio::test]
async fn the_name_of_the_parameter_counts() {
    let target = Target::new().await;
    let (browser, callback) = target.begun().await;
    let own = value(&callback, "iss");
    for name in ["ISS", "iss[]", "issuer"] {
        let (browser, callback) = target.begun().await;
        let forged = changed(&changed(&callback, "iss", &[]), name, &[&own]);
        assert_eq!(target.get_as(&browser, &forged).await, wire::stray("400 Bad Request", ISSUER), "{name}");
    }
    // Foreign parameters beside it are nobody's business.
    let more = changed(&changed(&callback, "issuer", &["https://evil.example"]), "ISS", &["x", "y"]);
    assert_eq!(target.get_as(&browser, &more).await, wire::redirect("/auth/done", &[]));
}
