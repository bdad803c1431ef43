//! Signing in through the pages with the openidconnect crate, as a relying party uses it.

use aws_sdk_cognitoidentityprovider::types::{
    AttributeType, AuthFactorType, ExplicitAuthFlowsType, MessageActionType, OAuthFlowType, SignInPolicyType,
    UserPoolPolicyType, UsernameAttributeType, VerifiedAttributeType,
};
use openidconnect::core::{CoreAuthenticationFlow, CoreClient, CoreProviderMetadata, CoreUserInfoClaims};
use openidconnect::{
    AccessTokenHash, AuthorizationCode, ClientId, ClientSecret, CsrfToken, HttpRequest, HttpResponse,
    IssuerUrl, Nonce, OAuth2TokenResponse as _, PkceCodeChallenge, RedirectUrl, Scope, TokenResponse as _,
    http,
};
use postern_client::{administrator, browser::Browser, code_for, environment};

const CALLBACK: &str = "http://localhost:3999/callback";

/// How the library asks the server.
fn over_http(request: HttpRequest) -> Result<HttpResponse, minreq::Error> {
    let method = match *request.method() {
        http::Method::GET => minreq::Method::Get,
        _ => minreq::Method::Post,
    };
    let headers = request.headers().iter();
    let headers = headers.map(|(name, value)| (name.as_str(), value.to_str().expect("a header of text")));
    let answer = minreq::Request::new(method, request.uri().to_string())
        .with_headers(headers)
        .with_body(request.body().as_slice())
        .with_follow_redirects(false)
        .send()?;
    let mut response = http::Response::builder().status(answer.status_code as u16);
    if let Some(kind) = answer.header("content-type") {
        response = response.header("content-type", kind);
    }
    Ok(response.body(answer.into_bytes()).expect("an answer has a status"))
}

/// An app with a secret in a pool of its own, and somebody in it.
struct App {
    pool: String,
    client: String,
    secret: String,
    email: String,
}

async fn app() -> App {
    let admin = administrator("test", "test");
    let by_mail = SignInPolicyType::builder().allowed_first_auth_factors(AuthFactorType::EmailOtp);
    let by_mail = by_mail.allowed_first_auth_factors(AuthFactorType::Password).build();
    let made = admin
        .create_user_pool()
        .pool_name("openidconnect")
        .username_attributes(UsernameAttributeType::Email)
        .auto_verified_attributes(VerifiedAttributeType::Email)
        .policies(UserPoolPolicyType::builder().sign_in_policy(by_mail).build());
    let made = made.send().await.expect("an administrator makes pools");
    let pool = made.user_pool().and_then(|pool| pool.id()).expect("a pool has an id").to_owned();
    let made = admin
        .create_user_pool_client()
        .user_pool_id(&pool)
        .client_name("Relying party")
        .generate_secret(true)
        .explicit_auth_flows(ExplicitAuthFlowsType::AllowUserAuth)
        .allowed_o_auth_flows_user_pool_client(true)
        .allowed_o_auth_flows(OAuthFlowType::Code)
        .set_allowed_o_auth_scopes(Some(["openid", "email"].map(str::to_owned).to_vec()))
        .callback_urls(CALLBACK);
    let made = made.send().await.expect("an administrator makes clients");
    let client = made.user_pool_client().expect("a client");
    let email = format!("openid-{}@example.com", std::process::id());
    let attribute = |name: &str, value: &str| {
        AttributeType::builder().name(name).value(value).build().expect("an attribute has a name")
    };
    admin
        .admin_create_user()
        .user_pool_id(&pool)
        .username(&email)
        .user_attributes(attribute("email", &email))
        .user_attributes(attribute("email_verified", "true"))
        .message_action(MessageActionType::Suppress)
        .send()
        .await
        .expect("an administrator makes users");
    App {
        client: client.client_id().expect("a client has an id").to_owned(),
        secret: client.client_secret().expect("a client has its secret").to_owned(),
        pool,
        email,
    }
}

#[tokio::test]
async fn the_openidconnect_crate_signs_in_by_a_mailed_code() {
    let App { pool, client, secret, email } = app().await;
    let issuer = IssuerUrl::new(format!("{}/{pool}", environment("POSTERN_URL"))).expect("an address");
    let server = CoreProviderMetadata::discover(&issuer, &over_http).expect("the server describes itself");
    let relying_party =
        CoreClient::from_provider_metadata(server, ClientId::new(client), Some(ClientSecret::new(secret)))
            .set_redirect_uri(RedirectUrl::new(CALLBACK.to_owned()).expect("an address"));

    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let (start, state, nonce) = relying_party
        .authorize_url(CoreAuthenticationFlow::AuthorizationCode, CsrfToken::new_random, Nonce::new_random)
        .add_scope(Scope::new("email".to_owned()))
        .set_pkce_challenge(challenge)
        .url();
    let mut browser = Browser::new(&environment("POSTERN_URL"));
    let asked = browser.open(start.as_str());
    let asked = browser.press(&asked, "/login", &[("username", &email)]);
    let back = browser.press(&asked, "/login/code", &[("code", &code_for(&email))]).left_for();
    assert!(back.starts_with(CALLBACK), "{back}");
    let back = openidconnect::url::Url::parse(&back).expect("an address");
    let answer =
        |name: &str| back.query_pairs().find(|(key, _)| key == name).expect("an answer").1.into_owned();
    assert_eq!(answer("state"), *state.secret());

    let exchange =
        || relying_party.exchange_code(AuthorizationCode::new(answer("code"))).expect("an endpoint");
    let tokens = exchange().set_pkce_verifier(verifier).request(&over_http).expect("tokens");
    let id_token = tokens.id_token().expect("an ID token");
    let trust = relying_party.id_token_verifier();
    let claims = id_token.claims(&trust, &nonce).expect("a signed ID token of this sign-in");
    assert_eq!(claims.email().map(|email| email.as_str()), Some(email.as_str()));
    let hash = claims.access_token_hash().expect("the tokens name each other");
    let key = id_token.signing_key(&trust).expect("a published key");
    let expected = AccessTokenHash::from_token(
        tokens.access_token(),
        id_token.signing_alg().expect("an algorithm"),
        key,
    );
    assert_eq!(expected.as_ref().ok(), Some(hash));
    assert!(id_token.claims(&trust, &Nonce::new("another".to_owned())).is_err());

    let person: CoreUserInfoClaims = relying_party
        .user_info(tokens.access_token().clone(), Some(claims.subject().clone()))
        .expect("an endpoint")
        .request(&over_http)
        .expect("the person's data");
    assert_eq!(person.email().map(|email| email.as_str()), Some(email.as_str()));

    exchange().request(&over_http).expect_err("a code is good once");
}
