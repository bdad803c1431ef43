//! Resource servers of a pool: the APIs that its tokens are for, each with the scopes that apps may be given.

use super::desk::{Answered, Change, Desk, Stopped, items, lines, text};
use super::lists::{Finds, List, Source};
use super::menu::Place;
use super::pools::base;
use super::{asked_for_name, deletion};
use crate::pages::console::field::Field;
use crate::pages::console::form::Form;
use crate::pages::console::list::Cell;
use crate::pages::console::parts::{Button, Buttons};
use crate::pages::console::{Block as _, Html, part};
use axum::extract::Path;
use postern_model::{Document, Service};
use postern_store::standing::Kept;
use serde_json::json;

const PAGE: &str = "/domain";

fn list_of(pool_id: &str) -> String {
    format!("{}/resource-servers", base(pool_id))
}

fn page_of(pool_id: &str, identifier: &str) -> String {
    format!("{}/{}", list_of(pool_id), part(identifier))
}

/// The pool's resource servers, for the page of its domain.
pub async fn table(desk: &Desk, pool_id: &str) -> Result<Vec<Html>, Stopped> {
    let new = format!("{}/new", list_of(pool_id));
    let list = List {
        here: format!("{}{PAGE}", base(pool_id)),
        caption: "Resource servers",
        called: ("resource server", "resource servers"),
        columns: &["Name", "Identifier", "Custom scopes"],
        source: Source {
            limit: ("MaxResults", 50),
            ..Source::pools("ListResourceServers", "ResourceServers", json!({ "UserPoolId": pool_id }))
        },
        finds: Finds::Whole,
        make: Some((new, "Create resource server")),
        empty: "A resource server stands for an API of yours, with scopes of its own that access tokens carry.",
        command: format!(
            "aws cognito-idp create-resource-server --user-pool-id {pool_id} --identifier orders --name Orders"
        ),
        all: None,
        live_s: None,
    };
    let listed = desk.look_list(list, |server| {
        let identifier = text(server, "Identifier");
        let scopes: Vec<&str> =
            items(server, "Scopes").iter().map(|scope| text(scope, "ScopeName")).collect();
        vec![
            Cell::link(page_of(pool_id, identifier), text(server, "Name")),
            Cell::Code(identifier.to_owned()),
            Cell::words(scopes.join(", ")),
        ]
    });
    Ok(match listed.await? {
        Ok(listed) => listed.blocks(desk, Vec::new()),
        Err(refusal) => vec![desk.unseen(&refusal)],
    })
}

fn fields(server: &Document) -> Vec<Field> {
    let mut fields = Vec::new();
    if server.is_null() {
        fields.push(
            Field::line("identifier", "Identifier", "")
                .api("Identifier")
                .hint("Scopes begin with it, and it cannot be changed. Often the API's address, such as https://api.example.com."),
        );
    }
    fields.push(Field::line("name", "Name", text(server, "Name")).api("Name"));
    let scopes: Vec<String> = items(server, "Scopes")
        .iter()
        .map(|scope| format!("{}={}", text(scope, "ScopeName"), text(scope, "ScopeDescription")))
        .collect();
    fields.push(
        Field::lines("scopes", "Custom scopes", 5, scopes.join("\n")).api("Scopes").hint(
            "One name=description a line, such as orders.read=See orders. App clients choose among them.",
        ),
    );
    fields
}

fn input_of(desk: &Desk, pool_id: &str, identifier: &str) -> Document {
    let scopes = lines(desk.form().first("scopes").unwrap_or_default()).into_iter().map(|line| {
        let (name, description) = line.split_once('=').unwrap_or((&line, ""));
        // Where nothing is said of it, the name says enough.
        let description = if description.trim().is_empty() { name } else { description };
        json!({ "ScopeName": name.trim(), "ScopeDescription": description.trim() })
    });
    json!({
        "UserPoolId": pool_id,
        "Identifier": identifier,
        "Name": desk.typed("name"),
        "Scopes": scopes.collect::<Vec<_>>(),
    })
}

impl Desk {
    async fn resource_server(&self, pool_id: &str, identifier: &str) -> Result<Document, Stopped> {
        let asked = json!({ "UserPoolId": pool_id, "Identifier": identifier });
        Ok(self.pools("DescribeResourceServer", asked).await?["ResourceServer"].take())
    }
}

fn in_pool<'a>(pool_id: &'a str, pool: &'a Document, above: &'a str, above_name: &'a str) -> Place<'a> {
    Place::InPool { id: pool_id, name: text(pool, "Name"), page: PAGE, above, above_name }
}

/// `GET …/resource-servers/new`
pub async fn ask_new(Path(pool_id): Path<String>, desk: Desk) -> Answered {
    let pool = desk.pool(&pool_id).await?;
    let above = format!("{}{PAGE}", base(&pool_id));
    let action = format!("{}/new", list_of(&pool_id));
    let form = Form::new(action, &desk.csrf(), "Create resource server", fields(&Document::Null));
    let place = in_pool(&pool_id, &pool, &above, "Domain");
    desk.show(&place, "Create resource server", "", vec![desk.put(form.cancel(&above))])
}

/// `POST …/resource-servers/new`
pub async fn make(Path(pool_id): Path<String>, desk: Desk) -> Answered {
    let identifier = desk.typed("identifier").to_owned();
    desk.change(Change {
        service: Service::CognitoIdp,
        operation: "CreateResourceServer",
        input: input_of(&desk, &pool_id, &identifier),
        words: "Resource server created",
        done: format!("{}{PAGE}", base(&pool_id)),
        form: format!("{}/new", list_of(&pool_id)),
    })
    .await
}

/// `GET …/resource-servers/{identifier}`
pub async fn one(Path((pool_id, identifier)): Path<(String, String)>, desk: Desk) -> Answered {
    let pool = desk.pool(&pool_id).await?;
    let server = desk.resource_server(&pool_id, &identifier).await?;
    let above = format!("{}{PAGE}", base(&pool_id));
    let here = page_of(&pool_id, &identifier);
    let form = Form::new(&here, &desk.csrf(), "Save changes", fields(&server)).cancel(&above);
    let delete = Button::link(format!("{here}/delete"), "Delete resource server");
    let blocks = vec![desk.put_edit(form), Buttons { csrf: desk.csrf(), buttons: vec![delete] }.html()];
    let lead = format!("Its scopes are asked for as {identifier}/scope.");
    desk.show(&in_pool(&pool_id, &pool, &above, "Domain"), text(&server, "Name"), &lead, blocks)
}

/// `POST …/resource-servers/{identifier}`
pub async fn save(Path((pool_id, identifier)): Path<(String, String)>, desk: Desk) -> Answered {
    let kept = Kept::ResourceServer { pool_id: pool_id.clone(), identifier: identifier.clone() };
    let standing = desk.standing(kept).await?;
    let server = desk.resource_server(&pool_id, &identifier).await?;
    let here = page_of(&pool_id, &identifier);
    let change = Change {
        service: Service::CognitoIdp,
        operation: "UpdateResourceServer",
        input: input_of(&desk, &pool_id, &identifier),
        words: "Resource server saved",
        done: here.clone(),
        form: here,
    };
    desk.edit(standing, &fields(&server), change).await
}

/// `GET …/resource-servers/{identifier}/delete`
pub async fn ask_delete(Path((pool_id, identifier)): Path<(String, String)>, desk: Desk) -> Answered {
    let pool = desk.pool(&pool_id).await?;
    let server = desk.resource_server(&pool_id, &identifier).await?;
    let (here, name) = (page_of(&pool_id, &identifier), text(&server, "Name"));
    let form = deletion(&desk, "resource server", name, &format!("{here}/delete"), &here);
    let lead = "Apps can ask for its scopes no more. Tokens that carry them stay good until they end.";
    desk.show(&in_pool(&pool_id, &pool, &here, name), "Delete resource server", lead, vec![form])
}

/// `POST …/resource-servers/{identifier}/delete`
pub async fn delete(Path((pool_id, identifier)): Path<(String, String)>, desk: Desk) -> Answered {
    let server = desk.resource_server(&pool_id, &identifier).await?;
    let form = format!("{}/delete", page_of(&pool_id, &identifier));
    if let Err(error) = asked_for_name(desk.typed("confirm"), text(&server, "Name")) {
        return desk.back(&form, error).await;
    }
    desk.change(Change {
        service: Service::CognitoIdp,
        operation: "DeleteResourceServer",
        input: json!({ "UserPoolId": pool_id, "Identifier": identifier }),
        words: "Resource server deleted",
        done: format!("{}{PAGE}", base(&pool_id)),
        form,
    })
    .await
}
