//! What only a database in a file can tell: what is in it, who opens it, and what is left of it.

use super::*;

/// A database with an audit of three links, and somebody who writes past the store.
async fn linked() -> Result<(Folder, Store, rusqlite::Connection)> {
    let folder = Folder::new();
    let store = Store::open(&Place::File(folder.file()), keys())?;
    for action in ["a", "b", "c"] {
        store.write(move |tx| tx.add_audit(&record(action))).await?;
        store.write(|tx| tx.link_audit()).await?;
    }
    let intruder = rusqlite::Connection::open(folder.file())?;
    Ok((folder, store, intruder))
}

#[tokio::test]
async fn a_changed_audit_breaks_the_chain_wherever_it_was_changed() -> Result<()> {
    for (change, broken) in [
        ("update audit set detail = '' where action = 'b'", None),
        ("update audit set action = 'x' where action = 'b'", Some(2)),
        ("update audit set time_ms = time_ms + 1 where action = 'a'", Some(1)),
        ("delete from audit where action = 'b'", Some(2)),
        ("update audit_links set records = 2 where link = 2", Some(2)),
        ("delete from audit_links where link = 2", Some(2)),
        ("delete from audit_links where link = 3", Some(3)),
        ("delete from audit where link = 3; delete from audit_links where link = 3", Some(3)),
    ] {
        let (_folder, store, intruder) = linked().await?;
        intruder.execute_batch(change)?;
        let links = broken.map_or(3, |link| link - 1);
        assert_eq!(store.verify_audit().await?, Chain { links, broken }, "{change}");
    }
    Ok(())
}

#[tokio::test]
async fn secrets_are_not_in_the_file_and_a_copied_folder_opens_elsewhere() -> Result<()> {
    let folder = Folder::new();
    let secret = "a-client-secret-that-nobody-should-read";
    let store = Store::open(&Place::File(folder.file()), keys())?;
    store.write(add_pool).await?;
    store
        .write(move |tx| {
            tx.add_client(&ClientRow {
                id: "client".into(),
                pool_id: POOL.into(),
                name: "app".into(),
                config: "{}".into(),
                created: NOW,
                modified: NOW,
            })?;
            let secret = ClientSecretRow { id: "one".into(), secret: secret.into(), created: NOW };
            tx.add_client_secret("client", &secret)
        })
        .await?;
    let elsewhere = Folder::new();
    for name in ["postern.db", "postern.db-wal"] {
        let bytes = std::fs::read(folder.0.join(name))?;
        assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()));
        std::fs::write(elsewhere.0.join(name), bytes)?;
    }
    let copy = Store::open(&Place::File(elsewhere.file()), keys())?;
    let secrets = copy.read(|tx| tx.client_secrets("client")).await?;
    assert_eq!(secrets.iter().map(|one| one.secret.as_str()).collect::<Vec<_>>(), [secret]);
    let stranger = Store::open(&Place::File(elsewhere.file()), Keys::new(&[[1; 32]])?)?;
    assert!(stranger.read(|tx| tx.client_secrets("client")).await.is_err());
    Ok(())
}

#[tokio::test]
async fn a_newer_database_refuses_an_older_program_with_a_sentence() -> Result<()> {
    let folder = Folder::new();
    drop(Store::open(&Place::File(folder.file()), keys())?);
    let newer = rusqlite::Connection::open(folder.file())?;
    newer.execute("insert into schema_versions (version, name) values (999, 'future')", [])?;
    let Err(refused) = Store::open(&Place::File(folder.file()), keys()) else { bail!("it opened") };
    assert!(refused.to_string().contains("was written by a newer Postern"), "{refused}");
    Ok(())
}

#[tokio::test]
async fn who_only_looks_changes_nothing() -> Result<()> {
    let folder = Folder::new();
    let none = Place::File(folder.0.join("none.db"));
    assert!(Store::look(&none, keys()).is_err() && Store::look(&Place::Memory, keys()).is_err());
    assert!(!folder.0.join("none.db").exists());
    for (_, place) in databases(&folder).into_iter().filter(|(name, _)| *name != "memory") {
        let store = Store::open(&place, keys())?;
        store.write(add_pool).await?;
        let looking = Store::look(&place, keys())?.context("it is of this version")?;
        assert!(looking.read(|tx| tx.find_pool(POOL)).await?.is_some());
        let refused: Result<String> = looking.write(|tx| tx.settle_setting("name", "value")).await;
        assert!(refused.is_err());
        assert_eq!(store.read(|tx| tx.find_setting("name")).await?, None);
    }
    let older = rusqlite::Connection::open(folder.file())?;
    older.execute("delete from schema_versions where version > 30", [])?;
    let before = std::fs::read(folder.file())?;
    assert!(Store::look(&Place::File(folder.file()), keys())?.is_none());
    assert_eq!(std::fs::read(folder.file())?, before);
    Ok(())
}

#[tokio::test]
async fn what_was_answered_is_still_there_after_the_store_is_opened_again() -> Result<()> {
    let folder = Folder::new();
    for place in databases(&folder).into_iter().filter(|(name, _)| *name != "memory").map(|(_, place)| place)
    {
        let store = Store::open(&place, keys())?;
        store.write(add_pool).await?;
        store.write(|tx| tx.add_challenge(&challenge(1))).await?;
        assert!(store.write(|tx| tx.consume_challenge(&[1; 32], "EMAIL_OTP", NOW)).await?);
        drop(store);
        let again = Store::open(&place, keys())?;
        assert!(!again.write(|tx| tx.consume_challenge(&[1; 32], "EMAIL_OTP", NOW)).await?);
    }
    Ok(())
}
