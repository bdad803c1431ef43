//! Configuration sets: named switches for a group of mails.

use postern_access::{Caller, Operations};
use postern_model::sesv2::{op, *};
use postern_model::{Answer, Error, Shape, refusal, refuse};
use postern_store::mail::ConfigurationSetRow;

use super::{bad_request, page, page_size, page_start};
use crate::{Mail, Unsent};

const NAME_MAX: usize = 64;

pub(super) fn operations() -> Operations<Mail> {
    Operations::new()
        .on(op::CreateConfigurationSet, Mail::create_configuration_set)
        .on(op::GetConfigurationSet, Mail::get_configuration_set)
        .on(op::DeleteConfigurationSet, Mail::delete_configuration_set)
        .on(op::ListConfigurationSets, Mail::list_configuration_sets)
}

impl Mail {
    /// Makes a configuration set. Of the options, sending on or off is kept; the others are refused.
    pub async fn create_configuration_set(
        &self,
        _caller: &Caller,
        request: CreateConfigurationSetRequest,
    ) -> Answer<CreateConfigurationSetResponse> {
        let name = request.configuration_set_name.clone();
        let named = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if name.is_empty() || name.len() > NAME_MAX || !name.chars().all(named) {
            return Err(bad_request("Configuration set name is invalid."));
        }
        let unsupported = request.tracking_options.is_some()
            || request.delivery_options.is_some()
            || request.suppression_options.is_some()
            || request.vdm_options.is_some()
            || request.archiving_options.is_some()
            || request.message_security_options.is_some()
            || request.reputation_options.is_some();
        if unsupported {
            return Err(bad_request(
                "Of the options of a configuration set only SendingOptions are supported.",
            ));
        }
        let now = self.clock.now();
        let config = GetConfigurationSetResponse {
            configuration_set_name: Some(name.clone()),
            sending_options: Some(
                request.sending_options.unwrap_or(SendingOptions { sending_enabled: Some(true) }),
            ),
            tags: request.tags,
            ..GetConfigurationSetResponse::default()
        };
        let set = ConfigurationSetRow { name, config: config.write().to_string(), created: now };
        self.store
            .write(move |tx| {
                if !tx.add_configuration_set(&set)? {
                    let words = format!("Configuration set <{}> already exists.", set.name);
                    return refuse(errors::AlreadyExistsException, words);
                }
                Ok(CreateConfigurationSetResponse::default())
            })
            .await
    }

    /// Shows a configuration set.
    pub async fn get_configuration_set(
        &self,
        _caller: &Caller,
        request: GetConfigurationSetRequest,
    ) -> Answer<GetConfigurationSetResponse> {
        let name = request.configuration_set_name;
        let asked = name.clone();
        let found = self.store.read(move |tx| tx.find_configuration_set(&asked)).await?;
        let set = found.ok_or_else(|| Unsent::NoConfigurationSet(name).for_ses())?;
        shown(&set.config)
    }

    /// Forgets a configuration set.
    pub async fn delete_configuration_set(
        &self,
        _caller: &Caller,
        request: DeleteConfigurationSetRequest,
    ) -> Answer<DeleteConfigurationSetResponse> {
        let name = request.configuration_set_name;
        self.store
            .write(move |tx| {
                if !tx.delete_configuration_set(&name)? {
                    return Err(Unsent::NoConfigurationSet(name.clone()).for_ses());
                }
                Ok(DeleteConfigurationSetResponse::default())
            })
            .await
    }

    /// Lists configuration sets by name.
    pub async fn list_configuration_sets(
        &self,
        _caller: &Caller,
        request: ListConfigurationSetsRequest,
    ) -> Answer<ListConfigurationSetsResponse> {
        let size = page_size(request.page_size);
        let after = page_start(request.next_token.as_deref())
            .map_err(|_| refusal(errors::BadRequestException, "The specified token is invalid."))?;
        if request.filter.is_some_and(|filter| !filter.is_empty()) {
            return Err(bad_request("Configuration sets are listed without a filter."));
        }
        let mut sets = self.store.read(move |tx| tx.list_configuration_sets(&after, size + 1)).await?;
        let next_token = page(&mut sets, size, |set| &set.name);
        let names = sets.into_iter().map(|set| set.name).collect();
        Ok(ListConfigurationSetsResponse { configuration_sets: Some(names), next_token })
    }
}

/// Reads a configuration set as it is kept.
pub(crate) fn shown(config: &str) -> Answer<GetConfigurationSetResponse> {
    let document = serde_json::from_str(config).map_err(|cause| Error::Failed(cause.into()))?;
    GetConfigurationSetResponse::read(&document).map_err(|mismatch| Error::Failed(mismatch.into()))
}
