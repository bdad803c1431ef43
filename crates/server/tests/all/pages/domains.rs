//! Pools found by the name in the address bar.

use super::scene::Scene;
use postern_server::seed::ALICE;
use serde_json::json;

const CERTIFICATE: &str =
    "arn:aws:acm:us-east-1:123456789012:certificate/12345678-1234-1234-1234-123456789012";

impl Scene {
    fn at(&self, name: &str) -> String {
        format!("{name}:{}", self.server.url.rsplit_once(':').expect("a port").1)
    }
}

#[tokio::test]
async fn a_custom_domain_is_the_door_of_its_pool() {
    let scene = Scene::new().await;
    let (pool, name) = (&scene.demo.pool_id, "id.shop.test");
    let input = json!({ "UserPoolId": pool, "Domain": name, "CustomDomainConfig": { "CertificateArn": CERTIFICATE } });
    let made = scene.server.signed("CreateUserPoolDomain", input.clone()).await.ok();
    assert_eq!(made.text_at("CloudFrontDomain"), "localhost");
    scene.server.signed("CreateUserPoolDomain", input).await.refused("InvalidParameterException");
    let shown = scene.server.signed("DescribeUserPoolDomain", json!({ "Domain": name })).await.ok();
    assert_eq!(shown.text_at("DomainDescription.CustomDomainConfig.CertificateArn"), CERTIFICATE);
    assert_eq!(shown.text_at("DomainDescription.CloudFrontDistribution"), "localhost");

    let host = scene.at(name);
    let said = scene.discovery().await;
    assert_eq!(said["authorization_endpoint"], json!(format!("http://{host}/oauth2/authorize")));
    assert_eq!(said["issuer"], json!(format!("{}/{pool}", scene.server.app.public_url)));

    // The whole way through the pages at that name.
    let browser = scene.browser().at(&host);
    let page = browser.visit(&scene.authorize(&[])).await;
    page.says(&format!("<strong>{host}</strong>"));
    let page = browser.press(&page, "/login", &[("username", ALICE)]).await;
    let home = browser.press_once(&page, "/login/code", &[("code", &scene.code(ALICE).await)]).await;
    let (status, tokens) = scene.redeem(&home.parameter("code")).await;
    assert_eq!(status, 200);
    let bearer = format!("Bearer {}", tokens["access_token"].as_str().expect("a token"));
    let refresh_token = tokens["refresh_token"].as_str().expect("a token");
    let knocks = async |host: &str| {
        let browser = scene.browser().at(host);
        let me = browser.send("GET", "/oauth2/userInfo", "", &[("authorization", &bearer)]).await;
        let client = ("client_id", scene.demo.client_id.as_str());
        let fields = [("grant_type", "refresh_token"), ("refresh_token", refresh_token), client];
        let fresh = browser.post("/oauth2/token", &fields, &[]).await;
        let gone = browser.post("/oauth2/revoke", &[("token", "unknown"), client], &[]).await;
        (me.status, fresh.status, gone.status)
    };
    assert_eq!(knocks(&host).await, (200, 200, 200));

    // Another pool's app is not known there, and is at the server's own name.
    let made = scene.server.signed("CreateUserPool", json!({ "PoolName": "other" })).await.ok();
    let other_pool = made.text_at("UserPool.Id");
    let other = json!({
        "UserPoolId": other_pool, "ClientName": "other", "AllowedOAuthFlowsUserPoolClient": true,
        "AllowedOAuthFlows": ["code"], "AllowedOAuthScopes": ["openid", "email"], "CallbackURLs": [scene.callback()],
    });
    let made = scene.server.signed("CreateUserPoolClient", other).await.ok();
    let path = scene.authorize(&[("client_id", &made.text_at("UserPoolClient.ClientId"))]);
    assert_eq!(browser.open(&path).await.status, 400);
    assert_eq!(scene.browser().visit(&path).await.heading(), "Sign in");

    // Nor is this pool's app at the door of the other one, by any endpoint.
    let others = json!({
        "UserPoolId": other_pool, "Domain": "id.other.test", "CustomDomainConfig": { "CertificateArn": CERTIFICATE },
    });
    scene.server.signed("CreateUserPoolDomain", others).await.ok();
    assert_eq!(knocks(&scene.at("id.other.test")).await, (401, 400, 401));

    scene.server.signed("DeleteUserPoolDomain", json!({ "UserPoolId": pool, "Domain": name })).await.ok();
    let said = scene.discovery().await;
    let own = format!("{}/oauth2/authorize", scene.server.app.public_url);
    assert_eq!(said["authorization_endpoint"], json!(own));
}

#[tokio::test]
async fn a_prefix_has_a_name_of_its_own_where_the_settings_say_so() {
    let scene = Scene::with(|settings| {
        settings.prefix_url = Some("https://{domain}.auth.example.com".to_owned());
    })
    .await;
    let pool = &scene.demo.pool_id;
    scene.admin("CreateUserPoolDomain", json!({ "Domain": "shop" })).await;
    let said = scene.discovery().await;
    assert_eq!(said["token_endpoint"], json!("https://shop.auth.example.com/oauth2/token"));
    let page = scene.browser().at("shop.auth.example.com").visit(&scene.authorize(&[])).await;
    page.says("<strong>shop.auth.example.com</strong>");
    for (domain, config, words) in [
        (
            "login.shop",
            json!(null),
            "1 validation error detected: Value at 'domain' failed to satisfy constraint: \
          Member must satisfy regular expression pattern: ^[a-z0-9](?:[a-z0-9\\-]{0,61}[a-z0-9])?$",
        ),
        ("shop", json!({ "CertificateArn": CERTIFICATE }), "Custom domain is not a valid subdomain."),
    ] {
        let input = json!({ "UserPoolId": pool, "Domain": domain, "CustomDomainConfig": config });
        let refused = scene.server.signed("CreateUserPoolDomain", input).await;
        assert_eq!(refused.refused("InvalidParameterException"), words);
    }
}
