//! What housekeeping takes away, and what it leaves.

use super::*;
use postern_store::access::{RoleRow, SessionRow};

#[tokio::test]
async fn sweeping_takes_what_is_long_dead_and_nothing_else() {
    everywhere(|store| async move {
        store.write(|tx| tx.add_challenge(&challenge(1))).await?;
        let kept = NOW.plus_ms(180_000 + 60_000);
        store.write(move |tx| tx.sweep(kept)).await?;
        assert!(store.read(|tx| tx.find_challenge(&[[1; 32]])).await?.is_some());
        let dead = NOW.plus_ms(180_000 + 16 * 60_000);
        assert_eq!(store.write(move |tx| tx.sweep(dead)).await?, 1);
        assert!(store.read(|tx| tx.find_challenge(&[[1; 32]])).await?.is_none());
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn temporary_keys_and_the_counts_of_long_ago_go_and_the_sums_stay() {
    everywhere(|store| async move {
        let role = RoleRow {
            name: "mailer".into(),
            id: "AROA1".into(),
            path: "/".into(),
            trust: "{}".into(),
            trust_ids: "{}".into(),
            description: None,
            max_session_s: 3600,
            service: None,
            boundary: None,
            tags: "{}".into(),
            created: NOW,
            last_used: None,
        };
        let session = SessionRow {
            key_id: "ASIA1".into(),
            role_id: role.id.clone(),
            session: "one".into(),
            policies: "[]".into(),
            created: NOW,
            expires: NOW.plus_ms(3_600_000),
        };
        store
            .write(move |tx| {
                tx.add_iam_role(&role)?;
                tx.add_iam_session(&session, "secret", "token")?;
                tx.add_audit(&record("a"))?;
                tx.link_audit()
            })
            .await?;
        // Just over, it is still told to be over.
        store.write(|tx| tx.sweep(NOW.plus_ms(3_600_000 + 60_000))).await?;
        assert!(store.read(|tx| tx.find_iam_session("ASIA1")).await?.is_some());
        assert_eq!(store.read(|tx| tx.audit_counts(Timestamp::from_ms(0))).await?.len(), 2);
        const DAY_MS: i64 = 86_400_000;
        assert_eq!(store.write(|tx| tx.sweep(NOW.plus_ms(32 * DAY_MS))).await?, 2);
        assert!(store.read(|tx| tx.find_iam_session("ASIA1")).await?.is_none());
        let sums = store.read(|tx| tx.audit_counts(Timestamp::from_ms(0))).await?;
        assert_eq!(sums.iter().map(|sum| (sum.hour.ms(), sum.count)).collect::<Vec<_>>(), [(0, 1)]);
        assert_eq!(store.verify_audit().await?, Chain { links: 1, broken: None });
        Ok(())
    })
    .await;
}
