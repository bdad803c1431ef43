//! IAM and STS as a signed caller meets them: authorised first, then done.

mod house;

use house::{ACCOUNT, House};
use postern_access::{Context, EMAIL_SERVICE, Principal, Stop};
use serde_json::{Value, json};

const EMAIL_ROLE: &str = "AWSServiceRoleForAmazonCognitoIdpEmailService";
const IDENTITY: &str = "arn:aws:ses:us-east-1:123456789012:identity/example.com";

fn policy(effect: &str, action: &str, resource: &str) -> String {
    json!({"Version": "2012-10-17", "Statement": [{"Effect": effect, "Action": action, "Resource": resource}]})
        .to_string()
}

fn trusting(principal: Value) -> String {
    json!({
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}],
    })
    .to_string()
}

#[tokio::test]
async fn the_service_linked_role_is_born_with_its_trust_and_its_policy() {
    let house = House::new().await;
    let admin = house.admin().await;
    house.refused(&admin, "GetRole", json!({"RoleName": EMAIL_ROLE}), "NoSuchEntity").await;

    let made = house.ok(&admin, "CreateServiceLinkedRole", json!({"AWSServiceName": EMAIL_SERVICE})).await;
    let shown = made["Role"]["AssumeRolePolicyDocument"].as_str().expect("a trust policy");
    assert!(shown.contains("%5B%22sts%3AAssumeRole%22%5D"), "{shown}");

    let role = house.ok(&admin, "GetRole", json!({"RoleName": EMAIL_ROLE})).await["Role"].clone();
    assert_eq!(role["Path"], "/aws-service-role/email.cognito-idp.amazonaws.com/");
    assert_eq!(
        role["Arn"],
        format!("arn:aws:iam::{ACCOUNT}:role/aws-service-role/email.cognito-idp.amazonaws.com/{EMAIL_ROLE}")
    );
    assert_eq!(role["MaxSessionDuration"], 3600);
    assert_eq!(role["RoleLastUsed"], json!({}));

    let attached = house.ok(&admin, "ListAttachedRolePolicies", json!({"RoleName": EMAIL_ROLE})).await;
    let arn = attached["AttachedPolicies"][0]["PolicyArn"].clone();
    assert_eq!(arn, "arn:aws:iam::aws:policy/aws-service-role/AmazonCognitoIdpEmailServiceRolePolicy");
    let version = house.ok(&admin, "GetPolicyVersion", json!({"PolicyArn": arn, "VersionId": "v1"})).await;
    let document = version["PolicyVersion"]["Document"].as_str().expect("a document");
    assert!(document.contains("ses%3ASendRawEmail") && document.contains("ses%3AList%2A"));

    for (operation, input, code) in [
        ("CreateServiceLinkedRole", json!({"AWSServiceName": EMAIL_SERVICE}), "InvalidInput"),
        (
            "CreateServiceLinkedRole",
            json!({"AWSServiceName": EMAIL_SERVICE, "CustomSuffix": "x"}),
            "InvalidInput",
        ),
        ("CreateServiceLinkedRole", json!({"AWSServiceName": "nobody.amazonaws.com"}), "InvalidInput"),
        ("DeleteRole", json!({"RoleName": EMAIL_ROLE}), "UnmodifiableEntity"),
        ("DetachRolePolicy", json!({"RoleName": EMAIL_ROLE, "PolicyArn": arn}), "UnmodifiableEntity"),
        (
            "PutRolePolicy",
            json!({"RoleName": EMAIL_ROLE, "PolicyName": "p", "PolicyDocument": policy("Allow", "*", "*")}),
            "UnmodifiableEntity",
        ),
        (
            "UpdateAssumeRolePolicy",
            json!({"RoleName": EMAIL_ROLE, "PolicyDocument": trusting(json!("*"))}),
            "UnmodifiableEntity",
        ),
        ("GetPolicyVersion", json!({"PolicyArn": arn, "VersionId": "v2"}), "NoSuchEntity"),
    ] {
        house.refused(&admin, operation, input, code).await;
    }
}

#[tokio::test]
async fn only_its_service_assumes_the_service_linked_role() {
    let house = House::new().await;
    let admin = house.admin().await;
    let pool = "arn:aws:cognito-idp:us-east-1:123456789012:userpool/us-east-1_a";
    assert!(
        matches!(house.email_session(pool).await, Err(Stop::Denied(denied)) if denied.decision.is_none())
    );

    let made = house.ok(&admin, "CreateServiceLinkedRole", json!({"AWSServiceName": EMAIL_SERVICE})).await;
    let session = house.email_session(pool).await.expect("a session");
    assert!(house.may(&session, "ses:SendEmail", IDENTITY).await);
    assert!(!house.may(&session, "ses:ListIdentities", "*").await);
    assert!(!house.may(&session, "ses:DeleteIdentity", IDENTITY).await);

    let arn = made["Role"]["Arn"].as_str().expect("an ARN");
    let said = house
        .refused(&admin, "AssumeRole", json!({"RoleArn": arn, "RoleSessionName": "me"}), "AccessDenied")
        .await;
    assert_eq!(
        said,
        format!(
            "User: arn:aws:iam::{ACCOUNT}:user/admin is not authorized to perform: sts:AssumeRole on resource: {arn}"
        )
    );
}

#[tokio::test]
async fn a_caller_without_permission_gets_no_service_linked_role_and_one_with_it_does() {
    let house = House::new().await;
    let admin = house.admin().await;
    let alice = house.user(&admin, "alice").await;
    let Err(Stop::Denied(denied)) = house.ensure_email_role(&alice).await else { panic!("let through") };
    assert!(
        denied.text().contains("is not authorized to perform: iam:CreateServiceLinkedRole on resource: arn:")
    );
    house.refused(&admin, "GetRole", json!({"RoleName": EMAIL_ROLE}), "NoSuchEntity").await;

    let document = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": "iam:CreateServiceLinkedRole", "Resource": "*",
        "Condition": {"StringEquals": {"iam:AWSServiceName": EMAIL_SERVICE}},
    }]});
    let input = json!({"UserName": "alice", "PolicyName": "p", "PolicyDocument": document.to_string()});
    house.ok(&admin, "PutUserPolicy", input).await;
    house.ensure_email_role(&alice).await.expect("made");
    house.ok(&admin, "DeleteUserPolicy", json!({"UserName": "alice", "PolicyName": "p"})).await;
    house.ensure_email_role(&alice).await.expect("there already");
}

#[tokio::test]
async fn an_unused_service_linked_role_is_deleted_by_a_task() {
    let house = House::new().await;
    let admin = house.admin().await;
    house.ok(&admin, "CreateServiceLinkedRole", json!({"AWSServiceName": EMAIL_SERVICE})).await;
    let task = house.ok(&admin, "DeleteServiceLinkedRole", json!({"RoleName": EMAIL_ROLE})).await;
    let id = task["DeletionTaskId"].as_str().expect("a task");
    assert!(id.starts_with(&format!("task/aws-service-role/{EMAIL_SERVICE}/{EMAIL_ROLE}/")));
    let status = house.ok(&admin, "GetServiceLinkedRoleDeletionStatus", json!({"DeletionTaskId": id})).await;
    assert_eq!(status["Status"], "SUCCEEDED");
    house.refused(&admin, "GetRole", json!({"RoleName": EMAIL_ROLE}), "NoSuchEntity").await;

    let unknown = format!("{}0000", &id[..id.len() - 4]);
    for (id, code) in [(unknown.as_str(), "NoSuchEntity"), ("task/x", "InvalidInput")] {
        let input = json!({"DeletionTaskId": id});
        house.refused(&admin, "GetServiceLinkedRoleDeletionStatus", input, code).await;
    }
}

#[tokio::test]
async fn a_service_linked_role_in_use_stays_and_the_task_names_the_pools() {
    let house = House::new().await;
    let admin = house.admin().await;
    house.ok(&admin, "CreateServiceLinkedRole", json!({"AWSServiceName": EMAIL_SERVICE})).await;
    house.pool_sends_through_the_role(true).await;
    let task = house.ok(&admin, "DeleteServiceLinkedRole", json!({"RoleName": EMAIL_ROLE})).await;
    let status = house.ok(&admin, "GetServiceLinkedRoleDeletionStatus", task.clone()).await;
    assert_eq!(status["Status"], "FAILED");
    assert_eq!(
        status["Reason"]["RoleUsageList"],
        json!([{
            "Region": "us-east-1",
            "Resources": [format!("arn:aws:cognito-idp:us-east-1:{ACCOUNT}:userpool/us-east-1_a")],
        }])
    );
    house.ok(&admin, "GetRole", json!({"RoleName": EMAIL_ROLE})).await;

    house.pool_sends_through_the_role(false).await;
    let again = house.ok(&admin, "DeleteServiceLinkedRole", json!({"RoleName": EMAIL_ROLE})).await;
    assert_eq!(again, task);
    let status = house.ok(&admin, "GetServiceLinkedRoleDeletionStatus", task).await;
    assert_eq!(status["Status"], "SUCCEEDED");
}

#[tokio::test]
async fn policies_decide_at_once_and_denials_name_what_was_asked() {
    let house = House::new().await;
    let admin = house.admin().await;
    let alice = house.user(&admin, "alice").await;
    let said = house.refused(&alice, "GetRole", json!({"RoleName": "r"}), "AccessDenied").await;
    assert_eq!(
        said,
        format!(
            "User: arn:aws:iam::{ACCOUNT}:user/alice is not authorized to perform: iam:GetRole on resource: role r \
             because no identity-based policy allows the iam:GetRole action"
        )
    );
    house
        .ok(
            &admin,
            "AttachUserPolicy",
            json!({"UserName": "alice", "PolicyArn": "arn:aws:iam::aws:policy/IAMReadOnlyAccess"}),
        )
        .await;
    house.refused(&alice, "GetRole", json!({"RoleName": "r"}), "NoSuchEntity").await;
    house.refused(&alice, "CreateUser", json!({"UserName": "bob"}), "AccessDenied").await;
    let input = json!({
        "UserName": "alice", "PolicyName": "no", "PolicyDocument": policy("Deny", "iam:GetRole", "*"),
    });
    house.ok(&admin, "PutUserPolicy", input).await;
    let said = house.refused(&alice, "GetRole", json!({"RoleName": "r"}), "AccessDenied").await;
    assert!(said.ends_with("role r with an explicit deny in an identity-based policy"), "{said}");
}

#[tokio::test]
async fn a_boundary_limits_and_its_policy_cannot_be_deleted_meanwhile() {
    let house = House::new().await;
    let admin = house.admin().await;
    let input = json!({"PolicyName": "b", "PolicyDocument": policy("Allow", "ses:*", "*"), "Path": "/x/"});
    let made = house.ok(&admin, "CreatePolicy", input).await;
    let arn = made["Policy"]["Arn"].clone();
    assert_eq!(arn, format!("arn:aws:iam::{ACCOUNT}:policy/x/b"));
    house.ok(&admin, "CreateUser", json!({"UserName": "bob", "PermissionsBoundary": arn})).await;
    let bob = house.as_user("bob").await;
    let input = json!({"UserName": "bob", "PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess"});
    house.ok(&admin, "AttachUserPolicy", input).await;
    assert!(house.may(&bob, "ses:SendEmail", IDENTITY).await);
    let said = house.refused(&bob, "ListUsers", json!({}), "AccessDenied").await;
    assert!(said.ends_with("because no permissions boundary allows the iam:ListUsers action"), "{said}");
    let input = json!({
        "PolicySourceArn": format!("arn:aws:iam::{ACCOUNT}:user/bob"),
        "ActionNames": ["ses:SendEmail", "iam:GetUser", "iam:ListUsers"],
        "MaxItems": 2,
    });
    let first = house.ok(&admin, "SimulatePrincipalPolicy", input.clone()).await;
    let within = |page: &Value| -> Vec<Value> {
        let results = page["EvaluationResults"].as_array().expect("results").iter();
        let detail = |result: &Value| {
            result["PermissionsBoundaryDecisionDetail"]["AllowedByPermissionsBoundary"].clone()
        };
        results.map(detail).collect()
    };
    assert_eq!((within(&first), &first["IsTruncated"]), (vec![json!(true), json!(false)], &json!(true)));
    let mut rest = input;
    rest["Marker"] = first["Marker"].clone();
    let rest = house.ok(&admin, "SimulatePrincipalPolicy", rest).await;
    assert_eq!((within(&rest), &rest["IsTruncated"]), (vec![json!(false)], &json!(false)));
    house.refused(&admin, "DeletePolicy", json!({"PolicyArn": arn}), "DeleteConflict").await;
    let missing =
        json!({"UserName": "eve", "PermissionsBoundary": format!("arn:aws:iam::{ACCOUNT}:policy/none")});
    house.refused(&admin, "CreateUser", missing, "NoSuchEntity").await;
}

#[tokio::test]
async fn sessions_of_a_role_hold_what_the_role_may_and_no_more() {
    let house = House::new().await;
    let admin = house.admin().await;
    let trust = trusting(json!({"AWS": format!("arn:aws:iam::{ACCOUNT}:user/admin")}));
    let input = json!({"RoleName": "sender", "Path": "/p/", "AssumeRolePolicyDocument": trust});
    let role_arn = house.ok(&admin, "CreateRole", input).await["Role"]["Arn"].clone();
    let input =
        json!({"RoleName": "sender", "PolicyName": "p", "PolicyDocument": policy("Allow", "ses:*", "*")});
    house.ok(&admin, "PutRolePolicy", input).await;

    let assume = |extra: Value| {
        let mut input = json!({"RoleArn": role_arn, "RoleSessionName": "s1"});
        for (key, value) in extra.as_object().expect("an object") {
            input[key] = value.clone();
        }
        input
    };
    let answer = house.ok(&admin, "AssumeRole", assume(json!({}))).await;
    let arn = format!("arn:aws:sts::{ACCOUNT}:assumed-role/sender/s1");
    assert_eq!(answer["AssumedRoleUser"]["Arn"], arn);
    let session = house.signs_in(&answer["Credentials"]).await.expect("a session");
    let who = house.ok(&session, "GetCallerIdentity", json!({})).await;
    assert_eq!(who["Arn"], arn);
    assert!(house.may(&session, "ses:SendEmail", IDENTITY).await);
    assert!(!house.may(&session, "iam:ListUsers", "*").await);

    let narrow = json!({"Policy": policy("Allow", "ses:GetAccount", "*")});
    let answer = house.ok(&admin, "AssumeRole", assume(narrow)).await;
    let narrowed = house.signs_in(&answer["Credentials"]).await.expect("a session");
    assert!(house.may(&narrowed, "ses:GetAccount", "*").await);
    assert!(!house.may(&narrowed, "ses:SendEmail", IDENTITY).await);

    let alice = house.user(&admin, "alice").await;
    house.refused(&alice, "AssumeRole", assume(json!({})), "AccessDenied").await;
    for (extra, code) in [
        (json!({"DurationSeconds": 7200}), "ValidationError"),
        (json!({"SourceIdentity": "me"}), "ValidationError"),
        (json!({"Policy": "{}"}), "MalformedPolicyDocument"),
        (json!({"RoleArn": "nonsense-nonsense-nonsense"}), "ValidationError"),
        (json!({"RoleArn": format!("arn:aws:iam::{ACCOUNT}:role/sender")}), "AccessDenied"),
    ] {
        house.refused(&admin, "AssumeRole", assume(extra), code).await;
    }
}

#[tokio::test]
async fn a_session_ends_with_its_time_its_token_and_its_role() {
    let house = House::new().await;
    let admin = house.admin().await;
    let trust = trusting(json!({"AWS": ACCOUNT}));
    let arn = house
        .ok(&admin, "CreateRole", json!({"RoleName": "r", "AssumeRolePolicyDocument": trust}))
        .await["Role"]["Arn"]
        .clone();
    let assume = json!({"RoleArn": arn, "RoleSessionName": "s1", "DurationSeconds": 900});
    let mut credentials = house.ok(&admin, "AssumeRole", assume.clone()).await["Credentials"].clone();
    assert!(house.signs_in(&credentials).await.is_ok());

    let token = credentials["SessionToken"].take();
    assert_eq!(house.signs_in(&credentials).await, Err("UnknownKey".into()));
    credentials["SessionToken"] = json!("another");
    assert_eq!(house.signs_in(&credentials).await, Err("UnknownKey".into()));
    credentials["SessionToken"] = token;
    house.clock.advance(900_000);
    assert_eq!(house.signs_in(&credentials).await, Err("ExpiredSession".into()));

    let credentials = house.ok(&admin, "AssumeRole", assume).await["Credentials"].clone();
    house.ok(&admin, "DeleteRole", json!({"RoleName": "r"})).await;
    assert_eq!(house.signs_in(&credentials).await, Err("UnknownKey".into()));
}

#[tokio::test]
async fn a_user_made_anew_under_an_old_name_is_not_whom_a_role_trusts() {
    let house = House::new().await;
    let admin = house.admin().await;
    let alice = house.user(&admin, "alice").await;
    let arn = format!("arn:aws:iam::{ACCOUNT}:user/alice");
    let input = json!({"RoleName": "r", "AssumeRolePolicyDocument": trusting(json!({"AWS": arn}))});
    let role_arn = house.ok(&admin, "CreateRole", input).await["Role"]["Arn"].clone();
    let assume = json!({"RoleArn": role_arn, "RoleSessionName": "s1"});
    house.ok(&alice, "AssumeRole", assume.clone()).await;

    house.ok(&admin, "DeleteUser", json!({"UserName": "alice"})).await;
    let other = house.user(&admin, "alice").await;
    house.refused(&other, "AssumeRole", assume, "AccessDenied").await;
    let shown = house.ok(&admin, "GetRole", json!({"RoleName": "r"})).await;
    let Principal::User { id, .. } = alice.principal else { panic!("a user") };
    assert!(shown["Role"]["AssumeRolePolicyDocument"].as_str().expect("a document").contains(&id));

    let nobody = trusting(json!({"AWS": format!("arn:aws:iam::{ACCOUNT}:user/nobody")}));
    let input = json!({"RoleName": "q", "AssumeRolePolicyDocument": nobody});
    let said = house.refused(&admin, "CreateRole", input, "MalformedPolicyDocument").await;
    assert_eq!(said, format!("Invalid principal in policy: \"AWS\":\"arn:aws:iam::{ACCOUNT}:user/nobody\""));
}

#[tokio::test]
async fn keys_are_made_shown_once_switched_off_and_deleted() {
    let house = House::new().await;
    let admin = house.admin().await;
    house.user(&admin, "alice").await;
    let made = house.ok(&admin, "CreateAccessKey", json!({"UserName": "alice"})).await["AccessKey"].clone();
    let alice = house.signs_in(&made).await.expect("alice");
    assert_eq!(alice.arn(), format!("arn:aws:iam::{ACCOUNT}:user/alice"));

    house.ok(&admin, "CreateAccessKey", json!({"UserName": "alice"})).await;
    let said = house.refused(&admin, "CreateAccessKey", json!({"UserName": "alice"}), "LimitExceeded").await;
    assert_eq!(said, "Cannot exceed quota for AccessKeysPerUser: 2");
    let listed = house.ok(&admin, "ListAccessKeys", json!({"UserName": "alice"})).await;
    assert_eq!(listed["AccessKeyMetadata"].as_array().map(Vec::len), Some(2));
    assert!(!listed.to_string().contains(made["SecretAccessKey"].as_str().expect("a secret")));

    let id = made["AccessKeyId"].clone();
    let set = |status: &str| json!({"UserName": "alice", "AccessKeyId": id, "Status": status});
    house.ok(&admin, "UpdateAccessKey", set("Inactive")).await;
    assert_eq!(house.signs_in(&made).await, Err("UnknownKey".into()));
    house.ok(&admin, "UpdateAccessKey", set("Active")).await;
    assert!(house.signs_in(&made).await.is_ok());
    let mut forged = made.clone();
    forged["SecretAccessKey"] = json!("wrong");
    assert_eq!(house.signs_in(&forged).await, Err("Mismatch".into()));

    house.refused(&admin, "DeleteUser", json!({"UserName": "alice"}), "DeleteConflict").await;
    house.ok(&admin, "DeleteAccessKey", json!({"UserName": "alice", "AccessKeyId": id})).await;
    assert_eq!(house.signs_in(&made).await, Err("UnknownKey".into()));
    house
        .refused(&admin, "DeleteAccessKey", json!({"UserName": "alice", "AccessKeyId": id}), "NoSuchEntity")
        .await;
}

#[tokio::test]
async fn the_first_administrator_is_seeded_once() {
    let house = House::new().await;
    let admin = house.admin().await;
    let input = json!({"UserName": "admin", "PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess"});
    house
        .ok(
            &admin,
            "AttachUserPolicy",
            json!({"UserName": "admin", "PolicyArn": "arn:aws:iam::aws:policy/IAMFullAccess"}),
        )
        .await;
    house.ok(&admin, "DetachUserPolicy", input.clone()).await;
    house.admin().await;
    assert!(!house.may(&admin, "ses:SendEmail", IDENTITY).await, "what was taken away stays away");
    house.refused(&admin, "DetachUserPolicy", input, "NoSuchEntity").await;
}

#[tokio::test]
async fn names_are_unique_without_regard_to_case_and_found_only_as_they_are_written() {
    let house = House::new().await;
    let admin = house.admin().await;
    let trust = trusting(json!({"AWS": ACCOUNT}));
    house.ok(&admin, "CreateRole", json!({"RoleName": "Sender", "AssumeRolePolicyDocument": trust})).await;
    let again = json!({"RoleName": "sender", "AssumeRolePolicyDocument": trust});
    let said = house.refused(&admin, "CreateRole", again, "EntityAlreadyExists").await;
    assert_eq!(said, "Role with name sender already exists.");
    house.refused(&admin, "GetRole", json!({"RoleName": "sender"}), "NoSuchEntity").await;
}

#[tokio::test]
async fn a_role_is_deleted_only_when_nothing_hangs_on_it() {
    let house = House::new().await;
    let admin = house.admin().await;
    let input = json!({"RoleName": "r", "AssumeRolePolicyDocument": trusting(json!({"AWS": ACCOUNT}))});
    house.ok(&admin, "CreateRole", input.clone()).await;
    house.refused(&admin, "DeleteServiceLinkedRole", json!({"RoleName": "r"}), "NoSuchEntity").await;
    let mut unbound = input;
    unbound["PermissionsBoundary"] = json!(format!("arn:aws:iam::{ACCOUNT}:policy/none"));
    house.refused(&admin, "CreateRole", unbound, "InvalidInput").await;
    let ses = "arn:aws:iam::aws:policy/AmazonSESFullAccess";
    house.ok(&admin, "AttachRolePolicy", json!({"RoleName": "r", "PolicyArn": ses})).await;
    let inline = json!({"RoleName": "r", "PolicyName": "p", "PolicyDocument": policy("Allow", "ses:*", "*")});
    house.ok(&admin, "PutRolePolicy", inline).await;
    let said = house.refused(&admin, "DeleteRole", json!({"RoleName": "r"}), "DeleteConflict").await;
    assert_eq!(said, "Cannot delete entity, must detach all policies first.");
    house.ok(&admin, "DetachRolePolicy", json!({"RoleName": "r", "PolicyArn": ses})).await;
    house.refused(&admin, "DeleteRole", json!({"RoleName": "r"}), "DeleteConflict").await;
    let named = json!({"RoleName": "r", "PolicyName": "p"});
    assert_eq!(
        house.ok(&admin, "ListRolePolicies", json!({"RoleName": "r"})).await["PolicyNames"],
        json!(["p"])
    );
    house.ok(&admin, "GetRolePolicy", named.clone()).await;
    house.ok(&admin, "DeleteRolePolicy", named.clone()).await;
    house.refused(&admin, "GetRolePolicy", named, "NoSuchEntity").await;
    house.ok(&admin, "ListInstanceProfilesForRole", json!({"RoleName": "r"})).await;
    house.ok(&admin, "DeleteRole", json!({"RoleName": "r"})).await;

    let service = "arn:aws:iam::aws:policy/aws-service-role/AmazonCognitoIdpEmailServiceRolePolicy";
    let input = json!({"UserName": "admin", "PolicyArn": service});
    house.refused(&admin, "AttachUserPolicy", input, "PolicyNotAttachable").await;
    let input = json!({"UserName": "admin", "PolicyArn": format!("arn:aws:iam::{ACCOUNT}:policy/none")});
    house.refused(&admin, "AttachUserPolicy", input, "NoSuchEntity").await;
}

#[tokio::test]
async fn a_simulation_answers_as_the_real_decision_would() {
    let house = House::new().await;
    let admin = house.admin().await;
    let made = house.ok(&admin, "CreateServiceLinkedRole", json!({"AWSServiceName": EMAIL_SERVICE})).await;
    let input = json!({
        "PolicySourceArn": made["Role"]["Arn"],
        "ActionNames": ["ses:ListIdentities", "ses:GetAccount", "ses:SendEmail"],
    });
    let answer = house.ok(&admin, "SimulatePrincipalPolicy", input).await;
    let results = answer["EvaluationResults"].as_array().expect("results");
    let decisions: Vec<&str> = results.iter().filter_map(|result| result["EvalDecision"].as_str()).collect();
    assert_eq!(decisions, ["explicitDeny", "implicitDeny", "allowed"]);
    assert_eq!(
        results[2]["MatchedStatements"][0],
        json!({
            "SourcePolicyId": "AmazonCognitoIdpEmailServiceRolePolicy",
            "SourcePolicyType": "aws-managed",
            "StartPosition": {"Line": 4, "Column": 9},
            "EndPosition": {"Line": 11, "Column": 10},
        })
    );
    let conditional = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": "ses:*", "Resource": "*",
        "Condition": {"StringEquals": {"ses:FromAddress": "a@example.com"}},
    }]});
    house.user(&admin, "alice").await;
    let broken = json!({
        "PolicySourceArn": format!("arn:aws:iam::{ACCOUNT}:user/alice"),
        "ActionNames": ["ses:SendEmail"],
        "PolicyInputList": ["{}"],
    });
    house.refused(&admin, "SimulatePrincipalPolicy", broken, "InvalidInput").await;
    let ask = |entries: Value| {
        json!({
            "PolicySourceArn": format!("arn:aws:iam::{ACCOUNT}:user/alice"),
            "ActionNames": ["ses:SendEmail"],
            "PolicyInputList": [conditional.to_string()],
            "ContextEntries": entries,
        })
    };
    let answer = house.ok(&admin, "SimulatePrincipalPolicy", ask(json!([]))).await;
    assert_eq!(answer["EvaluationResults"][0]["EvalDecision"], "implicitDeny");
    assert_eq!(answer["EvaluationResults"][0]["MissingContextValues"], json!(["ses:FromAddress"]));
    let entry = json!([{
        "ContextKeyName": "ses:FromAddress",
        "ContextKeyValues": ["a@example.com"],
        "ContextKeyType": "string",
    }]);
    let answer = house.ok(&admin, "SimulatePrincipalPolicy", ask(entry)).await;
    assert_eq!(answer["EvaluationResults"][0]["EvalDecision"], "allowed");
}

#[tokio::test]
async fn tags_and_addresses_are_there_for_conditions() {
    let house = House::new().await;
    let admin = house.admin().await;
    let tags = json!([{"Key": "team", "Value": "mail"}]);
    house.ok(&admin, "CreateUser", json!({"UserName": "alice", "Tags": tags})).await;
    let alice = house.as_user("alice").await;
    let document = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": "ses:*", "Resource": "*",
        "Condition": {
            "StringEquals": {"aws:PrincipalTag/team": "mail", "aws:username": "alice"},
            "IpAddress": {"aws:SourceIp": "127.0.0.0/8"},
        },
    }]});
    let input = json!({"UserName": "alice", "PolicyName": "p", "PolicyDocument": document.to_string()});
    house.ok(&admin, "PutUserPolicy", input).await;
    assert!(house.may(&alice, "ses:SendEmail", IDENTITY).await);
    let mut elsewhere = alice.clone();
    elsewhere.source = Some("198.51.100.1".parse().expect("an address"));
    assert!(!house.may(&elsewhere, "ses:SendEmail", IDENTITY).await);
    // What a call says about itself never speaks for its caller.
    let context = Context::new().with("aws:SourceIp", "127.0.0.1");
    assert!(!house.may_with(&elsewhere, "ses:SendEmail", IDENTITY, context).await);
}

#[tokio::test]
async fn lists_come_in_pages_and_by_path() {
    let house = House::new().await;
    let admin = house.admin().await;
    for (name, path) in [("b", "/x/"), ("a", "/x/"), ("c", "/y/")] {
        house.ok(&admin, "CreateUser", json!({"UserName": name, "Path": path})).await;
    }
    let first = house.ok(&admin, "ListUsers", json!({"PathPrefix": "/x/", "MaxItems": 1})).await;
    assert_eq!((&first["Users"][0]["UserName"], &first["IsTruncated"]), (&json!("a"), &json!(true)));
    let next = json!({"PathPrefix": "/x/", "MaxItems": 1, "Marker": first["Marker"]});
    let second = house.ok(&admin, "ListUsers", next).await;
    assert_eq!((&second["Users"][0]["UserName"], &second["IsTruncated"]), (&json!("b"), &json!(false)));
    let local = house.ok(&admin, "ListPolicies", json!({"Scope": "Local"})).await;
    assert_eq!(local["Policies"], json!([]));
    let used = house.ok(&admin, "ListPolicies", json!({"OnlyAttached": true})).await;
    assert_eq!(used["Policies"][0]["PolicyName"], "AdministratorAccess");
}
