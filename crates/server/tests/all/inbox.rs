//! The inbox as a developer reads it in a browser.

use crate::pages::browser::Browser;
use crate::support::TestServer;
use serde_json::json;

#[tokio::test]
async fn the_newest_mail_to_somebody_has_an_address_that_stays() {
    let server = TestServer::start().await;
    let browser = Browser::new(&server.url);
    for address in ["alice@example.com", "bob@example.com"] {
        server.ses("POST", "/identities", json!({ "EmailIdentity": address })).await.ok();
        assert_eq!(server.mails_to(address).await.len(), 1);
    }
    let newest = "/inbox/newest?to=alice%40example.com";
    let first = browser.visit(newest).await;
    first.says("<dd>alice@example.com ").says_not("<dd>bob@example.com ");
    assert_eq!(first.link("The newest to it"), newest);
    browser
        .visit(&first.link("All to this address"))
        .await
        .says("alice@example.com")
        .says_not("bob@example.com");
    server.clock.advance(1000);
    server.ses("DELETE", "/identities/alice%40example.com", json!(null)).await.ok();
    server.ses("POST", "/identities", json!({ "EmailIdentity": "alice@example.com" })).await.ok();
    assert_eq!(server.mails_to("alice@example.com").await.len(), 2);
    assert_ne!(browser.visit(newest).await.path, first.path);
    assert_eq!(browser.visit("/inbox/newest?to=nobody%40example.com").await.status, 404);
}
