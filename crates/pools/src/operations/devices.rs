//! Remembered devices: ConfirmDevice, GetDevice, ListDevices, UpdateDeviceStatus, ForgetDevice, and the same for
//! administrators but for the first.

use crate::Pools;
use crate::auth::srp::Verifier;
use crate::devices::{PER_USER_MAX, no_such_device, seal};
use crate::operations::tokens::Bearer;
use crate::page::Page;
use crate::pool::Pool;
use crate::sessions::source_text;
use crate::step::Subject;
use crate::tokens::SignInFacts;
use crate::user::User;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use postern_access::{Caller, Operations};
use postern_model::cognito_idp::errors::*;
use postern_model::cognito_idp::{
    AdminForgetDeviceRequest, AdminGetDeviceRequest, AdminGetDeviceResponse, AdminListDevicesRequest,
    AdminListDevicesResponse, AdminUpdateDeviceStatusRequest, AdminUpdateDeviceStatusResponse, AttributeType,
    ConfirmDeviceRequest, ConfirmDeviceResponse, DeviceRememberedStatusType, DeviceSecretVerifierConfigType,
    DeviceType, ForgetDeviceRequest, GetDeviceRequest, GetDeviceResponse, ListDevicesRequest,
    ListDevicesResponse, UpdateDeviceStatusRequest, UpdateDeviceStatusResponse, op,
};
use postern_model::shape::{Nothing, Timestamp as Moment};
use postern_model::{Answer, Secret, refusal, refuse};
use postern_store::devices::DeviceRow;
use postern_store::{Timestamp, Tx};
use std::sync::Arc;

pub fn operations() -> Operations<Pools> {
    Operations::new()
        .on(op::ConfirmDevice, Pools::confirm_device)
        .on(op::GetDevice, Pools::get_device)
        .on(op::ListDevices, Pools::list_devices)
        .on(op::UpdateDeviceStatus, Pools::update_device_status)
        .on(op::ForgetDevice, Pools::forget_device)
        .on(op::AdminGetDevice, Pools::admin_get_device)
        .on(op::AdminListDevices, Pools::admin_list_devices)
        .on(op::AdminUpdateDeviceStatus, Pools::admin_update_device_status)
        .on(op::AdminForgetDevice, Pools::admin_forget_device)
}

impl Pools {
    /// Takes a device into use that a sign-in gave a key for, with what its secret is to be proven against.
    pub async fn confirm_device(
        &self,
        caller: &Caller,
        request: ConfirmDeviceRequest,
    ) -> Answer<ConfirmDeviceResponse> {
        let (pools, caller) = (self.clone(), caller.clone());
        self.store
            .write(move |tx| {
                let bearer = pools.bearer(tx, request.access_token.reveal())?;
                let at = pools.at_bearer(&bearer, &caller);
                let key = &request.device_key;
                if !at.pool.devices.on || bearer.claims.device_key.as_ref() != Some(key) {
                    return refuse(InvalidParameterException, "Invalid device key given.");
                }
                let verifier = verifier(request.device_secret_verifier_config.as_ref())?;
                let sealed = seal(tx.keys(), &bearer.user.id, key, &verifier);
                let device = DeviceRow {
                    pool_id: at.pool.id.clone(),
                    user_id: bearer.user.id.clone(),
                    key: key.clone(),
                    name: request.device_name.clone(),
                    verifier: sealed,
                    remembered: !at.pool.devices.on_prompt,
                    trusted: pools.trust_of_bearer(tx, &bearer, at.now)?,
                    asked: None,
                    source: source_text(&at),
                    created: at.now,
                    changed: at.now,
                    used: at.now,
                };
                if !tx.add_device(&device)? {
                    return refuse(DeviceKeyExistsException, "Device key already exists.");
                }
                tx.drop_devices_beyond(&at.pool.id, &bearer.user.id, PER_USER_MAX)?;
                pools.audit(tx, &at, &Subject::of(&bearer.user), "ConfirmDevice", "confirmed", "")?;
                Ok(ConfirmDeviceResponse { user_confirmation_necessary: Some(at.pool.devices.on_prompt) })
            })
            .await
    }

    /// Since when a device is trusted that a bearer confirms. Tokens that do not tell which sign-in they are of earn none
    /// here: the next sign-in does.
    fn trust_of_bearer(&self, tx: &mut Tx<'_>, bearer: &Bearer, now: Timestamp) -> Answer<Option<Timestamp>> {
        let Some(id) = &bearer.claims.sign_in else { return Ok(None) };
        let Some(sign_in) = tx.find_sign_in(id)? else { return Ok(None) };
        let facts: SignInFacts = serde_json::from_str(&sign_in.facts).map_err(anyhow::Error::from)?;
        Ok(self.trust_of(&facts, now))
    }

    pub async fn get_device(&self, _: &Caller, request: GetDeviceRequest) -> Answer<GetDeviceResponse> {
        let pools = self.clone();
        self.store
            .read(move |tx| {
                let bearer = pools.device_bearer(tx, request.access_token.as_ref())?;
                let row = find(tx, &bearer.user, &request.device_key)?;
                Ok(GetDeviceResponse { device: shown(row) })
            })
            .await
    }

    pub async fn list_devices(&self, _: &Caller, request: ListDevicesRequest) -> Answer<ListDevicesResponse> {
        let pools = self.clone();
        self.store
            .read(move |tx| {
                let bearer = pools.bearer(tx, request.access_token.reveal())?;
                let token = request.pagination_token.as_deref();
                let (rows, pagination_token) = listed(tx, &bearer.user, token, request.limit)?;
                let devices = Some(rows.into_iter().map(shown).collect());
                Ok(ListDevicesResponse { devices, pagination_token })
            })
            .await
    }

    pub async fn update_device_status(
        &self,
        caller: &Caller,
        request: UpdateDeviceStatusRequest,
    ) -> Answer<UpdateDeviceStatusResponse> {
        let (pools, caller) = (self.clone(), caller.clone());
        self.store
            .write(move |tx| {
                let bearer = pools.bearer(tx, request.access_token.reveal())?;
                let now = pools.clock.now();
                set_status(tx, &bearer.user, &request.device_key, request.device_remembered_status, now)?;
                pools.audit_own(tx, &caller, &bearer, "UpdateDeviceStatus", "changed")?;
                Ok(UpdateDeviceStatusResponse {})
            })
            .await
    }

    pub async fn forget_device(&self, caller: &Caller, request: ForgetDeviceRequest) -> Answer<Nothing> {
        let (pools, caller) = (self.clone(), caller.clone());
        self.store
            .write(move |tx| {
                let bearer = pools.device_bearer(tx, request.access_token.as_ref())?;
                let forgotten = forget(tx, &bearer.user, &request.device_key)?;
                pools.audit_own(tx, &caller, &bearer, "ForgetDevice", "forgotten")?;
                Ok(forgotten)
            })
            .await
    }

    pub async fn admin_get_device(
        &self,
        _: &Caller,
        request: AdminGetDeviceRequest,
    ) -> Answer<AdminGetDeviceResponse> {
        let pools = self.clone();
        self.store
            .read(move |tx| {
                let (pool, user) = pools.device_owner(tx, &request.user_pool_id, &request.username)?;
                let row = find(tx, &user, &request.device_key)?;
                Ok(AdminGetDeviceResponse { device: pools.shown_to_admins(&pool, &user, row) })
            })
            .await
    }

    pub async fn admin_list_devices(
        &self,
        _: &Caller,
        request: AdminListDevicesRequest,
    ) -> Answer<AdminListDevicesResponse> {
        let pools = self.clone();
        self.store
            .read(move |tx| {
                let (pool, user) = pools.device_owner(tx, &request.user_pool_id, &request.username)?;
                let token = request.pagination_token.as_deref();
                let (rows, pagination_token) = listed(tx, &user, token, request.limit)?;
                let devices = rows.into_iter().map(|row| pools.shown_to_admins(&pool, &user, row));
                Ok(AdminListDevicesResponse { devices: Some(devices.collect()), pagination_token })
            })
            .await
    }

    pub async fn admin_update_device_status(
        &self,
        _: &Caller,
        request: AdminUpdateDeviceStatusRequest,
    ) -> Answer<AdminUpdateDeviceStatusResponse> {
        let pools = self.clone();
        self.store
            .write(move |tx| {
                let (_, user) = pools.user_of_pool(tx, &request.user_pool_id, &request.username)?;
                let now = pools.clock.now();
                set_status(tx, &user, &request.device_key, request.device_remembered_status, now)?;
                Ok(AdminUpdateDeviceStatusResponse {})
            })
            .await
    }

    pub async fn admin_forget_device(
        &self,
        _: &Caller,
        request: AdminForgetDeviceRequest,
    ) -> Answer<Nothing> {
        let pools = self.clone();
        self.store
            .write(move |tx| {
                let (_, user) = pools.user_of_pool(tx, &request.user_pool_id, &request.username)?;
                forget(tx, &user, &request.device_key)
            })
            .await
    }

    /// The bearer where the model lets the token be left out.
    fn device_bearer(&self, tx: &mut Tx<'_>, token: Option<&Secret>) -> Answer<Bearer> {
        match token {
            Some(token) => self.bearer(tx, token.reveal()),
            None => refuse(InvalidParameterException, "Missing required parameter AccessToken"),
        }
    }

    /// The same for operations whose model has no word for a user that is not there.
    fn device_owner(&self, tx: &mut Tx<'_>, pool_id: &str, username: &str) -> Answer<(Arc<Pool>, User)> {
        self.user_of_pool(tx, pool_id, username).map_err(|error| match error.kind() {
            Some(kind) if kind == UserNotFoundException => {
                refusal(ResourceNotFoundException, "User does not exist.")
            }
            _ => error,
        })
    }

    /// A device with what only administrators see of it.
    fn shown_to_admins(&self, pool: &Pool, user: &User, row: DeviceRow) -> DeviceType {
        let owner = format!("{}.{}", user.username, pool.id);
        let place = format!("arn:aws:cognito-idp:{}:{}", self.place.region, self.place.account);
        let arn = format!("{place}:owner/{owner}/device/{}", row.key);
        let status = if row.remembered {
            DeviceRememberedStatusType::Remembered
        } else {
            DeviceRememberedStatusType::NotRemembered
        };
        let mut device = shown(row);
        device.device_attributes.get_or_insert_default().extend([
            attribute("dev:device_arn", arn),
            attribute("dev:device_owner", owner),
            attribute("dev:device_remembered_status", status.as_str().to_owned()),
        ]);
        device
    }
}

/// Reads what a device's secret is to be proven against.
fn verifier(given: Option<&DeviceSecretVerifierConfigType>) -> Answer<Verifier> {
    let bytes = |text: Option<&String>| STANDARD.decode(text?).ok();
    let read = given.and_then(|given| {
        Verifier::chosen(&bytes(given.salt.as_ref())?, &bytes(given.password_verifier.as_ref())?)
    });
    read.ok_or_else(|| refusal(InvalidParameterException, "Invalid device secret verifier config given."))
}

fn find(tx: &mut Tx<'_>, user: &User, key: &str) -> Answer<DeviceRow> {
    tx.find_device(&user.pool_id, &user.id, key)?.ok_or_else(no_such_device)
}

/// A page of a user's devices, and the token of the next.
fn listed(
    tx: &mut Tx<'_>,
    user: &User,
    token: Option<&str>,
    size: Option<i64>,
) -> Answer<(Vec<DeviceRow>, Option<String>)> {
    let keys = tx.keys().clone();
    let page = Page::asked(&keys, format!("devices of {}", user.id), token, size)?;
    let mut rows = tx.list_devices(&user.pool_id, &user.id, &page.after, page.rows())?;
    let next = page.cut(&keys, &mut rows, |row| row.key.clone());
    Ok((rows, next))
}

fn set_status(
    tx: &mut Tx<'_>,
    user: &User,
    key: &str,
    status: Option<DeviceRememberedStatusType>,
    now: Timestamp,
) -> Answer<()> {
    let Some(status) = status else {
        return refuse(InvalidParameterException, "Missing required parameter DeviceRememberedStatus");
    };
    let remembered = status == DeviceRememberedStatusType::Remembered;
    if tx.set_device_status(&user.pool_id, &user.id, key, remembered, now)? {
        return Ok(());
    }
    Err(no_such_device())
}

fn forget(tx: &mut Tx<'_>, user: &User, key: &str) -> Answer<Nothing> {
    if tx.delete_device(&user.pool_id, &user.id, key)? {
        return Ok(Nothing::default());
    }
    Err(no_such_device())
}

fn shown(row: DeviceRow) -> DeviceType {
    let named = row.name.map(|name| attribute("device_name", name));
    let source = Some(row.source).filter(|source| !source.is_empty());
    let source = source.map(|source| attribute("last_ip_used", source));
    let status = Some(attribute("device_status", "valid".to_owned()));
    DeviceType {
        device_key: Some(row.key),
        device_attributes: Some([status, named, source].into_iter().flatten().collect()),
        device_create_date: Some(Moment(row.created.ms())),
        device_last_modified_date: Some(Moment(row.changed.ms())),
        device_last_authenticated_date: Some(Moment(row.used.ms())),
    }
}

fn attribute(name: &str, value: String) -> AttributeType {
    AttributeType { name: name.to_owned(), value: Some(value) }
}
