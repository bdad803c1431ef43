//! Decisions, by tables and by properties.

use super::*;
use proptest::prelude::*;

const ACCOUNT: &str = "123456789012";
const IDENTITY: &str = "arn:aws:ses:us-east-1:123456789012:identity/example.com";
const USER_ARN: &str = "arn:aws:iam::123456789012:user/alice";
const ROLE_ARN: &str = "arn:aws:iam::123456789012:role/path/sender";
const SERVICE: &str = "email.cognito-idp.amazonaws.com";

fn user() -> Principal {
    Principal::User { name: "alice".into(), id: "AIDAAAAAAAAAAAAAAAAAA".into(), arn: USER_ARN.into() }
}

fn session() -> Principal {
    Principal::Session {
        role_name: "sender".into(),
        role_id: "AROAAAAAAAAAAAAAAAAAA".into(),
        role_arn: ROLE_ARN.into(),
        session: "s1".into(),
        key_id: None,
    }
}

fn service() -> Principal {
    Principal::Service { name: SERVICE, source_arn: "arn:aws:cognito-idp:::userpool/x".into() }
}

fn named(kind: Kind, statements: &str) -> Vec<Named> {
    let text = format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#);
    vec![Named::parse("p", &text, kind).unwrap_or_else(|fault| panic!("{fault}: {text}"))]
}

fn identity(statements: &str) -> Vec<Named> {
    named(Kind::Identity, statements)
}

fn on_resource(effect: &str, principal: &str) -> Vec<Named> {
    named(
        Kind::Resource,
        &format!(
            r#"{{"Effect":"{effect}","Principal":{principal},"Action":"ses:SendEmail","Resource":"{IDENTITY}"}}"#
        ),
    )
}

fn trust(principal: &str) -> Policies {
    let statement = format!(r#"{{"Effect":"Allow","Principal":{principal},"Action":"sts:AssumeRole"}}"#);
    Policies { resource: named(Kind::Trust, &statement), trust: true, ..Policies::default() }
}

fn sends(principal: &Principal, policies: &Policies) -> Decision {
    evaluate(principal, ACCOUNT, "ses:SendEmail", IDENTITY, &Context::new(), policies)
}

const ALLOW: &str = r#"{"Effect":"Allow","Action":"ses:Send*","Resource":"*"}"#;
const DENY: &str = r#"{"Effect":"Deny","Action":"SES:sendemail","Resource":"arn:aws:ses:*"}"#;

#[test]
fn nothing_said_is_a_no_and_a_deny_outweighs_an_allow() {
    let with = |text: &str| Policies { identity: identity(text), ..Policies::default() };
    let denied = sends(&user(), &Policies::default());
    assert_eq!((denied.verdict, denied.layer), (Verdict::ImplicitDeny, Layer::Identity));
    assert!(sends(&user(), &with(ALLOW)).is_allowed());
    let denied = sends(&user(), &with(&format!("{ALLOW},{DENY}")));
    assert_eq!((denied.verdict, denied.statement), (Verdict::ExplicitDeny, Some(1)));
    assert_eq!(denied.policy.as_deref(), Some("p"));
}

#[test]
fn the_service_role_policy_sends_and_lists_nothing() {
    let policy = identity(
        r#"{"Effect":"Allow","Action":["ses:SendEmail","ses:SendRawEmail"],"Resource":"*"},
           {"Effect":"Deny","Action":["ses:List*"],"Resource":"*"}"#,
    );
    let policies = Policies { identity: policy, ..Policies::default() };
    for (action, verdict) in [
        ("ses:ListIdentities", Verdict::ExplicitDeny),
        ("ses:GetAccount", Verdict::ImplicitDeny),
        ("ses:SendEmail", Verdict::Allowed),
    ] {
        let decision = evaluate(&session(), ACCOUNT, action, "*", &Context::new(), &policies);
        assert_eq!(decision.verdict, verdict, "{action}");
    }
}

#[test]
fn not_action_and_not_resource_are_about_the_rest() {
    let policies = Policies {
        identity: identity(&format!(
            r#"{{"Effect":"Allow","NotAction":"iam:*","NotResource":"{IDENTITY}"}}"#
        )),
        ..Policies::default()
    };
    let verdict = |action: &str, resource: &str| {
        evaluate(&user(), ACCOUNT, action, resource, &Context::new(), &policies).is_allowed()
    };
    assert!(verdict("ses:SendEmail", "arn:aws:ses:us-east-1:123456789012:identity/other"));
    assert!(!verdict("ses:SendEmail", IDENTITY) && !verdict("iam:GetRole", "*"));
}

#[test]
fn unmet_conditions_are_told() {
    let policies = Policies {
        identity: identity(
            r#"{"Effect":"Allow","Action":"ses:SendEmail","Resource":"*","Condition":{"StringEquals":{"ses:FromAddress":"a@example.com"}}}"#,
        ),
        ..Policies::default()
    };
    let ask = |from: &str| {
        let context = Context::new().with("ses:FromAddress", from);
        evaluate(&user(), ACCOUNT, "ses:SendEmail", IDENTITY, &context, &policies)
    };
    assert!(ask("a@example.com").is_allowed());
    let denied = ask("b@example.com");
    assert_eq!(denied.verdict, Verdict::ImplicitDeny);
    assert_eq!(denied.unmet.len(), 1);
    assert_eq!(denied.unmet[0].key, "ses:FromAddress");
}

#[test]
fn an_unknown_variable_keeps_even_a_negated_statement_from_applying() {
    let policies = Policies {
        identity: identity(r#"{"Effect":"Allow","Action":"a:b","NotResource":"arn:aws:x:::${aws:nobody}"}"#),
        ..Policies::default()
    };
    assert!(!evaluate(&user(), ACCOUNT, "a:b", "arn:aws:x:::y", &Context::new(), &policies).is_allowed());
}

#[test]
fn the_root_may_all_that_no_resource_denies() {
    assert!(sends(&Principal::Root, &Policies::default()).is_allowed());
    let policies = Policies { resource: on_resource("Deny", "\"*\""), ..Policies::default() };
    let denied = sends(&Principal::Root, &policies);
    assert_eq!((denied.verdict, denied.layer), (Verdict::ExplicitDeny, Layer::Resource));
}

#[test]
fn a_service_is_allowed_by_the_resource_alone() {
    let named = |service: &str| Policies {
        identity: identity(ALLOW),
        resource: on_resource("Allow", &format!(r#"{{"Service":"{service}"}}"#)),
        ..Policies::default()
    };
    assert!(sends(&service(), &named(SERVICE)).is_allowed());
    let denied = sends(&service(), &named("sns.amazonaws.com"));
    assert_eq!((denied.verdict, denied.layer), (Verdict::ImplicitDeny, Layer::Resource));
}

#[test]
fn boundaries_and_session_policies_only_take_away() {
    let narrow = identity(r#"{"Effect":"Allow","Action":"iam:*","Resource":"*"}"#);
    for (policies, layer) in [
        (
            Policies { identity: identity(ALLOW), boundary: narrow.first().cloned(), ..Policies::default() },
            Layer::Boundary,
        ),
        (
            Policies { identity: identity(ALLOW), session: narrow.clone(), ..Policies::default() },
            Layer::Session,
        ),
        (Policies { session: identity(ALLOW), ..Policies::default() }, Layer::Identity),
    ] {
        let denied = sends(&session(), &policies);
        assert_eq!((denied.verdict, denied.layer), (Verdict::ImplicitDeny, layer));
    }
}

#[test]
fn a_resource_policy_that_names_the_caller_is_enough_and_one_that_names_the_account_is_not() {
    let allows = |principal: &Principal, whom: &str, session_policies: Vec<Named>| {
        let policies = Policies {
            resource: on_resource("Allow", &format!(r#"{{"AWS":"{whom}"}}"#)),
            session: session_policies,
            ..Policies::default()
        };
        sends(principal, &policies).is_allowed()
    };
    let nothing = || identity(r#"{"Effect":"Allow","Action":"iam:*","Resource":"*"}"#);
    assert!(allows(&user(), USER_ARN, vec![]));
    assert!(allows(&user(), "AIDAAAAAAAAAAAAAAAAAA", vec![]));
    assert!(!allows(&user(), "AIDABAAAAAAAAAAAAAAAA", vec![]));
    assert!(!allows(&user(), ACCOUNT, vec![]));
    assert!(allows(&session(), "arn:aws:sts::123456789012:assumed-role/sender/s1", nothing()));
    assert!(!allows(&session(), "arn:aws:sts::123456789012:assumed-role/sender/s2", vec![]));
    assert!(allows(&session(), ROLE_ARN, vec![]));
    assert!(!allows(&session(), ROLE_ARN, nothing()));
}

#[test]
fn a_role_is_assumed_by_whom_its_trust_policy_names() {
    let assumes = |principal: &Principal, mut policies: Policies, own: &str| {
        if !own.is_empty() {
            policies.identity = identity(own);
        }
        evaluate(principal, ACCOUNT, "sts:AssumeRole", ROLE_ARN, &Context::new(), &policies).is_allowed()
    };
    let may = r#"{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}"#;
    let may_not = r#"{"Effect":"Deny","Action":"sts:AssumeRole","Resource":"*"}"#;
    let by_user = || trust(&format!(r#"{{"AWS":"{USER_ARN}"}}"#));
    let by_account = || trust(&format!(r#"{{"AWS":"{ACCOUNT}"}}"#));
    let by_service = || trust(&format!(r#"{{"Service":"{SERVICE}"}}"#));
    assert!(assumes(&user(), by_user(), ""));
    assert!(!assumes(&user(), by_user(), may_not));
    assert!(assumes(&user(), by_account(), may) && !assumes(&user(), by_account(), ""));
    assert!(!assumes(&user(), by_service(), may), "an administrator is not the service");
    assert!(assumes(&service(), by_service(), "") && !assumes(&service(), by_account(), ""));
    assert!(!assumes(&Principal::Root, by_service(), ""));
}

/// Statements over a few actions, resources and conditions, so that they often meet.
fn statement() -> impl Strategy<Value = String> {
    (
        prop::sample::select(vec!["Allow", "Deny"]),
        prop::sample::select(vec!["Action", "NotAction"]),
        prop::sample::select(vec!["ses:SendEmail", "ses:*", "*", "iam:?etRole", "SES:send*"]),
        prop::sample::select(vec!["Resource", "NotResource"]),
        prop::sample::select(vec!["*", "arn:aws:ses:*", "arn:aws:iam:*", "arn:aws:ses:${aws:x}"]),
        prop::sample::select(vec![
            "{}",
            r#"{"StringEquals":{"aws:x":"1"}}"#,
            r#"{"StringNotEquals":{"aws:x":"1"}}"#,
            r#"{"Null":{"aws:x":"true"}}"#,
        ]),
    )
        .prop_map(|(effect, action, a, resource, r, condition)| {
            format!(r#"{{"Effect":"{effect}","{action}":"{a}","{resource}":"{r}","Condition":{condition}}}"#)
        })
}

fn question() -> impl Strategy<Value = (Principal, &'static str, &'static str, Option<&'static str>)> {
    (
        prop::sample::select(vec![user(), session(), service(), Principal::Root, Principal::Anonymous]),
        prop::sample::select(vec!["ses:SendEmail", "iam:GetRole", "sts:AssumeRole"]),
        prop::sample::select(vec![IDENTITY, ROLE_ARN, "*"]),
        prop::option::of(prop::sample::select(vec!["1", "us-east-1:123456789012:identity/example.com"])),
    )
}

proptest! {
    #[test]
    fn a_matching_deny_wins_and_an_allow_never_takes_away(
        mine in prop::collection::vec(statement(), 1..5),
        limits in prop::collection::vec(statement(), 0..3),
        (principal, action, resource, x) in question(),
    ) {
        let context = x.map_or_else(Context::new, |x| Context::new().with("aws:x", x));
        let ask = |policies: &Policies| evaluate(&principal, ACCOUNT, action, resource, &context, policies);
        let policies = Policies {
            identity: identity(&mine.join(",")),
            boundary: (!limits.is_empty()).then(|| identity(&limits.join(","))[0].clone()),
            ..Policies::default()
        };
        let before = ask(&policies);

        let mut more = policies.clone();
        more.identity.extend(identity(r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#));
        let after = ask(&more);
        prop_assert!(!before.is_allowed() || after.is_allowed());
        if before.verdict == Verdict::ExplicitDeny {
            prop_assert_eq!(after.verdict, Verdict::ExplicitDeny);
        }

        more.identity.extend(identity(r#"{"Effect":"Deny","Action":"*","Resource":"*"}"#));
        prop_assert_eq!(ask(&more).verdict, Verdict::ExplicitDeny);
        if let (Verdict::ExplicitDeny, Layer::Identity, Some(index)) = (before.verdict, before.layer, before.statement) {
            prop_assert!(mine[index].contains("Deny"));
        }
    }
}
