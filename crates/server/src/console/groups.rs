//! Groups of a pool: the list, a new one, one with its members, the end.

use super::desk::{Answered, Change, Desk, Stopped, items, text};
use super::menu::Place;
use super::pools::{base, time};
use super::{asked_for_name, deletion};
use crate::pages::console::field::Field;
use crate::pages::console::form::Form;
use crate::pages::console::list::{Cell, Table};
use crate::pages::console::parts::{Button, Buttons};
use crate::pages::console::{Block, part};
use axum::extract::Path;
use postern_model::{Document, Service};
use serde_json::json;

fn list_of(pool_id: &str) -> String {
    format!("{}/groups", base(pool_id))
}

fn page_of(pool_id: &str, group: &str) -> String {
    format!("{}/{}", list_of(pool_id), part(group))
}

/// `GET …/groups`
pub async fn list(Path(pool_id): Path<String>, desk: Desk) -> Answered {
    let pool = desk.pool(&pool_id).await?;
    let here = list_of(&pool_id);
    let input = desk.at_page("NextToken", json!({ "UserPoolId": pool_id, "Limit": 50 }));
    let answer = desk.pools("ListGroups", input).await?;
    let rows = items(&answer, "Groups").iter().map(|group| {
        let name = text(group, "GroupName");
        vec![
            Cell::link(page_of(&pool_id, name), name),
            Cell::words(text(group, "Description")),
            Cell::words(group["Precedence"].as_i64().map(|number| number.to_string()).unwrap_or_default()),
            time(group, "CreationDate"),
        ]
    });
    let mut table =
        Table::new("Groups", vec!["Group", "Description", "Precedence", "Created"], rows.collect()).or_empty(
            "A group's name stands in its members' tokens, so that apps can tell what they may do.",
            Some((format!("{here}/new"), "Create group")),
            &format!("aws cognito-idp create-group --user-pool-id {pool_id} --group-name editors"),
        );
    desk.turn_pages(&mut table, &here, &answer["NextToken"]);
    let mut blocks = Vec::new();
    if !table.rows.is_empty() {
        let button = Button::link(format!("{here}/new"), "Create group").main();
        blocks.push(Buttons { csrf: desk.csrf(), buttons: vec![button] }.html());
    }
    blocks.push(table.html());
    let place = Place::Pool { id: &pool_id, name: text(&pool, "Name"), page: "/groups" };
    desk.show(&place, "Groups", "", blocks)
}

fn fields(group: &Document, is_new: bool) -> Vec<Field> {
    let mut fields = Vec::new();
    if is_new {
        fields.push(
            Field::line("name", "Group name", "")
                .api("GroupName")
                .hint("It cannot be changed later: apps know the group by it."),
        );
    }
    fields.push(Field::line("description", "Description", text(group, "Description")).api("Description"));
    fields.push(
        Field::line_of(
            "number",
            "precedence",
            "Precedence",
            group["Precedence"].as_i64().map(|n| n.to_string()).unwrap_or_default(),
        )
        .api("Precedence")
        .hint("The group with the lowest number decides the preferred role of who is in several. Optional."),
    );
    fields.push(Field::line("role", "IAM role ARN", text(group, "RoleArn")).api("RoleArn").hint("Optional."));
    fields
}

fn input_of(desk: &Desk, pool_id: &str, group: &str) -> Document {
    let mut input = json!({ "UserPoolId": pool_id, "GroupName": group });
    for (field, member) in [("description", "Description"), ("role", "RoleArn")] {
        if !desk.typed(field).is_empty() {
            input[member] = desk.typed(field).into();
        }
    }
    let precedence = super::area::number(desk.form(), "precedence");
    if !precedence.is_null() {
        input["Precedence"] = precedence;
    }
    input
}

/// `GET …/groups/new`
pub async fn ask_new(Path(pool_id): Path<String>, desk: Desk) -> Answered {
    let pool = desk.pool(&pool_id).await?;
    let here = list_of(&pool_id);
    let form = Form::new(format!("{here}/new"), &desk.csrf(), "Create group", fields(&Document::Null, true))
        .cancel(&here);
    let place = Place::InPool {
        id: &pool_id,
        name: text(&pool, "Name"),
        page: "/groups",
        above: &here,
        above_name: "Groups",
    };
    desk.show(&place, "Create group", "", vec![desk.put(form)])
}

/// `POST …/groups/new`
pub async fn make(Path(pool_id): Path<String>, desk: Desk) -> Answered {
    let here = list_of(&pool_id);
    desk.change(Change {
        service: Service::CognitoIdp,
        operation: "CreateGroup",
        input: input_of(&desk, &pool_id, desk.typed("name")),
        words: "Group created",
        done: here.clone(),
        form: format!("{here}/new"),
    })
    .await
}

impl Desk {
    async fn group(&self, pool_id: &str, name: &str) -> Result<Document, Stopped> {
        let asked = json!({ "UserPoolId": pool_id, "GroupName": name });
        Ok(self.pools("GetGroup", asked).await?["Group"].take())
    }
}

/// `GET …/groups/{group}`
pub async fn one(Path((pool_id, name)): Path<(String, String)>, desk: Desk) -> Answered {
    let pool = desk.pool(&pool_id).await?;
    let group = desk.group(&pool_id, &name).await?;
    let (here, list) = (page_of(&pool_id, &name), list_of(&pool_id));
    let input = desk.at_page("NextToken", json!({ "UserPoolId": pool_id, "GroupName": name, "Limit": 50 }));
    let members = desk.pools("ListUsersInGroup", input).await?;
    let rows = items(&members, "Users").iter().map(|user| {
        let sub = super::users::attribute(user, "sub");
        vec![
            Cell::link(format!("{}/users/{}", base(&pool_id), part(sub)), super::users::known_as(user)),
            super::users::status(user),
        ]
    });
    let mut table = Table::new("Members", vec!["User", "Status"], rows.collect()).or_empty(
        "Nobody is in this group yet.",
        None,
        "",
    );
    desk.turn_pages(&mut table, &here, &members["NextToken"]);
    let member = Field::line("user", "Username, email address or user ID", "").api("Username");
    let adding = Form::new(format!("{here}/members"), &desk.csrf(), "Add user to group", vec![member])
        .with("do", "add");
    let remove = Field::line("gone", "Username, email address or user ID", "").api("Username");
    let removing = Form::new(format!("{here}/members"), &desk.csrf(), "Remove user from group", vec![remove])
        .with("do", "remove");
    let settings = Form::new(format!("{here}/edit"), &desk.csrf(), "Save changes", fields(&group, false))
        .with("do", "settings");
    let delete = Button::link(format!("{here}/delete"), "Delete group");
    let blocks = vec![
        table.html(),
        desk.put(adding.titled("Add a member")),
        desk.put(removing.titled("Take a member out")),
        desk.put_edit(settings.titled("Group settings")),
        Buttons { csrf: desk.csrf(), buttons: vec![delete] }.html(),
    ];
    let place = Place::InPool {
        id: &pool_id,
        name: text(&pool, "Name"),
        page: "/groups",
        above: &list,
        above_name: "Groups",
    };
    desk.show(&place, &name, "", blocks)
}

/// `POST …/groups/{group}/members`
pub async fn members(Path((pool_id, name)): Path<(String, String)>, desk: Desk) -> Answered {
    let here = page_of(&pool_id, &name);
    let (operation, user, words) = match desk.typed("do") {
        "remove" => ("AdminRemoveUserFromGroup", desk.typed("gone"), "User removed from group"),
        _ => ("AdminAddUserToGroup", desk.typed("user"), "User added to group"),
    };
    let input = json!({ "UserPoolId": pool_id, "GroupName": name, "Username": user });
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

/// `POST …/groups/{group}/edit`
pub async fn save(Path((pool_id, name)): Path<(String, String)>, desk: Desk) -> Answered {
    let here = page_of(&pool_id, &name);
    let group = desk.group(&pool_id, &name).await?;
    let input = input_of(&desk, &pool_id, &name);
    let change = Change {
        service: Service::CognitoIdp,
        operation: "UpdateGroup",
        input,
        words: "Group saved",
        done: here.clone(),
        form: here,
    };
    desk.edit(&fields(&group, false), change).await
}

/// `GET …/groups/{group}/delete`
pub async fn ask_delete(Path((pool_id, name)): Path<(String, String)>, desk: Desk) -> Answered {
    let pool = desk.pool(&pool_id).await?;
    let here = page_of(&pool_id, &name);
    let form = deletion(&desk, "group", &name, &format!("{here}/delete"), &here);
    let place = Place::InPool {
        id: &pool_id,
        name: text(&pool, "Name"),
        page: "/groups",
        above: &here,
        above_name: &name,
    };
    desk.show(&place, "Delete group", "Its members stay; its name leaves their next tokens.", vec![form])
}

/// `POST …/groups/{group}/delete`
pub async fn delete(Path((pool_id, name)): Path<(String, String)>, desk: Desk) -> Answered {
    let form = format!("{}/delete", page_of(&pool_id, &name));
    if let Err(error) = asked_for_name(desk.typed("confirm"), &name) {
        return desk.back(&form, error).await;
    }
    desk.change(Change {
        service: Service::CognitoIdp,
        operation: "DeleteGroup",
        input: json!({ "UserPoolId": pool_id, "GroupName": name }),
        words: "Group deleted",
        done: list_of(&pool_id),
        form,
    })
    .await
}
