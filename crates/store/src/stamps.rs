//! Stamps: numbers that change with every write of a topic. One small read of a stamp tells whether what was read and
//! parsed before is still as it stands.

use crate::{Row, Tx, random, values};
use anyhow::Result;
use std::sync::Arc;

/// What a stamp stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    /// IAM: users, roles, and all policies on them.
    Iam,
    /// SES: identities with their policies, configuration sets, the account's settings.
    Ses,
}

impl Topic {
    fn as_str(self) -> &'static str {
        match self {
            Topic::Iam => "iam",
            Topic::Ses => "ses",
        }
    }
}

impl Tx<'_> {
    /// Gives what `load` makes of a topic's rows, made once for each state of the topic. `what` and `key` name it.
    pub fn recalled<T: Send + Sync + 'static>(
        &mut self,
        topic: Topic,
        what: &'static str,
        key: &str,
        load: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<Arc<T>> {
        let stamp = self.stamp(topic)?;
        let found = self.cached(what, key, stamp, |tx| load(tx).map(Some))?;
        found.ok_or_else(|| anyhow::anyhow!("{what} was kept as something else"))
    }

    /// The stamp of a topic, read once in a unit of work.
    fn stamp(&mut self, topic: Topic) -> Result<i64> {
        if let Some((_, stamp)) = self.stamps.iter().find(|(known, _)| *known == topic) {
            return Ok(*stamp);
        }
        let read = |row: &Row<'_>| row.int(0);
        let found = self.row("select stamp from stamps where topic = $1", values![topic.as_str()], read)?;
        let stamp = found.unwrap_or_default();
        self.stamps.push((topic, stamp));
        Ok(stamp)
    }

    /// Notes that a topic is written to. The new stamp is drawn, so that one that was undone never comes again.
    pub(crate) fn restamp(&mut self, topic: Topic) -> Result<()> {
        self.stamps.retain(|(known, _)| *known != topic);
        let stamp = i64::from_be_bytes(random::bytes());
        self.run(
            "insert into stamps (topic, stamp) values ($1, $2) \
             on conflict (topic) do update set stamp = excluded.stamp",
            values![topic.as_str(), stamp],
        )?;
        Ok(())
    }
}
