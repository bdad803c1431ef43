//! Groups and who is in them.

use crate::Pools;
use crate::groups::{PER_POOL_MAX, PER_USER_MAX};
use crate::operations::users::user_type;
use crate::page::Page;
use crate::user::User;
use postern_access::{Caller, Operations};
use postern_model::cognito_idp::errors::*;
use postern_model::cognito_idp::{
    AdminAddUserToGroupRequest, AdminListGroupsForUserRequest, AdminListGroupsForUserResponse,
    AdminRemoveUserFromGroupRequest, CreateGroupRequest, CreateGroupResponse, DeleteGroupRequest,
    GetGroupRequest, GetGroupResponse, GroupType, ListGroupsRequest, ListGroupsResponse,
    ListUsersInGroupRequest, ListUsersInGroupResponse, UpdateGroupRequest, UpdateGroupResponse, op,
};
use postern_model::shape::{Nothing, Timestamp as Moment};
use postern_model::{Answer, refusal, refuse};
use postern_store::Tx;
use postern_store::groups::GroupRow;

pub fn operations() -> Operations<Pools> {
    Operations::new()
        .on(op::CreateGroup, Pools::create_group)
        .on(op::GetGroup, Pools::get_group)
        .on(op::UpdateGroup, Pools::update_group)
        .on(op::DeleteGroup, Pools::delete_group)
        .on(op::ListGroups, Pools::list_groups)
        .on(op::AdminAddUserToGroup, Pools::admin_add_user_to_group)
        .on(op::AdminRemoveUserFromGroup, Pools::admin_remove_user_from_group)
        .on(op::AdminListGroupsForUser, Pools::admin_list_groups_for_user)
        .on(op::ListUsersInGroup, Pools::list_users_in_group)
}

impl Pools {
    pub async fn create_group(&self, _: &Caller, request: CreateGroupRequest) -> Answer<CreateGroupResponse> {
        let pools = self.clone();
        self.store
            .write(move |tx| {
                tx.lock_pool(&request.user_pool_id)?;
                let pool = pools.pool_in(tx, &request.user_pool_id)?;
                let now = pools.clock.now();
                let group = GroupRow {
                    pool_id: pool.id.clone(),
                    name: request.group_name.clone(),
                    description: given(request.description.clone()),
                    role_arn: request.role_arn.clone(),
                    precedence: request.precedence,
                    created: now,
                    modified: now,
                };
                if tx.count_groups(&pool.id)? >= PER_POOL_MAX {
                    return refuse(
                        LimitExceededException,
                        format!("A user pool can have at most {PER_POOL_MAX} groups."),
                    );
                }
                if !tx.add_group(&group)? {
                    return refuse(GroupExistsException, "A group with the name already exists.");
                }
                if !pool.has_groups {
                    tx.touch_pool(&pool.id)?;
                }
                Ok(CreateGroupResponse { group: Some(shown(group)) })
            })
            .await
    }

    pub async fn get_group(&self, _: &Caller, request: GetGroupRequest) -> Answer<GetGroupResponse> {
        let pools = self.clone();
        self.store
            .read(move |tx| {
                let group = pools.group_in(tx, &request.user_pool_id, &request.group_name)?;
                Ok(GetGroupResponse { group: Some(shown(group)) })
            })
            .await
    }

    /// Changes what is given of a group; an empty description takes it away.
    pub async fn update_group(&self, _: &Caller, request: UpdateGroupRequest) -> Answer<UpdateGroupResponse> {
        let pools = self.clone();
        self.store
            .write(move |tx| {
                tx.lock_pool(&request.user_pool_id)?;
                let mut group = pools.group_in(tx, &request.user_pool_id, &request.group_name)?;
                if request.description.is_some() {
                    group.description = given(request.description.clone());
                }
                group.role_arn = request.role_arn.clone().or(group.role_arn);
                group.precedence = request.precedence.or(group.precedence);
                group.modified = pools.clock.now();
                if !tx.change_group(&group)? {
                    return Err(no_such_group());
                }
                Ok(UpdateGroupResponse { group: Some(shown(group)) })
            })
            .await
    }

    pub async fn delete_group(&self, _: &Caller, request: DeleteGroupRequest) -> Answer<Nothing> {
        let pools = self.clone();
        self.store
            .write(move |tx| {
                tx.lock_pool(&request.user_pool_id)?;
                let pool = pools.pool_in(tx, &request.user_pool_id)?;
                if !tx.delete_group(&pool.id, &request.group_name)? {
                    return Err(no_such_group());
                }
                if !tx.has_groups(&pool.id)? {
                    tx.touch_pool(&pool.id)?;
                }
                Ok(Nothing::default())
            })
            .await
    }

    /// Lists a pool's groups by name.
    pub async fn list_groups(&self, _: &Caller, request: ListGroupsRequest) -> Answer<ListGroupsResponse> {
        let pools = self.clone();
        self.store
            .read(move |tx| {
                let pool = pools.pool_in(tx, &request.user_pool_id)?;
                let keys = tx.keys().clone();
                let place = format!("{}/groups", pool.id);
                let page = Page::asked(&keys, place, request.next_token.as_deref(), request.limit)?;
                let mut rows = tx.list_groups(&pool.id, &page.after, page.rows())?;
                let next_token = page.cut(&keys, &mut rows, |row| row.name.clone());
                Ok(ListGroupsResponse { groups: Some(rows.into_iter().map(shown).collect()), next_token })
            })
            .await
    }

    /// Puts a user into a group. Tokens show it from the next refresh on.
    pub async fn admin_add_user_to_group(
        &self,
        _: &Caller,
        request: AdminAddUserToGroupRequest,
    ) -> Answer<Nothing> {
        let pools = self.clone();
        self.store
            .write(move |tx| {
                let (pool, user) = pools.user_of_pool(tx, &request.user_pool_id, &request.username)?;
                let user = pools.user_to_change(tx, &user)?;
                let group = pools.group_in(tx, &pool.id, &request.group_name)?;
                let is_new = tx.add_member(&pool.id, &user.id, &group.name)?;
                let groups = tx.groups_of_user(&pool.id, &user.id, "", PER_USER_MAX + 1)?;
                if is_new && groups.len() as i64 > PER_USER_MAX {
                    return refuse(
                        InvalidParameterException,
                        format!("A user can be in at most {PER_USER_MAX} groups."),
                    );
                }
                Ok(Nothing::default())
            })
            .await
    }

    /// Takes a user out of a group; who is not in it stays out.
    pub async fn admin_remove_user_from_group(
        &self,
        _: &Caller,
        request: AdminRemoveUserFromGroupRequest,
    ) -> Answer<Nothing> {
        let pools = self.clone();
        self.store
            .write(move |tx| {
                let (pool, user) = pools.user_of_pool(tx, &request.user_pool_id, &request.username)?;
                let group = pools.group_in(tx, &pool.id, &request.group_name)?;
                tx.remove_member(&pool.id, &user.id, &group.name)?;
                Ok(Nothing::default())
            })
            .await
    }

    pub async fn admin_list_groups_for_user(
        &self,
        _: &Caller,
        request: AdminListGroupsForUserRequest,
    ) -> Answer<AdminListGroupsForUserResponse> {
        let pools = self.clone();
        self.store
            .read(move |tx| {
                let (pool, user) = pools.user_of_pool(tx, &request.user_pool_id, &request.username)?;
                let keys = tx.keys().clone();
                let place = format!("{}/groups of {}", pool.id, user.id);
                let page = Page::asked(&keys, place, request.next_token.as_deref(), request.limit)?;
                let mut rows = tx.groups_of_user(&pool.id, &user.id, &page.after, page.rows())?;
                let next_token = page.cut(&keys, &mut rows, |row| row.name.clone());
                let groups = Some(rows.into_iter().map(shown).collect());
                Ok(AdminListGroupsForUserResponse { groups, next_token })
            })
            .await
    }

    pub async fn list_users_in_group(
        &self,
        _: &Caller,
        request: ListUsersInGroupRequest,
    ) -> Answer<ListUsersInGroupResponse> {
        let pools = self.clone();
        self.store
            .read(move |tx| {
                let group = pools.group_in(tx, &request.user_pool_id, &request.group_name)?;
                let keys = tx.keys().clone();
                let place = format!("{}/users in {}", group.pool_id, group.name);
                let page = Page::asked(&keys, place, request.next_token.as_deref(), request.limit)?;
                let mut rows = tx.users_in_group(&group.pool_id, &group.name, &page.after, page.rows())?;
                let next_token = page.cut(&keys, &mut rows, |row| row.id.clone());
                let users = rows
                    .into_iter()
                    .map(|row| Ok(user_type(&User::from_row(row)?)))
                    .collect::<Answer<Vec<_>>>()?;
                Ok(ListUsersInGroupResponse { users: Some(users), next_token })
            })
            .await
    }

    fn group_in(&self, tx: &mut Tx<'_>, pool_id: &str, name: &str) -> Answer<GroupRow> {
        let pool = self.pool_in(tx, pool_id)?;
        tx.find_group(&pool.id, name)?.ok_or_else(no_such_group)
    }
}

fn no_such_group() -> postern_model::Error {
    refusal(ResourceNotFoundException, "Group not found.")
}

fn given(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

fn shown(group: GroupRow) -> GroupType {
    GroupType {
        group_name: Some(group.name),
        user_pool_id: Some(group.pool_id),
        description: group.description,
        role_arn: group.role_arn,
        precedence: group.precedence,
        last_modified_date: Some(Moment(group.modified.ms())),
        creation_date: Some(Moment(group.created.ms())),
    }
}
