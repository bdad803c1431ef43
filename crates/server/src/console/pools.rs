//! User pools: the list, a new one by three questions, the overview with what is still missing, the end.

use super::desk::{Answered, Change, Desk, Stopped, found, items, lines, text, texts};
use super::lists::{Finds, List, Source};
use super::menu::Place;
use super::note::Note;
use super::{asked_for_name, deletion};
use crate::pages::console::field::{Choice, Field, Input};
use crate::pages::console::form::Form;
use crate::pages::console::list::{Cell, Tone};
use crate::pages::console::parts::{Button, Buttons, Fact, Facts, Numbers, Said, Step, Steps};
use crate::pages::console::{Block, moment, part};
use axum::extract::Path;
use postern_model::{Answer, Document, Service};
use serde_json::json;

const LIST: &str = "/console/pools";

pub fn base(pool_id: &str) -> String {
    format!("{LIST}/{}", part(pool_id))
}

/// A time of a document, in milliseconds.
pub fn time(document: &Document, way: &str) -> Cell {
    let seconds = super::desk::at(document, way).as_f64();
    match seconds {
        Some(seconds) => Cell::Time(moment((seconds * 1000.0) as i64)),
        None => Cell::words(""),
    }
}

impl Desk {
    /// The pool that a page is about.
    pub async fn pool(&self, pool_id: &str) -> Result<Document, Stopped> {
        let mut answer = self.pools("DescribeUserPool", json!({ "UserPoolId": pool_id })).await?;
        Ok(answer["UserPool"].take())
    }
}

/// `GET /console/pools`
pub async fn list(desk: Desk) -> Answered {
    let list = List {
        here: LIST.to_owned(),
        caption: "User pools",
        called: ("user pool", "user pools"),
        columns: &["Name", "User pool ID", "Created"],
        source: Source::pools("ListUserPools", "UserPools", json!({})),
        finds: Finds::Whole,
        make: Some((format!("{LIST}/new"), "Create user pool")),
        empty: "A user pool holds the people who sign in to your apps, and says how they do.",
        command: "aws cognito-idp create-user-pool --pool-name my-app".to_owned(),
        all: None,
        live_s: None,
    };
    let listed = desk.list(list, |pool| {
        vec![
            Cell::link(base(text(pool, "Id")), text(pool, "Name")),
            Cell::Code(text(pool, "Id").to_owned()),
            time(pool, "CreationDate"),
        ]
    });
    let blocks = listed.await?.blocks(&desk, Vec::new());
    desk.show(&Place::Top(LIST), "User pools", "", blocks)
}

const KINDS: [(&str, &str, &str); 4] = [
    ("spa", "Single-page application", "Runs in the browser. Has no secret."),
    ("web", "Traditional web application", "Runs on a server, which keeps a client secret."),
    ("mobile", "Mobile app", "Runs on phones. Has no secret."),
    ("machine", "Machine-to-machine", "No person signs in. Has a client secret, and the scope api/access."),
];

const NAMES: [(&str, &str, &str); 3] = [
    ("email", "Email", ""),
    ("phone_number", "Phone number", ""),
    ("username", "Username", "Together with email or phone, those become other names for the same person."),
];

/// `GET /console/pools/new`
pub async fn ask_new(desk: Desk) -> Answered {
    let choices = |all: &[(&str, &str, &str)], on: &str| -> Vec<Choice> {
        all.iter().map(|(value, label, help)| Choice::new(*value, *label, *value == on).help(*help)).collect()
    };
    let fields = vec![
        Field::new("kind", "1. What kind of app is it?", Input::Radios(choices(&KINDS, "spa"))),
        Field::line("name", "Name of the app", "").api("PoolName").hint("The pool and its first app client get it."),
        Field::new("names", "2. What do people sign in with?", Input::Checks(choices(&NAMES, "email")))
            .api("UsernameAttributes")
            .hint("This cannot be changed later, because people are found by it."),
        Field::lines("callbacks", "3. Where do they return to?", 2, "")
            .api("CallbackURLs")
            .hint("The app's address that takes the sign-in's answer, one a line, such as https://app.example.com/callback."),
    ];
    let form = Form::new(format!("{LIST}/new"), &desk.csrf(), "Create user pool", fields).cancel(LIST);
    let form = desk.put(form);
    let get = Facts {
        title: "What you get".to_owned(),
        hint: "All of it can be changed later, except what people sign in with.".to_owned(),
        facts: vec![
            Fact::words("Passwords", "PasswordPolicy", "8 characters or more, of four kinds"),
            Fact::words("Case", "UsernameConfiguration", "Upper and lower case are the same in names"),
            Fact::words(
                "Accounts",
                "AdminCreateUserConfig",
                "People can create their own, and prove their address by a code",
            ),
            Fact::words("Sign-in pages", "AllowedOAuthFlows", "Authorization code grant, with PKCE"),
        ],
        edit_href: None,
    };
    let lead = "Three questions. You end on the app client, with code to paste.";
    desk.show(&Place::Below(LIST, "User pools"), "Create user pool", lead, vec![form, get.html()])
}

/// `POST /console/pools/new`
pub async fn make(desk: Desk) -> Answered {
    let kind = desk.typed("kind").to_owned();
    let names: Vec<String> = desk.form().every("names").map(str::to_owned).collect();
    let input = new_pool(desk.typed("name"), &names);
    let form = format!("{LIST}/new");
    let create_pool = found(Service::CognitoIdp, "CreateUserPool");
    let made = match desk.call(create_pool, &input).await {
        Ok(made) => made,
        Err(error) => return desk.back(&form, error).await,
    };
    let pool_id = text(&made, "UserPool.Id").to_owned();
    let callbacks = lines(desk.form().first("callbacks").unwrap_or_default());
    let note = Note::done("User pool created").by(create_pool, &input);
    match first_client(&desk, &pool_id, &kind, callbacks, note).await {
        Ok((client_id, note)) => {
            desk.go(&format!("{}/clients/{}", base(&pool_id), part(&client_id)), &note).await
        }
        Err(error) => {
            // Half of what was asked for is not left behind.
            let undo = found(Service::CognitoIdp, "DeleteUserPool");
            if let Err(failed) = desk.call(undo, &json!({ "UserPoolId": pool_id })).await {
                return Err(desk.stopped(failed));
            }
            desk.back(&form, error).await
        }
    }
}

/// Makes the app client of a new pool, and what it needs; tells its id.
async fn first_client(
    desk: &Desk,
    pool_id: &str,
    kind: &str,
    callbacks: Vec<String>,
    mut note: Note,
) -> Answer<(String, Note)> {
    if kind == "machine" {
        let (call, server) = (found(Service::CognitoIdp, "CreateResourceServer"), new_server(pool_id));
        desk.call(call, &server).await?;
        note = note.by(call, &server);
    }
    let call = found(Service::CognitoIdp, "CreateUserPoolClient");
    let client = new_client(pool_id, desk.typed("name"), kind, callbacks);
    let made = desk.call(call, &client).await?;
    Ok((text(&made, "UserPoolClient.ClientId").to_owned(), note.by(call, &client)))
}

/// What machines may ask for in a new pool: a scope to begin with.
fn new_server(pool_id: &str) -> Document {
    let scope = json!({ "ScopeName": "access", "ScopeDescription": "Use the API" });
    json!({ "UserPoolId": pool_id, "Identifier": "api", "Name": "API", "Scopes": [scope] })
}

fn new_pool(name: &str, names: &[String]) -> Document {
    let contacts: Vec<&String> = names.iter().filter(|name| *name != "username").collect();
    let by_username = names.iter().any(|name| name == "username");
    let mut input = json!({
        "PoolName": name,
        "UsernameConfiguration": { "CaseSensitive": false },
        "AccountRecoverySetting": { "RecoveryMechanisms": [{ "Name": "verified_email", "Priority": 1 }] },
        "Policies": { "SignInPolicy": { "AllowedFirstAuthFactors": ["PASSWORD"] } },
    });
    if !contacts.is_empty() {
        input[if by_username { "AliasAttributes" } else { "UsernameAttributes" }] = json!(contacts);
    }
    if names.iter().any(|name| name == "email") {
        input["AutoVerifiedAttributes"] = json!(["email"]);
    }
    input
}

fn new_client(pool_id: &str, name: &str, kind: &str, callbacks: Vec<String>) -> Document {
    let mut input = json!({
        "UserPoolId": pool_id,
        "ClientName": name,
        "GenerateSecret": matches!(kind, "web" | "machine"),
        "PreventUserExistenceErrors": "ENABLED",
    });
    if kind == "machine" {
        input["AllowedOAuthFlowsUserPoolClient"] = true.into();
        input["AllowedOAuthFlows"] = json!(["client_credentials"]);
        input["AllowedOAuthScopes"] = json!(["api/access"]);
        return input;
    }
    input["ExplicitAuthFlows"] = json!(["ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]);
    input["SupportedIdentityProviders"] = json!(["COGNITO"]);
    if !callbacks.is_empty() {
        input["AllowedOAuthFlowsUserPoolClient"] = true.into();
        input["AllowedOAuthFlows"] = json!(["code"]);
        input["AllowedOAuthScopes"] = json!(["openid", "email", "phone"]);
        input["CallbackURLs"] = json!(callbacks);
    }
    input
}

/// `GET /console/pools/{pool}`
pub async fn overview(Path(pool_id): Path<String>, desk: Desk) -> Answered {
    let pool = desk.pool(&pool_id).await?;
    let base = base(&pool_id);
    let listed =
        desk.pools("ListUserPoolClients", json!({ "UserPoolId": pool_id, "MaxResults": 60 })).await?;
    let clients = items(&listed, "UserPoolClients");
    let account = desk.look(Service::SesV2, "GetAccount", json!({})).await?;
    let mut offers_choice = false;
    for client in clients {
        let asked = json!({ "UserPoolId": pool_id, "ClientId": text(client, "ClientId") });
        let described = desk.pools("DescribeUserPoolClient", asked).await?;
        offers_choice |= texts(&described, "UserPoolClient.ExplicitAuthFlows")
            .iter()
            .any(|flow| flow == "ALLOW_USER_AUTH");
        if offers_choice {
            break;
        }
    }
    let users = pool["EstimatedNumberOfUsers"].as_i64().unwrap_or_default();
    let sandbox = account.as_ref().is_ok_and(|account| account["ProductionAccessEnabled"] != true);
    let mut blocks = vec![
        Numbers {
            numbers: vec![
                (counted(users), of(users, "user", "users").to_owned()),
                (
                    counted_page(&listed, clients),
                    of(clients.len() as i64, "app client", "app clients").to_owned(),
                ),
            ],
        }
        .html(),
    ];
    let first_client = clients.first().map(|client| part(text(client, "ClientId")));
    let state = State { users, offers_choice, sandbox, first_client };
    blocks.push(
        Steps { title: "Signing in by a mailed code".to_owned(), steps: steps(&pool, &base, &state) }.html(),
    );
    let facts = vec![
        Fact::new("User pool ID", "Id", vec![Cell::Copy { id: "pool-id".to_owned(), text: pool_id.clone() }]),
        Fact::new(
            "ARN",
            "Arn",
            vec![Cell::Copy { id: "pool-arn".to_owned(), text: text(&pool, "Arn").to_owned() }],
        ),
        Fact::new(
            "Issuer",
            "iss",
            vec![Cell::Copy { id: "issuer".to_owned(), text: desk.app.pools.place.issuer_of(&pool_id) }],
        ),
        Fact::new("Created", "CreationDate", vec![time(&pool, "CreationDate")]),
        Fact::new("Last changed", "LastModifiedDate", vec![time(&pool, "LastModifiedDate")]),
    ];
    let facts =
        Facts { title: "User pool information".to_owned(), hint: String::new(), facts, edit_href: None };
    blocks.push(facts.html());
    let place = Place::Pool { id: &pool_id, name: text(&pool, "Name"), page: "" };
    desk.show(&place, text(&pool, "Name"), "", blocks)
}

/// A number with its thousands set apart.
pub fn counted(number: i64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// How many a list begins with, and whether it goes on.
fn counted_page(listed: &Document, items: &[Document]) -> String {
    let more = if listed["NextToken"].is_string() { "+" } else { "" };
    format!("{}{more}", items.len())
}

/// The word for so many of something.
pub fn of(number: i64, one: &'static str, many: &'static str) -> &'static str {
    if number == 1 { one } else { many }
}

/// What the overview knows besides the pool.
struct State {
    users: i64,
    offers_choice: bool,
    sandbox: bool,
    first_client: Option<String>,
}

/// What sign-in by a mailed code needs, and the way to what is missing.
fn steps(pool: &Document, base: &str, state: &State) -> Vec<Step> {
    let own_sender = text(pool, "EmailConfiguration.EmailSendingAccount") == "DEVELOPER";
    let factors = texts(pool, "Policies.SignInPolicy.AllowedFirstAuthFactors");
    let by_mail = factors.iter().any(|factor| factor == "EMAIL_OTP");
    let step = |is_done: bool, done: &str, missing: &str, href: String, label: &str| Step {
        is_done,
        words: if is_done { done } else { missing }.to_owned(),
        way: (!is_done).then(|| (href, label.to_owned())),
    };
    let clients = match &state.first_client {
        Some(client) => step(
            state.offers_choice,
            "An app client allows choice-based sign-in.",
            "No app client allows choice-based sign-in.",
            format!("{base}/clients/{client}/edit/client"),
            "Allow it",
        ),
        None => step(
            false,
            "",
            "No app can sign people in yet.",
            format!("{base}/clients/new"),
            "Create app client",
        ),
    };
    let sandbox_words = "Mail goes to verified addresses only, because email is in the sandbox.";
    vec![
        step(
            own_sender,
            "Mail comes from an address of yours.",
            "Email code needs a sender. Set one up. Until then the server's own brings up to 50 mails a day.",
            format!("{base}/edit/email"),
            "Set up a sender",
        ),
        step(
            // The sandbox holds back what is sent as an identity.
            !own_sender || !state.sandbox,
            if own_sender {
                "Mail goes to everybody: email is out of the sandbox."
            } else {
                "Mail of the server's own sender goes to everybody."
            },
            sandbox_words,
            "/console/email/production".to_owned(),
            "Request production access",
        ),
        step(
            by_mail,
            "A code by mail is one of the choices.",
            "A code by mail is not one of the choices yet.",
            format!("{base}/edit/choice"),
            "Allow it",
        ),
        clients,
        step(
            state.users > 0,
            "There are people who can sign in.",
            "There is nobody yet who could sign in.",
            format!("{base}/users/new"),
            "Create user",
        ),
    ]
}

/// `GET /console/pools/{pool}/delete`
pub async fn ask_delete(Path(pool_id): Path<String>, desk: Desk) -> Answered {
    let pool = desk.pool(&pool_id).await?;
    let name = text(&pool, "Name");
    let base = base(&pool_id);
    let place = Place::InPool {
        id: &pool_id,
        name,
        page: "/settings",
        above: &format!("{base}/settings"),
        above_name: "Settings",
    };
    if text(&pool, "DeletionProtection") == "ACTIVE" {
        let button = Button::link(format!("{base}/edit/general"), "Edit deletion protection").main();
        let buttons = Buttons { csrf: desk.csrf(), buttons: vec![button] };
        let lead = "Deletion protection is on: this pool cannot be deleted until it is switched off.";
        return desk.show(&place, "Delete user pool", lead, vec![buttons.html()]);
    }
    let listed =
        desk.pools("ListUserPoolClients", json!({ "UserPoolId": pool_id, "MaxResults": 60 })).await?;
    let users = pool["EstimatedNumberOfUsers"].as_i64().unwrap_or_default();
    let clients = items(&listed, "UserPoolClients");
    let lead = format!(
        "{} {} and {} {} go with it. This cannot be undone.",
        counted(users),
        of(users, "user", "users"),
        counted_page(&listed, clients),
        of(clients.len() as i64, "app client", "app clients")
    );
    if let Some(domain) =
        ["CustomDomain", "Domain"].map(|kind| text(&pool, kind)).iter().find(|it| !it.is_empty())
    {
        let words = format!("This pool has the domain {domain}, and can be deleted once that is gone.");
        let way = Some((format!("{base}/domain"), "Domain".to_owned()));
        let said = Said { tone: Tone::Waiting, words, way };
        return desk.show(&place, "Delete user pool", "", vec![said.html()]);
    }
    let form = deletion(&desk, "user pool", name, &format!("{base}/delete"), &format!("{base}/settings"));
    desk.show(&place, "Delete user pool", &lead, vec![form])
}

/// `POST /console/pools/{pool}/delete`
pub async fn delete(Path(pool_id): Path<String>, desk: Desk) -> Answered {
    let pool = desk.pool(&pool_id).await?;
    let form = format!("{}/delete", base(&pool_id));
    if let Err(error) = asked_for_name(desk.typed("confirm"), text(&pool, "Name")) {
        return desk.back(&form, error).await;
    }
    desk.change(Change {
        service: Service::CognitoIdp,
        operation: "DeleteUserPool",
        input: json!({ "UserPoolId": pool_id }),
        words: "User pool deleted",
        done: LIST.to_owned(),
        form,
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pool_is_what_was_answered() {
        let names = |names: &[&str]| {
            new_pool("Shop", &names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())
        };
        assert_eq!(names(&["email"])["UsernameAttributes"], json!(["email"]));
        assert_eq!(names(&["email"])["AutoVerifiedAttributes"], json!(["email"]));
        assert_eq!(names(&["email", "username"])["AliasAttributes"], json!(["email"]));
        assert_eq!(names(&["username"]).get("UsernameAttributes"), None);
        let client = new_client("p", "Shop", "spa", vec!["https://a.example/".to_owned()]);
        assert_eq!(
            (&client["GenerateSecret"], &client["AllowedOAuthFlows"]),
            (&json!(false), &json!(["code"]))
        );
    }

    #[test]
    fn what_is_missing_has_one_way_each() {
        let pool = json!({ "Policies": { "SignInPolicy": { "AllowedFirstAuthFactors": ["PASSWORD"] } } });
        let empty = State { users: 0, offers_choice: false, sandbox: true, first_client: None };
        let missing = steps(&pool, "/p", &empty);
        // Nothing that the server's own sender sends is held back by the sandbox.
        let open: Vec<bool> = missing.iter().map(|step| !step.is_done && step.way.is_some()).collect();
        assert_eq!(open, [true, false, true, true, true]);
        assert!(missing[0].words.starts_with("Email code needs a sender. Set one up."));
        let pool = json!({
            "EmailConfiguration": { "EmailSendingAccount": "DEVELOPER" },
            "Policies": { "SignInPolicy": { "AllowedFirstAuthFactors": ["PASSWORD", "EMAIL_OTP"] } },
        });
        let whole =
            State { users: 1, offers_choice: true, sandbox: false, first_client: Some("c".to_owned()) };
        assert!(steps(&pool, "/p", &whole).iter().all(|step| step.is_done && step.way.is_none()));
        assert!(!steps(&pool, "/p", &State { sandbox: true, ..whole })[1].is_done);
    }

    #[test]
    fn large_numbers_can_be_read() {
        assert_eq!(
            (counted(7), counted(1_000_000), counted(123_456)),
            ("7".into(), "1,000,000".into(), "123,456".into())
        );
    }
}
