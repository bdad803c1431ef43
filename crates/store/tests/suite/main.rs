//! What the store promises, on every database it runs on: SQLite in memory, SQLite in a file, and PostgreSQL where
//! `POSTERN_TEST_POSTGRES` names a server.

mod files;
mod sweeping;

use anyhow::{Context as _, Result, anyhow, bail};
use postern_store::audit::{AuditRecord, Chain};
use postern_store::auth::{ChallengeRow, Rotated, SignInRow};
use postern_store::clients::{ClientRow, ClientSecretRow};
use postern_store::groups::GroupRow;
use postern_store::login::{BrowserSessionRow, FlowRow};
use postern_store::pools::PoolRow;
use postern_store::standing::{Kept, Overtaken};
use postern_store::undo_links::UndoLinkRow;
use postern_store::user_search::{Searched, UserKey, UserSearch};
use postern_store::users::{UserName, UserRow};
use postern_store::{Keys, PORTION, Place, Store, Timestamp, Tx, random};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::task::JoinSet;

const NOW: Timestamp = Timestamp::from_ms(1_700_000_000_000);
const POOL: &str = "us-east-1_Test00000";

/// A folder that goes away with the test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("postern-store-{}", hex::encode(random::bytes::<8>())));
        std::fs::create_dir_all(&path).expect("a temporary folder can be made");
        Folder(path)
    }

    fn file(&self) -> PathBuf {
        self.0.join("postern.db")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn keys() -> Keys {
    Keys::new(&[[42; 32]]).expect("a key")
}

/// The databases to run on; each is empty and nobody else's.
fn databases(folder: &Folder) -> Vec<(&'static str, Place)> {
    let mut places = vec![("memory", Place::Memory), ("file", Place::File(folder.file()))];
    if let Some(url) = fresh_postgres() {
        places.push(("postgres", Place::Postgres { url, connections: 4 }));
    }
    places
}

fn fresh_postgres() -> Option<String> {
    let server = std::env::var("POSTERN_TEST_POSTGRES").ok()?;
    let name = format!("store_{}", hex::encode(random::bytes::<8>()));
    let made = std::thread::spawn(move || {
        let mut client = postgres::Client::connect(&server, postgres::NoTls).expect("PostgreSQL answers");
        client.batch_execute(&format!("create database {name}")).expect("a database can be made");
        let (base, query) = server.split_once('?').map_or((server.as_str(), ""), |(b, q)| (b, q));
        let base = base.rsplit_once('/').map_or(base, |(base, _)| base);
        format!("{base}/{name}?{query}")
    });
    Some(made.join().expect("a database can be made"))
}

/// Runs a story on every database.
async fn everywhere<F, R>(story: F)
where
    F: Fn(Store) -> R,
    R: Future<Output = Result<()>>,
{
    let folder = Folder::new();
    for (name, place) in databases(&folder) {
        let store = Store::open(&place, keys()).expect("the store opens");
        store.write(add_pool).await.expect("a pool can be added");
        story(store).await.unwrap_or_else(|error| panic!("on {name}: {error:?}"));
    }
}

fn add_pool(tx: &mut Tx<'_>) -> Result<()> {
    tx.add_pool(&PoolRow {
        id: POOL.into(),
        name: "test".into(),
        config: "{}".into(),
        mfa_config: "{}".into(),
        uses_email_role: false,
        created: NOW,
        modified: NOW,
    })?;
    Ok(())
}

fn challenge(handle: u8) -> ChallengeRow {
    ChallengeRow {
        handle_mac: vec![handle; 32],
        pool_id: POOL.into(),
        client_id: "client".into(),
        user_id: Some("user".into()),
        name_key: "alice".into(),
        kind: "EMAIL_OTP".into(),
        code_mac: Some(vec![1; 32]),
        code_mac_old: None,
        old_expires: NOW,
        destination: Some("alice@example.com".into()),
        attempts: 0,
        attempts_max: 5,
        sends: 1,
        sent: NOW,
        spent: false,
        facts: "{}".into(),
        created: NOW,
        expires: NOW.plus_ms(180_000),
    }
}

fn user(id: &str, email: &str) -> UserRow {
    UserRow {
        pool_id: POOL.into(),
        id: id.into(),
        username: id.into(),
        status: "CONFIRMED".into(),
        enabled: true,
        attributes: format!(r#"{{"email":"{email}"}}"#),
        email_key: Some(email.into()),
        phone_key: None,
        password: None,
        verifier: None,
        password_expires: None,
        signed_out: Timestamp::default(),
        created: NOW,
        modified: NOW,
    }
}

fn email(key: &str) -> UserName {
    UserName { key: key.into(), kind: "email" }
}

/// Runs the same unit many times at once and counts how often it said yes.
async fn yes_count(
    store: &Store,
    times: usize,
    unit: impl Fn(&mut Tx<'_>) -> Result<bool> + Clone + Send + 'static,
) -> usize {
    let mut running = JoinSet::new();
    for _ in 0..times {
        let (store, unit) = (store.clone(), unit.clone());
        running.spawn(async move { store.write(unit).await });
    }
    let mut yes = 0;
    while let Some(result) = running.join_next().await {
        yes += usize::from(result.expect("the task ends").expect("the unit of work ends"));
    }
    yes
}

#[tokio::test]
async fn a_challenge_is_used_once_however_many_use_it_at_once() {
    everywhere(|store| async move {
        for round in 0..20 {
            store.write(move |tx| tx.add_challenge(&challenge(round))).await?;
            let used =
                yes_count(&store, 30, move |tx| tx.consume_challenge(&[round; 32], "EMAIL_OTP", NOW)).await;
            assert_eq!(used, 1);
        }
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn attempts_never_pass_their_number_and_nothing_is_spent_on_the_dead() {
    everywhere(|store| async move {
        store.write(|tx| tx.add_challenge(&challenge(1))).await?;
        assert_eq!(yes_count(&store, 40, |tx| tx.spend_attempt(&[1; 32], NOW)).await, 5);
        store.write(|tx| tx.add_challenge(&challenge(2))).await?;
        let late = NOW.plus_ms(180_000);
        assert_eq!(yes_count(&store, 3, move |tx| tx.spend_attempt(&[2; 32], late)).await, 0);
        assert_eq!(
            yes_count(&store, 3, move |tx| tx.consume_challenge(&[2; 32], "EMAIL_OTP", late)).await,
            0
        );
        assert_eq!(yes_count(&store, 3, |tx| tx.consume_challenge(&[2; 32], "PASSWORD", NOW)).await, 0);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn a_unit_that_refuses_leaves_nothing_and_does_nothing_afterwards() {
    everywhere(|store| async move {
        let acts = Arc::new(AtomicUsize::new(0));
        let counted = acts.clone();
        let refused: Result<()> = store
            .write(move |tx| {
                let counted = counted.clone();
                tx.add_challenge(&challenge(7))?;
                tx.after_commit(move || {
                    counted.fetch_add(1, Ordering::SeqCst);
                });
                bail!("no")
            })
            .await;
        assert!(refused.is_err());
        let found = store.read(|tx| tx.find_challenge(&[[7; 32]])).await?;
        assert!(found.is_none());
        assert_eq!(acts.load(Ordering::SeqCst), 0);
        let counted = acts.clone();
        store
            .write(move |tx| {
                let counted = counted.clone();
                tx.after_commit(move || {
                    counted.fetch_add(1, Ordering::SeqCst);
                });
                anyhow::Ok(())
            })
            .await?;
        assert_eq!(acts.load(Ordering::SeqCst), 1);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn one_units_refusal_does_not_undo_its_neighbours() {
    everywhere(|store| async move {
        let mut running = JoinSet::new();
        for handle in 0..60_u8 {
            let store = store.clone();
            running.spawn(async move {
                store
                    .write(move |tx| {
                        tx.add_challenge(&challenge(handle))?;
                        if handle % 3 == 0 { Err(anyhow!("no")) } else { Ok(()) }
                    })
                    .await
                    .is_ok()
            });
        }
        while running.join_next().await.is_some() {}
        for handle in 0..60_u8 {
            let found = store.read(move |tx| tx.find_challenge(&[[handle; 32]])).await?.is_some();
            assert_eq!(found, handle % 3 != 0);
        }
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn two_users_never_share_a_name_even_when_they_ask_at_once() {
    everywhere(|store| async move {
        let added = Arc::new(AtomicUsize::new(0));
        let mut running = JoinSet::new();
        for number in 0..30 {
            let (store, added) = (store.clone(), added.clone());
            running.spawn(async move {
                let written = store
                    .write(move |tx| {
                        let row = user(&format!("user-{number}"), "a@example.com");
                        if tx.add_user(&row, &[email("a@example.com")])? { Ok(()) } else { bail!("taken") }
                    })
                    .await;
                added.fetch_add(usize::from(written.is_ok()), Ordering::SeqCst);
            });
        }
        while running.join_next().await.is_some() {}
        assert_eq!(added.load(Ordering::SeqCst), 1);
        let (all, count) = store
            .read(|tx| {
                Ok::<_, anyhow::Error>((
                    tx.list_users(POOL, &UserSearch::All, &UserKey::default(), 60)?,
                    tx.count_users(POOL)?,
                ))
            })
            .await?;
        assert_eq!((all.len(), count), (1, 1));
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn a_refresh_token_is_rotated_by_one_caller() {
    everywhere(|store| async move {
        let row = SignInRow {
            id: [9; 16],
            pool_id: POOL.into(),
            client_id: "client".into(),
            user_id: "user".into(),
            refresh_mac: vec![1; 32],
            previous: Vec::new(),
            revoked: false,
            facts: "{}".into(),
            created: NOW,
            expires: NOW.plus_ms(1000),
        };
        let seen = row.clone();
        store.write(move |tx| tx.add_sign_in(&row)).await?;
        let rotated =
            yes_count(&store, 20, move |tx| tx.rotate_refresh(&seen, &random::bytes::<32>(), NOW)).await;
        assert_eq!(rotated, 1);
        let after = store.read(|tx| tx.find_sign_in(&[9; 16])).await?.ok_or_else(|| anyhow!("gone"))?;
        assert_eq!(after.previous, [Rotated { mac: [1; 32], at: NOW }]);
        assert_eq!(yes_count(&store, 5, |tx| tx.revoke_sign_in(&[9; 16])).await, 1);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn ledgers_and_counters_count_every_event_of_many_at_once() {
    everywhere(|store| async move {
        yes_count(&store, 40, |tx| {
            let mut entries = tx.ledger(POOL, "sends", b"a")?;
            entries.push(1);
            tx.put_ledger(POOL, "sends", b"a", &entries, NOW)?;
            tx.count("sends", "source", NOW, NOW)?;
            Ok(true)
        })
        .await;
        let (entries, count) = store
            .read(|tx| {
                Ok::<_, anyhow::Error>((tx.ledger(POOL, "sends", b"a")?, tx.counted("sends", "source", NOW)?))
            })
            .await?;
        assert_eq!((entries.len(), count), (40, 40));
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn a_parsed_row_is_never_older_than_the_row() {
    everywhere(|store| async move {
        let name_seen = |tx: &mut Tx<'_>| -> Result<String> {
            let version = tx.pool_version(POOL)?.ok_or_else(|| anyhow!("gone"))?;
            let found =
                tx.cached("pool name", POOL, version, |tx| Ok(tx.find_pool(POOL)?.map(|pool| pool.name)))?;
            Ok(found.map(|name| name.to_string()).unwrap_or_default())
        };
        let rename = |tx: &mut Tx<'_>, name: &str| -> Result<()> {
            let mut pool = tx.find_pool(POOL)?.ok_or_else(|| anyhow!("gone"))?;
            pool.name = name.into();
            tx.change_pool(&pool)?;
            Ok(())
        };
        assert_eq!(store.read(name_seen).await?, "test");
        let undone: Result<()> = store
            .write(move |tx| {
                rename(tx, "undone")?;
                assert_eq!(name_seen(tx)?, "undone");
                bail!("no")
            })
            .await;
        assert!(undone.is_err());
        assert_eq!(store.read(name_seen).await?, "test");
        store.write(move |tx| rename(tx, "new")).await?;
        assert_eq!(store.read(name_seen).await?, "new");
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn users_are_found_by_prefix_and_listed_page_by_page() {
    everywhere(|store| async move {
        store
            .write(|tx| {
                for number in 0..25 {
                    let address = format!("user{number:02}@example.com");
                    tx.add_user(&user(&format!("id-{number:02}"), &address), &[email(&address)])?;
                }
                anyhow::Ok(())
            })
            .await?;
        let mut seen = Vec::new();
        let mut after = UserKey::default();
        loop {
            let from = after.clone();
            let page = store.read(move |tx| tx.list_users(POOL, &UserSearch::All, &from, 10)).await?;
            let Some(last) = page.last() else { break };
            after = UserSearch::All.key(last)?;
            seen.extend(page.into_iter().map(|user| user.id));
        }
        assert_eq!(seen.len(), 25);
        assert!(seen.is_sorted());
        for (value, prefix, expected) in
            [("user1", true, 10), ("user07@example.com", false, 1), ("user07", false, 0)]
        {
            let search = UserSearch::By { searched: Searched::Email, value: value.into(), prefix };
            let found = store.read(move |tx| tx.list_users(POOL, &search, &UserKey::default(), 60)).await?;
            assert_eq!(found.len(), expected, "{value}");
        }
        Ok(())
    })
    .await;
}

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
async fn of_more_sign_ins_on_the_pages_than_are_kept_the_oldest_go_in_which_nothing_was_pressed() {
    everywhere(|store| async move {
        let flow = |id: &str, age: i64| FlowRow {
            id: id.into(),
            browser: vec![1],
            pool_id: POOL.into(),
            client_id: "app".into(),
            state: "{}".into(),
            version: 1,
            created: NOW.minus_ms(age),
            expires: NOW.minus_ms(age),
        };
        let flows =
            [flow("newest", 0), flow("new", 1), flow("old", 2), flow("pressed", 3), flow("oldest", 4)];
        store.write(move |tx| flows.iter().try_for_each(|flow| tx.add_flow(flow))).await?;
        assert!(store.write(|tx| tx.move_flow("pressed", 1, "{}", NOW.minus_ms(3))).await?);
        assert_eq!(store.read(|tx| tx.flows_end_beyond(5)).await?, None);
        let until =
            store.read(|tx| tx.flows_end_beyond(2)).await?.ok_or_else(|| anyhow!("there are more"))?;
        assert_eq!(until, NOW.minus_ms(2));
        assert_eq!(store.write(move |tx| tx.drop_untouched_flows(until)).await?, 2);
        // What was pressed stays, and so do the newest.
        for (id, stays) in
            [("newest", true), ("new", true), ("old", false), ("pressed", true), ("oldest", false)]
        {
            assert_eq!(store.read(move |tx| tx.find_flow(id)).await?.is_some(), stays, "{id}");
        }
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn a_deleted_pool_leaves_nothing_behind() {
    everywhere(|store| async move {
        store
            .write(|tx| {
                tx.add_user(&user("user", "a@example.com"), &[email("a@example.com")])?;
                tx.add_challenge(&challenge(1))
            })
            .await?;
        assert!(store.write(|tx| tx.delete_pool(POOL)).await?);
        assert!(!store.write(|tx| tx.delete_pool(POOL)).await?);
        assert!(store.read(|tx| tx.user_named(POOL, "a@example.com")).await?.is_none());
        assert!(store.read(|tx| tx.find_challenge(&[[1; 32]])).await?.is_none());
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn a_deleted_user_leaves_nothing_behind() {
    const LATER: Timestamp = Timestamp::from_ms(NOW.ms() + 1);
    everywhere(|store| async move {
        store
            .write(|tx| {
                let person = UserRow {
                    attributes: r#"{"email":"a@example.com","name":"Ann"}"#.into(),
                    ..user("user", "a@example.com")
                };
                tx.add_user(&person, &[email("a@example.com")])?;
                tx.add_group(&GroupRow {
                    pool_id: POOL.into(),
                    name: "group".into(),
                    description: None,
                    role_arn: None,
                    precedence: None,
                    created: NOW,
                    modified: NOW,
                })?;
                tx.add_member(POOL, "user", "group")?;
                tx.add_undo_link(&UndoLinkRow {
                    token_mac: vec![2; 32],
                    pool_id: POOL.into(),
                    user_id: "user".into(),
                    attribute: "email".into(),
                    old_value: "b@example.com".into(),
                    expires: LATER,
                })?;
                tx.add_browser_session(&BrowserSessionRow {
                    handle_mac: vec![3; 32],
                    pool_id: POOL.into(),
                    user_id: "user".into(),
                    facts: "{}".into(),
                    auth: NOW,
                    expires: LATER,
                })
            })
            .await?;
        let is_searched = || {
            store.read(|tx| {
                let search = UserSearch::By { searched: Searched::Name, value: "ann".into(), prefix: false };
                Ok::<_, anyhow::Error>(tx.list_users(POOL, &search, &UserKey::default(), 1)?.len() == 1)
            })
        };
        assert!(is_searched().await?);
        assert!(store.write(|tx| tx.delete_user(POOL, "user")).await?);
        assert!(!store.write(|tx| tx.delete_user(POOL, "user")).await?);
        assert!(!is_searched().await?);
        let left = store.read(|tx| {
            anyhow::Ok((
                tx.user_named(POOL, "a@example.com")?.is_some(),
                tx.users_in_group(POOL, "group", "", 1)?.len(),
                tx.find_undo_link(&[2; 32], NOW)?.is_some(),
                tx.find_browser_session(&[[3; 32]])?.is_some(),
                tx.count_users(POOL)?,
            ))
        });
        assert_eq!(left.await?, (false, 0, false, false, 0));
        Ok(())
    })
    .await;
}

fn record(action: &str) -> AuditRecord {
    AuditRecord { time: NOW, action: action.into(), ..AuditRecord::default() }
}

#[tokio::test]
async fn the_audit_is_a_chain_that_holds() {
    everywhere(|store| async move {
        for action in ["a", "b", "c"] {
            store.write(move |tx| tx.add_audit(&record(action))).await?;
            store.write(|tx| tx.link_audit()).await?;
        }
        assert_eq!(store.write(|tx| tx.link_audit()).await?, 0);
        // A link takes a portion; the next one goes on where it ended.
        let many = PORTION + 1;
        store.write(move |tx| (0..many).try_for_each(|_| tx.add_audit(&record("d")))).await?;
        assert_eq!(store.write(|tx| tx.link_audit()).await?, PORTION);
        assert_eq!(store.write(|tx| tx.link_audit()).await?, 1);
        assert_eq!(store.verify_audit().await?, Chain { links: 5, broken: None });
        let counts = store.read(|tx| tx.audit_counts(Timestamp::from_ms(0))).await?;
        let counted: i64 = counts.iter().filter(|count| count.action == "d").map(|count| count.count).sum();
        assert_eq!(counted, 2 * many as i64, "by the hour and in all");
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn a_unit_writes_only_while_what_was_read_stands() {
    everywhere(|store| async move {
        let group = |description: &str| GroupRow {
            pool_id: POOL.into(),
            name: "editors".into(),
            description: Some(description.into()),
            role_arn: None,
            precedence: None,
            created: NOW,
            modified: NOW,
        };
        let kept = || Kept::Group { pool_id: POOL.into(), name: "editors".into() };
        let (first, hers, his) = (group("first"), group("hers"), group("his"));
        store.write(move |tx| tx.add_group(&first)).await?;
        let one = store.read(move |tx| tx.standing(kept())).await?;
        let other = store.read(move |tx| tx.standing(kept())).await?;
        let (one, other) = (store.while_stands(one), store.while_stands(other));
        assert!(one.write(move |tx| tx.change_group(&hers)).await?);
        let late: Result<bool> = other.write(move |tx| tx.change_group(&his)).await;
        assert!(late.is_err_and(|error| error.is::<Overtaken>()));
        let said = store.read(|tx| tx.find_group(POOL, "editors")).await?.and_then(|row| row.description);
        assert_eq!(said.as_deref(), Some("hers"));
        // What is gone does not stand either; and what is of somebody else's does no harm.
        let now = store.read(move |tx| tx.standing(kept())).await?;
        let other = GroupRow { name: "others".into(), ..group("") };
        store.write(move |tx| tx.add_group(&other)).await?;
        let held = store.while_stands(now);
        assert!(held.write(|tx| tx.delete_group(POOL, "editors")).await?);
        let late: Result<bool> = held.write(|tx| tx.delete_group(POOL, "others")).await;
        assert!(late.is_err_and(|error| error.is::<Overtaken>()));
        Ok(())
    })
    .await;
}
