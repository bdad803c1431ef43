//! Policy documents, read: what is taken and what is refused.

use super::*;
use proptest::prelude::*;

fn fault(text: &str, kind: Kind) -> String {
    Policy::parse(text, kind).expect_err(text).to_string()
}

/// A document of one statement with these members.
fn document(members: &str) -> String {
    format!(r#"{{"Version":"2012-10-17","Statement":[{{{members}}}]}}"#)
}

#[test]
fn documents_that_say_what_they_must_are_read() {
    for (kind, members) in [
        (Kind::Identity, r#""Effect":"Allow","Action":"ses:*","Resource":"*""#),
        (
            Kind::Identity,
            r#""Sid":"A1","Effect":"Deny","NotAction":["a:b","*"],"NotResource":["arn:aws:x:::y"]"#,
        ),
        (
            Kind::Identity,
            r#""Effect":"Allow","Action":"a:b","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":true},"NumericLessThan":{"a:n":[1,2.5]}}"#,
        ),
        (
            Kind::Trust,
            r#""Effect":"Allow","Principal":{"Service":"email.cognito-idp.amazonaws.com"},"Action":"sts:AssumeRole""#,
        ),
        (
            Kind::Trust,
            r#""Effect":"Allow","Principal":{"AWS":["123456789012","*"]},"Action":["sts:AssumeRole","sts:TagSession"]"#,
        ),
        (
            Kind::Resource,
            r#""Effect":"Allow","Principal":"*","Action":"ses:SendEmail","Resource":"arn:aws:ses:us-east-1:123456789012:identity/a""#,
        ),
        (
            Kind::Resource,
            r#""Sid":"with blanks","Effect":"Deny","NotPrincipal":{"AWS":"arn:aws:iam::123456789012:user/a/b"},"Action":"*","Resource":"*""#,
        ),
    ] {
        assert!(Policy::parse(&document(members), kind).is_ok(), "{members}");
    }
    assert!(
        Policy::parse(r#"{"Statement":{"Effect":"Allow","Action":"a:b","Resource":"*"}}"#, Kind::Identity)
            .is_ok()
    );
}

#[test]
fn what_is_not_a_policy_is_refused_in_the_services_words() {
    let syntax = "Syntax errors in policy.";
    for (kind, members, words) in [
        (Kind::Identity, r#""Effect":"Allow","Resource":"*""#, "Policy statement must contain actions."),
        (
            Kind::Identity,
            r#""Effect":"Allow","Action":[],"Resource":"*""#,
            "Policy statement must contain actions.",
        ),
        (Kind::Identity, r#""Effect":"Allow","Action":"a:b""#, "Policy statement must contain resources."),
        (
            Kind::Identity,
            r#""Effect":"Allow","Action":"a:b","Resource":[]"#,
            "Policy statement must contain resources.",
        ),
        (Kind::Identity, r#""Effect":"Maybe","Action":"a:b","Resource":"*""#, syntax),
        (Kind::Identity, r#""Action":"a:b","Resource":"*""#, syntax),
        (Kind::Identity, r#""Effect":"Allow","Action":"a:b","Resource":"*","Why":"x""#, syntax),
        (Kind::Identity, r#""Effect":"Allow","Action":"a:b","NotAction":"a:c","Resource":"*""#, syntax),
        (Kind::Identity, r#""Effect":"Allow","Effect":"Allow","Action":"a:b","Resource":"*""#, syntax),
        (Kind::Identity, r#""Effect":"Allow","Action":1,"Resource":"*""#, syntax),
        (Kind::Identity, r#""Effect":"Allow","Action":"a:b","Resource":"arn:aws:x:::${""#, syntax),
        (
            Kind::Identity,
            r#""Effect":"Allow","Action":"send","Resource":"*""#,
            "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
        ),
        (
            Kind::Identity,
            r#""Effect":"Allow","Action":"a:b","Resource":"x""#,
            "Resource x must be in ARN format or \"*\".",
        ),
        (
            Kind::Identity,
            r#""Effect":"Allow","Principal":"*","Action":"a:b","Resource":"*""#,
            "Policy document should not specify a principal.",
        ),
        (
            Kind::Identity,
            r#""Effect":"Allow","Action":"a:b","Resource":"*","Condition":{"StringMatches":{"a:b":"c"}}"#,
            "Invalid Condition type : StringMatches.",
        ),
        (
            Kind::Identity,
            r#""Effect":"Allow","Action":"a:b","Resource":"*","Condition":{"StringLike":{"a:b":{}}}"#,
            syntax,
        ),
        (
            Kind::Trust,
            r#""Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Resource":"*""#,
            "Has prohibited field Resource",
        ),
        (
            Kind::Trust,
            r#""Effect":"Allow","NotPrincipal":"*","Action":"sts:AssumeRole""#,
            "Has prohibited field NotPrincipal",
        ),
        (Kind::Trust, r#""Effect":"Allow","Action":"sts:AssumeRole""#, "Missing required field Principal"),
        (
            Kind::Trust,
            r#""Effect":"Allow","Principal":"*","Action":"ses:SendEmail""#,
            "AssumeRole policy may only specify STS AssumeRole actions.",
        ),
        (
            Kind::Trust,
            r#""Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:user/*"},"Action":"sts:AssumeRole""#,
            "Invalid principal in policy: \"AWS\":\"arn:aws:iam::123456789012:user/*\"",
        ),
        (
            Kind::Trust,
            r#""Effect":"Allow","Principal":{"Service":"email"},"Action":"sts:AssumeRole""#,
            "Invalid principal in policy: \"SERVICE\":\"email\"",
        ),
        (Kind::Trust, r#""Effect":"Allow","Principal":{"Nobody":"x"},"Action":"sts:AssumeRole""#, syntax),
    ] {
        assert_eq!(fault(&document(members), kind), words, "{members}");
    }
    for (text, words) in [
        ("", "This policy contains invalid Json"),
        ("{", "This policy contains invalid Json"),
        ("[]", "This policy contains invalid Json"),
        ("{}", syntax),
        (r#"{"Statement":[]}"#, syntax),
        (r#"{"Statement":"x"}"#, syntax),
        (
            r#"{"Version":"2015-01-01","Statement":[]}"#,
            "Policy document must be version 2012-10-17 or greater.",
        ),
        (r#"{"Version":"2012-10-17","Version":"2012-10-17","Statement":[]}"#, syntax),
    ] {
        assert_eq!(fault(text, Kind::Identity), words, "{text}");
    }
    let twice = r#"{"Statement":[{"Sid":"A","Effect":"Allow","Action":"a:b","Resource":"*"},
        {"Sid":"A","Effect":"Allow","Action":"a:b","Resource":"*"}]}"#;
    assert_eq!(fault(twice, Kind::Identity), "Statement IDs (SID) in a single policy must be unique.");
}

#[test]
fn white_space_is_not_counted() {
    assert_eq!(size("{ \"a\" :\n\t1 }"), 7);
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC*") {
        for kind in [Kind::Identity, Kind::Trust, Kind::Resource] {
            let _ = Policy::parse(&text, kind);
            let _ = Policy::parse(&document(&text), kind);
        }
    }

    #[test]
    fn no_value_in_any_place_makes_the_parser_panic(
        name in prop::sample::select(vec![
            "Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Principal", "NotPrincipal", "Condition",
        ]),
        value in prop::sample::select(vec![
            "null", "1", "-1.5e300", "true", "\"\"", "\"*\"", "\"${\"", "\"${a,'\"", "[]", "[[]]", "{}", "[1]",
            "{\"AWS\":[]}", "{\"AWS\":null}", "{\"Bool\":{\"a:b\":null}}", "{\"Bool\":[]}", "{\":\":{\":\":\":\"}}",
        ]),
        kind in prop::sample::select(vec![Kind::Identity, Kind::Trust, Kind::Resource]),
    ) {
        let _ = Policy::parse(&document(&format!("\"{name}\":{value}")), kind);
    }
}

#[test]
fn depth_is_bounded() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(fault(&deep, Kind::Identity), "This policy contains invalid Json");
}
