//! Statements about identities, the SES account and what belongs to it. The mails themselves: `outbox`, `inbox`.

mod inbox;
mod outbox;

pub use inbox::InboxRow;
pub use outbox::OutboxRow;

use crate::stamps::Topic;
use crate::{Purpose, Row, Timestamp, Tx, random, values};
use anyhow::Result;

/// An identity's row.
#[derive(Clone)]
pub struct IdentityRow {
    pub name: String,
    pub kind: String,
    pub status: String,
    pub config: String,
    pub private_key: Option<Vec<u8>>,
    pub check: Option<Timestamp>,
    pub created: Timestamp,
}

/// A policy that hangs on an identity. `ids` is a JSON object of its ARNs and the ids they had when it was written.
#[derive(Clone)]
pub struct IdentityPolicyRow {
    pub name: String,
    pub policy: String,
    pub ids: String,
}

/// What the account may send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SesAccountRow {
    pub production: bool,
    pub sending: bool,
    pub quota: i64,
    pub rate: i64,
    /// When the whole rate is available again.
    pub full: Timestamp,
    pub details: String,
}

/// A configuration set's row.
#[derive(Clone, Debug)]
pub struct ConfigurationSetRow {
    pub name: String,
    pub config: String,
    pub created: Timestamp,
}

/// A record of the local zone. Names are in lower case, without a final dot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneRecordRow {
    pub name: String,
    pub kind: String,
    pub value: String,
}

/// An address that gets no mail.
#[derive(Clone, Debug)]
pub struct SuppressedRow {
    pub address: String,
    pub reason: String,
    pub updated: Timestamp,
    /// When it is tried again; never by itself without it.
    pub expires: Option<Timestamp>,
}

const COUNT_LANES: u64 = 16;

impl Tx<'_> {
    /// Makes changes of SES's settings wait for one another until they end: each reads a whole row and writes it.
    pub fn lock_ses(&mut self) -> Result<()> {
        self.serialize(b"ses")
    }

    pub fn add_identity(&mut self, identity: &IdentityRow) -> Result<bool> {
        self.restamp(Topic::Ses)?;
        let sealed = identity.private_key.as_ref().map(|key| self.keys.seal(Purpose::PrivateKey, key));
        let added = self.run(
            "insert into email_identities (name, kind, status, config, private_key, check_ms, created_ms) \
             values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing",
            values![
                &identity.name,
                &identity.kind,
                &identity.status,
                &identity.config,
                sealed.as_ref(),
                identity.check,
                identity.created
            ],
        )?;
        Ok(added == 1)
    }

    pub fn find_identity(&mut self, name: &str) -> Result<Option<IdentityRow>> {
        self.identities_where(
            "select name, kind, status, config, private_key, check_ms, created_ms \
             from email_identities where name = $1",
            values![name],
        )
        .map(|found| found.into_iter().next())
    }

    /// Tells an identity's status without reading the rest of it.
    pub fn identity_status(&mut self, name: &str) -> Result<Option<String>> {
        self.row("select status from email_identities where name = $1", values![name], |row| row.text(0))
    }

    /// Writes an identity's status, settings and next check; false when it is gone. Its key stays.
    pub fn change_identity(&mut self, identity: &IdentityRow) -> Result<bool> {
        self.restamp(Topic::Ses)?;
        let changed = self.run(
            "update email_identities set status = $1, config = $2, check_ms = $3 where name = $4",
            values![&identity.status, &identity.config, identity.check, &identity.name],
        )?;
        Ok(changed == 1)
    }

    pub fn delete_identity(&mut self, name: &str) -> Result<bool> {
        self.restamp(Topic::Ses)?;
        self.run("delete from email_identity_policies where identity = $1", values![name])?;
        Ok(self.run("delete from email_identities where name = $1", values![name])? == 1)
    }

    /// Lists identities by name, from behind `after`.
    pub fn list_identities(&mut self, after: &str, limit: i64) -> Result<Vec<IdentityRow>> {
        self.identities_where(
            "select name, kind, status, config, private_key, check_ms, created_ms \
             from email_identities where name > $1 order by name limit $2",
            values![after, limit],
        )
    }

    /// Lists the domains whose records are to be looked at now.
    pub fn identities_to_check(&mut self, now: Timestamp, limit: i64) -> Result<Vec<IdentityRow>> {
        self.identities_where(
            "select name, kind, status, config, private_key, check_ms, created_ms \
             from email_identities where check_ms <= $1 order by check_ms limit $2",
            values![now, limit],
        )
    }

    fn identities_where(
        &mut self,
        sql: &'static str,
        values: &[crate::Value<'_>],
    ) -> Result<Vec<IdentityRow>> {
        let keys = self.keys.clone();
        self.rows(sql, values, |row| {
            Ok(IdentityRow {
                name: row.text(0)?,
                kind: row.text(1)?,
                status: row.text(2)?,
                config: row.text(3)?,
                private_key: row.opt_blob(4)?.map(|key| keys.open(Purpose::PrivateKey, &key)).transpose()?,
                check: row.opt_time(5)?,
                created: row.time(6)?,
            })
        })
    }

    /// Remembers the link that verifies an address, in place of any before it.
    pub fn put_identity_token(&mut self, name: &str, token_mac: &[u8], expires: Timestamp) -> Result<()> {
        self.run(
            "update email_identities set token_mac = $1, token_expires_ms = $2 where name = $3",
            values![token_mac, expires, name],
        )?;
        Ok(())
    }

    /// Finds whose link this is while it is good.
    pub fn identity_of_token(&mut self, token_mac: &[u8], now: Timestamp) -> Result<Option<String>> {
        self.row(
            "select name from email_identities where token_mac = $1 and token_expires_ms > $2",
            values![token_mac, now],
            |row| row.text(0),
        )
    }

    /// Spends a link and marks its address verified: at most once.
    pub fn spend_identity_token(&mut self, token_mac: &[u8], now: Timestamp) -> Result<Option<String>> {
        self.restamp(Topic::Ses)?;
        self.row(
            "update email_identities set status = 'SUCCESS', token_mac = null, token_expires_ms = null \
             where token_mac = $1 and token_expires_ms > $2 returning name",
            values![token_mac, now],
            |row| row.text(0),
        )
    }

    /// Gives up on addresses whose link was not opened in time.
    pub fn fail_unopened_identities(&mut self, now: Timestamp) -> Result<u64> {
        let failed = self.run(
            "update email_identities set status = 'FAILED', token_mac = null, token_expires_ms = null \
             where status = 'PENDING' and token_expires_ms <= $1",
            values![now],
        )?;
        if failed > 0 {
            self.restamp(Topic::Ses)?;
        }
        Ok(failed)
    }

    pub fn add_identity_policy(&mut self, identity: &str, policy: &IdentityPolicyRow) -> Result<bool> {
        self.restamp(Topic::Ses)?;
        let added = self.run(
            "insert into email_identity_policies (identity, name, policy, ids) values ($1, $2, $3, $4) \
             on conflict do nothing",
            values![identity, &policy.name, &policy.policy, &policy.ids],
        )?;
        Ok(added == 1)
    }

    pub fn change_identity_policy(&mut self, identity: &str, policy: &IdentityPolicyRow) -> Result<bool> {
        self.restamp(Topic::Ses)?;
        let changed = self.run(
            "update email_identity_policies set policy = $1, ids = $2 where identity = $3 and name = $4",
            values![&policy.policy, &policy.ids, identity, &policy.name],
        )?;
        Ok(changed == 1)
    }

    pub fn delete_identity_policy(&mut self, identity: &str, name: &str) -> Result<bool> {
        self.restamp(Topic::Ses)?;
        let gone = self.run(
            "delete from email_identity_policies where identity = $1 and name = $2",
            values![identity, name],
        )?;
        Ok(gone == 1)
    }

    /// Lists an identity's policies by name.
    pub fn identity_policies(&mut self, identity: &str) -> Result<Vec<IdentityPolicyRow>> {
        self.rows(
            "select name, policy, ids from email_identity_policies where identity = $1 order by name",
            values![identity],
            |row| Ok(IdentityPolicyRow { name: row.text(0)?, policy: row.text(1)?, ids: row.text(2)? }),
        )
    }

    /// Remembers the account as it starts; false when it was here before.
    pub fn add_ses_account(&mut self, account: &SesAccountRow) -> Result<bool> {
        self.restamp(Topic::Ses)?;
        let added = self.run(
            "insert into ses_account (id, production, sending, quota, rate, full_ms, details) \
             values (1, $1, $2, $3, $4, $5, $6) on conflict do nothing",
            values![
                account.production,
                account.sending,
                account.quota,
                account.rate,
                account.full,
                &account.details
            ],
        )?;
        Ok(added == 1)
    }

    pub fn ses_account(&mut self) -> Result<Option<SesAccountRow>> {
        self.row("select production, sending, quota, rate, full_ms, details from ses_account", &[], |row| {
            Ok(SesAccountRow {
                production: row.flag(0)?,
                sending: row.flag(1)?,
                quota: row.int(2)?,
                rate: row.int(3)?,
                full: row.time(4)?,
                details: row.text(5)?,
            })
        })
    }

    /// When the account's whole rate is available again.
    pub fn send_rate(&mut self) -> Result<Timestamp> {
        let full = self.row("select full_ms from ses_account", &[], |row| row.time(0))?;
        Ok(full.unwrap_or_default())
    }

    /// Writes the account's settings; the rate's bucket is [`Tx::put_send_rate`]'s.
    pub fn change_ses_account(&mut self, account: &SesAccountRow) -> Result<()> {
        self.restamp(Topic::Ses)?;
        self.run(
            "update ses_account set production = $1, sending = $2, quota = $3, rate = $4, details = $5",
            values![account.production, account.sending, account.quota, account.rate, &account.details],
        )?;
        Ok(())
    }

    /// Makes limited sends wait for one another until they end, so that none overlooks another.
    pub fn queue_for_sending(&mut self) -> Result<()> {
        self.serialize(b"ses sends")
    }

    pub fn put_send_rate(&mut self, full: Timestamp) -> Result<()> {
        self.run("update ses_account set full_ms = $1", values![full])?;
        Ok(())
    }

    /// Counts recipients in a quarter of an hour.
    pub fn count_sends(&mut self, slot: Timestamp, recipients: i64) -> Result<()> {
        self.run(
            "insert into send_counts (slot_ms, lane, recipients) values ($1, $2, $3) \
             on conflict (slot_ms, lane) do update set recipients = send_counts.recipients + excluded.recipients",
            values![slot, random::below(COUNT_LANES) as i64, recipients],
        )?;
        Ok(())
    }

    /// How many recipients were mailed since the beginning of a slot.
    pub fn sent_since(&mut self, slot: Timestamp) -> Result<i64> {
        let sent = self.row(
            "select cast(coalesce(sum(recipients), 0) as bigint) from send_counts where slot_ms >= $1",
            values![slot],
            |row| row.int(0),
        )?;
        Ok(sent.unwrap_or(0))
    }

    pub fn forget_sends_before(&mut self, slot: Timestamp) -> Result<u64> {
        self.run("delete from send_counts where slot_ms < $1", values![slot])
    }

    pub fn add_configuration_set(&mut self, set: &ConfigurationSetRow) -> Result<bool> {
        self.restamp(Topic::Ses)?;
        let added = self.run(
            "insert into configuration_sets (name, config, created_ms) values ($1, $2, $3) \
             on conflict do nothing",
            values![&set.name, &set.config, set.created],
        )?;
        Ok(added == 1)
    }

    pub fn find_configuration_set(&mut self, name: &str) -> Result<Option<ConfigurationSetRow>> {
        self.row(
            "select name, config, created_ms from configuration_sets where name = $1",
            values![name],
            configuration_set,
        )
    }

    pub fn delete_configuration_set(&mut self, name: &str) -> Result<bool> {
        self.restamp(Topic::Ses)?;
        Ok(self.run("delete from configuration_sets where name = $1", values![name])? == 1)
    }

    pub fn list_configuration_sets(&mut self, after: &str, limit: i64) -> Result<Vec<ConfigurationSetRow>> {
        self.rows(
            "select name, config, created_ms from configuration_sets where name > $1 order by name limit $2",
            values![after, limit],
            configuration_set,
        )
    }

    pub fn add_zone_record(&mut self, record: &ZoneRecordRow) -> Result<bool> {
        let added = self.run(
            "insert into zone_records (name, type, value) values ($1, $2, $3) on conflict do nothing",
            values![&record.name, &record.kind, &record.value],
        )?;
        Ok(added == 1)
    }

    pub fn delete_zone_record(&mut self, record: &ZoneRecordRow) -> Result<bool> {
        let gone = self.run(
            "delete from zone_records where name = $1 and type = $2 and value = $3",
            values![&record.name, &record.kind, &record.value],
        )?;
        Ok(gone == 1)
    }

    /// Lists the local zone's values for a name and type.
    pub fn zone_values(&mut self, name: &str, kind: &str) -> Result<Vec<String>> {
        self.rows(
            "select value from zone_records where name = $1 and type = $2 order by value",
            values![name, kind],
            |row| row.text(0),
        )
    }

    pub fn list_zone_records(&mut self) -> Result<Vec<ZoneRecordRow>> {
        self.rows("select name, type, value from zone_records order by name, type, value", &[], |row| {
            Ok(ZoneRecordRow { name: row.text(0)?, kind: row.text(1)?, value: row.text(2)? })
        })
    }

    /// Puts an address on the list, in place of another spelling of it.
    pub fn put_suppressed(&mut self, entry: &SuppressedRow, canonical: &str) -> Result<()> {
        self.run(
            "delete from suppressed_addresses where canonical = $1 and address <> $2",
            values![canonical, &entry.address],
        )?;
        self.run(
            "insert into suppressed_addresses (address, canonical, reason, updated_ms, expires_ms) \
             values ($1, $2, $3, $4, $5) on conflict (address) do update set canonical = excluded.canonical, \
             reason = excluded.reason, updated_ms = excluded.updated_ms, expires_ms = excluded.expires_ms",
            values![&entry.address, canonical, &entry.reason, entry.updated, entry.expires],
        )?;
        Ok(())
    }

    /// Finds an address on the list, however it is spelled there.
    pub fn find_suppressed(&mut self, canonical: &str) -> Result<Option<SuppressedRow>> {
        self.row(
            "select address, reason, updated_ms, expires_ms from suppressed_addresses where canonical = $1 \
             order by address limit 1",
            values![canonical],
            suppressed,
        )
    }

    pub fn delete_suppressed(&mut self, canonical: &str) -> Result<bool> {
        Ok(self.run("delete from suppressed_addresses where canonical = $1", values![canonical])? > 0)
    }

    /// Tries again the addresses whose time on the list is over.
    pub fn forget_suppressed(&mut self, now: Timestamp) -> Result<u64> {
        self.run("delete from suppressed_addresses where expires_ms <= $1", values![now])
    }

    pub fn list_suppressed(&mut self, after: &str, limit: i64) -> Result<Vec<SuppressedRow>> {
        self.rows(
            "select address, reason, updated_ms, expires_ms from suppressed_addresses \
             where address > $1 order by address limit $2",
            values![after, limit],
            suppressed,
        )
    }
}

fn configuration_set(row: &Row<'_>) -> Result<ConfigurationSetRow> {
    Ok(ConfigurationSetRow { name: row.text(0)?, config: row.text(1)?, created: row.time(2)? })
}

fn suppressed(row: &Row<'_>) -> Result<SuppressedRow> {
    Ok(SuppressedRow {
        address: row.text(0)?,
        reason: row.text(1)?,
        updated: row.time(2)?,
        expires: row.opt_time(3)?,
    })
}
