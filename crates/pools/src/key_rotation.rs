//! New signing keys in the place of old ones, without a moment in which a token is not recognised (rule O11).

use crate::Pools;
use crate::keys::{self, LEAD_MS, OVERLAP_MS, TokenUse};
use crate::work::Busy;
use postern_model::cognito_idp::errors::TooManyRequestsException;
use postern_model::{Answer, refusal};
use postern_store::Timestamp;
use postern_store::audit::AuditRecord;
use postern_store::pools::SigningKeyRow;

const DAY_MS: i64 = 86_400_000;
/// Pools looked after in one round.
const POOLS_A_ROUND: i64 = 50;

impl Pools {
    /// Makes a pool's keys: one for ID tokens, the other for access tokens.
    pub(crate) async fn make_signing_keys(
        &self,
        now: Timestamp,
        active: Timestamp,
    ) -> Answer<[SigningKeyRow; 2]> {
        let source = self.key_source.clone();
        let both = move || -> anyhow::Result<_> {
            Ok([source.draw(TokenUse::Id, now, active)?, source.draw(TokenUse::Access, now, active)?])
        };
        let too_busy = |_: Busy| refusal(TooManyRequestsException, "Rate exceeded").retry_after(1);
        Ok(self.signers.run(both).await.map_err(too_busy)??)
    }

    /// Publishes new keys of a pool, which begin to sign a day later; the old ones are recognised for as long as
    /// tokens live after that. False when the pool is gone, or got newer keys than `unless_after` meanwhile.
    pub async fn rotate_keys(&self, pool_id: &str, unless_after: Option<Timestamp>) -> Answer<bool> {
        let now = self.clock.now();
        let made = self.make_signing_keys(now, now.plus_ms(LEAD_MS)).await?;
        let (pool_id, arn) = (pool_id.to_owned(), self.place.pool_arn(pool_id));
        self.store
            .write(move |tx| {
                tx.lock_pool(&pool_id)?;
                if tx.pool_version(&pool_id)?.is_none() {
                    return Ok(false);
                }
                let newest = tx.signing_keys(&pool_id)?.iter().map(|key| key.created).max();
                if unless_after.zip(newest).is_some_and(|(after, newest)| newest >= after) {
                    return Ok(false);
                }
                for key in &made {
                    tx.add_signing_key(&pool_id, key)?;
                }
                tx.touch_pool(&pool_id)?;
                tx.add_audit(&AuditRecord {
                    time: now,
                    who: "postern".to_owned(),
                    action: "RotateKeys".to_owned(),
                    resource: arn.clone(),
                    outcome: "published".to_owned(),
                    detail: unless_after.map_or("", |_| "by age").to_owned(),
                    ..AuditRecord::default()
                })?;
                Ok(true)
            })
            .await
    }

    /// Looks after the keys of some pools: those older than so many days get successors (0: never), and those that
    /// nothing is recognised by any more are removed. Tells how many pools it changed.
    pub async fn tend_keys(&self, rotate_days: i64) -> Answer<usize> {
        let now = self.clock.now();
        let old =
            Timestamp::from_ms(if rotate_days > 0 { now.ms() - rotate_days * DAY_MS } else { i64::MIN });
        let signing_before = now.minus_ms(OVERLAP_MS);
        let pools: Vec<String> =
            self.store.read(move |tx| tx.pools_with_old_keys(old, signing_before, POOLS_A_ROUND)).await?;
        let mut changed = 0;
        for pool_id in pools {
            let removed = self.remove_retired_keys(&pool_id, now).await?;
            let rotated = rotate_days > 0 && self.rotate_keys_older_than(&pool_id, old).await?;
            changed += usize::from(removed || rotated);
        }
        Ok(changed)
    }

    async fn rotate_keys_older_than(&self, pool_id: &str, old: Timestamp) -> Answer<bool> {
        let id = pool_id.to_owned();
        let newest: Option<Timestamp> = self
            .store
            .read(move |tx| {
                let newest: anyhow::Result<_> = Ok(tx.signing_keys(&id)?.iter().map(|key| key.created).max());
                newest
            })
            .await?;
        match newest {
            Some(newest) if newest < old => self.rotate_keys(pool_id, Some(old)).await,
            _ => Ok(false),
        }
    }

    async fn remove_retired_keys(&self, pool_id: &str, now: Timestamp) -> Answer<bool> {
        let pool_id = pool_id.to_owned();
        self.store
            .write(move |tx| {
                tx.lock_pool(&pool_id)?;
                let Some(version) = tx.pool_version(&pool_id)? else { return Ok(false) };
                let keys = keys::of_version(tx, &pool_id, version)?;
                let mut removed = false;
                for id in keys.retired(now) {
                    tx.delete_signing_key(&pool_id, id)?;
                    removed = true;
                }
                if removed {
                    tx.touch_pool(&pool_id)?;
                }
                Ok(removed)
            })
            .await
    }
}
