//! Settings and lists of the console as an administrator finds and changes them.

use crate::console::{closed, pool, sign_in};
use crate::functions::house;
use crate::pages::browser::Browser;
use crate::support::saml::Signer;
use crate::support::{TestServer, allowing};
use postern_model::Service;
use serde_json::{Value, json};

async fn described(server: &TestServer, pool_id: &str) -> Value {
    server.signed("DescribeUserPool", json!({ "UserPoolId": pool_id })).await.ok().body["UserPool"].clone()
}

#[tokio::test]
async fn triggers_are_set_area_by_area_and_a_refusal_stands_in_the_form() {
    let (lambda, server) = house().await;
    let pool_id = pool(&server, "Shop").await;
    let browser = Browser::new(&server.url);
    let page = browser.visit(&format!("/console/pools/{pool_id}/extensions")).await;
    page.says("Pre sign-up").says("Migrate user").says("Define auth challenge").says("Custom SMS sender");

    let (greet, claims, mails) = (lambda.arn("greet"), lambda.arn("claims"), lambda.arn("mails"));
    let path = format!("/console/pools/{pool_id}/edit/sign-up-triggers");
    let form = browser.visit(&path).await;
    browser.press(&form, &path, &[("PreSignUp", &greet)]).await.says("Sign-up triggers saved");
    let path = format!("/console/pools/{pool_id}/edit/authentication-triggers");
    let form = browser.visit(&path).await;
    browser
        .press(&form, &path, &[("PreTokenGeneration", &claims), ("version", "V2_0")])
        .await
        .says("Authentication triggers saved");
    let config = described(&server, &pool_id).await["LambdaConfig"].clone();
    assert_eq!(config["PreSignUp"], greet.as_str());
    assert_eq!(config["PreTokenGenerationConfig"], json!({ "LambdaVersion": "V2_0", "LambdaArn": claims }));

    // A sender needs a key; the refusal is the API's, and nothing of the form is lost.
    let path = format!("/console/pools/{pool_id}/edit/message-triggers");
    let form = browser.visit(&path).await;
    let refused = browser.press(&form, &path, &[("CustomEmailSender", &mails)]).await;
    refused.says("KMSKeyID is required for CustomEmailSender and CustomSMSSender.").says(&mails);
    assert_eq!(described(&server, &pool_id).await["LambdaConfig"], config);

    // What is emptied is taken away.
    let path = format!("/console/pools/{pool_id}/edit/sign-up-triggers");
    let form = browser.visit(&path).await;
    browser.press(&form, &path, &[("PreSignUp", "")]).await.says("Sign-up triggers saved");
    let left = described(&server, &pool_id).await["LambdaConfig"].clone();
    assert_eq!(left.get("PreSignUp"), None);
    assert_eq!(left["PreTokenGenerationConfig"], config["PreTokenGenerationConfig"]);
}

#[tokio::test]
async fn text_messages_get_words_of_the_pools_own() {
    let server = TestServer::start().await;
    let pool_id = pool(&server, "Shop").await;
    let browser = Browser::new(&server.url);
    browser.visit(&format!("/console/pools/{pool_id}/methods")).await.says("SnsCallerArn");
    let path = format!("/console/pools/{pool_id}/edit/text-messages");
    let form = browser.visit(&path).await;
    let refused = browser.press(&form, &path, &[("verification", "No place for the code")]).await;
    refused.says("No place for the code").says("Error");
    let form = browser.visit(&path).await;
    browser
        .press(&form, &path, &[("verification", "Shop: {####}"), ("authentication", "Shop sign-in: {####}")])
        .await
        .says("SMS messages saved");
    let pool = described(&server, &pool_id).await;
    assert_eq!(pool["VerificationMessageTemplate"]["SmsMessage"], "Shop: {####}");
    assert_eq!(pool["SmsAuthenticationMessage"], "Shop sign-in: {####}");
}

#[tokio::test]
async fn an_address_is_suppressed_and_taken_off_the_list() {
    let server = TestServer::start().await;
    let browser = Browser::new(&server.url);
    let list = "/console/email/suppressions";
    browser.visit(list).await.says("No address is suppressed");
    let new = format!("{list}/new");
    let form = browser.visit(&new).await;
    browser
        .press(&form, &new, &[("address", "no address"), ("reason", "BOUNCE")])
        .await
        .says("Error")
        .says("no address");
    let form = browser.visit(&new).await;
    browser
        .press(&form, &new, &[("address", "gone@example.com"), ("reason", "COMPLAINT")])
        .await
        .says("Address added")
        .says("Its owner complained");
    let suppressed = server.ses("GET", "/suppression/addresses/gone%40example.com", Value::Null).await.ok();
    assert_eq!(suppressed.body["SuppressedDestination"]["Reason"], "COMPLAINT");

    let page = browser.visit(list).await.link("gone@example.com");
    assert!(!page.contains("gone"), "no address in the address bar: {page}");
    let shown = browser.visit(&page).await;
    browser.press(&shown, &format!("{page}/delete"), &[]).await.says("Address taken off the list");
    server
        .ses("GET", "/suppression/addresses/gone%40example.com", Value::Null)
        .await
        .refused("NotFoundException");
    // Gone is gone, and says so.
    browser.press(&shown, &format!("{page}/delete"), &[]).await.says("not");
}

#[tokio::test]
async fn who_may_only_view_suppresses_nobody() {
    let server = closed().await;
    let viewer = server.user_with_policy("viewer", &allowing(&["ses:List*", "ses:Get*"], &["*"])).await;
    let (browser, _) = sign_in(&server, &viewer).await;
    let new = "/console/email/suppressions/new";
    let form = browser.visit(new).await;
    browser
        .press(&form, new, &[("address", "bob@example.com"), ("reason", "BOUNCE")])
        .await
        .says("is not authorized to perform: ses:PutSuppressedDestination");
    browser.visit("/console/email/suppressions").await.says_not("bob@example.com");
}

#[tokio::test]
async fn the_outbox_tells_what_became_of_each_message_and_not_what_it_said() {
    let server = TestServer::start().await;
    let browser = Browser::new(&server.url);
    browser.visit("/console/email/outbox").await.says("Nothing was sent yet");
    for number in 0..3 {
        let address = format!("user{number}@example.com");
        server.ses("POST", "/identities", json!({ "EmailIdentity": address })).await.ok();
        server.clock.advance(1000);
    }
    assert_eq!(server.mails_to("user2@example.com").await.len(), 1);
    let shown = browser.visit("/console/email/outbox").await;
    shown.says("Sent").says("kept in the inbox").says_not("user2@example.com").says_not("token=");

    // Page by page, each message once, newest first.
    let list = async |input: Value| {
        server.client.json_to(Service::Postern, "ListMessages", &input, Some(&server.key)).await
    };
    let first = list(json!({ "MaxResults": 2 })).await.ok().body.clone();
    let rest = list(json!({ "MaxResults": 2, "NextToken": first["NextToken"] })).await.ok().body.clone();
    let messages: Vec<&Value> =
        [&first, &rest].iter().flat_map(|page| page["Messages"].as_array().expect("a list")).collect();
    assert_eq!(messages.len(), 3);
    assert!(messages.windows(2).all(|pair| pair[0]["Created"].as_f64() > pair[1]["Created"].as_f64()));
    assert_eq!(rest.get("NextToken"), None);
    list(json!({ "NextToken": "x" })).await.refused("InvalidParameterException");

    let nobody = server.user_with_policy("viewer", &allowing(&["ses:*"], &["*"])).await;
    server
        .client
        .json_to(Service::Postern, "ListMessages", &json!({}), Some(&nobody))
        .await
        .refused("AccessDeniedException");
}

#[tokio::test]
async fn a_provider_is_added_chosen_for_an_app_and_taken_away_and_its_secret_is_never_shown() {
    let server = TestServer::start().await;
    let pool_id = pool(&server, "Shop").await;
    let browser = Browser::new(&server.url);
    let list = format!("/console/pools/{pool_id}/providers");
    browser.visit(&list).await.says("Add identity provider");
    browser.visit(&format!("{list}/new")).await.says("OpenID Connect (OIDC)").says("Sign in with Apple");

    let new = format!("{list}/new?type=OIDC");
    let form = browser.visit(&new).await;
    form.says("/oauth2/idpresponse");
    let asked = [
        ("name", "Company"),
        ("client", "shop"),
        ("secret", "s3cret-of-shop"),
        ("scopes", "email"),
        ("issuer", "https://id.example.com"),
        ("method", "GET"),
        ("mapping", "email=email"),
    ];
    let refused = browser.press(&form, &new, &asked).await;
    refused.says("authorize_scopes must include openid.").says_not("s3cret-of-shop");
    let mut asked = asked;
    asked[3].1 = "openid email";
    let made = browser.press(&refused, &new, &asked).await;
    made.says("Identity provider added")
        .says("aws cognito-idp create-identity-provider")
        .says_not("s3cret-of-shop");
    browser.visit(&list).await.says("Company").says_not("s3cret-of-shop");

    // A secret that is left out stays.
    let edit = format!("{list}/Company/edit");
    let form = browser.visit(&edit).await;
    form.says_not("s3cret-of-shop");
    asked[2].1 = "";
    asked[1].1 = "shop-2";
    browser.press(&form, &edit, &asked[1..]).await.says("Identity provider saved").says_not("s3cret-of-shop");
    let described = server
        .signed("DescribeIdentityProvider", json!({ "UserPoolId": pool_id, "ProviderName": "Company" }))
        .await
        .ok();
    let details = &described.body["IdentityProvider"]["ProviderDetails"];
    assert_eq!(
        (&details["client_id"], &details["client_secret"]),
        (&json!("shop-2"), &json!("s3cret-of-shop"))
    );

    let client = json!({
        "UserPoolId": pool_id, "ClientName": "Web", "AllowedOAuthFlowsUserPoolClient": true,
        "AllowedOAuthFlows": ["code"], "AllowedOAuthScopes": ["openid"],
        "CallbackURLs": ["https://shop.example/callback"], "SupportedIdentityProviders": ["COGNITO"],
    });
    let client = server.signed("CreateUserPoolClient", client).await.ok().text_at("UserPoolClient.ClientId");
    let pages = format!("/console/pools/{pool_id}/clients/{client}/edit/pages");
    let form = browser.visit(&pages).await;
    let chosen = [
        ("callbacks", "https://shop.example/callback"),
        ("grants", "code"),
        ("scopes", "openid"),
        ("providers", "COGNITO"),
        ("providers", "Company"),
    ];
    browser.press(&form, &pages, &chosen).await.says("Managed login pages saved");
    let described = server
        .signed("DescribeUserPoolClient", json!({ "UserPoolId": pool_id, "ClientId": client }))
        .await
        .ok();
    assert_eq!(described.body["UserPoolClient"]["SupportedIdentityProviders"], json!(["COGNITO", "Company"]));

    let delete = format!("{list}/Company/delete");
    let form = browser.visit(&delete).await;
    browser.press(&form, &delete, &[("confirm", "Other")]).await.says("Type Company to confirm.");
    let form = browser.visit(&delete).await;
    browser.press(&form, &delete, &[("confirm", "Company")]).await.says("Identity provider deleted");
    server
        .signed("DescribeIdentityProvider", json!({ "UserPoolId": pool_id, "ProviderName": "Company" }))
        .await
        .refused("ResourceNotFoundException");
}

#[tokio::test]
async fn all_that_a_provider_can_be_told_is_set_refused_beside_its_field_and_kept_by_its_form() {
    let server = TestServer::start().await;
    let pool_id = pool(&server, "Shop").await;
    let browser = Browser::new(&server.url);
    let list = format!("/console/pools/{pool_id}/providers");
    let described = async |name: &str| {
        let asked = json!({ "UserPoolId": pool_id, "ProviderName": name });
        server.signed("DescribeIdentityProvider", asked).await.ok().body["IdentityProvider"].clone()
    };

    let (new, signer) = (format!("{list}/new?type=SAML"), Signer::fresh());
    let (entity, sign_in) = ("https://idp.corp.example", "https://idp.corp.example/sso");
    let silent = signer.metadata(entity, sign_in);
    let metadata = signer.metadata_with_logout(entity, sign_in, "https://idp.corp.example/slo");
    let form = browser.visit(&new).await;
    form.says("ProviderDetails.IDPSignout").says("ProviderDetails.EncryptedResponses");
    let typed = |metadata| {
        [
            ("name", "Corp"),
            ("metadata", metadata),
            ("sign-out", "yes"),
            ("signed", "yes"),
            ("encrypted", "yes"),
        ]
    };
    let refused = browser.press(&form, &new, &typed(&silent)).await;
    refused.says("id=\"sign-out-error\"").says("IDPSignout needs metadata with a SingleLogoutService");
    let made = browser.press(&refused, &new, &typed(&metadata)).await;
    made.says("Identity provider added").says("RequestSigningAlgorithm").says("/saml2/logout");
    let corp = described("Corp").await;
    let details = &corp["ProviderDetails"];
    assert_eq!((&details["IDPSignout"], &details["EncryptedResponses"]), (&json!("true"), &json!("true")));
    assert_eq!(details["RequestSigningAlgorithm"], "rsa-sha256");
    assert_eq!(details.get("IDPInit"), None);
    made.says(details["ActiveEncryptionCertificate"].as_str().expect("a certificate"));
    let signing = server.signed("GetSigningCertificate", json!({ "UserPoolId": pool_id })).await.ok();
    made.says(&signing.text_at("Certificate"));
    // What is no longer ticked is off, and the certificate is no longer told.
    let edit = format!("{list}/Corp/edit");
    let form = browser.visit(&edit).await;
    let saved = browser.press(&form, &edit, &[("metadata", metadata.as_str()), ("begins", "yes")]).await;
    saved.says("Identity provider saved").says_not(&signing.text_at("Certificate"));
    let details = described("Corp").await["ProviderDetails"].clone();
    assert_eq!(details["IDPInit"], "true");
    for gone in ["IDPSignout", "EncryptedResponses", "RequestSigningAlgorithm", "ActiveEncryptionCertificate"]
    {
        assert_eq!(details.get(gone), None, "{gone}");
    }

    let new = format!("{list}/new?type=OIDC");
    let typed = |token, levels| {
        [
            ("name", "Company"),
            ("client", "shop"),
            ("scopes", "openid"),
            ("issuer", "https://id.example.com"),
            ("method", "GET"),
            ("pkce", "yes"),
            ("authorize", "https://id.example.com/authorize"),
            ("token", token),
            ("keys", "https://id.example.com/keys"),
            ("levels", levels),
        ]
    };
    let form = browser.visit(&new).await;
    let refused = browser.press(&form, &new, &typed("token", "")).await;
    refused.says("id=\"token-error\"").says("token_url must be an HTTPS address.");
    let token = "https://id.example.com/token";
    for (levels, words) in [
        ("Level1=x\nLevel2=x", "AcrMapping has one value for two levels."),
        ("Level5=x", "acrMapping"),
        ("Level1", "acrMapping"),
    ] {
        let refused = browser.press(&refused, &new, &typed(token, levels)).await;
        refused.says("id=\"levels-error\"").says(words);
    }
    let made = browser.press(&refused, &new, &typed(token, "Level2=strong\nLevel3=stronger")).await;
    made.says("Identity provider added").says("--acr-mapping").says("Level3=stronger");
    let company = described("Company").await;
    assert_eq!(company["AcrMapping"], json!({ "Level2": "strong", "Level3": "stronger" }));
    assert_eq!(
        (&company["ProviderDetails"]["pkce"], &company["ProviderDetails"]["token_url"]),
        (&json!("true"), &json!(token))
    );
    // An empty field takes the levels away.
    let edit = format!("{list}/Company/edit");
    let form = browser.visit(&edit).await;
    form.says("Level2=strong");
    browser.press(&form, &edit, &typed(token, "")[1..]).await.says("Identity provider saved");
    assert_eq!(described("Company").await.get("AcrMapping"), None);
}
