//! The DNS records that belong to an identity: shown with what the last look found, looked at now, and, where there is no
//! DNS but our own, published there.

use postern_access::{Caller, Operations};
use postern_model::postern::errors::{ResourceNotFoundException, UnsupportedOperationException};
use postern_model::postern::*;
use postern_model::{Answer, refusal, refuse};
use postern_store::mail::ZoneRecordRow;

use super::identities::known_as;
use crate::Mail;
use crate::identity::Identity;
use crate::settings::Settings;

pub(super) fn own_operations() -> Operations<Mail> {
    Operations::new()
        .on(op::ListIdentityRecords, Mail::list_identity_records)
        .on(op::CheckIdentity, Mail::check_identity_now)
        .on(op::PublishIdentityRecords, Mail::publish_identity_records)
}

impl Mail {
    /// Lists an identity's records.
    pub async fn list_identity_records(
        &self,
        _caller: &Caller,
        request: ListIdentityRecordsRequest,
    ) -> Answer<ListIdentityRecordsResponse> {
        let identity = self.identity_of(request.email_identity).await?;
        Ok(ListIdentityRecordsResponse { records: Some(shown(&identity, &self.settings)) })
    }

    /// Looks at an identity's records now.
    pub async fn check_identity_now(
        &self,
        _caller: &Caller,
        request: CheckIdentityRequest,
    ) -> Answer<CheckIdentityResponse> {
        let name = known_as(&request.email_identity);
        let identity = self.check_identity(&name).await?.ok_or_else(|| missing(&name))?;
        Ok(CheckIdentityResponse { records: Some(shown(&identity, &self.settings)) })
    }

    /// Puts an identity's records into the local zone, where nothing else is asked, and looks at them.
    pub async fn publish_identity_records(
        &self,
        _caller: &Caller,
        request: PublishIdentityRecordsRequest,
    ) -> Answer<PublishIdentityRecordsResponse> {
        if !self.settings.publishes_records {
            return refuse(
                UnsupportedOperationException,
                "Records are published here in development mode only. Publish them in the domain's own zone.",
            );
        }
        let identity = self.identity_of(request.email_identity).await?;
        let records = identity.all_records(&self.settings.hosts);
        self.store
            .write(move |tx| {
                for record in &records {
                    tx.add_zone_record(&ZoneRecordRow {
                        name: record.name.to_ascii_lowercase(),
                        kind: record.kind.to_owned(),
                        value: record.value.clone(),
                    })?;
                }
                anyhow::Ok(())
            })
            .await?;
        let checked = self.check_identity(&identity.name).await?.ok_or_else(|| missing(&identity.name))?;
        Ok(PublishIdentityRecordsResponse { records: Some(shown(&checked, &self.settings)) })
    }

    async fn identity_of(&self, given: String) -> Answer<Identity> {
        let name = known_as(&given);
        let found = self.store.read(move |tx| tx.find_identity(&name)).await?;
        Ok(Identity::try_from(found.ok_or_else(|| missing(&given))?)?)
    }
}

fn shown(identity: &Identity, settings: &Settings) -> Vec<IdentityRecordType> {
    let records = identity.all_records(&settings.hosts).into_iter();
    let shown = records.map(|record| IdentityRecordType {
        state: identity.notes.looks.get(&record.key()).cloned(),
        purpose: Some(record.purpose.to_owned()),
        r#type: Some(record.kind.to_owned()),
        name: Some(record.name),
        value: Some(record.value),
    });
    shown.collect()
}

fn missing(name: &str) -> postern_model::Error {
    refusal(ResourceNotFoundException, format!("Email identity {name} does not exist."))
}
