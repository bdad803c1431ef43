//! The look of sign-in pages: an app client's managed login branding, and the classic style.

use crate::Pools;
use crate::branding::{self, ALL_CLIENTS, Settings, Stored, classic_id};
use crate::operations::pools::StoredPool;
use aws_lc_rs::digest::{SHA256, digest};
use postern_access::{Caller, Operations};
use postern_model::cognito_idp::errors::*;
use postern_model::cognito_idp::*;
use postern_model::shape::{Blob, Nothing, Timestamp as Moment};
use postern_model::{Answer, Document, Error, refusal, refuse};
use postern_store::branding::{BrandingRow, CustomizationRow, PictureRow};
use postern_store::{Tx, random};

/// Styles of one pool (quota).
const BRANDINGS_MAX: i64 = 20;
/// What the pictures of one branding may hold together (Developer Guide, "Apply branding to managed login pages").
const PICTURES_MAX: usize = 2 * 1024 * 1024;
/// A classic logo (Developer Guide, "Specifying a custom logo for the app").
const LOGO_MAX: usize = 100 * 1024;

pub fn operations() -> Operations<Pools> {
    Operations::new()
        .on(op::CreateManagedLoginBranding, Pools::create_managed_login_branding)
        .on(op::DescribeManagedLoginBranding, Pools::describe_managed_login_branding)
        .on(op::DescribeManagedLoginBrandingByClient, Pools::describe_managed_login_branding_by_client)
        .on(op::UpdateManagedLoginBranding, Pools::update_managed_login_branding)
        .on(op::DeleteManagedLoginBranding, Pools::delete_managed_login_branding)
        .on(op::SetUICustomization, Pools::set_ui_customization)
        .on(op::GetUICustomization, Pools::get_ui_customization)
}

impl Pools {
    /// Gives an app client a look of its own.
    pub async fn create_managed_login_branding(
        &self,
        _: &Caller,
        request: CreateManagedLoginBrandingRequest,
    ) -> Answer<CreateManagedLoginBrandingResponse> {
        let now = self.clock.now();
        // The model wants ids of version 4.
        let id = uuid::Builder::from_random_bytes(random::bytes()).into_uuid().to_string();
        let stored = asked(request.use_cognito_provided_values, request.settings, request.assets.is_some())?;
        let pictures = pictures(request.assets.unwrap_or_default())?;
        self.store
            .write(move |tx| {
                StoredPool::find_to_change(tx, &request.user_pool_id)?;
                client_of(tx, &request.user_pool_id, &request.client_id)?;
                let row = BrandingRow {
                    id: id.clone(),
                    pool_id: request.user_pool_id.clone(),
                    client_id: request.client_id.clone(),
                    settings: text(&stored)?,
                    created: now,
                    modified: now,
                };
                if !tx.add_branding(&row)? {
                    let words = format!("Managed login branding already exists for {}.", request.client_id);
                    return refuse(ManagedLoginBrandingExistsException, words);
                }
                if tx.count_brandings(&row.pool_id)? > BRANDINGS_MAX {
                    return refuse(
                        LimitExceededException,
                        format!("A user pool can have at most {BRANDINGS_MAX} managed login styles."),
                    );
                }
                put(tx, &row.id, &pictures)?;
                Ok(CreateManagedLoginBrandingResponse { managed_login_branding: Some(shown(tx, row)?) })
            })
            .await
    }

    /// Shows a branding. What is not set is Postern's own look, which has no settings to be merged in.
    pub async fn describe_managed_login_branding(
        &self,
        _: &Caller,
        request: DescribeManagedLoginBrandingRequest,
    ) -> Answer<DescribeManagedLoginBrandingResponse> {
        self.store
            .read(move |tx| {
                StoredPool::find(tx, &request.user_pool_id)?;
                let row = find(tx, &request.user_pool_id, &request.managed_login_branding_id)?;
                Ok(DescribeManagedLoginBrandingResponse { managed_login_branding: Some(shown(tx, row)?) })
            })
            .await
    }

    /// Shows the branding of an app client.
    pub async fn describe_managed_login_branding_by_client(
        &self,
        _: &Caller,
        request: DescribeManagedLoginBrandingByClientRequest,
    ) -> Answer<DescribeManagedLoginBrandingByClientResponse> {
        self.store
            .read(move |tx| {
                StoredPool::find(tx, &request.user_pool_id)?;
                client_of(tx, &request.user_pool_id, &request.client_id)?;
                let row = tx.branding_of_client(&request.client_id)?.ok_or_else(|| {
                    let words =
                        format!("Managed login branding does not exist for client {}.", request.client_id);
                    refusal(ResourceNotFoundException, words)
                })?;
                Ok(DescribeManagedLoginBrandingByClientResponse {
                    managed_login_branding: Some(shown(tx, row)?),
                })
            })
            .await
    }

    /// Changes a branding: what is given replaces what was there, settings and pictures each as a whole.
    pub async fn update_managed_login_branding(
        &self,
        _: &Caller,
        request: UpdateManagedLoginBrandingRequest,
    ) -> Answer<UpdateManagedLoginBrandingResponse> {
        let now = self.clock.now();
        let missing = |name: &str| refusal(InvalidParameterException, format!("{name} is required."));
        let pool_id = request.user_pool_id.ok_or_else(|| missing("UserPoolId"))?;
        let id = request.managed_login_branding_id.ok_or_else(|| missing("ManagedLoginBrandingId"))?;
        let is_given = request.settings.is_some();
        let new = asked(request.use_cognito_provided_values, request.settings, request.assets.is_some())?;
        let pictures = request.assets.map(pictures).transpose()?;
        self.store
            .write(move |tx| {
                StoredPool::find_to_change(tx, &pool_id)?;
                let mut row = find(tx, &pool_id, &id)?;
                let mut stored: Stored = serde_json::from_str(&row.settings).map_err(anyhow::Error::from)?;
                stored.uses_cognitos_values = new.uses_cognitos_values;
                if is_given || new.uses_cognitos_values {
                    stored.settings.clone_from(&new.settings);
                }
                row.settings = text(&stored)?;
                row.modified = now;
                match &pictures {
                    Some(pictures) => put(tx, &row.id, pictures)?,
                    None if new.uses_cognitos_values => put(tx, &row.id, &[])?,
                    None => {}
                }
                if !tx.change_branding(&row)? {
                    return Err(no_such_branding(&id));
                }
                Ok(UpdateManagedLoginBrandingResponse { managed_login_branding: Some(shown(tx, row)?) })
            })
            .await
    }

    /// Takes a branding away; the app client's pages have their usual look again.
    pub async fn delete_managed_login_branding(
        &self,
        _: &Caller,
        request: DeleteManagedLoginBrandingRequest,
    ) -> Answer<Nothing> {
        self.store
            .write(move |tx| {
                StoredPool::find_to_change(tx, &request.user_pool_id)?;
                let row = find(tx, &request.user_pool_id, &request.managed_login_branding_id)?;
                if !tx.delete_branding(&row)? {
                    return Err(no_such_branding(&row.id));
                }
                Ok(Nothing::default())
            })
            .await
    }

    /// Sets the classic style of an app client, or of all of a pool's that have none of their own.
    pub async fn set_ui_customization(
        &self,
        _: &Caller,
        request: SetUICustomizationRequest,
    ) -> Answer<SetUICustomizationResponse> {
        let now = self.clock.now();
        let css = request.css.unwrap_or_default();
        branding::classic_css(&css).map_err(|words| refusal(InvalidParameterException, words))?;
        let picture = request.image_file.map(|Blob(bytes)| bytes).filter(|bytes| !bytes.is_empty());
        if let Some(bytes) = &picture {
            let is_logo =
                matches!(branding::kind_of(bytes), Some(("PNG" | "JPEG", _))) && bytes.len() <= LOGO_MAX;
            if !is_logo {
                return refuse(
                    InvalidParameterException,
                    "ImageFile must be a PNG or JPEG of at most 100 KB.",
                );
            }
        }
        let place = self.place.clone();
        self.store
            .write(move |tx| {
                StoredPool::find_to_change(tx, &request.user_pool_id)?;
                let client_id = request.client_id.clone().unwrap_or_else(|| ALL_CLIENTS.to_owned());
                if client_id != ALL_CLIENTS {
                    client_of(tx, &request.user_pool_id, &client_id)?;
                }
                if tx.domains_of_pool(&request.user_pool_id)?.is_empty() {
                    return refuse(
                        InvalidParameterException,
                        "There has to be an existing domain associated with this user pool",
                    );
                }
                let row = CustomizationRow {
                    pool_id: request.user_pool_id.clone(),
                    client_id,
                    css: css.clone(),
                    hash: picture.as_deref().map(hash),
                    created: now,
                    modified: now,
                };
                tx.put_customization(&row, picture.as_deref())?;
                let stands = tx.find_customization(&row.pool_id, &row.client_id)?.unwrap_or(row);
                Ok(SetUICustomizationResponse { ui_customization: customization(stands, &place.public_url) })
            })
            .await
    }

    /// Shows the classic style of an app client, else of its pool; nothing but names where there is none.
    pub async fn get_ui_customization(
        &self,
        _: &Caller,
        request: GetUICustomizationRequest,
    ) -> Answer<GetUICustomizationResponse> {
        let place = self.place.clone();
        self.store
            .read(move |tx| {
                StoredPool::find(tx, &request.user_pool_id)?;
                let client_id = request.client_id.as_deref().unwrap_or(ALL_CLIENTS);
                if client_id != ALL_CLIENTS {
                    client_of(tx, &request.user_pool_id, client_id)?;
                }
                let mut row = tx.find_customization(&request.user_pool_id, client_id)?;
                if row.is_none() {
                    row = tx.find_customization(&request.user_pool_id, ALL_CLIENTS)?;
                }
                let shown = match row {
                    Some(row) => customization(row, &place.public_url),
                    None => UICustomizationType {
                        user_pool_id: Some(request.user_pool_id.clone()),
                        client_id: Some(client_id.to_owned()),
                        ..UICustomizationType::default()
                    },
                };
                Ok(GetUICustomizationResponse { ui_customization: shown })
            })
            .await
    }
}

/// A picture as it was given: what is kept of it, and its bytes.
type Picture = (PictureRow, Vec<u8>);

/// Judges what a branding is to say.
fn asked(uses_cognitos_values: Option<bool>, settings: Option<Document>, has_assets: bool) -> Answer<Stored> {
    let uses_cognitos_values = uses_cognitos_values.unwrap_or(false);
    if uses_cognitos_values && (settings.is_some() || has_assets) {
        return refuse(
            InvalidParameterException,
            "UseCognitoProvidedValues cannot be true together with Settings or Assets.",
        );
    }
    if let Some(settings) = &settings {
        Settings::read(settings).map_err(|words| refusal(InvalidParameterException, words))?;
    }
    Ok(Stored { uses_cognitos_values, settings })
}

fn pictures(assets: Vec<AssetType>) -> Answer<Vec<Picture>> {
    let size: usize = assets.iter().filter_map(|asset| asset.bytes.as_ref()).map(|bytes| bytes.0.len()).sum();
    if size > PICTURES_MAX {
        return refuse(InvalidParameterException, "Assets must not be larger than 2 MB together.");
    }
    (0..)
        .zip(assets)
        .map(|(number, asset)| {
            let extension = asset.extension.as_str();
            let Some(Blob(bytes)) = asset.bytes else {
                return refuse(InvalidParameterException, "Bytes of an asset is required.");
            };
            if !branding::is_raster(extension, &bytes) {
                return refuse(
                    InvalidParameterException,
                    format!(
                        "An asset is not the {extension} picture that it is said to be, or may carry script: \
                             PNG, JPEG, ICO and WEBP are accepted."
                    ),
                );
            }
            let row = PictureRow {
                number,
                category: asset.category.as_str().to_owned(),
                color_mode: asset.color_mode.as_str().to_owned(),
                extension: extension.to_owned(),
                resource_id: asset.resource_id,
                hash: hash(&bytes),
            };
            Ok((row, bytes))
        })
        .collect()
}

fn put(tx: &mut Tx<'_>, id: &str, pictures: &[Picture]) -> Answer<()> {
    let pictures: Vec<(PictureRow, &[u8])> =
        pictures.iter().map(|(row, bytes)| (row.clone(), bytes.as_slice())).collect();
    Ok(tx.put_pictures(id, &pictures)?)
}

fn hash(bytes: &[u8]) -> String {
    hex::encode(&digest(&SHA256, bytes).as_ref()[..6])
}

fn text(stored: &Stored) -> Answer<String> {
    Ok(serde_json::to_string(stored).map_err(anyhow::Error::from)?)
}

pub(crate) fn client_of(tx: &mut Tx<'_>, pool_id: &str, client_id: &str) -> Answer<()> {
    match tx.find_client(client_id)? {
        Some(client) if client.pool_id == pool_id => Ok(()),
        _ => refuse(ResourceNotFoundException, format!("User pool client {client_id} does not exist.")),
    }
}

fn find(tx: &mut Tx<'_>, pool_id: &str, id: &str) -> Answer<BrandingRow> {
    tx.find_branding(pool_id, id)?.ok_or_else(|| no_such_branding(id))
}

fn no_such_branding(id: &str) -> Error {
    refusal(ResourceNotFoundException, format!("Managed login branding {id} does not exist."))
}

fn shown(tx: &mut Tx<'_>, row: BrandingRow) -> Answer<ManagedLoginBrandingType> {
    let stored: Stored = serde_json::from_str(&row.settings).map_err(anyhow::Error::from)?;
    let mut assets = Vec::new();
    for picture in tx.pictures(&row.id)? {
        let words = (
            AssetCategoryType::parse(&picture.category),
            ColorSchemeModeType::parse(&picture.color_mode),
            AssetExtensionType::parse(&picture.extension),
        );
        let (Some(category), Some(color_mode), Some(extension)) = words else {
            return Err(anyhow::anyhow!("a picture of an unknown kind").into());
        };
        assets.push(AssetType {
            category,
            color_mode,
            extension,
            bytes: tx.picture_bytes(&row.id, picture.number)?.map(Blob),
            resource_id: picture.resource_id,
        });
    }
    Ok(ManagedLoginBrandingType {
        managed_login_branding_id: Some(row.id),
        user_pool_id: Some(row.pool_id),
        use_cognito_provided_values: Some(stored.uses_cognitos_values),
        settings: stored.settings,
        assets: (!assets.is_empty()).then_some(assets),
        creation_date: Some(Moment(row.created.ms())),
        last_modified_date: Some(Moment(row.modified.ms())),
    })
}

fn customization(row: CustomizationRow, public_url: &str) -> UICustomizationType {
    let id = classic_id(&row.pool_id, &row.client_id);
    UICustomizationType {
        image_url: row.hash.map(|hash| format!("{public_url}/brand/{id}/0-{hash}")),
        css: (!row.css.is_empty()).then_some(row.css),
        css_version: Some(row.modified.ms().to_string()),
        last_modified_date: Some(Moment(row.modified.ms())),
        creation_date: Some(Moment(row.created.ms())),
        user_pool_id: Some(row.pool_id),
        client_id: Some(row.client_id),
    }
}
