//! Groups of a pool: the list, a new one, one with its members, the end.

use super::area::number;
use super::desk::{Answered, Change, Desk, Stopped, text};
use super::lists::{Finds, List, Source};
use super::menu::Place;
use super::pools::{base, time};
use super::{asked_for_name, deletion};
use crate::pages::console::field::Field;
use crate::pages::console::form::Form;
use crate::pages::console::list::Cell;
use crate::pages::console::parts::{Button, Buttons};
use crate::pages::console::{Block, part};
use axum::extract::Path;
use postern_model::cognito_idp::errors::InvalidParameterException;
use postern_model::{Document, Service, refusal};
use postern_store::standing::Kept;
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
    let list = List {
        caption: "Groups",
        called: ("group", "groups"),
        columns: &["Group", "Description", "Precedence", "Created"],
        source: Source {
            limit: ("Limit", 60),
            ..Source::pools("ListGroups", "Groups", json!({ "UserPoolId": pool_id }))
        },
        finds: Finds::Whole,
        make: Some((format!("{here}/new"), "Create group")),
        here,
        empty: "A group's name stands in its members' tokens, so that apps can tell what they may do.",
        command: format!("aws cognito-idp create-group --user-pool-id {pool_id} --group-name editors"),
        all: None,
        live_s: None,
    };
    let listed = desk.list(list, |group| {
        let name = text(group, "GroupName");
        vec![
            Cell::link(page_of(&pool_id, name), name),
            Cell::words(text(group, "Description")),
            Cell::words(group["Precedence"].as_i64().map(|number| number.to_string()).unwrap_or_default()),
            time(group, "CreationDate"),
        ]
    });
    let blocks = listed.await?.blocks(&desk, Vec::new());
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

fn input_of(desk: &Desk, pool_id: &str, group: &str, before: &Document) -> Document {
    let mut input = json!({ "UserPoolId": pool_id, "GroupName": group });
    for (field, member) in [("description", "Description"), ("role", "RoleArn")] {
        // What is there and emptied is sent: the operation takes it away, or says that it cannot.
        if !desk.typed(field).is_empty() || !text(before, member).is_empty() {
            input[member] = desk.typed(field).into();
        }
    }
    let precedence = number(desk.form(), "precedence");
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
        input: input_of(&desk, &pool_id, desk.typed("name"), &Document::Null),
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
    let members = List {
        here: here.clone(),
        caption: "Members",
        called: ("member", "members"),
        columns: &["User", "Status"],
        source: Source {
            limit: ("Limit", 60),
            ..Source::pools("ListUsersInGroup", "Users", json!({ "UserPoolId": pool_id, "GroupName": name }))
        },
        finds: Finds::Nothing,
        make: None,
        empty: "Nobody is in this group yet.",
        command: format!(
            "aws cognito-idp admin-add-user-to-group --user-pool-id {pool_id} --group-name {name} --username …"
        ),
        all: None,
        live_s: None,
    };
    let members = desk.list(members, |user| {
        let sub = super::users::attribute(user, "sub");
        vec![
            Cell::link(format!("{}/users/{}", base(&pool_id), part(sub)), super::users::known_as(user)),
            super::users::status(user),
        ]
    });
    let mut blocks = members.await?.blocks(&desk, Vec::new());
    let member = Field::line("user", "Username, email address or user ID", "").api("Username");
    let adding = Form::new(format!("{here}/members"), &desk.csrf(), "Add user to group", vec![member])
        .with("do", "add");
    let remove = Field::line("gone", "Username, email address or user ID", "").api("Username");
    let removing = Form::new(format!("{here}/members"), &desk.csrf(), "Remove user from group", vec![remove])
        .with("do", "remove");
    let settings = Form::new(format!("{here}/edit"), &desk.csrf(), "Save changes", fields(&group, false))
        .with("do", "settings");
    let delete = Button::link(format!("{here}/delete"), "Delete group");
    blocks.extend([
        desk.put(adding.titled("Add a member")),
        desk.put(removing.titled("Take a member out")),
        desk.put_edit(settings.titled("Group settings")),
        Buttons { csrf: desk.csrf(), buttons: vec![delete] }.html(),
    ]);
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
    let kept = Kept::Group { pool_id: pool_id.clone(), name: name.clone() };
    let standing = desk.standing(kept).await?;
    let group = desk.group(&pool_id, &name).await?;
    if !group["Precedence"].is_null() && desk.typed("precedence").is_empty() {
        let words = "Precedence can be changed, and not be taken away.";
        return desk.back(&here, refusal(InvalidParameterException, words)).await;
    }
    let input = input_of(&desk, &pool_id, &name, &group);
    let change = Change {
        service: Service::CognitoIdp,
        operation: "UpdateGroup",
        input,
        words: "Group saved",
        done: here.clone(),
        form: here,
    };
    desk.edit(standing, &fields(&group, false), change).await
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
