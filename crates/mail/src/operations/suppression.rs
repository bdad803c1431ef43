//! The account's suppression list: addresses that get no mail.

use postern_access::{Caller, Operations};
use postern_model::postern as own;
use postern_model::sesv2::{op, *};
use postern_model::{Answer, Error, Timestamp, refusal};
use postern_store::mail::SuppressedRow;

use super::{bad_request, page, page_size, page_start};
use crate::Mail;
use crate::address::Address;

pub(super) fn operations() -> Operations<Mail> {
    Operations::new()
        .on(op::PutSuppressedDestination, Mail::put_suppressed_destination)
        .on(op::GetSuppressedDestination, Mail::get_suppressed_destination)
        .on(op::DeleteSuppressedDestination, Mail::delete_suppressed_destination)
        .on(op::ListSuppressedDestinations, Mail::list_suppressed_destinations)
}

/// What the console asks about somebody's address.
pub(super) fn own_operations() -> Operations<Mail> {
    Operations::new().on(own::op::GetAddressState, Mail::get_address_state)
}

impl Mail {
    /// Tells whether an address gets no mail, why, and how long; nothing of one that does.
    pub async fn get_address_state(
        &self,
        _caller: &Caller,
        request: own::GetAddressStateRequest,
    ) -> Answer<own::GetAddressStateResponse> {
        let address = Address::parse(&request.email_address)
            .map_err(|bad| refusal(own::errors::InvalidParameterException, bad.words()))?
            .canonical();
        let found = self.store.read(move |tx| tx.find_suppressed(&address)).await?;
        Ok(found.map_or_else(own::GetAddressStateResponse::default, |entry| own::GetAddressStateResponse {
            suppressed_for: Some(entry.reason),
            since: Some(Timestamp(entry.updated.ms())),
            until: entry.expires.map(|expires| Timestamp(expires.ms())),
        }))
    }

    /// Puts an address on the list. Not available in the sandbox.
    pub async fn put_suppressed_destination(
        &self,
        _caller: &Caller,
        request: PutSuppressedDestinationRequest,
    ) -> Answer<PutSuppressedDestinationResponse> {
        no_tenant(request.tenant_name.as_ref())?;
        let address = read(&request.email_address)?;
        let entry = SuppressedRow {
            address: address.spelling(),
            reason: request.reason.as_str().to_owned(),
            updated: self.clock.now(),
            expires: None,
        };
        let mail = self.clone();
        self.store
            .write(move |tx| {
                if !mail.account(tx)?.production {
                    return Err(bad_request("Your account is in the sandbox."));
                }
                tx.put_suppressed(&entry, &address.canonical())?;
                Ok(PutSuppressedDestinationResponse::default())
            })
            .await
    }

    /// Shows an address on the list.
    pub async fn get_suppressed_destination(
        &self,
        _caller: &Caller,
        request: GetSuppressedDestinationRequest,
    ) -> Answer<GetSuppressedDestinationResponse> {
        no_tenant(request.tenant_name.as_ref())?;
        let address = read(&request.email_address)?;
        let asked = address.canonical();
        let found = self.store.read(move |tx| tx.find_suppressed(&asked)).await?;
        let entry = found.ok_or_else(|| missing(&address.spelling()))?;
        let suppressed_destination = SuppressedDestination {
            reason: reason(&entry),
            last_update_time: Timestamp(entry.updated.ms()),
            email_address: entry.address,
            ..SuppressedDestination::default()
        };
        Ok(GetSuppressedDestinationResponse { suppressed_destination })
    }

    /// Takes an address off the list.
    pub async fn delete_suppressed_destination(
        &self,
        _caller: &Caller,
        request: DeleteSuppressedDestinationRequest,
    ) -> Answer<DeleteSuppressedDestinationResponse> {
        no_tenant(request.tenant_name.as_ref())?;
        let address = read(&request.email_address)?;
        self.store
            .write(move |tx| {
                if !tx.delete_suppressed(&address.canonical())? {
                    return Err(missing(&address.spelling()));
                }
                Ok(DeleteSuppressedDestinationResponse::default())
            })
            .await
    }

    /// Lists the addresses.
    pub async fn list_suppressed_destinations(
        &self,
        _caller: &Caller,
        request: ListSuppressedDestinationsRequest,
    ) -> Answer<ListSuppressedDestinationsResponse> {
        no_tenant(request.tenant_name.as_ref())?;
        let size = page_size(request.page_size);
        let mut after = page_start(request.next_token.as_deref())
            .map_err(|_| refusal(errors::InvalidNextTokenException, "The specified token is invalid."))?;
        let reasons = request.reasons.unwrap_or_default();
        let from = request.start_date.map_or(i64::MIN, |date| date.0);
        let to = request.end_date.map_or(i64::MAX, |date| date.0);
        let wanted = move |entry: &SuppressedRow| {
            (reasons.is_empty() || reasons.contains(&reason(entry)))
                && (from..=to).contains(&entry.updated.ms())
        };
        let mut found = self
            .store
            .read(move |tx| {
                let mut found = Vec::new();
                loop {
                    let rows = tx.list_suppressed(&after, size + 1)?;
                    let Some(last) = rows.last() else { break };
                    after.clone_from(&last.address);
                    let more = rows.len() as i64 > size;
                    found.extend(rows.into_iter().filter(|entry| wanted(entry)));
                    if !more || found.len() as i64 > size {
                        break;
                    }
                }
                anyhow::Ok(found)
            })
            .await?;
        let next_token = page(&mut found, size, |entry| &entry.address);
        let shown = |entry: SuppressedRow| SuppressedDestinationSummary {
            reason: reason(&entry),
            last_update_time: Timestamp(entry.updated.ms()),
            email_address: entry.address,
        };
        Ok(ListSuppressedDestinationsResponse {
            suppressed_destination_summaries: Some(found.into_iter().map(shown).collect()),
            next_token,
        })
    }
}

fn reason(entry: &SuppressedRow) -> SuppressionListReason {
    SuppressionListReason::parse(&entry.reason).unwrap_or(SuppressionListReason::Bounce)
}

fn read(address: &str) -> Answer<Address> {
    Address::parse(address).map_err(|bad| bad_request(bad.words()))
}

fn no_tenant(tenant: Option<&String>) -> Answer<()> {
    match tenant {
        None => Ok(()),
        Some(_) => Err(bad_request("There are no tenants here.")),
    }
}

fn missing(address: &str) -> Error {
    let words = format!("Email address {address} does not exist on your suppression list.");
    refusal(errors::NotFoundException, words)
}
