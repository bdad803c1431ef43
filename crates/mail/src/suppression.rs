//! Addresses that get no more mail, because it came back or its reader complained.

use anyhow::Result;
use postern_store::audit::AuditRecord;
use postern_store::mail::SuppressedRow;
use postern_store::{Timestamp, Tx};

use crate::Mail;
use crate::address::Address;
use crate::sandbox::DAY_MS;

/// Puts an address that mail bounced from on the suppression list, for as long as the operator says.
pub(crate) fn suppress(
    mail: &Mail,
    tx: &mut Tx<'_>,
    address: &Address,
    reason: &str,
    source: &str,
    now: Timestamp,
) -> Result<()> {
    let days = mail.settings.bounced_days;
    let expires = (reason == "BOUNCE" && days > 0).then(|| now.plus_ms(days * DAY_MS));
    let entry =
        SuppressedRow { address: address.spelling(), reason: reason.to_owned(), updated: now, expires };
    tx.put_suppressed(&entry, &address.canonical())?;
    tx.add_audit(&AuditRecord {
        time: now,
        who: "postern".to_owned(),
        action: "SuppressAddress".to_owned(),
        resource: source.to_owned(),
        outcome: reason.to_lowercase(),
        detail: address.masked(),
        ..AuditRecord::default()
    })
}
