//! Statements about devices that people have their apps remember.

use crate::{Row, Timestamp, Tx, values};
use anyhow::Result;

/// A device's row; see the table's comment for the columns.
#[derive(Clone, Debug)]
pub struct DeviceRow {
    pub pool_id: String,
    pub user_id: String,
    pub key: String,
    pub name: Option<String>,
    pub verifier: Vec<u8>,
    pub remembered: bool,
    pub trusted: Option<Timestamp>,
    pub asked: Option<Vec<u8>>,
    pub source: String,
    pub created: Timestamp,
    pub changed: Timestamp,
    pub used: Timestamp,
}

macro_rules! select_device {
    ($rest:literal) => {
        concat!(
            "select pool_id, user_id, key, name, verifier, remembered, trusted_ms, asked, source, created_ms, \
             changed_ms, used_ms from devices ",
            $rest
        )
    };
}

impl Tx<'_> {
    /// Adds a device; false when its owner has one of this key.
    pub fn add_device(&mut self, device: &DeviceRow) -> Result<bool> {
        let added = self.run(
            "insert into devices (pool_id, user_id, key, name, verifier, remembered, trusted_ms, source, \
             created_ms, changed_ms, used_ms) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) \
             on conflict do nothing",
            values![
                &device.pool_id,
                &device.user_id,
                &device.key,
                device.name.as_ref(),
                &device.verifier,
                device.remembered,
                device.trusted.unwrap_or_default(),
                &device.source,
                device.created,
                device.changed,
                device.used
            ],
        )?;
        Ok(added == 1)
    }

    pub fn find_device(&mut self, pool_id: &str, user_id: &str, key: &str) -> Result<Option<DeviceRow>> {
        self.row(
            select_device!("where pool_id = $1 and user_id = $2 and key = $3"),
            values![pool_id, user_id, key],
            device,
        )
    }

    /// A page of a user's devices, in the order of their keys.
    pub fn list_devices(
        &mut self,
        pool_id: &str,
        user_id: &str,
        after: &str,
        limit: i64,
    ) -> Result<Vec<DeviceRow>> {
        self.rows(
            select_device!("where pool_id = $1 and user_id = $2 and key > $3 order by key limit $4"),
            values![pool_id, user_id, after, limit],
            device,
        )
    }

    /// Sets whether a device is remembered; false when it is gone.
    pub fn set_device_status(
        &mut self,
        pool_id: &str,
        user_id: &str,
        key: &str,
        remembered: bool,
        now: Timestamp,
    ) -> Result<bool> {
        let changed = self.run(
            "update devices set remembered = $1, changed_ms = $2 where pool_id = $3 and user_id = $4 and key = $5",
            values![remembered, now, pool_id, user_id, key],
        )?;
        Ok(changed == 1)
    }

    /// Notes which challenge asks for a device.
    pub fn note_device_asked(&mut self, device: &DeviceRow, handle_mac: &[u8]) -> Result<()> {
        self.run(
            "update devices set asked = $1 where pool_id = $2 and user_id = $3 and key = $4",
            values![handle_mac, &device.pool_id, &device.user_id, &device.key],
        )?;
        Ok(())
    }

    /// Notes that a device was proven, and since when it is trusted.
    pub fn note_device_use(
        &mut self,
        device: &DeviceRow,
        trusted: Option<Timestamp>,
        source: &str,
        now: Timestamp,
    ) -> Result<()> {
        self.run(
            "update devices set used_ms = $1, trusted_ms = $2, source = $3 \
             where pool_id = $4 and user_id = $5 and key = $6",
            values![now, trusted.unwrap_or_default(), source, &device.pool_id, &device.user_id, &device.key],
        )?;
        Ok(())
    }

    /// Trusts none of a user's devices until all factors are given on it again.
    pub fn distrust_devices(&mut self, pool_id: &str, user_id: &str) -> Result<()> {
        self.run(
            "update devices set trusted_ms = 0 where pool_id = $1 and user_id = $2",
            values![pool_id, user_id],
        )?;
        Ok(())
    }

    /// Forgets a device; false when there is none.
    pub fn delete_device(&mut self, pool_id: &str, user_id: &str, key: &str) -> Result<bool> {
        let gone = self.run(
            "delete from devices where pool_id = $1 and user_id = $2 and key = $3",
            values![pool_id, user_id, key],
        )?;
        Ok(gone == 1)
    }

    /// Forgets all devices of a user and tells how many there were.
    pub fn delete_devices_of_user(&mut self, pool_id: &str, user_id: &str) -> Result<u64> {
        self.run("delete from devices where pool_id = $1 and user_id = $2", values![pool_id, user_id])
    }

    /// Forgets the devices of a user that were used least lately, beyond so many.
    pub fn drop_devices_beyond(&mut self, pool_id: &str, user_id: &str, most: usize) -> Result<()> {
        let keys: Vec<String> = self.rows(
            "select key from devices where pool_id = $1 and user_id = $2 order by used_ms desc, created_ms desc",
            values![pool_id, user_id],
            |row| row.text(0),
        )?;
        for key in keys.iter().skip(most) {
            self.delete_device(pool_id, user_id, key)?;
        }
        Ok(())
    }
}

fn device(row: &Row<'_>) -> Result<DeviceRow> {
    Ok(DeviceRow {
        pool_id: row.text(0)?,
        user_id: row.text(1)?,
        key: row.text(2)?,
        name: row.opt_text(3)?,
        verifier: row.blob(4)?,
        remembered: row.flag(5)?,
        trusted: Some(row.time(6)?).filter(|trusted| trusted.ms() > 0),
        asked: row.opt_blob(7)?,
        source: row.text(8)?,
        created: row.time(9)?,
        changed: row.time(10)?,
        used: row.time(11)?,
    })
}
