//! What people find on the sign-in pages, state by state.

use super::*;
use crate::pages::Page;
use crate::pages::words::Language;

fn frame() -> Frame {
    Frame::new(Language::English, "Acme", "localhost:9320")
}

fn form() -> Form {
    Form { flow: "flow-1".to_owned(), csrf: "csrf-1".to_owned() }
}

fn identify() -> Identify {
    let (kind, value) = (NameKind::Email, String::new());
    Identify {
        frame: frame(),
        form: form(),
        kind,
        value,
        error: None,
        takes_names: true,
        providers: Vec::new(),
        sign_up_href: None,
        passkey_options_href: None,
    }
}

fn code() -> CheckCode {
    CheckCode {
        frame: frame(),
        form: form(),
        kind: CodeKind::SignIn,
        destination: "a***@e***".to_owned(),
        name: "alice@example.com".to_owned(),
        different_href: "/login?again".to_owned(),
        minutes: 3,
        left_s: 170,
        error: None,
        notice: None,
        resend_wait_s: 0,
        may_resend: true,
        other_way_href: None,
        from: Some("no-reply@example.com".to_owned()),
    }
}

fn choose() -> Choose {
    Choose {
        frame: frame(),
        form: form(),
        name: "alice@example.com".to_owned(),
        different_href: "/login?again".to_owned(),
        factors: vec![Factor::EmailCode { destination: "a***@e***".to_owned() }, Factor::Password],
        error: None,
        back_href: None,
    }
}

fn password() -> Password {
    Password {
        frame: frame(),
        form: form(),
        name: "alice@example.com".to_owned(),
        different_href: "/login?again".to_owned(),
        error: None,
        forgot_href: None,
        other_way_href: None,
    }
}

fn wanted(error: Option<NewPasswordError>) -> PasswordField {
    let rules = vec![PasswordRule::Length(8), PasswordRule::Symbol];
    PasswordField { rules, error }
}

fn new_password() -> NewPassword {
    NewPassword {
        frame: frame(),
        form: form(),
        name: "alice@example.com".to_owned(),
        different_href: "/login?again".to_owned(),
        fields: Vec::new(),
        password: wanted(None),
    }
}

fn field(attribute: &str, error: Option<FieldError>) -> Field {
    Field { attribute: attribute.to_owned(), value: String::new(), error }
}

fn sign_up() -> SignUp {
    SignUp {
        frame: frame(),
        form: form(),
        fields: vec![field("email", None), field("given_name", None), field("custom:team", None)],
        password: None,
        use_password_href: None,
        terms: None,
        error: None,
        sign_in_href: "/login".to_owned(),
        asks_for_passkeys: false,
    }
}

/// The start tag of the element with an id.
fn tag<'a>(html: &'a str, id: &str) -> &'a str {
    let at = html.find(&format!("<input id=\"{id}\"")).expect("the field is there");
    &html[at..at + html[at..].find('>').expect("the tag ends")]
}

#[test]
fn every_page_has_one_heading_one_title_and_its_hidden_fields() {
    let pages = [
        (identify().render(), "Sign in – Acme"),
        (code().render(), "Check your email – Acme"),
        (choose().render(), "Choose how to sign in – Acme"),
        (password().render(), "Enter your password – Acme"),
        (new_password().render(), "Choose a new password – Acme"),
        (sign_up().render(), "Create an account – Acme"),
    ];
    for (html, title) in pages {
        assert!(html.contains(&format!("<title>{title}</title>")), "{title}");
        assert_eq!(html.matches("<h1>").count(), 1, "{title}");
        assert_eq!(html.matches("<main>").count(), 1, "{title}");
        assert!(html.contains(r#"<html lang="en">"#), "{title}");
        assert!(html.contains(r#"name="flow" value="flow-1""#), "{title}");
        assert!(html.contains(r#"name="csrf" value="csrf-1""#), "{title}");
        assert!(html.contains("<strong>localhost:9320</strong>"), "{title}");
        assert!(
            !html.contains("style=") && !html.contains("<script>") && !html.contains("onclick"),
            "{title}"
        );
    }
}

#[test]
fn a_first_visit_fits_in_forty_kibibytes() {
    let script = assets::find(assets::script_path()).expect("the script is there");
    let icon = assets::find(assets::icon_path()).expect("the icon is there");
    let all = identify().render().len() + assets::CSS.len() + script.bytes.len() + icon.bytes.len();
    assert!(all <= 40 * 1024, "{all} bytes");
}

#[test]
fn the_name_field_says_what_may_be_typed() {
    let labels = [
        (NameKind::Email, "Email address", "email"),
        (NameKind::Phone, "Phone number", "tel"),
        (NameKind::Username, "Username", "text"),
        (NameKind::EmailOrPhone, "Email or phone number", "text"),
        (NameKind::EmailOrUsername, "Email or username", "text"),
        (NameKind::PhoneOrUsername, "Phone number or username", "text"),
        (NameKind::Any, "Email, phone number or username", "text"),
    ];
    for (kind, label, input) in labels {
        let html = Identify { kind, ..identify() }.render();
        assert!(html.contains(&format!(r#"<label for="username">{label}</label>"#)));
        let tag = tag(&html, "username");
        assert!(tag.contains(&format!(r#"type="{input}""#)));
        assert!(tag.contains(r#"autocomplete="username webauthn" autocapitalize="none" spellcheck="false""#));
        assert!(!tag.contains("aria-invalid"));
    }
}

#[test]
fn a_wrong_name_is_announced_tied_to_the_field_and_kept() {
    let value = r#""><script>alert(1)</script>"#.to_owned();
    let html = Identify { value, error: Some(NameError::NotAnAddress), ..identify() }.render();
    assert!(html.contains("<title>Error: Sign in – Acme</title>"));
    assert!(html.contains(
        r#"<p class="error" id="username-error" role="alert">Enter an email address like name@example.com.</p>"#
    ));
    assert!(tag(&html, "username").contains(r#"aria-invalid="true" aria-describedby="username-error""#));
    assert!(html.contains("&#34;&#62;&#60;script&#62;alert(1)") && !html.contains("<script>alert"));
}

#[test]
fn signing_up_is_offered_only_where_it_is_possible() {
    assert!(!identify().render().contains("Create an account"));
    let page = Identify { sign_up_href: Some("/signup?a=1&b=2".to_owned()), ..identify() };
    assert!(page.render().contains(r#"<a href="/signup?a=1&#38;b=2">Create an account</a>"#));
}

#[test]
fn the_code_has_one_field_made_for_codes() {
    let html = code().render();
    let tag = tag(&html, "code");
    assert!(tag.contains(r#"type="text" inputmode="numeric" autocomplete="one-time-code""#));
    assert!(!tag.contains("pattern"));
    assert!(html.contains("We sent a code to <strong>a***@e***</strong>. It works for 3 minutes."));
    assert!(html.contains("Signing in as <strong>alice@example.com</strong>"));
    assert!(html.contains("The email comes from <strong>no-reply@example.com</strong>."));
    assert_eq!(html.matches("type=\"text\"").count(), 1);
}

#[test]
fn each_fault_of_a_code_has_its_own_sentence() {
    let cases = [
        (CodeError::Empty, "Enter the code from the email."),
        (CodeError::Wrong, "That code isn&#39;t right. Check the newest email and try again."),
        (CodeError::WrongLeft { tries: 1 }, "That code isn&#39;t right. 1 try left."),
        (CodeError::Spent, "Too many wrong codes. Send a new code to keep going."),
        (CodeError::Expired, "That code has expired. Send a new one."),
        (CodeError::Used, "That code was used already. Send a new one."),
        (CodeError::SendFailed, "We couldn&#39;t send the email. Try again in a minute."),
    ];
    for (error, words) in cases {
        let html = CheckCode { error: Some(error), ..code() }.render();
        let alert = format!(r#"<p class="error" id="code-error" role="alert">{words}</p>"#);
        assert!(html.contains(&alert), "{error:?}");
        assert!(html.contains("<title>Error: "), "{error:?}");
        assert!(tag(&html, "code").contains("aria-invalid=\"true\" aria-describedby=\"code-error sent\""));
    }
}

#[test]
fn there_is_always_exactly_one_main_button() {
    for error in [None, Some(CodeError::Wrong), Some(CodeError::Spent), Some(CodeError::Expired)] {
        for may_resend in [true, false] {
            let html = CheckCode { error, may_resend, ..code() }.render();
            assert_eq!(html.matches("class=\"primary\"").count(), 1, "{error:?}");
            assert_eq!(html.contains("/login/resend"), may_resend);
        }
    }
}

#[test]
fn asking_again_is_answered_in_the_status() {
    let cases = [
        (CodeNotice::Sent, "New code sent. Use the newest one."),
        (
            CodeNotice::TooSoon { ago_s: 12, wait_s: 18 },
            "We sent one 12 seconds ago. You can ask again in 18 seconds.",
        ),
        (
            CodeNotice::NoneLeft { sent: 3, wait_minutes: 15 },
            "We&#39;ve sent 3 codes. Wait 15 minutes, or try another way.",
        ),
    ];
    for (notice, words) in cases {
        let other_way_href = Some("/login?choose".to_owned());
        let html = CheckCode { notice: Some(notice), other_way_href, ..code() }.render();
        assert!(html.contains(&format!(r#"<div role="status" class="status">{words}</div>"#)));
        assert!(html.contains("<title>Check your email"));
    }
    let notice = Some(CodeNotice::NoneLeft { sent: 3, wait_minutes: 15 });
    assert!(!CheckCode { notice, ..code() }.render().contains("another way"));
}

#[test]
fn confirming_a_new_account_is_the_code_page_with_its_own_words() {
    let html = CheckCode { kind: CodeKind::ConfirmSignUp, ..code() }.render();
    assert!(html.contains("<h1>Confirm your account</h1>") && html.contains(r#"action="/confirm""#));
    assert!(!html.contains(r#"action="/login/code""#));
}

#[test]
fn the_ways_are_buttons_with_their_challenge() {
    let html = choose().render();
    assert!(
        html.contains(r#"name="factor" value="EMAIL_OTP"><strong>Email a code</strong> <span>to a***@e***"#)
    );
    assert!(html.contains(r#"name="factor" value="PASSWORD""#));
    let html = Choose { error: Some(Unsent::Mail), ..choose() }.render();
    assert!(html.contains("or try another way.</p>") && html.contains("<title>Error: "));
}

#[test]
fn a_password_manager_finds_name_and_password() {
    let html = password().render();
    assert!(html.contains(r#"name="username" value="alice@example.com" autocomplete="username""#));
    assert!(tag(&html, "password").contains(r#"type="password" autocomplete="current-password""#));
    let error = Some(PasswordError::TooMany { minutes: 4, email_instead: true });
    let html = Password { error, ..password() }.render();
    assert!(html.contains("Too many tries. Wait 4 minutes, or email a code instead."));
    assert!(tag(&html, "password").contains(r#"aria-describedby="password-error""#));
    assert!(new_password().render().contains(r#"autocomplete="new-password""#));
}

#[test]
fn the_rules_of_a_password_stand_before_its_field() {
    let html =
        NewPassword { password: wanted(Some(NewPasswordError::RulesUnmet)), ..new_password() }.render();
    let (rules, input) = (html.find("at least 8 characters"), html.find("<input id=\"password\""));
    assert!(rules < input && rules.is_some());
    assert!(tag(&html, "password").contains(r#"aria-describedby="password-error password-rules""#));
    assert!(tag(&html, "password").contains("autofocus"));
}

#[test]
fn a_new_account_asks_only_for_its_fields() {
    let html = sign_up().render();
    assert!(tag(&html, "email").contains(r#"type="email""#) && tag(&html, "email").contains("autofocus"));
    assert!(tag(&html, "given_name").contains(r#"autocomplete="given-name""#));
    assert!(html.contains(r#"<label for="custom-team">team</label>"#));
    assert!(!html.contains("type=\"password\""));
    let html = SignUp { password: Some(wanted(None)), ..sign_up() }.render();
    assert!(html.contains("type=\"password\""));
}

#[test]
fn the_focus_goes_to_the_first_wrong_field() {
    let fields = vec![
        field("email", None),
        field("given_name", Some(FieldError::Empty)),
        field("custom:team", Some(FieldError::Empty)),
    ];
    let html = SignUp { fields, ..sign_up() }.render();
    assert!(html.contains("<title>Error: Create an account – Acme</title>"));
    assert_eq!(html.matches("autofocus").count(), 1);
    assert!(tag(&html, "given_name").contains("autofocus"));
    assert!(html.contains("Enter your first name.") && html.contains("Enter something for team."));
}

#[test]
fn caught_mail_is_pointed_to_in_development_only() {
    assert!(!code().render().contains("Development mode"));
    let frame = Frame { inbox_href: Some("/inbox".to_owned()), ..frame() };
    assert!(CheckCode { frame, ..code() }.render().contains("Development mode: mail is caught, not sent."));
}

#[test]
fn good_bye_offers_the_way_back() {
    let page = |sign_in_href| SignedOut { frame: frame(), sign_in_href }.render();
    assert!(page(None).contains("<h1>You&#39;re signed out</h1>") && !page(None).contains("Sign in again"));
    assert!(page(Some("/login".to_owned())).contains(r#"href="/login">Sign in again</a>"#));
}
