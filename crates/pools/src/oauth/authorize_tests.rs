//! Authorization requests, right and wrong.

use super::*;

const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const RIGHT: &str = "response_type=code&client_id=app&redirect_uri=https%3A%2F%2Fapp.example%2Fcb&state=s%201\
                     &scope=openid%20email&nonce=n\
                     &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256";

fn client() -> Client {
    let mut client = Client::none("us-east-1_a");
    client.id = "app".into();
    client.config.callback_urls = Some(vec!["https://app.example/cb".into(), "http://127.0.0.1/cb".into()]);
    client.config.allowed_oauth_flows_user_pool_client = Some(true);
    client.config.allowed_oauth_flows = Some(vec![OAuthFlowType::Code]);
    client.config.allowed_oauth_scopes = Some(["openid", "email", "api/read"].map(str::to_owned).into());
    client
}

fn read(query: &str) -> Result<AuthorizeRequest, Stop> {
    parse(&Pairs::parse(query).expect("UTF-8"), &client(), true)
}

fn with(more: &str) -> Result<AuthorizeRequest, Stop> {
    read(&format!("{RIGHT}&{more}"))
}

fn without(name: &str) -> String {
    let kept: Vec<&str> = RIGHT.split('&').filter(|pair| !pair.starts_with(&format!("{name}="))).collect();
    kept.join("&")
}

fn error(result: Result<AuthorizeRequest, Stop>) -> &'static str {
    match result {
        Ok(_) => "none",
        Err(Stop::Page(_)) => "page",
        Err(Stop::Back(refused)) => {
            assert_eq!(refused.redirect_uri, "https://app.example/cb");
            let allowed = |c: char| matches!(c, ' '..='~') && c != '"' && c != '\\';
            assert!(refused.description.chars().all(allowed), "{}", refused.description);
            refused.error
        }
    }
}

#[test]
fn a_right_request_is_read() {
    let request = read(RIGHT).unwrap_or_else(|_| panic!("a request"));
    assert_eq!(request.scope, "openid email");
    assert_eq!(request.state.as_deref(), Some("s 1"));
    assert_eq!(request.nonce.as_deref(), Some("n"));
    assert_eq!(request.code_challenge.as_deref(), Some(CHALLENGE));
    assert_eq!((request.prompt, request.max_age_s), (Prompt::IfNeeded, None));
    let again = Pairs::parse(request.href(false).split_once('?').expect("a query").1).expect("UTF-8");
    let again = parse(&again, &client(), true).unwrap_or_else(|_| panic!("the same request"));
    assert_eq!((again.state, again.nonce, again.scope), (request.state, request.nonce, request.scope));
}

#[test]
fn nothing_is_redirected_before_the_address_is_known_to_be_allowed() {
    let page = |query: &str| match read(query) {
        Err(Stop::Page(wrong)) => wrong,
        _ => panic!("{query} is answered by a redirect"),
    };
    let other = RIGHT.replace("app.example", "evil.example");
    assert!(matches!(page(&other), Wrong::Redirect { sent, allowed }
        if sent == "https://evil.example/cb" && allowed.len() == 2));
    assert!(matches!(page(&without("redirect_uri")), Wrong::Request(_)));
    assert!(matches!(page(&format!("{RIGHT}&redirect_uri=https%3A%2F%2Fevil.example")), Wrong::Request(_)));
    // All else may be wrong as well.
    assert!(matches!(page(&other.replace("response_type=code", "prompt=none")), Wrong::Redirect { .. }));
}

#[test]
fn the_address_may_be_left_out_when_there_is_one_choice() {
    let query = Pairs::parse(&without("redirect_uri")).expect("UTF-8");
    let mut only = client();
    only.config.callback_urls = Some(vec!["https://app.example/cb".into()]);
    let request = parse(&query, &only, true).unwrap_or_else(|_| panic!("a request"));
    assert!(request.redirect_uri == "https://app.example/cb" && !request.redirect_uri_sent);
    let mut default = client();
    default.config.default_redirect_uri = Some("https://app.example/cb".into());
    assert!(parse(&query, &default, true).is_ok());
}

#[test]
fn each_wrong_parameter_has_its_error() {
    assert_eq!(error(with("")), "none");
    assert_eq!(error(read(&without("response_type"))), "invalid_request");
    assert_eq!(
        error(read(&RIGHT.replace("response_type=code", "response_type=none"))),
        "unsupported_response_type"
    );
    for (more, expected) in [
        ("state=2", "invalid_request"),
        ("nonce=2", "invalid_request"),
        ("scope=openid", "invalid_request"),
        ("response_mode=fragment", "none"),
        ("response_mode=jwt", "invalid_request"),
        ("response_mode=query", "none"),
        ("response_mode=form_post", "none"),
        ("response_mode=form_post&response_mode=query", "invalid_request"),
        ("request=x", "request_not_supported"),
        ("request_uri=x", "request_uri_not_supported"),
        ("resource=https%3A%2F%2Fapi.example", "none"),
        ("resource=http%3A%2F%2Fapi.example", "invalid_target"),
        ("resource=https%3A%2F%2Fapi.example%23x", "invalid_target"),
        ("resource=api", "invalid_target"),
        ("resource=https%3A%2F%2Fa.example&resource=https%3A%2F%2Fb.example", "invalid_target"),
        ("identity_provider=COGNITO", "none"),
        ("identity_provider=Google", "invalid_request"),
        ("idp_identifier=x", "none"),
        ("idp_identifier=x&identity_provider=COGNITO", "invalid_request"),
        ("prompt=none", "none"),
        ("prompt=none%20login", "invalid_request"),
        ("prompt=other", "invalid_request"),
        ("max_age=10", "none"),
        ("max_age=-1", "invalid_request"),
        ("max_age=x", "invalid_request"),
        ("unknown=1", "none"),
        ("ui_locales=de&display=page", "none"),
    ] {
        assert_eq!(error(with(more)), expected, "{more}");
    }
}

#[test]
fn scopes_must_be_the_clients() {
    let scope = |scope: &str| read(&RIGHT.replace("openid%20email", scope));
    assert_eq!(
        scope("openid%20%20openid%20api%2Fread").ok().map(|r| r.scope).as_deref(),
        Some("openid api/read")
    );
    assert_eq!(read(&without("scope")).ok().map(|r| r.scope).as_deref(), Some("openid email api/read"));
    for wrong in ["email", "openid%20phone", "openid%20admin", "OPENID"] {
        assert_eq!(error(scope(wrong)), "invalid_scope", "{wrong}");
    }
}

#[test]
fn a_client_must_be_set_up_for_codes() {
    type Change = fn(&mut Client);
    let changes: [Change; 2] = [
        |client| client.config.allowed_oauth_flows_user_pool_client = None,
        |client| client.config.allowed_oauth_flows = Some(vec![OAuthFlowType::Implicit]),
    ];
    for change in changes {
        let mut client = client();
        change(&mut client);
        assert_eq!(error(parse(&Pairs::parse(RIGHT).expect("UTF-8"), &client, true)), "unauthorized_client");
    }
}

#[test]
fn an_app_sends_people_on_to_the_providers_of_its_client() {
    let wanted = |providers: &[&str], more: &str| {
        let mut client = client();
        let providers = providers.iter().map(|name| (*name).to_owned()).collect();
        client.config.supported_identity_providers = Some(providers);
        let pairs = Pairs::parse(&format!("{RIGHT}{more}")).expect("UTF-8");
        parse(&pairs, &client, true).map(|request| request.provider)
    };
    let google = || Some(Wanted::Named("Google".to_owned()));
    assert_eq!(wanted(&["COGNITO", "Google"], "").ok(), Some(None));
    assert_eq!(wanted(&["COGNITO", "Google"], "&identity_provider=Google").ok(), Some(google()));
    assert_eq!(wanted(&["COGNITO", "Google"], "&identity_provider=COGNITO").ok(), Some(None));
    // Where there is one way only, nobody is asked to choose it.
    assert_eq!(wanted(&["Google"], "").ok(), Some(google()));
    assert_eq!(wanted(&["Google", "Corp"], "").ok(), Some(None));
    for more in ["&identity_provider=COGNITO", "&identity_provider=google", "&identity_provider=Corp"] {
        assert!(wanted(&["Google"], more).is_err(), "{more}");
    }
    let request = wanted(&["COGNITO"], "&idp_identifier=corp.example").ok().flatten();
    assert_eq!(request, Some(Wanted::Identified("corp.example".to_owned())));
}

#[test]
fn clients_without_a_secret_need_pkce_unless_the_setting_says_otherwise() {
    let none = without("code_challenge").replace("&code_challenge_method=S256", "");
    let pairs = Pairs::parse(&none).expect("UTF-8");
    match read(&none) {
        Err(Stop::Back(refused)) => {
            assert!(refused.description.contains("oauth.pkce"), "{}", refused.description)
        }
        _ => panic!("a request without PKCE passes"),
    }
    assert!(parse(&pairs, &client(), false).is_ok());
    let mut confidential = client();
    confidential.secrets = vec!["secret".into()];
    assert!(parse(&pairs, &confidential, true).is_ok());
    for wrong in [
        without("code_challenge_method"),
        without("code_challenge"),
        RIGHT.replace("S256", "plain"),
        RIGHT.replace("S256", "s256"),
        RIGHT.replace("E9Melhoa", "E9Mel"),
    ] {
        let pairs = Pairs::parse(&wrong).expect("UTF-8");
        assert_eq!(error(parse(&pairs, &confidential, false)), "invalid_request", "{wrong}");
    }
}

#[test]
fn an_old_sign_in_is_asked_again_where_the_app_wants_it() {
    let request = |more: &str| with(more).unwrap_or_else(|_| panic!("a request"));
    let (auth, now) = (Timestamp::from_ms(1_000_000), Timestamp::from_ms(1_010_000));
    for (more, content) in [
        ("", true),
        ("prompt=none", true),
        ("prompt=consent", true),
        ("prompt=login", false),
        ("prompt=select_account%20consent", false),
        ("max_age=10", true),
        ("max_age=9", false),
        ("max_age=0", false),
    ] {
        assert_eq!(request(more).is_content_with(auth, now), content, "{more}");
    }
    assert!(request("prompt=login&max_age=5").href(false).ends_with("&prompt=login&max_age=5"));
    assert!(!request("prompt=login&max_age=5").href(true).contains("prompt"));
    assert!(!request("login_hint=a%40example.com").href(false).contains("example.com&login_hint"));
}

#[test]
fn an_error_goes_back_with_the_state_and_the_issuer() {
    let Err(Stop::Back(refused)) = with("response_mode=jwt") else { panic!("passes") };
    assert_eq!(
        refused.back("https://login.example/us-east-1_a").href(),
        "https://app.example/cb?error_description=response_mode%20must%20be%20query%2C%20fragment%20or%20form_post\
         &error=invalid_request&state=s%201&iss=https%3A%2F%2Flogin.example%2Fus-east-1_a"
    );
}

#[test]
fn tokens_are_asked_for_by_who_may_and_never_in_a_query() {
    let mut both = client();
    both.config.allowed_oauth_flows = Some(vec![OAuthFlowType::Code, OAuthFlowType::Implicit]);
    let ask = |client: &Client, query: &str| parse(&Pairs::parse(query).expect("UTF-8"), client, true);
    let plain =
        "response_type=token&client_id=app&redirect_uri=https%3A%2F%2Fapp.example%2Fcb&state=s&scope=openid";
    let request = ask(&both, plain).unwrap_or_else(|_| panic!("a request without PKCE"));
    assert_eq!((request.response_type, request.mode), (ResponseType::Token, Mode::Fragment));
    assert!(!request.takes_code_by_address());
    let again = ask(&both, request.href(true).split_once('?').expect("a query").1);
    let again = again.unwrap_or_else(|_| panic!("the same request"));
    assert_eq!((again.response_type, again.mode), (ResponseType::Token, Mode::Fragment));

    for (client, query, expected) in [
        (&client(), plain.to_owned(), "unauthorized_client"),
        (&both, format!("{plain}&response_mode=query"), "invalid_request"),
        (&both, plain.replace("=token", "=id_token%20token"), "unsupported_response_type"),
        (&both, plain.replace("=token", "=id_token"), "unsupported_response_type"),
        (&both, plain.replace("=token", "=code%20token"), "unsupported_response_type"),
        (&both, format!("{plain}&response_type=code"), "invalid_request"),
    ] {
        let Err(Stop::Back(refused)) = ask(client, &query) else { panic!("{query} passes") };
        assert_eq!((refused.error, refused.mode), (expected, Mode::Fragment), "{query}");
        assert!(refused.back("i").href().starts_with("https://app.example/cb#error_description="), "{query}");
    }
    let posted = ask(&both, &format!("{plain}&response_mode=form_post"));
    assert_eq!(posted.map(|request| request.mode).ok(), Some(Mode::FormPost));
}

#[test]
fn a_description_keeps_to_the_letters_that_may_be() {
    let request = with("").unwrap_or_else(|_| panic!("a request"));
    let refused = |words: &str| request.refused("access_denied", words).description;
    assert_eq!(refused("User said \"no\"\\\r\n & left ü"), "User said no & left ");
    assert_eq!(refused(&"x".repeat(999)).len(), DESCRIPTION_MAX);
}
