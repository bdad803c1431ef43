//! Signing in by mailed code with the AWS SDK for Rust.

use aws_sdk_cognitoidentityprovider::Client;
use aws_sdk_cognitoidentityprovider::operation::initiate_auth::InitiateAuthOutput;
use aws_sdk_cognitoidentityprovider::types::{
    AttributeType, AuthFlowType, ChallengeNameType, MessageActionType,
};
use postern_client::{administrator, app, code_for, environment};

fn attribute(name: &str, value: &str) -> AttributeType {
    AttributeType::builder().name(name).value(value).build().expect("an attribute has a name")
}

async fn add_user(word: &str) -> String {
    let email = format!("{word}-{}@example.com", std::process::id());
    administrator("test", "test")
        .admin_create_user()
        .user_pool_id(environment("POSTERN_POOL"))
        .username(&email)
        .user_attributes(attribute("email", &email))
        .user_attributes(attribute("email_verified", "true"))
        .message_action(MessageActionType::Suppress)
        .send()
        .await
        .expect("an administrator makes users");
    email
}

async fn begin(app: &Client, email: &str) -> InitiateAuthOutput {
    app.initiate_auth()
        .client_id(environment("POSTERN_CLIENT"))
        .auth_flow(AuthFlowType::UserAuth)
        .auth_parameters("USERNAME", email)
        .auth_parameters("PREFERRED_CHALLENGE", "EMAIL_OTP")
        .send()
        .await
        .expect("a sign-in begins")
}

#[tokio::test]
async fn a_code_signs_in_and_works_once() {
    let (app, email) = (app(), add_user("rust").await);
    let asked = begin(&app, &email).await;
    assert_eq!(asked.challenge_name(), Some(&ChallengeNameType::EmailOtp));
    let code = code_for(&email);
    let answer = |code: &str| {
        app.respond_to_auth_challenge()
            .client_id(environment("POSTERN_CLIENT"))
            .challenge_name(ChallengeNameType::EmailOtp)
            .session(asked.session().expect("a challenge has a session"))
            .challenge_responses("USERNAME", &email)
            .challenge_responses("EMAIL_OTP_CODE", code)
            .send()
    };

    let wrong = if code == "00000000" { "00000001" } else { "00000000" };
    let refused = answer(wrong).await.expect_err("a wrong code").into_service_error();
    assert!(refused.is_code_mismatch_exception(), "{refused:?}");

    let signed_in = answer(&code).await.expect("the right code");
    let tokens = signed_in.authentication_result().expect("tokens");
    let user = app
        .get_user()
        .access_token(tokens.access_token().expect("an access token"))
        .send()
        .await
        .expect("the token opens the user's own data");
    assert!(user.user_attributes().contains(&attribute("email", &email)));

    let refused = answer(&code).await.expect_err("a used code").into_service_error();
    assert!(refused.is_not_authorized_exception(), "{refused:?}");
}

#[tokio::test]
async fn a_sign_in_is_renewed_until_it_is_revoked() {
    let (app, email) = (app(), add_user("renewed").await);
    let asked = begin(&app, &email).await;
    let signed_in = app
        .respond_to_auth_challenge()
        .client_id(environment("POSTERN_CLIENT"))
        .challenge_name(ChallengeNameType::EmailOtp)
        .set_session(asked.session().map(str::to_owned))
        .challenge_responses("USERNAME", &email)
        .challenge_responses("EMAIL_OTP_CODE", code_for(&email))
        .send()
        .await
        .expect("the right code");
    let refresh =
        signed_in.authentication_result().and_then(|tokens| tokens.refresh_token()).expect("a refresh token");
    let renew = || {
        app.get_tokens_from_refresh_token()
            .client_id(environment("POSTERN_CLIENT"))
            .refresh_token(refresh)
            .send()
    };
    assert!(renew().await.expect("new tokens").authentication_result().is_some());
    app.revoke_token()
        .client_id(environment("POSTERN_CLIENT"))
        .token(refresh)
        .send()
        .await
        .expect("the owner revokes");
    let refused = renew().await.expect_err("a revoked sign-in").into_service_error();
    assert!(refused.is_not_authorized_exception(), "{refused:?}");
}

#[tokio::test]
async fn signatures_are_checked() {
    let pools =
        administrator("test", "test").list_user_pools().max_results(60).into_paginator().items().send();
    let pools = pools.collect::<Result<Vec<_>, _>>().await.expect("the right key");
    assert!(pools.iter().any(|pool| pool.id() == Some(&environment("POSTERN_POOL"))));
    let refused = administrator("test", "wrong").list_user_pools().max_results(60).send().await;
    let refused = refused.expect_err("a wrong secret").into_service_error();
    assert_eq!(refused.meta().code(), Some("InvalidSignatureException"));
}
