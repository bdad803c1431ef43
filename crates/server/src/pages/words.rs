//! Everything the sign-in pages say, as whole sentences, one catalogue per language. Pages for developers (inbox,
//! demo, details of problems) speak English and keep their words in their templates.

pub use super::language::Language;

pub(super) mod chinese_simplified;
pub(super) mod chinese_traditional;
pub(super) mod french;
pub(super) mod german;
pub(super) mod indonesian;
pub(super) mod italian;
pub(super) mod japanese;
pub(super) mod korean;
pub(super) mod portuguese;
pub(super) mod spanish;

/// A sentence with named holes, such as `We sent a code to {destination}.`
#[derive(Clone, Copy)]
pub struct Sentence(&'static str);

impl Sentence {
    /// Fills the hole.
    pub fn with(self, hole: &str, value: &str) -> String {
        let (before, after) = self.around(hole);
        format!("{before}{value}{after}")
    }

    /// Splits at the hole, for pages that set the value apart by markup.
    pub fn around(self, hole: &str) -> (&'static str, &'static str) {
        let hole = format!("{{{hole}}}");
        self.0.split_once(&hole).expect("the catalogue's sentences have the holes that pages fill")
    }
}

/// A sentence about a number, `{n}`, in the plural forms of its language (Unicode CLDR; English has two).
#[derive(Clone, Copy)]
pub struct Counted {
    pub one: &'static str,
    pub other: &'static str,
}

impl Counted {
    pub fn of(self, n: u64) -> String {
        let form = if n == 1 { self.one } else { self.other };
        form.replace("{n}", &n.to_string())
    }
}

/// What a field for an attribute is called, and what to say when it is left empty.
#[derive(Clone, Copy)]
pub struct FieldWords {
    pub attribute: &'static str,
    pub label: &'static str,
    pub empty: &'static str,
}

/// What is said of the documents of an app.
#[derive(Clone, Copy)]
pub struct TermsWords {
    /// With holes for the names of both, which are links.
    pub agree: Sentence,
    pub terms_of_use: &'static str,
    pub privacy_policy: &'static str,
}

impl TermsWords {
    /// What stands before, between and behind the two links.
    pub fn around(self) -> (&'static str, &'static str, &'static str) {
        let (before, rest) = self.agree.around("terms");
        let (between, behind) = Sentence(rest).around("privacy");
        (before, between, behind)
    }
}

/// What is said of links that confirm an account.
#[derive(Clone, Copy)]
pub struct LinkWords {
    pub sent_to: Sentence,
    pub new: &'static str,
    pub new_sent: &'static str,
    pub ask: Sentence,
    pub confirmed: &'static str,
    pub confirmed_more: &'static str,
    pub dead_more: &'static str,
}

/// What is said of passkeys.
#[derive(Clone, Copy)]
pub struct PasskeyWords {
    /// On a button beside the field for a name.
    pub sign_in: &'static str,
    pub heading: &'static str,
    pub lead: &'static str,
    pub go_on: &'static str,
    pub again: &'static str,
    pub wrong: &'static str,
    pub needs_script: &'static str,
    pub choose: &'static str,
    pub choose_help: &'static str,
    pub add_heading: &'static str,
    pub add_lead: &'static str,
    pub create: &'static str,
    pub not_now: &'static str,
    pub add_again: &'static str,
    pub add_wrong: &'static str,
}

/// One language's catalogue.
pub struct Words {
    pub lang: &'static str,
    pub own_name: &'static str,
    pub language: &'static str,
    pub title: &'static str,
    pub title_wrong: &'static str,
    pub host: Sentence,
    pub privacy: &'static str,
    pub help: &'static str,
    pub caught: &'static str,
    pub open_inbox: &'static str,

    pub sign_in: &'static str,
    pub next: &'static str,
    pub continue_with: Sentence,
    pub new_here: &'static str,
    pub create_account: &'static str,
    pub create: &'static str,
    pub terms: TermsWords,
    pub names: [FieldWords; 7],
    pub not_an_address: &'static str,
    pub not_a_phone: &'static str,

    pub check_email: &'static str,
    pub check_phone: &'static str,
    pub code_empty_text: &'static str,
    pub code_wrong_text: &'static str,
    pub send_failed_text: &'static str,
    pub has_signal: &'static str,
    pub confirm_account: &'static str,
    pub confirm: &'static str,
    pub code_sent_to: Sentence,
    pub code_works_for: Counted,
    pub code_works_for_hours: Counted,
    pub signing_in_as: Sentence,
    pub signing_up_as: Sentence,
    pub different_account: &'static str,
    pub code: &'static str,
    pub code_empty: &'static str,
    pub code_wrong: &'static str,
    pub code_wrong_left: Counted,
    pub code_spent: &'static str,
    pub code_expired: &'static str,
    pub code_used: &'static str,
    pub code_for_taken: &'static str,
    pub new_code: &'static str,
    pub new_code_sent: &'static str,
    pub sent_ago: Counted,
    pub ask_again_in: Counted,
    pub sent_codes: Counted,
    pub wait: Counted,
    pub wait_or_other_way: Counted,
    pub minutes_left: Counted,
    pub not_now: &'static str,
    pub not_there: &'static str,
    pub look_in_spam: &'static str,
    pub comes_from: Sentence,
    pub takes_a_minute: &'static str,
    pub use_newest: &'static str,
    pub send_failed: &'static str,
    pub send_failed_or_other_way: &'static str,
    pub send_failed_text_or_other_way: &'static str,

    pub other_way: &'static str,
    pub choose: &'static str,
    pub choose_email: &'static str,
    pub choose_text: &'static str,
    pub choose_email_help: Sentence,
    pub choose_password: &'static str,
    pub choose_password_help: &'static str,
    pub back: &'static str,

    pub links: LinkWords,
    pub passkeys: PasskeyWords,

    pub enter_password: &'static str,
    pub password: &'static str,
    pub show: &'static str,
    pub show_password: &'static str,
    pub forgot: &'static str,
    pub password_empty: &'static str,
    pub password_wrong: &'static str,
    pub too_many: Counted,
    pub too_many_or_email: Counted,

    pub took_too_long: &'static str,
    pub took_too_long_at_all: &'static str,
    pub authenticator: &'static str,
    pub authenticator_why: &'static str,
    pub authenticator_empty: &'static str,
    pub authenticator_wrong: &'static str,
    pub authenticator_used: &'static str,
    pub choose_second: &'static str,
    pub choose_second_why: &'static str,
    pub choose_authenticator: &'static str,
    pub choose_authenticator_help: &'static str,
    pub choose_text_help: &'static str,
    pub choose_mail_help: &'static str,
    pub set_up: &'static str,
    pub set_up_why: &'static str,
    pub set_up_scan: &'static str,
    pub set_up_picture: &'static str,
    pub set_up_key: &'static str,
    pub set_up_email: &'static str,
    pub set_up_gone: &'static str,

    pub set_password: &'static str,
    pub set_password_why: &'static str,
    pub new_password: &'static str,
    pub save_and_sign_in: &'static str,
    pub rules: &'static str,
    pub rule_length: Counted,
    pub rule_upper: &'static str,
    pub rule_lower: &'static str,
    pub rule_number: &'static str,
    pub rule_symbol: &'static str,
    pub rules_unmet: &'static str,
    pub password_reused: &'static str,
    pub forgot_ask: &'static str,
    pub forgot_ask_more: &'static str,
    pub send_code: &'static str,
    pub reset_sent_to: Sentence,

    pub attributes: &'static [FieldWords],
    pub attribute_empty: Sentence,
    pub attribute_wrong: &'static str,
    pub have_account: &'static str,
    pub use_password: &'static str,
    pub sign_up_refused: &'static str,

    pub sign_out_ask: &'static str,
    pub sign_out_ask_more: &'static str,
    pub sign_out: &'static str,
    pub signed_out: &'static str,
    pub signed_out_more: &'static str,
    pub sign_in_again: &'static str,

    pub verify_address: &'static str,
    pub verify_address_ask: Sentence,
    pub verify_address_ignore: &'static str,
    pub verify_address_done: &'static str,
    pub verify_address_done_more: Sentence,
    pub verify_address_dead: &'static str,
    pub verify_address_dead_more: &'static str,

    pub unknown_app: &'static str,
    pub unknown_app_more: &'static str,
    pub address_refused: &'static str,
    pub address_refused_more: &'static str,
    pub request_wrong: &'static str,
    pub request_wrong_more: &'static str,
    pub page_expired: &'static str,
    pub page_expired_more: &'static str,
    pub page_expired_start: &'static str,
    pub back_to: Sentence,
    pub sign_in_blocked: &'static str,
    pub sign_in_blocked_more: &'static str,
    pub cookies_blocked: &'static str,
    pub cookies_blocked_more: &'static str,
    pub try_again: &'static str,
    pub fault: &'static str,
    pub fault_more: Sentence,
    pub not_found: &'static str,
    pub not_found_more: &'static str,
    pub slow_down: &'static str,

    pub checking: &'static str,
    pub taking_long: &'static str,
}

impl Words {
    /// Finds the words for a user attribute by its name in the pool's schema.
    pub fn attribute(&self, name: &str) -> Option<FieldWords> {
        self.attributes.iter().find(|words| words.attribute == name).copied()
    }
}

const fn field(attribute: &'static str, label: &'static str, empty: &'static str) -> FieldWords {
    FieldWords { attribute, label, empty }
}

const fn counted(one: &'static str, other: &'static str) -> Counted {
    Counted { one, other }
}

/// The catalogue that all others are held against.
pub(super) const ENGLISH: Words = Words {
    lang: "en",
    own_name: "English",
    language: "Language",
    title: "{page} – {app}",
    title_wrong: "Error: {page} – {app}",
    host: Sentence("You're on {host}"),
    privacy: "Privacy",
    help: "Help",
    caught: "Development mode: mail is caught, not sent.",
    open_inbox: "Open the inbox",

    sign_in: "Sign in",
    next: "Next",
    continue_with: Sentence("Continue with {name}"),
    new_here: "New user?",
    create_account: "Create an account",
    create: "Create account",
    terms: TermsWords {
        agree: Sentence("By creating an account, you agree to the {terms} and the {privacy}."),
        terms_of_use: "Terms of use",
        privacy_policy: "Privacy policy",
    },
    names: [
        field("email", "Email address", "Enter your email address."),
        field("phone", "Phone number", "Enter your phone number."),
        field("username", "Username", "Enter your username."),
        field("email phone", "Email or phone number", "Enter your email address or phone number."),
        field("email username", "Email or username", "Enter your email address or username."),
        field("phone username", "Phone number or username", "Enter your phone number or username."),
        field(
            "any",
            "Email, phone number or username",
            "Enter your email address, phone number or username.",
        ),
    ],
    not_an_address: "Enter an email address like name@example.com.",
    not_a_phone: "Enter a phone number with its country code, like +1 555 010 0199.",

    check_email: "Check your email",
    check_phone: "Check your phone",
    code_empty_text: "Enter the code from the text message.",
    code_wrong_text: "That code isn't right. Check the newest text message and try again.",
    send_failed_text: "We couldn't send the text message. Try again in a minute.",
    has_signal: "Check that your phone has signal.",
    confirm_account: "Confirm your account",
    confirm: "Confirm account",
    code_sent_to: Sentence("We sent a code to {destination}."),
    code_works_for: counted("It works for 1 minute.", "It works for {n} minutes."),
    code_works_for_hours: counted("It works for 1 hour.", "It works for {n} hours."),
    signing_in_as: Sentence("Signing in as {name}"),
    signing_up_as: Sentence("Signing up as {name}"),
    different_account: "Use a different account",
    code: "Verification code",
    code_empty: "Enter the code from the email.",
    code_wrong: "That code isn't right. Check the newest email and try again.",
    code_wrong_left: counted("That code isn't right. 1 try left.", "That code isn't right. {n} tries left."),
    code_spent: "Too many wrong codes. Send a new code to keep going.",
    code_expired: "That code has expired. Send a new one.",
    code_used: "That code was used already. Send a new one.",
    code_for_taken: "Another account has this email address or phone number already. Sign in with that one.",
    new_code: "Send a new code",
    new_code_sent: "New code sent. Use the newest one.",
    sent_ago: counted("We sent one 1 second ago.", "We sent one {n} seconds ago."),
    ask_again_in: counted("You can ask again in 1 second.", "You can ask again in {n} seconds."),
    sent_codes: counted("We've sent 1 code.", "We've sent {n} codes."),
    wait: counted("Wait 1 minute, then ask again.", "Wait {n} minutes, then ask again."),
    wait_or_other_way: counted("Wait 1 minute, or try another way.", "Wait {n} minutes, or try another way."),
    minutes_left: counted("1 min left", "{n} min left"),
    not_now: "That didn't work. Try again in a minute.",
    not_there: "Not there?",
    look_in_spam: "Look in your spam folder.",
    comes_from: Sentence("The email comes from {address}."),
    takes_a_minute: "It can take a minute to arrive.",
    use_newest: "If there are several, use the newest one.",
    send_failed: "We couldn't send the email. Try again in a minute.",
    send_failed_or_other_way: "We couldn't send the email. Try again in a minute, or try another way.",
    send_failed_text_or_other_way: "We couldn't send the text message. Try again in a minute, or try another way.",

    other_way: "Try another way",
    choose: "Choose how to sign in",
    choose_email: "Email a code",
    choose_text: "Text a code",
    choose_email_help: Sentence("to {destination}"),
    choose_password: "Enter your password",
    choose_password_help: "if you have set one",
    back: "Back",

    links: LinkWords {
        sent_to: Sentence(
            "We sent a link to {destination}. Open it and confirm your account, then go on here.",
        ),
        new: "Send a new link",
        new_sent: "New link sent. Use the newest one.",
        ask: Sentence("You have a new account at {app}. Confirm it to use it."),
        confirmed: "Your account is confirmed",
        confirmed_more: "Go on where you signed up, or sign in. You can close this page.",
        dead_more: "It works once, for 24 hours. If your account is not confirmed yet, sign up or sign in once more to get a new link.",
    },
    passkeys: PasskeyWords {
        sign_in: "Sign in with a passkey",
        heading: "Use your passkey",
        lead: "Your device asks for your fingerprint, face or screen lock.",
        go_on: "Continue",
        again: "Nothing happened? Try again, or choose another way.",
        wrong: "That passkey didn't work. Try again, or choose another way.",
        needs_script: "Passkeys need a browser that has them, with scripts on. Choose another way.",
        choose: "Use a passkey",
        choose_help: "With your fingerprint, face or screen lock",
        add_heading: "Sign in faster next time",
        add_lead: "Use your fingerprint, face or screen lock instead of a code.",
        create: "Create a passkey",
        not_now: "Not now",
        add_again: "Nothing happened? Try again, or do it another time.",
        add_wrong: "The passkey could not be saved. Try again, or do it another time.",
    },

    enter_password: "Enter your password",
    password: "Password",
    show: "Show",
    show_password: "Show password",
    forgot: "Forgot your password?",
    password_empty: "Enter your password.",
    password_wrong: "Incorrect username or password.",
    too_many: counted("Too many tries. Wait 1 minute.", "Too many tries. Wait {n} minutes."),
    too_many_or_email: counted(
        "Too many tries. Wait 1 minute, or email a code instead.",
        "Too many tries. Wait {n} minutes, or email a code instead.",
    ),

    took_too_long: "That took too long. Enter your password again.",
    took_too_long_at_all: "That took too long. Sign in again.",
    authenticator: "Enter your authenticator code",
    authenticator_why: "Open your authenticator app and type the code it shows now.",
    authenticator_empty: "Enter the code from your authenticator app.",
    authenticator_wrong: "That code isn't right. Type the one your app shows now.",
    authenticator_used: "That code was used already. Wait for the next one in your app.",
    choose_second: "Choose a second step",
    choose_second_why: "Your account asks for one more proof that it's you.",
    choose_authenticator: "Use your authenticator app",
    choose_authenticator_help: "and type the code it shows",
    choose_text_help: "to your phone number",
    choose_mail_help: "to your email address",
    set_up: "Set up a second step",
    set_up_why: "Your account needs one more proof that it's you. You set it up once.",
    set_up_scan: "Scan this picture with an authenticator app, then type the code the app shows.",
    set_up_picture: "QR code for your authenticator app",
    set_up_key: "Can't scan it? Type this key into the app:",
    set_up_email: "Use an email address instead",
    set_up_gone: "That took too long, and this key no longer works. Sign in again to get a new one.",

    set_password: "Choose a new password",
    set_password_why: "The one you have was only for the first time.",
    new_password: "New password",
    save_and_sign_in: "Save and sign in",
    rules: "It needs:",
    rule_length: counted("at least 1 character", "at least {n} characters"),
    rule_upper: "a capital letter",
    rule_lower: "a small letter",
    rule_number: "a number",
    rule_symbol: "a symbol, like ! or %",
    rules_unmet: "That password doesn't have everything on the list. Choose another one.",
    password_reused: "You've used that password before. Choose another one.",
    forgot_ask: "Reset your password",
    forgot_ask_more: "We'll send you a code to choose a new one.",
    send_code: "Send a code",
    reset_sent_to: Sentence("If there is an account, we sent a code to {destination}."),

    attributes: &[
        field("username", "Username", "Enter a username."),
        field("email", "Email address", "Enter your email address."),
        field("phone_number", "Phone number", "Enter your phone number."),
        field("name", "Full name", "Enter your full name."),
        field("given_name", "First name", "Enter your first name."),
        field("family_name", "Last name", "Enter your last name."),
        field("middle_name", "Middle name", "Enter your middle name."),
        field("nickname", "Nickname", "Enter your nickname."),
        field("preferred_username", "Preferred username", "Enter your preferred username."),
        field("birthdate", "Date of birth", "Enter your date of birth."),
        field("gender", "Gender", "Enter your gender."),
        field("address", "Address", "Enter your address."),
        field("locale", "Language", "Enter your language."),
        field("zoneinfo", "Time zone", "Enter your time zone."),
        field("picture", "Picture address", "Enter the address of your picture."),
        field("profile", "Profile address", "Enter the address of your profile."),
        field("website", "Website", "Enter the address of your website."),
    ],
    attribute_empty: Sentence("Enter something for {label}."),
    attribute_wrong: "Check this. It can't be saved as it is.",
    have_account: "Have an account?",
    use_password: "Use a password instead",
    sign_up_refused: "We couldn't create the account. Check what you entered and try again.",

    sign_out_ask: "Do you want to sign out?",
    sign_out_ask_more: "If you didn't ask for this, close the page. You stay signed in.",
    sign_out: "Sign out",
    signed_out: "You're signed out",
    signed_out_more: "You can close this page.",
    sign_in_again: "Sign in again",

    verify_address: "Confirm this email address",
    verify_address_ask: Sentence(
        "This server would like to send email from {address}. Confirm that it is yours.",
    ),
    verify_address_ignore: "If you didn't expect this, close the page. Nothing happens without the button.",
    verify_address_done: "Email address confirmed",
    verify_address_done_more: Sentence("{address} is ready to use. You can close this page."),
    verify_address_dead: "This link has expired",
    verify_address_dead_more: "It works once, for 24 hours. Ask for a new one where the address was added.",

    unknown_app: "This app isn't set up here.",
    unknown_app_more: "Go back to the app and tell its makers.",
    address_refused: "The app sent an address that isn't allowed.",
    address_refused_more: "For your safety we stopped here. Go back to the app and tell its makers.",
    request_wrong: "The app's request isn't complete.",
    request_wrong_more: "Go back to the app and try again.",
    page_expired: "This page has expired.",
    page_expired_more: "Nothing is lost. Go back to the app and continue there.",
    page_expired_start: "Start again from the app.",
    back_to: Sentence("Back to {app}"),
    sign_in_blocked: "This sign-in was blocked.",
    sign_in_blocked_more: "Try again on a device or in a network that you have used before, or ask whoever runs the service.",
    cookies_blocked: "Your browser blocks cookies for this site, so sign-in can't continue.",
    cookies_blocked_more: "Allow cookies for this site, then try again.",
    try_again: "Try again",
    fault: "Something went wrong on our side.",
    fault_more: Sentence("Try again in a minute. If it stays, mention reference {reference}."),
    not_found: "There is no page here.",
    not_found_more: "Go back to the app and start from there.",
    slow_down: "Too many tries",

    checking: "Checking…",
    taking_long: "This is taking longer than usual. Try again.",
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_takes_its_value_where_the_hole_is() {
        let sentence = Sentence("We sent it to {who}.");
        assert_eq!(sentence.around("who"), ("We sent it to ", "."));
        assert_eq!(sentence.with("who", "{who}"), "We sent it to {who}.");
    }

    #[test]
    fn one_has_a_form_of_its_own() {
        let words = Language::English.words();
        assert_eq!(words.code_works_for.of(1), "It works for 1 minute.");
        assert_eq!(words.code_works_for.of(3), "It works for 3 minutes.");
        assert_eq!(words.ask_again_in.of(18), "You can ask again in 18 seconds.");
        assert_eq!(words.code_wrong_left.of(1), "That code isn't right. 1 try left.");
    }
}
