//! Each parser of the pages and the OAuth endpoints is fed a kept corpus and what is drawn from it by cutting, doubling
//! and mixing. The draws come from fixed seeds; what once broke something is added to `tests/corpus`.

use super::scene::{Scene, text};
use crate::fuzz::drawn;
use postern_model::cognito_idp::OAuthFlowType;
use postern_pools::client::Client;
use postern_pools::keys::{TokenUse, of_pool};
use postern_pools::oauth::authorize::{self, Stop};
use postern_pools::oauth::pairs::Pairs;
use postern_pools::oauth::redirect::is_registered;
use postern_pools::oauth::token::ClientProof;
use postern_server::seed::ALICE;

/// Draws for each line of a corpus: many where nothing but the parser runs, few where a server answers.
const PURE: usize = 4_000;
const SERVED: usize = 25;

fn registered() -> Vec<String> {
    ["https://app.example/cb", "http://127.0.0.1:3000/cb", "http://[::1]/cb", "com.example.app:/cb"]
        .map(str::to_owned)
        .into()
}

fn client() -> Client {
    let mut client = Client::none("us-east-1_a");
    client.id = "CLIENT".into();
    client.config.callback_urls = Some(registered());
    client.config.allowed_oauth_flows_user_pool_client = Some(true);
    client.config.allowed_oauth_flows = Some(vec![OAuthFlowType::Code]);
    client.config.allowed_oauth_scopes = Some(["openid", "email"].map(str::to_owned).into());
    client
}

#[test]
fn redirect_addresses_match_by_their_bytes_or_by_a_loopback_port() {
    let registered = registered();
    let without_port = |address: &str| {
        let (head, rest) = address.split_at("http://127.0.0.1".len().min(address.len()));
        let (host, rest) = match head.strip_prefix("http://[::1]") {
            Some(more) => ("http://[::1]", format!("{more}{rest}")),
            None => (head, rest.to_owned()),
        };
        let rest = rest
            .strip_prefix(':')
            .map_or(rest.as_str(), |rest| rest.trim_start_matches(|c: char| c.is_ascii_digit()));
        format!("{host}{rest}")
    };
    for sent in drawn(include_str!("../../corpus/redirect.txt"), PURE) {
        if is_registered(&sent, &registered) {
            let twin = registered
                .iter()
                .any(|one| one.starts_with("http://") && without_port(one) == without_port(&sent));
            assert!(registered.contains(&sent) || twin, "{sent}");
        }
    }
}

#[test]
fn authorization_requests_are_read_or_refused_in_the_right_place() {
    let client = client();
    for line in drawn(include_str!("../../corpus/authorize.txt"), PURE / 4) {
        let Some(pairs) = Pairs::parse(&line) else { continue };
        match authorize::parse(&pairs, &client, true) {
            Ok(request) => {
                assert!(is_registered(&request.redirect_uri, &registered()), "{line}");
                let again =
                    Pairs::parse(request.href(false).split_once('?').expect("a query").1).expect("UTF-8");
                let again = authorize::parse(&again, &client, true).unwrap_or_else(|_| panic!("{line}"));
                assert_eq!(
                    (again.state, again.scope, again.nonce),
                    (request.state, request.scope, request.nonce)
                );
            }
            Err(Stop::Back(refused)) => {
                assert!(is_registered(&refused.redirect_uri, &registered()), "{line}");
                let href = refused.back("https://login.example/pool").href();
                assert!(href.bytes().all(|byte| byte.is_ascii_graphic()), "{line} {href}");
            }
            Err(Stop::Page(_)) => {}
        }
    }
}

#[test]
fn token_forms_name_one_client_or_none() {
    for line in drawn(include_str!("../../corpus/token.txt"), PURE / 4) {
        let Some(form) = Pairs::parse(&line) else { continue };
        if let Ok(proof) = ClientProof::read(None, &form) {
            assert_eq!(form.once("client_id"), Ok(Some(proof.id.as_str())), "{line}");
        }
        // As a header, too.
        let _ = ClientProof::read(Some(&line), &form);
        let _ = ClientProof::read(Some(&format!("Basic {line}")), &form);
    }
}

#[tokio::test]
async fn nothing_but_our_own_tokens_is_taken_for_one() {
    let scene = Scene::new().await;
    let tokens = scene.tokens(&scene.browser(), ALICE).await;
    let real = [text(&tokens, "access_token").to_owned(), text(&tokens, "id_token").to_owned()];
    let corpus = format!("{}{}\n{}\n", include_str!("../../corpus/jwt.txt"), real[0], real[1]);
    let pool_id = scene.demo.pool_id.clone();
    let taken: anyhow::Result<Vec<String>> = scene
        .server
        .app
        .store
        .read(move |tx| {
            let keys = of_pool(tx, &pool_id)?;
            let is_taken = |token: &String| {
                [TokenUse::Access, TokenUse::Id].iter().any(|kind| keys.verified(token, *kind).is_some())
            };
            Ok(drawn(&corpus, PURE / 8).into_iter().filter(is_taken).collect())
        })
        .await;
    for token in taken.expect("keys") {
        assert!(real.contains(&token), "{token}");
    }
}

#[tokio::test]
async fn no_form_address_or_cookie_meets_a_fault_of_ours() {
    let scene = Scene::new().await;
    let browser = scene.browser();
    let pages =
        ["/oauth2/authorize", "/login", "/signup", "/forgotPassword", "/resendcode", "/logout", "/error"];
    for line in drawn(include_str!("../../corpus/authorize.txt"), SERVED) {
        let line = line.replace("CLIENT", &scene.demo.client_id);
        let query: String =
            line.chars().filter(|c| c.is_ascii_graphic() && !"#\"<>\\^`{|}".contains(*c)).collect();
        for page in pages {
            let shown = browser.open(&format!("{page}?{query}")).await;
            assert!(shown.status < 500, "{page} {query} {}", shown.html);
        }
    }
    for line in drawn(include_str!("../../corpus/token.txt"), SERVED) {
        let body = line.replace("CLIENT", &scene.demo.client_id);
        for door in [
            "/oauth2/token",
            "/oauth2/revoke",
            "/oauth2/userInfo",
            "/login",
            "/login/code",
            "/logout/confirm",
        ] {
            let shown = browser.send("POST", door, &body, &[]).await;
            assert!(shown.status < 500, "{door} {body} {}", shown.html);
        }
    }
    for line in drawn(include_str!("../../corpus/cookies.txt"), SERVED) {
        let cookies: String =
            line.replace("POOL", &scene.demo.pool_id).chars().filter(char::is_ascii_graphic).collect();
        let stranger = scene.browser();
        for path in [scene.authorize(&[("prompt", "none")]), "/login?flow=x".to_owned(), "/logout".to_owned()]
        {
            let shown = stranger.send("GET", &path, "", &[("cookie", &cookies)]).await;
            assert!(shown.status < 500, "{path} {cookies} {}", shown.html);
            assert!(!shown.to().contains("code="), "{cookies}");
        }
    }
}
