//! Users and their access keys.

use super::{OwnerKind, checked_boundary, invalid, no_such, shown_boundary, shown_tags, shown_time};
use crate::access::Access;
use crate::caller::{Caller, Principal};
use crate::names::{LONG_TERM_KEY, Page, USER_ID, key_id, key_secret, tags, tags_text, unique_id, user_arn};
use crate::table::Operations;
use postern_model::iam::errors::*;
use postern_model::iam::*;
use postern_model::shape::Nothing;
use postern_model::{Answer, Error, Secret, refusal, refuse};
use postern_store::access::{KeyRow, UserRow};
use postern_store::{Timestamp, Tx};

const USERS_MAX: usize = 5_000;
const KEYS_PER_USER_MAX: usize = 2;

pub(super) fn operations() -> Operations<Access> {
    Operations::new()
        .on(op::CreateUser, Access::create_user)
        .on(op::GetUser, Access::get_user)
        .on(op::ListUsers, Access::list_users)
        .on(op::DeleteUser, Access::delete_user)
        .on(op::CreateAccessKey, Access::create_access_key)
        .on(op::ListAccessKeys, Access::list_access_keys)
        .on(op::UpdateAccessKey, Access::update_access_key)
        .on(op::DeleteAccessKey, Access::delete_access_key)
}

pub(crate) fn new_user(name: &str, path: &str, now: Timestamp) -> UserRow {
    UserRow {
        name: name.into(),
        id: unique_id(USER_ID),
        path: path.into(),
        boundary: None,
        tags: "{}".into(),
        created: now,
    }
}

pub(crate) fn new_key(id: &str, user_id: &str, now: Timestamp) -> KeyRow {
    KeyRow { id: id.into(), user_id: user_id.into(), active: true, created: now, last_used: None }
}

impl Access {
    pub async fn create_user(&self, _: &Caller, request: CreateUserRequest) -> Answer<CreateUserResponse> {
        let (access, now) = (self.clone(), self.clock.now());
        self.store
            .write(move |tx| {
                tx.lock_iam()?;
                let request = request.clone();
                checked_boundary(tx, request.permissions_boundary.as_deref(), NoSuchEntityException)?;
                if tx.iam_users()?.len() >= USERS_MAX {
                    return refuse(
                        LimitExceededException,
                        format!("Cannot exceed quota for UsersPerAccount: {USERS_MAX}"),
                    );
                }
                let user = UserRow {
                    boundary: request.permissions_boundary,
                    tags: tags_text(request.tags)?,
                    ..new_user(&request.user_name, request.path.as_deref().unwrap_or("/"), now)
                };
                if !tx.add_iam_user(&user)? {
                    return refuse(
                        EntityAlreadyExistsException,
                        format!("User with name {} already exists.", user.name),
                    );
                }
                Ok(CreateUserResponse { user: Some(access.shown_user(user)) })
            })
            .await
    }

    pub async fn get_user(&self, caller: &Caller, request: GetUserRequest) -> Answer<GetUserResponse> {
        let (access, caller) = (self.clone(), caller.clone());
        self.store
            .read(move |tx| {
                let user = user_or_self(tx, request.user_name.as_deref(), &caller)?;
                Ok(GetUserResponse { user: access.shown_user(user) })
            })
            .await
    }

    pub async fn list_users(&self, _: &Caller, request: ListUsersRequest) -> Answer<ListUsersResponse> {
        let access = self.clone();
        self.store
            .read(move |tx| {
                let mut users = tx.iam_users()?;
                let prefix = request.path_prefix.as_deref().unwrap_or("/");
                users.retain(|user| user.path.starts_with(prefix));
                let page = Page::of(users, |user| &user.name, request.marker.as_deref(), request.max_items);
                let is_truncated = page.is_truncated();
                let shown = page.items.into_iter().map(|user| User {
                    tags: None,
                    permissions_boundary: None,
                    ..access.shown_user(user)
                });
                Ok(ListUsersResponse { users: shown.collect(), is_truncated, marker: page.marker })
            })
            .await
    }

    pub async fn delete_user(&self, _: &Caller, request: DeleteUserRequest) -> Answer<Nothing> {
        self.store
            .write(move |tx| {
                tx.lock_iam()?;
                let user = user(tx, &request.user_name)?;
                let conflict = |what: &str| {
                    refuse(DeleteConflictException, format!("Cannot delete entity, must {what} first."))
                };
                if !tx.iam_keys(&user.id)?.is_empty() {
                    return conflict("delete access keys");
                }
                if !tx.attached_policies(&user.id)?.is_empty() {
                    return conflict("detach all policies");
                }
                if !tx.inline_policies(&user.id)?.is_empty() {
                    return conflict("delete policies");
                }
                tx.remove_iam_user(&user.id)?;
                Ok(Nothing {})
            })
            .await
    }

    /// Makes a key. Its secret is in this answer and in no other.
    pub async fn create_access_key(
        &self,
        caller: &Caller,
        request: CreateAccessKeyRequest,
    ) -> Answer<CreateAccessKeyResponse> {
        let (caller, now) = (caller.clone(), self.clock.now());
        self.store
            .write(move |tx| {
                tx.lock_iam()?;
                let user = user_or_self(tx, request.user_name.as_deref(), &caller)?;
                if tx.iam_keys(&user.id)?.len() >= KEYS_PER_USER_MAX {
                    return refuse(
                        LimitExceededException,
                        format!("Cannot exceed quota for AccessKeysPerUser: {KEYS_PER_USER_MAX}"),
                    );
                }
                let (key, secret) = (new_key(&key_id(LONG_TERM_KEY), &user.id, now), key_secret());
                tx.add_iam_key(&key, &secret)?;
                Ok(CreateAccessKeyResponse {
                    access_key: AccessKey {
                        user_name: user.name,
                        access_key_id: key.id,
                        status: StatusType::Active,
                        secret_access_key: Secret::new(secret),
                        create_date: Some(shown_time(now)),
                    },
                })
            })
            .await
    }

    pub async fn list_access_keys(
        &self,
        caller: &Caller,
        request: ListAccessKeysRequest,
    ) -> Answer<ListAccessKeysResponse> {
        let caller = caller.clone();
        self.store
            .read(move |tx| {
                let user = user_or_self(tx, request.user_name.as_deref(), &caller)?;
                let keys = tx.iam_keys(&user.id)?;
                let page = Page::of(keys, |key| &key.id, request.marker.as_deref(), request.max_items);
                let is_truncated = page.is_truncated();
                let shown = page.items.into_iter().map(|key| AccessKeyMetadata {
                    user_name: Some(user.name.clone()),
                    access_key_id: Some(key.id),
                    status: Some(if key.active { StatusType::Active } else { StatusType::Inactive }),
                    create_date: Some(shown_time(key.created)),
                });
                Ok(ListAccessKeysResponse {
                    access_key_metadata: shown.collect(),
                    is_truncated,
                    marker: page.marker,
                })
            })
            .await
    }

    pub async fn update_access_key(
        &self,
        caller: &Caller,
        request: UpdateAccessKeyRequest,
    ) -> Answer<Nothing> {
        let caller = caller.clone();
        self.store
            .write(move |tx| {
                tx.lock_iam()?;
                let user = user_or_self(tx, request.user_name.as_deref(), &caller)?;
                let active = match request.status {
                    StatusType::Active => true,
                    StatusType::Inactive => false,
                    StatusType::Expired => {
                        return refuse(InvalidInputException, "A key is set to Active or Inactive.");
                    }
                };
                match tx.set_iam_key_active(&user.id, &request.access_key_id, active)? {
                    true => Ok(Nothing {}),
                    false => Err(no_such_key(&request.access_key_id)),
                }
            })
            .await
    }

    pub async fn delete_access_key(
        &self,
        caller: &Caller,
        request: DeleteAccessKeyRequest,
    ) -> Answer<Nothing> {
        let caller = caller.clone();
        self.store
            .write(move |tx| {
                tx.lock_iam()?;
                let user = user_or_self(tx, request.user_name.as_deref(), &caller)?;
                match tx.remove_iam_key(&user.id, &request.access_key_id)? {
                    true => Ok(Nothing {}),
                    false => Err(no_such_key(&request.access_key_id)),
                }
            })
            .await
    }

    fn shown_user(&self, user: UserRow) -> User {
        User {
            arn: user_arn(&self.account, &user.path, &user.name),
            path: user.path,
            user_name: user.name,
            user_id: user.id,
            create_date: shown_time(user.created),
            password_last_used: None,
            permissions_boundary: shown_boundary(user.boundary),
            tags: shown_tags(tags(&user.tags)),
        }
    }
}

fn user(tx: &mut Tx<'_>, name: &str) -> Answer<UserRow> {
    tx.find_iam_user(name)?.ok_or_else(|| no_such(OwnerKind::User, name))
}

/// The named user, or the caller when no name is given.
fn user_or_self(tx: &mut Tx<'_>, name: Option<&str>, caller: &Caller) -> Answer<UserRow> {
    match (name, &caller.principal) {
        (Some(name), _) => user(tx, name),
        (None, Principal::User { name, .. }) => user(tx, name),
        _ => refuse(invalid(), "Must specify userName when calling with non-User credentials"),
    }
}

fn no_such_key(id: &str) -> Error {
    refusal(NoSuchEntityException, format!("The Access Key with id {id} cannot be found."))
}
