//! Lists of the console: found in, filtered, put in order, cut into pages, and shared by their address.

use crate::console::{closed, pool, sign_in};
use crate::pages::browser::{Browser, Shown};
use crate::support::{TestServer, allowing};
use serde_json::json;

/// What the first column says, from top to bottom.
fn rows(shown: &Shown) -> Vec<String> {
    let rows = shown.html.split("<th scope=\"row\">").skip(1);
    let words = rows.map(|row| {
        let cell = row.split("</th>").next().unwrap_or_default();
        cell.split('>').nth(1).unwrap_or(cell).split('<').next().unwrap_or_default().to_owned()
    });
    words.collect()
}

async fn groups(server: &TestServer, pool_id: &str, names: impl Iterator<Item = String>) {
    for (at, name) in names.enumerate() {
        let group = json!({
            "UserPoolId": pool_id, "GroupName": name, "Precedence": 400 - at, "Description": "Who may edit",
        });
        server.signed("CreateGroup", group).await.ok();
    }
}

#[tokio::test]
async fn a_small_list_is_sorted_searched_and_cut_into_pages_as_a_whole() {
    let server = TestServer::start().await;
    let pool_id = pool(&server, "Shop").await;
    let browser = Browser::new(&server.url);
    let list = format!("/console/pools/{pool_id}/groups");
    // What was never used says what it is for, and nothing of searching.
    let empty = browser.visit(&list).await;
    empty.says("Create group").says("aws cognito-idp create-group").says_not("<table").says_not("Refresh");
    assert!(!empty.html.contains("role=\"search\""));

    groups(&server, &pool_id, (0..120).map(|at| format!("group-{at:03}"))).await;
    let first = browser.visit(&list).await;
    first.says("1–50 of 120 groups").says("Refresh").says_not("aria-sort").says_not("First page");
    assert_eq!(rows(&first).len(), 50);
    // By the numbers of the whole list, not of one page, and not as words.
    let sorted = browser.visit(&first.link("Precedence")).await;
    sorted.says("aria-sort=\"ascending\"");
    assert_eq!(rows(&sorted)[..2], ["group-119", "group-118"]);
    let down = browser.visit(&sorted.link("Precedence")).await;
    down.says("aria-sort=\"descending\"");
    assert_eq!(rows(&down)[0], "group-000");
    // The order stays from page to page, and with another number of rows.
    let third = browser.visit(&browser.visit(&down.link("Next page")).await.link("Next page")).await;
    third.says("101–120 of 120 groups").says("First page").says_not("Next page");
    assert_eq!(rows(&third)[0], "group-100");
    let wide = browser.visit(&third.link("100")).await;
    assert_eq!((rows(&wide).len(), rows(&wide)[0].as_str()), (100, "group-000"));

    let found = browser.visit(&format!("{list}?words=x&q=GROUP-11&sort=-precedence")).await;
    found.says("10 of 120 groups").says("With the words: GROUP-11").says("Remove the filter");
    assert_eq!(rows(&found)[0], "group-110");
    let nothing = browser.visit(&format!("{list}?q=%3Cb%3E")).await;
    nothing.says("No groups match “With the words: &#60;b&#62;”.").says("Clear filters").says_not("<b>");
    assert_eq!(rows(&browser.visit(&nothing.link("Clear filters")).await).len(), 50);

    // Columns that are left out stay left out on other pages; the first is always there.
    let few = browser.visit(&format!("{list}?col=group&col=created")).await;
    few.says_not("<td data-head=\"Description\"").says("data-head=\"Created\"");
    browser.visit(&few.link("Next page")).await.says_not("<td data-head=\"Description\"").says("group-050");
    let one = browser.visit(&format!("{list}?col=group")).await;
    assert_eq!(one.html.matches("data-head").count(), 0);
    assert_eq!(rows(&one)[0], "group-000");
}

#[tokio::test]
async fn a_list_that_is_too_long_to_be_sorted_says_so_and_sorts_nothing() {
    let server = TestServer::start().await;
    let pool_id = pool(&server, "Shop").await;
    groups(&server, &pool_id, (0..301).map(|at| format!("group-{at:03}"))).await;
    let browser = Browser::new(&server.url);
    let list = format!("/console/pools/{pool_id}/groups");
    let page = browser.visit(&format!("{list}?sort=-precedence&q=group-300&size=100")).await;
    page.says("There are more than 300 groups").says("At least 100 groups").says_not("aria-sort");
    assert!(!page.html.contains("role=\"search\""));
    let mut page = page;
    let mut seen = rows(&page);
    for _ in 0..3 {
        page = browser.visit(&page.link("Next page")).await;
        seen.extend(rows(&page));
    }
    page.says("1 group on this page").says_not("Next page").says("First page");
    let all: Vec<String> = (0..301).map(|at| format!("group-{at:03}")).collect();
    assert_eq!(seen, all);
}

#[tokio::test]
async fn users_are_found_by_what_the_api_finds_them_by_and_page_by_page() {
    let server = TestServer::start().await;
    let pool_id = pool(&server, "Shop").await;
    for at in 0..70 {
        let name = format!("user-{at:02}");
        let user = json!({ "UserPoolId": pool_id, "Username": name, "MessageAction": "SUPPRESS" });
        server.signed("AdminCreateUser", user).await.ok();
    }
    server.signed("AdminDisableUser", json!({ "UserPoolId": pool_id, "Username": "user-07" })).await.ok();
    let browser = Browser::new(&server.url);
    let list = format!("/console/pools/{pool_id}/users");
    let all = browser.visit(&list).await;
    all.says("70 users in this pool").says_not("aria-sort");
    // More than one call gives are shown on one page all the same.
    let wide = browser.visit(&all.link("100")).await;
    assert_eq!(rows(&wide).len(), 70);
    wide.says_not("Next page");
    let next = browser.visit(&all.link("Next page")).await;
    assert_eq!(rows(&next).len(), 20);
    assert!(rows(&next).iter().all(|row| !rows(&all).contains(row)));

    let disabled = browser.visit(&all.link("Disabled")).await;
    assert_eq!(rows(&disabled), ["user-07"]);
    disabled.says("1 user<").says("aria-label=\"Remove the filter Disabled\"");
    assert_eq!(rows(&browser.visit(&disabled.link("×")).await).len(), 50);
    let some = browser.visit(&format!("{list}?by=username&q=user-0")).await;
    assert_eq!(rows(&some).len(), 10);
    some.says("Username: user-0");
    let some = browser.visit(&format!("{list}?by=username&q=user-&size=25")).await;
    some.says("At least 25 users");
    // One filter is what the API takes: the next one takes its place.
    assert_eq!(rows(&browser.visit(&some.link("Disabled")).await), ["user-07"]);
    let nobody = browser.visit(&format!("{list}?by=email&q=nobody")).await;
    nobody.says("No users match “Email address: nobody”.").says("Clear filters");
}

#[tokio::test]
async fn filters_of_activity_hold_together_and_each_can_be_taken_away() {
    let server = closed().await;
    let pool_id = pool(&server, "Shop").await;
    let viewer = server.user_with_policy("viewer", &allowing(&["cognito-idp:Describe*"], &["*"])).await;
    let asked = json!({ "UserPoolId": pool_id });
    server.signed_by(&viewer, "DeleteUserPool", asked.clone()).await.refused("AccessDeniedException");
    server.signed_by(&viewer, "DescribeUserPool", asked.clone()).await.ok();
    server.signed("DescribeUserPool", asked).await.ok();
    let (browser, _) = sign_in(&server, &server.key).await;
    let list = "/console/activity";
    let denied = browser.visit(&browser.visit(list).await.link("Denied")).await;
    assert_eq!(rows(&denied), ["cognito-idp:DeleteUserPool"]);
    let both = browser.visit(&format!("{list}?f=Outcome%3Aok&by=Action&q=cognito-idp%3ADescribe")).await;
    assert_eq!(rows(&both).len(), 2);
    both.says("Outcome: ok").says("Action begins with: cognito-idp:Describe").says("data-live=");
    let one = browser.visit(&both.link("×")).await;
    one.says("Action begins with: cognito-idp:Describe").says_not("Outcome: ok");
    // A column of one's own choice survives the next look of a list that keeps itself up to date.
    let few = browser.visit(&format!("{list}?col=action")).await;
    few.says("data-live=\"/console/activity?col=action\"");
}
