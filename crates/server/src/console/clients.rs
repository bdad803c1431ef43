//! App clients: the list, a new one, one with its settings, code to paste and its sign-in pages, the end.

use super::desk::{Answered, Change, Desk, found, lines, text};
use super::lists::{Finds, List, Source};
use super::menu::Place;
use super::note::Note;
use super::pools::{base, time};
use super::{asked_for_name, client_areas, deletion, quick_start, settings};
use crate::pages::console::field::{Choice, Field, Input};
use crate::pages::console::form::Form;
use crate::pages::console::list::Cell;
use crate::pages::console::parts::{Button, Buttons, Fact, Facts, Snippets};
use crate::pages::console::{Block, part};
use axum::extract::Path;
use postern_model::Service;
use serde_json::json;

fn page_of(pool_id: &str, client_id: &str) -> String {
    format!("{}/clients/{}", base(pool_id), part(client_id))
}

/// `GET …/clients`
pub async fn list(Path(pool_id): Path<String>, desk: Desk) -> Answered {
    let pool = desk.pool(&pool_id).await?;
    let base = format!("{}/clients", base(&pool_id));
    let list = List {
        here: base.clone(),
        caption: "App clients",
        called: ("app client", "app clients"),
        columns: &["Name", "Client ID"],
        source: Source::pools("ListUserPoolClients", "UserPoolClients", json!({ "UserPoolId": pool_id })),
        finds: Finds::Whole,
        make: Some((format!("{base}/new"), "Create app client")),
        empty: "An app client lets one app sign people in, and says how.",
        command: format!(
            "aws cognito-idp create-user-pool-client --user-pool-id {pool_id} --client-name my-app"
        ),
        all: None,
        live_s: None,
    };
    let listed = desk.list(list, |client| {
        let id = text(client, "ClientId");
        vec![
            Cell::link(format!("{base}/{}", part(id)), text(client, "ClientName")),
            Cell::Code(id.to_owned()),
        ]
    });
    let blocks = listed.await?.blocks(&desk, Vec::new());
    let place = Place::Pool { id: &pool_id, name: text(&pool, "Name"), page: "/clients" };
    desk.show(&place, "App clients", "", blocks)
}

/// `GET …/clients/new`
pub async fn ask_new(Path(pool_id): Path<String>, desk: Desk) -> Answered {
    let pool = desk.pool(&pool_id).await?;
    let list = format!("{}/clients", base(&pool_id));
    let flows = client_areas::FLOWS.iter().map(|(value, label, help)| {
        let on = ["ALLOW_USER_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"].contains(value);
        Choice::new(*value, *label, on).help(*help)
    });
    let fields = vec![
        Field::line("name", "App client name", "").api("ClientName"),
        Field::check("has-secret", "Client secret", "The app runs on a server, which keeps a secret", false)
            .api("GenerateSecret")
            .hint("Whether a client has a secret cannot be changed later."),
        Field::new("flows", "Authentication flows", Input::Checks(flows.collect())).api("ExplicitAuthFlows"),
        Field::lines("callbacks", "Allowed callback URLs", 2, "").api("CallbackURLs").hint(
            "Where the sign-in pages send people back to, one a line. Empty: no pages for this client.",
        ),
    ];
    let form = Form::new(format!("{list}/new"), &desk.csrf(), "Create app client", fields).cancel(&list);
    let place = Place::InPool {
        id: &pool_id,
        name: text(&pool, "Name"),
        page: "/clients",
        above: &list,
        above_name: "App clients",
    };
    desk.show(&place, "Create app client", "", vec![desk.put(form)])
}

/// `POST …/clients/new`
pub async fn make(Path(pool_id): Path<String>, desk: Desk) -> Answered {
    let callbacks = lines(desk.form().first("callbacks").unwrap_or_default());
    let flows: Vec<&str> = desk.form().every("flows").collect();
    let mut input = json!({
        "UserPoolId": pool_id,
        "ClientName": desk.typed("name"),
        "GenerateSecret": !desk.typed("has-secret").is_empty(),
        "ExplicitAuthFlows": flows,
        "PreventUserExistenceErrors": "ENABLED",
        "SupportedIdentityProviders": ["COGNITO"],
    });
    if !callbacks.is_empty() {
        input["CallbackURLs"] = json!(callbacks);
        input["AllowedOAuthFlowsUserPoolClient"] = true.into();
        input["AllowedOAuthFlows"] = json!(["code"]);
        input["AllowedOAuthScopes"] = json!(["openid", "email", "phone"]);
    }
    let call = found(Service::CognitoIdp, "CreateUserPoolClient");
    match desk.call(call, &input).await {
        Ok(made) => {
            let note = Note::done("App client created").by(call, &input);
            desk.go(&page_of(&pool_id, text(&made, "UserPoolClient.ClientId")), &note).await
        }
        Err(error) => desk.back(&format!("{}/clients/new", base(&pool_id)), error).await,
    }
}

/// `GET …/clients/{client}`
pub async fn one(Path((pool_id, client_id)): Path<(String, String)>, desk: Desk) -> Answered {
    let facts = desk.facts(&pool_id, Some(&client_id)).await?;
    let (client, here) = (&facts.client, page_of(&pool_id, &client_id));
    let list = format!("{}/clients", base(&pool_id));
    let mut buttons = Vec::new();
    if let Some(href) = quick_start::login_page(&desk.app, &pool_id, client) {
        let mut view = Button::link(href, "View login page").main();
        view.opens_app = true;
        buttons.push(view);
    }
    let has_secret = client["has_secret"] == true;
    if has_secret {
        buttons.push(Button::post(format!("{here}/secret"), "Show client secret", &[]));
    }
    let mut blocks = Vec::new();
    if !buttons.is_empty() {
        blocks.push(Buttons { csrf: desk.csrf(), buttons }.html());
    }
    let known = vec![
        Fact::new(
            "Client ID",
            "ClientId",
            vec![Cell::Copy { id: "client-id".to_owned(), text: client_id.clone() }],
        ),
        Fact::words(
            "Client secret",
            "ClientSecret",
            if has_secret {
                "Hidden. Showing it is noted in the audit."
            } else {
                "None: this client is public."
            },
        ),
        Fact::new("Created", "CreationDate", vec![time(client, "CreationDate")]),
        Fact::new("Last changed", "LastModifiedDate", vec![time(client, "LastModifiedDate")]),
    ];
    blocks.push(
        Facts { title: "App client".to_owned(), hint: String::new(), facts: known, edit_href: None }.html(),
    );
    blocks.push(
        Snippets {
            title: "Quick start".to_owned(),
            hint: quick_start::hint(&facts.pool, client),
            snippets: quick_start::snippets(&desk.app, &pool_id, client),
        }
        .html(),
    );
    for area in &client_areas::AREAS {
        let fields = (area.fields)(&facts);
        blocks.push(settings::read_view(area, &fields, &format!("{here}/edit/{}", area.name)));
    }
    let delete = Button::link(format!("{here}/delete"), "Delete app client");
    blocks.push(Buttons { csrf: desk.csrf(), buttons: vec![delete] }.html());
    let name = text(&facts.pool, "Name");
    let place =
        Place::InPool { id: &pool_id, name, page: "/clients", above: &list, above_name: "App clients" };
    desk.show(&place, text(client, "ClientName"), "", blocks)
}

/// `POST …/clients/{client}/secret`: shows the secret once, on the page it leads to.
pub async fn reveal(Path((pool_id, client_id)): Path<(String, String)>, desk: Desk) -> Answered {
    let asked = json!({ "UserPoolId": pool_id, "ClientId": client_id });
    let here = page_of(&pool_id, &client_id);
    match desk.call(found(Service::CognitoIdp, "DescribeUserPoolClient"), &asked).await {
        Ok(client) => {
            let secret = text(&client, "UserPoolClient.ClientSecret").to_owned();
            let mut note = Note::done("Shown on this page until you leave it");
            note.secret = Some(("Client secret".to_owned(), secret));
            desk.go(&here, &note).await
        }
        Err(error) => Err(desk.stopped(error)),
    }
}

/// `GET …/clients/{client}/delete`
pub async fn ask_delete(Path((pool_id, client_id)): Path<(String, String)>, desk: Desk) -> Answered {
    let facts = desk.facts(&pool_id, Some(&client_id)).await?;
    let here = page_of(&pool_id, &client_id);
    let name = text(&facts.client, "ClientName");
    let place = Place::InPool {
        id: &pool_id,
        name: text(&facts.pool, "Name"),
        page: "/clients",
        above: &here,
        above_name: name,
    };
    let form = deletion(&desk, "app client", name, &format!("{here}/delete"), &here);
    let lead = "The app can sign nobody in any more, and its refresh tokens end.";
    desk.show(&place, "Delete app client", lead, vec![form])
}

/// `POST …/clients/{client}/delete`
pub async fn delete(Path((pool_id, client_id)): Path<(String, String)>, desk: Desk) -> Answered {
    let client = desk.client(&pool_id, &client_id).await?;
    let form = format!("{}/delete", page_of(&pool_id, &client_id));
    if let Err(error) = asked_for_name(desk.typed("confirm"), text(&client, "ClientName")) {
        return desk.back(&form, error).await;
    }
    desk.change(Change {
        service: Service::CognitoIdp,
        operation: "DeleteUserPoolClient",
        input: json!({ "UserPoolId": pool_id, "ClientId": client_id }),
        words: "App client deleted",
        done: format!("{}/clients", base(&pool_id)),
        form,
    })
    .await
}
