//! Users: found and listed, made, shown with what each can do now and why not more, and looked after.

use super::desk::{Answered, Change, Desk, Stopped, items, lines, text, texts};
use super::lists::{By, Finds, List, Source};
use super::menu::Place;
use super::pools::{base, time};
use super::{asked_for_name, deletion, user_events};
use crate::pages::console::field::{Field, Input};
use crate::pages::console::form::Form;
use crate::pages::console::list::{Cell, Table, Tone};
use crate::pages::console::parts::{Button, Buttons, Fact, Facts};
use crate::pages::console::{Block, Html, part};
use axum::extract::Path;
use postern_model::cognito_idp::errors::InvalidParameterException;
use postern_model::{Document, Service, refusal};
use postern_store::standing::Kept;
use serde_json::json;

/// What users are found by: the filter's attribute, and how people call it.
const BY: [(&str, &str); 6] = [
    ("email", "Email address"),
    ("username", "Username"),
    ("phone_number", "Phone number"),
    ("given_name", "Given name"),
    ("family_name", "Family name"),
    ("sub", "User ID (sub)"),
];

/// Filters that are chosen and not typed.
const OFFERS: [(&str, &str, &str); 5] = [
    ("cognito:user_status", "CONFIRMED", "Confirmed"),
    ("cognito:user_status", "UNCONFIRMED", "Waiting for confirmation"),
    ("cognito:user_status", "FORCE_CHANGE_PASSWORD", "Must change password"),
    ("cognito:user_status", "EXTERNAL_PROVIDER", "Signs in elsewhere"),
    ("status", "Disabled", "Disabled"),
];

/// A pool's page of a user, by an id that tells nothing about them.
pub fn page_of(pool_id: &str, sub: &str) -> String {
    format!("{}/users/{}", base(pool_id), part(sub))
}

/// An attribute of a user, whichever operation showed it.
pub fn attribute<'a>(user: &'a Document, name: &str) -> &'a str {
    let lists = ["Attributes", "UserAttributes"];
    let all = lists.iter().flat_map(|list| items(user, list));
    all.into_iter().find(|one| one["Name"] == name).map(|one| text(one, "Value")).unwrap_or_default()
}

/// The status in words, and how it stands.
pub fn status(user: &Document) -> Cell {
    if user["Enabled"] == false {
        return Cell::Status(Tone::Bad, "Disabled".to_owned());
    }
    let (tone, words) = match text(user, "UserStatus") {
        "CONFIRMED" => (Tone::Good, "Confirmed"),
        "UNCONFIRMED" => (Tone::Waiting, "Waiting for confirmation"),
        "FORCE_CHANGE_PASSWORD" => (Tone::Waiting, "Must change password"),
        "RESET_REQUIRED" => (Tone::Waiting, "Must reset password"),
        "EXTERNAL_PROVIDER" => (Tone::Good, "Signs in elsewhere"),
        other => (Tone::Plain, other),
    };
    Cell::Status(tone, words.to_owned())
}

/// The name people know a user by.
pub fn known_as(user: &Document) -> String {
    let names = [attribute(user, "email"), attribute(user, "phone_number"), text(user, "Username")];
    names.into_iter().find(|name| !name.is_empty()).unwrap_or_default().to_owned()
}

/// The filter that finds what was searched for: all that begins so.
fn filter(by: &str, wanted: &str) -> String {
    let quoted = wanted.replace('\\', "\\\\").replace('"', "\\\"");
    let compare = if ["sub", "status", "cognito:user_status"].contains(&by) { "=" } else { "^=" };
    format!("{by} {compare} \"{quoted}\"")
}

/// `GET …/users`
pub async fn list(Path(pool_id): Path<String>, desk: Desk) -> Answered {
    let pool = desk.pool(&pool_id).await?;
    let base = format!("{}/users", base(&pool_id));
    let list = List {
        here: base.clone(),
        caption: "Users",
        called: ("user", "users"),
        columns: &["User", "Status", "Email", "Created"],
        source: Source {
            limit: ("Limit", 60),
            token: "PaginationToken",
            ..Source::pools("ListUsers", "Users", json!({ "UserPoolId": pool_id }))
        },
        finds: Finds::By(By {
            typed: &BY,
            label: "Find users whose value begins with",
            offers: &OFFERS,
            several: false,
            ask: |input, by, value| input["Filter"] = filter(by, value).into(),
        }),
        make: Some((format!("{base}/new"), "Create user")),
        empty: "The people who can sign in to your apps.",
        command: format!(
            "aws cognito-idp admin-create-user --user-pool-id {pool_id} --username alice@example.com"
        ),
        all: pool["EstimatedNumberOfUsers"].as_i64(),
        live_s: None,
    };
    let listed = desk.list(list, |user| {
        let is_verified = attribute(user, "email_verified") == "true";
        vec![
            Cell::link(page_of(&pool_id, attribute(user, "sub")), known_as(user)),
            status(user),
            Cell::words(if is_verified { "Verified" } else { "Not verified" }),
            time(user, "UserCreateDate"),
        ]
    });
    let import = Button::link(format!("{base}/imports"), "Import users");
    let blocks = listed.await?.blocks(&desk, vec![import]);
    let place = Place::Pool { id: &pool_id, name: text(&pool, "Name"), page: "/users" };
    desk.show(&place, "Users", "", blocks)
}

/// `GET …/users/new`
pub async fn ask_new(Path(pool_id): Path<String>, desk: Desk) -> Answered {
    let pool = desk.pool(&pool_id).await?;
    let list = format!("{}/users", base(&pool_id));
    let is_development = desk.app.settings.development.inbox;
    let names = texts(&pool, "UsernameAttributes");
    let mut fields = Vec::new();
    let has = |kind: &str| names.iter().any(|name| name == kind);
    if names.is_empty() {
        fields.push(Field::line("username", "Username", "").api("Username"));
    }
    let by_mail = texts(&pool, "Policies.SignInPolicy.AllowedFirstAuthFactors")
        .iter()
        .any(|factor| factor == "EMAIL_OTP");
    fields.push(Field::line_of("email", "email", "Email address", "").api(if has("email") {
        "Username"
    } else {
        "email"
    }));
    fields.push(
        Field::check("verified", "Email verification", "Mark email address as verified", is_development)
            .api("email_verified"),
    );
    if has("phone_number") {
        fields.push(
            Field::line_of("tel", "phone", "Phone number", "")
                .api(if has("email") { "phone_number" } else { "Username" })
                .hint("With its country code, such as +12065550100."),
        );
    }
    fields
        .push(Field::check("invite", "Invitation", "Send an invitation by email", true).api("MessageAction"));
    fields.push(Field::new("password", "Temporary password", Input::Secret).api("TemporaryPassword").hint(
        if by_mail {
            "Not needed: this pool lets people sign in by a mailed code. Empty: no password."
        } else {
            "Empty: one is made, and sent with the invitation."
        },
    ));
    let form = Form::new(format!("{list}/new"), &desk.csrf(), "Create user", fields).cancel(&list);
    let place = Place::InPool {
        id: &pool_id,
        name: text(&pool, "Name"),
        page: "/users",
        above: &list,
        above_name: "Users",
    };
    desk.show(&place, "Create user", "", vec![desk.put(form)])
}

/// `POST …/users/new`
pub async fn make(Path(pool_id): Path<String>, desk: Desk) -> Answered {
    let (email, phone) = (desk.typed("email"), desk.typed("phone"));
    let name = [desk.typed("username"), email, phone].into_iter().find(|name| !name.is_empty());
    let mut attributes = Vec::new();
    if !email.is_empty() {
        attributes.push(json!({ "Name": "email", "Value": email }));
        let verified = if desk.typed("verified").is_empty() { "false" } else { "true" };
        attributes.push(json!({ "Name": "email_verified", "Value": verified }));
    }
    if !phone.is_empty() {
        attributes.push(json!({ "Name": "phone_number", "Value": phone }));
    }
    let mut input = json!({
        "UserPoolId": pool_id,
        "Username": name.unwrap_or_default(),
        "UserAttributes": attributes,
    });
    if desk.typed("invite").is_empty() {
        input["MessageAction"] = "SUPPRESS".into();
    }
    if !desk.typed("password").is_empty() {
        input["TemporaryPassword"] = desk.typed("password").into();
    }
    let list = format!("{}/users", base(&pool_id));
    desk.change(Change {
        service: Service::CognitoIdp,
        operation: "AdminCreateUser",
        input,
        words: "User created",
        done: list.clone(),
        form: format!("{list}/new"),
    })
    .await
}

/// `GET …/users/{user}`
pub async fn one(Path((pool_id, sub)): Path<(String, String)>, desk: Desk) -> Answered {
    let pool = desk.pool(&pool_id).await?;
    let user = desk.pools("AdminGetUser", json!({ "UserPoolId": pool_id, "Username": sub })).await?;
    let (here, list) = (page_of(&pool_id, &sub), format!("{}/users", base(&pool_id)));
    let asked = json!({ "UserPoolId": pool_id, "Username": sub });
    let factors = desk.look(Service::CognitoIdp, "AdminGetUserAuthFactors", asked).await?;
    let mut facts = vec![
        Fact::new("Status", "UserStatus", vec![status(&user)]),
        Fact::new("User ID", "sub", vec![Cell::Copy { id: "sub".to_owned(), text: sub.clone() }]),
        Fact::new("Username", "Username", vec![Cell::Code(text(&user, "Username").to_owned())]),
        Fact::new("Created", "UserCreateDate", vec![time(&user, "UserCreateDate")]),
        Fact::new("Last changed", "UserLastModifiedDate", vec![time(&user, "UserLastModifiedDate")]),
    ];
    if let Ok(factors) = &factors {
        facts.push(Fact::new("Second factors", "UserMFASettingList", second(factors)));
    }
    if let Some(fact) = bounced(&desk, &user).await? {
        facts.push(fact);
    }
    let mut blocks = vec![
        Facts { title: "User information".to_owned(), hint: String::new(), facts, edit_href: None }.html(),
    ];
    blocks.push(match &factors {
        Ok(factors) => ways_table(&pool, &user, factors),
        Err(refusal) => desk.unseen(refusal),
    });
    let attributes = items(&user, "UserAttributes").iter().filter(|one| one["Name"] != "sub");
    let attributes = attributes.map(|one| Fact::words(text(one, "Name"), "", text(one, "Value")));
    blocks.push(
        Facts {
            title: "User attributes".to_owned(),
            hint: String::new(),
            facts: attributes.collect(),
            edit_href: Some(format!("{here}/edit")),
        }
        .html(),
    );
    blocks.push(Buttons { csrf: desk.csrf(), buttons: actions(&user, &here) }.html());
    blocks.extend(user_events::newest(&desk, &pool, &pool_id, &sub).await?);
    blocks.push(user_events::timeline(&desk, &sub).await?);
    let place = Place::InPool {
        id: &pool_id,
        name: text(&pool, "Name"),
        page: "/users",
        above: &list,
        above_name: "Users",
    };
    desk.show(&place, &known_as(&user), "", blocks)
}

/// That no mail goes to the user's address, where that is so.
async fn bounced(desk: &Desk, user: &Document) -> Result<Option<Fact>, Stopped> {
    let email = items(user, "UserAttributes").iter().find(|one| one["Name"] == "email");
    let Some(email) = email.map(|one| text(one, "Value")).filter(|email| !email.is_empty()) else {
        return Ok(None);
    };
    let asked = json!({ "EmailAddress": email });
    let Ok(state) = desk.look(Service::Postern, "GetAddressState", asked).await? else { return Ok(None) };
    let words = match text(&state, "SuppressedFor") {
        "" => return Ok(None),
        "BOUNCE" => "Mail to this address bounced: it gets none",
        _ => "The owner of this address complained about mail: it gets none",
    };
    let way = Cell::link("/console/email/suppressions", "Suppression list");
    Ok(Some(Fact::new("Email", "", vec![Cell::Status(Tone::Bad, words.to_owned()), way])))
}

fn ways_table(pool: &Document, user: &Document, factors: &Document) -> Html {
    let rows = ways(pool, user, factors).into_iter().map(|(way, why_not)| {
        let state = match why_not {
            None => Cell::Status(Tone::Good, "Can be used now".to_owned()),
            Some(why) => Cell::Status(Tone::Waiting, why.to_owned()),
        };
        vec![Cell::words(way), state]
    });
    Table::new("Ways to sign in", vec!["Way", "State"], rows.collect()).html()
}

/// The ways to sign in, and why one cannot be used now. What the user has is what AdminGetUserAuthFactors tells.
fn ways(pool: &Document, user: &Document, factors: &Document) -> Vec<(&'static str, Option<&'static str>)> {
    let allowed = texts(pool, "Policies.SignInPolicy.AllowedFirstAuthFactors");
    let has = texts(factors, "ConfiguredUserAuthFactors");
    let general = match text(user, "UserStatus") {
        _ if user["Enabled"] == false => Some("The user is disabled"),
        "UNCONFIRMED" => Some("The account is not confirmed"),
        "EXTERNAL_PROVIDER" => Some("This user signs in at an outside provider"),
        _ => None,
    };
    let way = |factor: &str, why_not: &'static str| {
        let is = |all: &[String]| all.iter().any(|each| each == factor);
        match (is(&allowed), general) {
            (false, _) => Some("Not one of this pool's choices"),
            (true, None) if is(&has) => None,
            (true, general) => Some(general.unwrap_or(why_not)),
        }
    };
    let sent = |name: &str, none: &'static str, unverified: &'static str| {
        if attribute(user, name).is_empty() { none } else { unverified }
    };
    let email = sent("email", "There is no email address", "The email address is not verified");
    let phone = sent("phone_number", "There is no phone number", "The phone number is not verified");
    let password = match text(user, "UserStatus") {
        "RESET_REQUIRED" => "The password must be reset first",
        _ => "There is no password",
    };
    vec![
        ("Email code", way("EMAIL_OTP", email)),
        ("Password", way("PASSWORD", password)),
        ("Passkey", way("WEB_AUTHN", "No passkey is registered")),
        ("SMS code", way("SMS_OTP", phone)),
    ]
}

/// The second factors that a user has set up, in words.
fn second(factors: &Document) -> Vec<Cell> {
    let preferred = text(factors, "PreferredMfaSetting");
    let words = |name: &str| match name {
        "SOFTWARE_TOKEN_MFA" => "Authenticator app",
        "SMS_MFA" => "SMS code",
        "EMAIL_OTP" => "Email code",
        _ => "Another",
    };
    let all = texts(factors, "UserMFASettingList");
    all.iter()
        .map(|name| match name == preferred {
            true => Cell::words(format!("{} (preferred)", words(name))),
            false => Cell::words(words(name)),
        })
        .collect()
}

/// What can be done with a user as it stands.
fn actions(user: &Document, here: &str) -> Vec<Button> {
    let act = |label: &str, action: &str| Button::post(format!("{here}/act"), label, &[("action", action)]);
    let mut buttons = Vec::new();
    match text(user, "UserStatus") {
        "UNCONFIRMED" => buttons.push(act("Confirm account", "confirm")),
        "FORCE_CHANGE_PASSWORD" => buttons.push(act("Send invitation again", "invite")),
        _ => {}
    }
    if !attribute(user, "email").is_empty() && attribute(user, "email_verified") != "true" {
        buttons.push(act("Mark email as verified", "verify"));
    }
    if !attribute(user, "phone_number").is_empty() && attribute(user, "phone_number_verified") != "true" {
        buttons.push(act("Mark phone as verified", "verify-phone"));
    }
    buttons.push(Button::link(format!("{here}/password"), "Set password"));
    if ["CONFIRMED", "RESET_REQUIRED"].contains(&text(user, "UserStatus")) {
        buttons.push(act("Reset password", "reset"));
    }
    buttons.push(act("Sign out everywhere", "sign-out"));
    buttons.push(if user["Enabled"] == false {
        act("Enable user", "enable")
    } else {
        act("Disable user", "disable")
    });
    buttons.push(Button::link(format!("{here}/delete"), "Delete user"));
    buttons
}

/// `POST …/users/{user}/act`
pub async fn act(Path((pool_id, sub)): Path<(String, String)>, desk: Desk) -> Answered {
    let here = page_of(&pool_id, &sub);
    let mut input = json!({ "UserPoolId": pool_id, "Username": sub });
    let (operation, words) = match desk.typed("action") {
        "confirm" => ("AdminConfirmSignUp", "Account confirmed"),
        "enable" => ("AdminEnableUser", "User enabled"),
        "disable" => ("AdminDisableUser", "User disabled and signed out"),
        "reset" => ("AdminResetUserPassword", "Password reset; a code to choose another is on its way"),
        "sign-out" => ("AdminUserGlobalSignOut", "Signed out everywhere"),
        "invite" => {
            input["MessageAction"] = "RESEND".into();
            ("AdminCreateUser", "Invitation sent again")
        }
        "verify-phone" => {
            input["UserAttributes"] = json!([{ "Name": "phone_number_verified", "Value": "true" }]);
            ("AdminUpdateUserAttributes", "Phone marked as verified")
        }
        "verify" => {
            input["UserAttributes"] = json!([{ "Name": "email_verified", "Value": "true" }]);
            ("AdminUpdateUserAttributes", "Email marked as verified")
        }
        _ => return desk.back(&here, refusal(InvalidParameterException, "There is no such action.")).await,
    };
    desk.change(Change {
        service: Service::CognitoIdp,
        operation,
        input,
        words,
        done: here.clone(),
        form: here,
    })
    .await
}

/// `GET …/users/{user}/edit`
pub async fn ask_edit(Path((pool_id, sub)): Path<(String, String)>, desk: Desk) -> Answered {
    let pool = desk.pool(&pool_id).await?;
    let user = desk.pools("AdminGetUser", json!({ "UserPoolId": pool_id, "Username": sub })).await?;
    let here = page_of(&pool_id, &sub);
    let form = Form::new(format!("{here}/edit"), &desk.csrf(), "Save changes", attribute_fields(&user));
    let form = form.cancel(&here);
    let known_as = known_as(&user);
    let place = Place::InPool {
        id: &pool_id,
        name: text(&pool, "Name"),
        page: "/users",
        above: &here,
        above_name: &known_as,
    };
    desk.show(&place, "Edit user attributes", "", vec![desk.put_edit(form)])
}

/// What can be changed of a user, a line each. Who they are, and at which providers, is nobody's to write.
fn attribute_lines(user: &Document) -> Vec<String> {
    let attributes = items(user, "UserAttributes").iter();
    let own = attributes.filter(|one| !["sub", "identities"].contains(&text(one, "Name")));
    own.map(|one| format!("{}={}", text(one, "Name"), text(one, "Value"))).collect()
}

fn attribute_fields(user: &Document) -> Vec<Field> {
    let field = Field::lines("attributes", "User attributes", 10, attribute_lines(user).join("\n"))
        .api("UserAttributes")
        .hint("One name=value a line. Lines that are taken out stay as they are; use name= to empty one.");
    vec![field]
}

/// `POST …/users/{user}/edit`
pub async fn save(Path((pool_id, sub)): Path<(String, String)>, desk: Desk) -> Answered {
    let here = page_of(&pool_id, &sub);
    let standing = desk.standing(Kept::User { pool_id: pool_id.clone(), id: sub.clone() }).await?;
    let user = desk.pools("AdminGetUser", json!({ "UserPoolId": pool_id, "Username": sub })).await?;
    let typed = lines(desk.form().first("attributes").unwrap_or_default());
    let before: Vec<String> = attribute_lines(&user).iter().map(|line| line.trim().to_owned()).collect();
    let attributes: Vec<Document> = typed
        .iter()
        .filter(|line| !before.contains(line))
        .map(|line| line.split_once('=').unwrap_or((line, "")))
        .map(|(name, value)| json!({ "Name": name.trim(), "Value": value.trim() }))
        .collect();
    let change = Change {
        service: Service::CognitoIdp,
        operation: "AdminUpdateUserAttributes",
        input: json!({ "UserPoolId": pool_id, "Username": sub, "UserAttributes": attributes }),
        words: "User attributes saved",
        done: here.clone(),
        form: format!("{here}/edit"),
    };
    desk.edit(standing, &attribute_fields(&user), change).await
}

/// `GET …/users/{user}/password`
pub async fn ask_password(Path((pool_id, sub)): Path<(String, String)>, desk: Desk) -> Answered {
    let pool = desk.pool(&pool_id).await?;
    let user = desk.pools("AdminGetUser", json!({ "UserPoolId": pool_id, "Username": sub })).await?;
    let here = page_of(&pool_id, &sub);
    let fields = vec![
        Field::new("password", "New password", Input::Secret).api("Password"),
        Field::check("temporary", "Temporary", "The user must change it at the next sign-in", true)
            .api("Permanent"),
    ];
    let form = Form::new(format!("{here}/password"), &desk.csrf(), "Set password", fields).cancel(&here);
    let known_as = known_as(&user);
    let place = Place::InPool {
        id: &pool_id,
        name: text(&pool, "Name"),
        page: "/users",
        above: &here,
        above_name: &known_as,
    };
    desk.show(&place, "Set password", "", vec![desk.put(form)])
}

/// `POST …/users/{user}/password`
pub async fn set_password(Path((pool_id, sub)): Path<(String, String)>, desk: Desk) -> Answered {
    let here = page_of(&pool_id, &sub);
    let permanent = desk.typed("temporary").is_empty();
    desk.change(Change {
        service: Service::CognitoIdp,
        operation: "AdminSetUserPassword",
        input: json!({
            "UserPoolId": pool_id, "Username": sub, "Password": desk.form().first("password").unwrap_or_default(),
            "Permanent": permanent,
        }),
        words: "Password set",
        done: here.clone(),
        form: format!("{here}/password"),
    })
    .await
}

/// `GET …/users/{user}/delete`
pub async fn ask_delete(Path((pool_id, sub)): Path<(String, String)>, desk: Desk) -> Answered {
    let pool = desk.pool(&pool_id).await?;
    let user = desk.pools("AdminGetUser", json!({ "UserPoolId": pool_id, "Username": sub })).await?;
    let (here, known_as) = (page_of(&pool_id, &sub), known_as(&user));
    let place = Place::InPool {
        id: &pool_id,
        name: text(&pool, "Name"),
        page: "/users",
        above: &here,
        above_name: &known_as,
    };
    let form = deletion(&desk, "user", &known_as, &format!("{here}/delete"), &here);
    desk.show(&place, "Delete user", "The account and all that is known of it are gone for good.", vec![form])
}

/// `POST …/users/{user}/delete`
pub async fn delete(Path((pool_id, sub)): Path<(String, String)>, desk: Desk) -> Answered {
    let user = desk.pools("AdminGetUser", json!({ "UserPoolId": pool_id, "Username": sub })).await?;
    let form = format!("{}/delete", page_of(&pool_id, &sub));
    if let Err(error) = asked_for_name(desk.typed("confirm"), &known_as(&user)) {
        return desk.back(&form, error).await;
    }
    desk.change(Change {
        service: Service::CognitoIdp,
        operation: "AdminDeleteUser",
        input: json!({ "UserPoolId": pool_id, "Username": sub }),
        words: "User deleted",
        done: format!("{}/users", base(&pool_id)),
        form,
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(attributes: &[(&str, &str)], status: &str, enabled: bool) -> Document {
        let attributes: Vec<Document> =
            attributes.iter().map(|(name, value)| json!({ "Name": name, "Value": value })).collect();
        json!({ "UserAttributes": attributes, "UserStatus": status, "Enabled": enabled })
    }

    #[test]
    fn each_way_says_why_it_cannot_be_used() {
        let pool = json!({ "Policies": { "SignInPolicy": {
            "AllowedFirstAuthFactors": ["PASSWORD", "EMAIL_OTP", "WEB_AUTHN"],
        } } });
        let alice = [("email", "a@b.test")];
        let state = |user: &Document, has: &[&str]| {
            let factors = json!({ "ConfiguredUserAuthFactors": has });
            ways(&pool, user, &factors).into_iter().map(|(_, why)| why).collect::<Vec<_>>()
        };
        let none = "Not one of this pool's choices";
        assert_eq!(
            state(&user(&alice, "CONFIRMED", true), &["EMAIL_OTP", "WEB_AUTHN"]),
            [None, Some("There is no password"), None, Some(none)]
        );
        let has = ["PASSWORD"];
        assert_eq!(state(&user(&[], "CONFIRMED", true), &has)[0], Some("There is no email address"));
        assert_eq!(
            state(&user(&alice, "CONFIRMED", true), &has)[0],
            Some("The email address is not verified")
        );
        assert_eq!(
            state(&user(&alice, "CONFIRMED", true), &has)[1..3],
            [None, Some("No passkey is registered")]
        );
        assert_eq!(state(&user(&alice, "CONFIRMED", false), &has)[1], Some("The user is disabled"));
        assert_eq!(state(&user(&alice, "UNCONFIRMED", true), &has)[1], Some("The account is not confirmed"));
        assert_eq!(
            state(&user(&alice, "RESET_REQUIRED", true), &[])[1],
            Some("The password must be reset first")
        );
    }

    #[test]
    fn what_is_searched_for_cannot_leave_its_quotes() {
        assert_eq!(filter("email", r#"a" or "b\"#), r#"email ^= "a\" or \"b\\""#);
        assert_eq!(filter("sub", "x"), r#"sub = "x""#);
    }
}
