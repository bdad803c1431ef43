//! Users as administrators handle them.

mod filter;

use crate::Pools;
use crate::attributes;
use crate::auth::password::temporary;
use crate::client::Client;
use crate::destination::{Destination, Medium};
use crate::identities;
use crate::messages::Occasion;
use crate::outgoing::{Letter, too_many};
use crate::page::Page;
use crate::passwords::Owner;
use crate::pool::Pool;
use crate::sign_in::{At, Says, Step};
use crate::triggers::Welcome;
use crate::unit::kept;
use crate::user::{Status, User, blank};
use postern_access::{Caller, Operations};
use postern_model::cognito_idp::errors::*;
use postern_model::cognito_idp::{
    AdminConfirmSignUpRequest, AdminConfirmSignUpResponse, AdminCreateUserRequest, AdminCreateUserResponse,
    AdminDeleteUserAttributesRequest, AdminDeleteUserAttributesResponse, AdminDeleteUserRequest,
    AdminDisableUserRequest, AdminDisableUserResponse, AdminEnableUserRequest, AdminEnableUserResponse,
    AdminGetUserRequest, AdminGetUserResponse, AdminSetUserPasswordRequest, AdminSetUserPasswordResponse,
    AdminUpdateUserAttributesRequest, AdminUpdateUserAttributesResponse, AttributeType,
    CodeDeliveryDetailsType, DeliveryMediumType, ListUsersRequest, ListUsersResponse, MessageActionType,
    UserStatusType, UserType, op,
};
use postern_model::shape::Nothing;
use postern_model::{Answer, refusal, refuse, shape};
use postern_store::Tx;
use postern_store::user_search::UserKey;
use std::sync::Arc;

const DAY_MS: i64 = 86_400_000;

pub fn operations() -> Operations<Pools> {
    Operations::new()
        .on(op::AdminCreateUser, Pools::admin_create_user)
        .on(op::AdminGetUser, Pools::admin_get_user)
        .on(op::ListUsers, Pools::list_users)
        .on(op::AdminUpdateUserAttributes, Pools::admin_update_user_attributes)
        .on(op::AdminDeleteUserAttributes, Pools::admin_delete_user_attributes)
        .on(op::AdminSetUserPassword, Pools::admin_set_user_password)
        .on(op::AdminConfirmSignUp, Pools::admin_confirm_sign_up)
        .on(op::AdminEnableUser, Pools::admin_enable_user)
        .on(op::AdminDisableUser, Pools::admin_disable_user)
        .on(op::AdminDeleteUser, Pools::admin_delete_user)
}

impl Pools {
    /// Creates a user and, unless told otherwise, sends them an invitation.
    pub async fn admin_create_user(
        &self,
        caller: &Caller,
        request: AdminCreateUserRequest,
    ) -> Answer<AdminCreateUserResponse> {
        let by_text =
            request.desired_delivery_mediums.iter().flatten().any(|m| *m == DeliveryMediumType::Sms);
        let pool = self.pool(&request.user_pool_id).await?;
        if by_text && !pool.sends_texts() {
            return refuse(
                InvalidParameterException,
                "SMS configuration is required to invite users by SMS.",
            );
        }
        if request.message_action == Some(MessageActionType::Resend) {
            return self.invite_again(caller, &pool, request).await;
        }
        let password = match &request.temporary_password {
            Some(given) => Some(given.reveal().to_owned()),
            // Who signs in by codes needs no password.
            None if pool.allows_codes() => None,
            None => Some(temporary(pool.password_policy)),
        };
        let new = match &password {
            Some(password) => {
                let owner = Owner::new(&pool, &request.username);
                Some(self.new_password(&pool, owner, password).await?)
            }
            None => None,
        };
        let (pools, caller) = (self.clone(), caller.clone());
        let user = self
            .sign_in_unit(&caller.clone(), move |tx| {
                let at = pools.at_pool(tx, &caller, &request.user_pool_id)?;
                let at = At { says: says(&request), ..at };
                let mut user = blank(&at.pool.id, at.now);
                user.id = match &new {
                    Some(new) => new.user_id().to_owned(),
                    None => pools.id_of_new_user(tx),
                };
                let given = attributes::pairs(request.user_attributes.as_ref());
                attributes::new_username(&at.pool, &request.username, &mut user, &given)?;
                attributes::write_new(&at.pool, &mut user, &given)?;
                if new.is_none() {
                    // With a password, what is missing is asked for when it is first given.
                    attributes::complete(&at.pool, &user)?;
                }
                identities::keep_for_providers(tx, &at.pool, &user)?;
                user.status = if new.is_some() { Status::ForceChangePassword } else { Status::Confirmed };
                if let Some(new) = &new {
                    user.take_password(new)?;
                    user.password_expires = Some(at.now.plus_ms(at.pool.temporary_password_days * DAY_MS));
                }
                let by_code = at.pool.code_media().any(|medium| user.destination(medium).is_some());
                if new.is_none() && !by_code {
                    return refuse(
                        InvalidParameterException,
                        "A user without a password needs an email address or a phone number to sign in with.",
                    );
                }
                let welcome = pools.pre_sign_up(tx, &at, &user, "AdminCreateUser")?;
                Welcome { confirmed: false, ..welcome }.write(&mut user)?;
                if request.force_alias_creation == Some(true) {
                    for medium in [Medium::Sms, Medium::Email] {
                        pools.free_alias(tx, &at, &user, medium)?;
                    }
                }
                if !tx.add_user(&user.to_row()?, &attributes::names(&at.pool, &user))? {
                    return refuse(UsernameExistsException, "User account already exists");
                }
                if request.message_action != Some(MessageActionType::Suppress) {
                    let media = request.desired_delivery_mediums.as_deref().unwrap_or_default();
                    can_be_invited(&at.pool, &user, media)?;
                    pools.invite(tx, &at, &user, password.as_deref(), media)?;
                }
                Ok(user)
            })
            .await?;
        Ok(AdminCreateUserResponse { user: Some(user_type(&user)) })
    }

    /// Makes a new temporary password and sends the invitation again.
    async fn invite_again(
        &self,
        caller: &Caller,
        pool: &Pool,
        request: AdminCreateUserRequest,
    ) -> Answer<AdminCreateUserResponse> {
        let password = match &request.temporary_password {
            Some(given) => given.reveal().to_owned(),
            None => temporary(pool.password_policy),
        };
        let owner = self.owner(&pool.id, &request.username).await?;
        let new = self.new_password(pool, owner, &password).await?;
        let (pools, caller) = (self.clone(), caller.clone());
        let user = self
            .sign_in_unit(&caller.clone(), move |tx| {
                let at = pools.at_pool(tx, &caller, &request.user_pool_id)?;
                let at = At { says: says(&request), ..at };
                let (_, user) = pools.user_of_pool(tx, &request.user_pool_id, &request.username)?;
                let mut user = pools.user_to_change(tx, &user)?;
                if user.status != Status::ForceChangePassword {
                    return refuse(
                        UnsupportedUserStateException,
                        format!(
                            "Resend not possible. {} status is not FORCE_CHANGE_PASSWORD",
                            request.username
                        ),
                    );
                }
                pools.give_password(tx, &at, &mut user, &new)?;
                user.password_expires = Some(at.now.plus_ms(at.pool.temporary_password_days * DAY_MS));
                user.save(tx, at.now)?;
                let media = request.desired_delivery_mediums.as_deref().unwrap_or_default();
                can_be_invited(&at.pool, &user, media)?;
                pools.invite(tx, &at, &user, Some(&password), media)?;
                Ok(user)
            })
            .await?;
        Ok(AdminCreateUserResponse { user: Some(user_type(&user)) })
    }

    /// Invites a user by the media that are asked for, or else by the first that leads to them, a mailbox before a
    /// telephone. Without any there is nobody to invite; the administrator hands the password over.
    pub(crate) fn invite(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        user: &User,
        password: Option<&str>,
        asked: &[DeliveryMediumType],
    ) -> Answer<()> {
        let to = invited_at(&at.pool, user, asked);
        let occasion = password.map_or(Occasion::InvitationWithoutPassword, |_| Occasion::Invitation);
        for to in &to {
            let template = match to.medium {
                Medium::Email => at.pool.template(Occasion::Invitation).body,
                Medium::Sms => at.pool.text_template(Occasion::Invitation).map(str::to_owned),
            };
            if password.is_some() && template.is_some_and(|body| !body.contains("{####}")) {
                // A template that cannot carry the password is not delivered (API reference, InviteMessageTemplate).
                continue;
            }
            let letter = Letter {
                occasion,
                to,
                code: password,
                user: Some(user),
                not_after: user.password_expires.unwrap_or_else(|| at.now.plus_ms(DAY_MS)),
                decoy: false,
            };
            self.send(tx, at, letter)?;
        }
        Ok(())
    }

    pub async fn admin_get_user(
        &self,
        _: &Caller,
        request: AdminGetUserRequest,
    ) -> Answer<AdminGetUserResponse> {
        let pools = self.clone();
        self.store
            .read(move |tx| {
                let (_, user) = pools.user_of_pool(tx, &request.user_pool_id, &request.username)?;
                let factors = pools.second_factors(tx, &user)?;
                Ok(AdminGetUserResponse {
                    username: user.username.clone(),
                    user_attributes: Some(wire_attributes(&user, |_| true)),
                    user_create_date: Some(shape::Timestamp(user.created.ms())),
                    user_last_modified_date: Some(shape::Timestamp(user.modified.ms())),
                    enabled: Some(user.enabled),
                    user_status: UserStatusType::parse(user.status.as_str()),
                    mfa_options: factors.shown_options(),
                    preferred_mfa_setting: factors.shown_preferred(),
                    user_mfa_setting_list: factors.shown(),
                })
            })
            .await
    }

    pub async fn list_users(&self, _: &Caller, request: ListUsersRequest) -> Answer<ListUsersResponse> {
        let pools = self.clone();
        self.store
            .read(move |tx| {
                let pool = pools.pool_in(tx, &request.user_pool_id)?;
                let filter = request.filter.as_deref().unwrap_or_default();
                let search = filter::search(filter)?;
                let keys = tx.keys().clone();
                let place = format!("{}/users {filter}", pool.id);
                let page = Page::asked(&keys, place, request.pagination_token.as_deref(), request.limit)?;
                let after = match page.after.split_once('\0') {
                    Some((value, id)) => UserKey { value: value.to_owned(), id: id.to_owned() },
                    None => UserKey::default(),
                };
                let mut rows = tx.list_users(&pool.id, &search, &after, page.rows())?;
                let token = page.cut(&keys, &mut rows, |row| {
                    search.key(row).map(|key| format!("{}\0{}", key.value, key.id)).unwrap_or_default()
                });
                let shown = |name: &str| {
                    request.attributes_to_get.as_ref().is_none_or(|names| names.iter().any(|n| n == name))
                };
                let users = rows
                    .into_iter()
                    .map(|row| {
                        let user = User::from_row(row)?;
                        Ok(UserType { attributes: Some(wire_attributes(&user, shown)), ..user_type(&user) })
                    })
                    .collect::<Answer<Vec<_>>>()?;
                Ok(ListUsersResponse { users: Some(users), pagination_token: token })
            })
            .await
    }

    pub async fn admin_update_user_attributes(
        &self,
        caller: &Caller,
        request: AdminUpdateUserAttributesRequest,
    ) -> Answer<AdminUpdateUserAttributesResponse> {
        let asked = attributes::changes(&request.user_attributes)?;
        let (pools, caller_of_unit) = (self.clone(), caller.clone());
        self.sign_in_unit(caller, move |tx| {
            let at = pools.at_pool(tx, &caller_of_unit, &request.user_pool_id)?;
            let at = At { says: Says::metadata(request.client_metadata.clone()), ..at };
            let (_, user) = pools.user_of_pool(tx, &request.user_pool_id, &request.username)?;
            pools.change_attributes(tx, &at, &user, &asked)
        })
        .await
        .map_err(|error| {
            // This operation's model has no other words for a code that cannot be sent.
            if error.kind() == Some(CodeDeliveryFailureException) {
                let words = "The code that verifies the address cannot be delivered.";
                return refusal(InvalidParameterException, words);
            }
            too_many(error)
        })?;
        Ok(AdminUpdateUserAttributesResponse {})
    }

    pub async fn admin_delete_user_attributes(
        &self,
        _: &Caller,
        request: AdminDeleteUserAttributesRequest,
    ) -> Answer<AdminDeleteUserAttributesResponse> {
        self.change_user(&request.user_pool_id, &request.username, move |tx, pool, user| {
            attributes::remove(pool, user, &request.user_attribute_names)?;
            attributes::rename(tx, pool, user)
        })
        .await?;
        Ok(AdminDeleteUserAttributesResponse {})
    }

    pub async fn admin_set_user_password(
        &self,
        caller: &Caller,
        request: AdminSetUserPasswordRequest,
    ) -> Answer<AdminSetUserPasswordResponse> {
        let pool = self.pool(&request.user_pool_id).await?;
        let owner = self.owner(&pool.id, &request.username).await?;
        let new = self.new_password(&pool, owner, request.password.reveal()).await?;
        let permanent = request.permanent.unwrap_or(false);
        let (pools, caller) = (self.clone(), caller.clone());
        self.store
            .write(move |tx| {
                let at = pools.at_pool(tx, &caller, &request.user_pool_id)?;
                let (_, user) = pools.user_of_pool(tx, &request.user_pool_id, &request.username)?;
                let mut user = pools.user_to_change(tx, &user)?;
                pools.give_password(tx, &at, &mut user, &new)?;
                user.status = if permanent { Status::Confirmed } else { Status::ForceChangePassword };
                let days = at.pool.temporary_password_days;
                user.password_expires = (!permanent).then(|| at.now.plus_ms(days * DAY_MS));
                user.save(tx, at.now)?;
                Ok(AdminSetUserPasswordResponse {})
            })
            .await
    }

    pub async fn admin_confirm_sign_up(
        &self,
        caller: &Caller,
        request: AdminConfirmSignUpRequest,
    ) -> Answer<AdminConfirmSignUpResponse> {
        let (pools, caller_of_unit) = (self.clone(), caller.clone());
        let step = self.sign_in_unit(caller, move |tx| {
            let at = pools.at_pool(tx, &caller_of_unit, &request.user_pool_id)?;
            let at = At { says: Says::metadata(request.client_metadata.clone()), ..at };
            let (_, user) = pools.user_of_pool(tx, &request.user_pool_id, &request.username)?;
            let mut user = pools.user_to_change(tx, &user)?;
            if user.status != Status::Unconfirmed {
                return refuse(
                    NotAuthorizedException,
                    format!("User cannot be confirmed. Current status is {}", user.status.as_str()),
                );
            }
            user.status = Status::Confirmed;
            user.save(tx, at.now)?;
            kept(pools.post_confirmation(tx, &at, &user, "ConfirmSignUp").map(Step::Done))
        });
        match step.await? {
            Step::No(error) => Err(error),
            _ => Ok(AdminConfirmSignUpResponse {}),
        }
    }

    pub async fn admin_enable_user(
        &self,
        _: &Caller,
        request: AdminEnableUserRequest,
    ) -> Answer<AdminEnableUserResponse> {
        self.change_user(&request.user_pool_id, &request.username, |_, _, user| {
            user.enabled = true;
            Ok(())
        })
        .await?;
        Ok(AdminEnableUserResponse {})
    }

    /// Disables a user and ends all their sign-ins.
    pub async fn admin_disable_user(
        &self,
        _: &Caller,
        request: AdminDisableUserRequest,
    ) -> Answer<AdminDisableUserResponse> {
        let now = self.clock.now();
        self.change_user(&request.user_pool_id, &request.username, move |_, _, user| {
            user.enabled = false;
            user.sign_out_up_to(now);
            Ok(())
        })
        .await?;
        Ok(AdminDisableUserResponse {})
    }

    pub async fn admin_delete_user(&self, _: &Caller, request: AdminDeleteUserRequest) -> Answer<Nothing> {
        let pools = self.clone();
        self.store
            .write(move |tx| {
                let (pool, user) = pools.user_of_pool(tx, &request.user_pool_id, &request.username)?;
                tx.delete_user(&pool.id, &user.id)?;
                Ok(Nothing::default())
            })
            .await
    }

    /// Reads a user, changes it and writes it back, all in one unit of work.
    async fn change_user(
        &self,
        pool_id: &str,
        username: &str,
        mut change: impl FnMut(&mut Tx<'_>, &Pool, &mut User) -> Answer<()> + Send + 'static,
    ) -> Answer<()> {
        let pools = self.clone();
        let (pool_id, username) = (pool_id.to_owned(), username.to_owned());
        self.store
            .write(move |tx| {
                let (pool, user) = pools.user_of_pool(tx, &pool_id, &username)?;
                let mut user = pools.user_to_change(tx, &user)?;
                change(tx, &pool, &mut user)?;
                user.save(tx, pools.clock.now())?;
                Ok(())
            })
            .await
    }

    /// Finds a pool, or says that it does not exist.
    pub fn pool_in(&self, tx: &mut Tx<'_>, pool_id: &str) -> Answer<Arc<Pool>> {
        Pool::find(tx, &self.place, pool_id)?
            .ok_or_else(|| refusal(ResourceNotFoundException, format!("User pool {pool_id} does not exist.")))
    }

    /// The same as [`Pools::pool_in`], in a unit of its own.
    pub async fn pool(&self, pool_id: &str) -> Answer<Arc<Pool>> {
        let (pools, pool_id) = (self.clone(), pool_id.to_owned());
        self.store.read(move |tx| pools.pool_in(tx, &pool_id)).await
    }

    /// Finds a user of a pool, or says that it does not exist.
    pub fn user_of_pool(&self, tx: &mut Tx<'_>, pool_id: &str, username: &str) -> Answer<(Arc<Pool>, User)> {
        let pool = self.pool_in(tx, pool_id)?;
        let user = self
            .find_shown_user(tx, &pool, username)?
            .ok_or_else(|| refusal(UserNotFoundException, "User does not exist."))?;
        Ok((pool, user))
    }

    /// Whose a new password for this name will be.
    async fn owner(&self, pool_id: &str, username: &str) -> Answer<Owner> {
        let (pools, pool_id, username) = (self.clone(), pool_id.to_owned(), username.to_owned());
        self.store
            .read(move |tx| {
                let (pool, user) = pools.user_of_pool(tx, &pool_id, &username)?;
                Owner::of(tx, &pool, &user)
            })
            .await
    }

    /// Reads a user anew to change it: others who change it wait from here on.
    pub fn user_to_change(&self, tx: &mut Tx<'_>, user: &User) -> Answer<User> {
        let row = tx
            .user_to_change(&user.pool_id, &user.id)?
            .ok_or_else(|| refusal(UserNotFoundException, "User does not exist."))?;
        Ok(User::from_row(row)?)
    }

    /// Stands at a pool without a client: an administrator's doing.
    pub fn at_pool(&self, tx: &mut Tx<'_>, caller: &Caller, pool_id: &str) -> Answer<At> {
        let pool = self.pool_in(tx, pool_id)?;
        let client = Arc::new(Client::none(&pool.id));
        Ok(At::new(pool, client, caller.clone(), self.clock.now()))
    }
}

/// What an administrator says to functions about a new user.
fn says(request: &AdminCreateUserRequest) -> Says {
    Says {
        validation: request
            .validation_data
            .as_ref()
            .map(|data| attributes::pairs(Some(data)).into_iter().collect()),
        metadata: request.client_metadata.clone(),
    }
}

/// Shows a user in lists and after creation.
pub fn user_type(user: &User) -> UserType {
    UserType {
        username: Some(user.username.clone()),
        attributes: Some(wire_attributes(user, |_| true)),
        user_create_date: Some(shape::Timestamp(user.created.ms())),
        user_last_modified_date: Some(shape::Timestamp(user.modified.ms())),
        enabled: Some(user.enabled),
        user_status: UserStatusType::parse(user.status.as_str()),
        mfa_options: None,
    }
}

/// Where an invitation goes.
fn invited_at(pool: &Pool, user: &User, asked: &[DeliveryMediumType]) -> Vec<Destination> {
    let texts = pool.sends_texts();
    let reached = |medium| user.destination(medium).filter(|_| texts || medium == Medium::Email);
    match asked {
        [] => [Medium::Email, Medium::Sms].into_iter().find_map(reached).into_iter().collect(),
        asked => asked.iter().filter_map(|medium| reached(medium_of(*medium))).collect(),
    }
}

/// Refuses an invitation by media of which none leads to the user: its password would reach nobody.
fn can_be_invited(pool: &Pool, user: &User, asked: &[DeliveryMediumType]) -> Answer<()> {
    if asked.is_empty() || !invited_at(pool, user, asked).is_empty() {
        return Ok(());
    }
    let lacking: Vec<&str> = asked.iter().map(|medium| medium_of(*medium).attribute()).collect();
    refuse(InvalidParameterException, format!("User has no {} to be invited by.", lacking.join(" or ")))
}

fn medium_of(delivery: DeliveryMediumType) -> Medium {
    match delivery {
        DeliveryMediumType::Sms => Medium::Sms,
        DeliveryMediumType::Email => Medium::Email,
    }
}

/// Shows the attributes that may be seen, the `sub` first.
pub fn wire_attributes(user: &User, shown: impl Fn(&str) -> bool) -> Vec<AttributeType> {
    user.shown_attributes()
        .filter(|(name, _)| shown(name))
        .map(|(name, value)| AttributeType { name: name.to_owned(), value: Some(value.to_owned()) })
        .collect()
}

/// Says where a code went.
pub fn delivery(destination: &Destination) -> CodeDeliveryDetailsType {
    CodeDeliveryDetailsType {
        destination: Some(destination.masked()),
        delivery_medium: Some(match destination.medium {
            Medium::Email => DeliveryMediumType::Email,
            Medium::Sms => DeliveryMediumType::Sms,
        }),
        attribute_name: Some(destination.medium.attribute().to_owned()),
    }
}
