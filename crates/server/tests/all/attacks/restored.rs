//! A backup that is put back over what has happened since (attack case 85).

use super::{ALICE, BOB};
use crate::story::{App, Folder, call, text};
use crate::support::{START, TestServer};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use postern_server::master_key::MasterKey;
use postern_server::worker;
use postern_store::Timestamp;
use serde_json::{Value, json};

/// What a database held when it was copied.
struct Before {
    pool_id: String,
    client_id: String,
    session: crate::story::Challenge,
    code: String,
    tokens: Value,
}

const FILES: [&str; 2] = ["postern.db", "postern.db-wal"];

/// Starts a server on the database of a folder, always with the same master key and under the same address.
async fn on(folder: &Folder, now: Timestamp) -> TestServer {
    let place = folder.place();
    TestServer::at(now, |settings| {
        settings.place = place;
        settings.master_key = MasterKey::Text(STANDARD.encode([7; 32]));
        settings.public_url = Some("http://login.example.com".to_owned());
    })
    .await
}

/// Somebody is signed in, and somebody holds a code that was not used yet.
async fn lived(folder: &Folder) -> Before {
    let server = on(folder, START).await;
    let app = App::new(&server).await;
    app.person(ALICE).await;
    app.person(BOB).await;
    let tokens = app.signs_in(ALICE).await["AuthenticationResult"].clone();
    let session = app.asked(BOB).await;
    let code = app.code(BOB).await;
    worker::round(&server.app).await;
    Before { pool_id: app.pool_id.clone(), client_id: app.client_id.clone(), session, code, tokens }
}

fn copy(folder: &Folder) -> Vec<Option<Vec<u8>>> {
    FILES.iter().map(|name| std::fs::read(folder.file(name)).ok()).collect()
}

fn put_back(folder: &Folder, copy: &[Option<Vec<u8>>]) {
    for name in ["postern.db", "postern.db-wal", "postern.db-shm"] {
        let _ = std::fs::remove_file(folder.file(name));
    }
    for (name, bytes) in FILES.iter().zip(copy) {
        if let Some(bytes) = bytes {
            std::fs::write(folder.file(name), bytes).expect("written");
        }
    }
}

#[tokio::test]
async fn case_85_what_was_used_or_revoked_since_the_backup_stays_dead() {
    let folder = Folder::new();
    let before = lived(&folder).await;
    let backup = copy(&folder);

    // The day after: the code is used, and Alice signs out; both are known to the audit.
    let server = on(&folder, START.plus_ms(60_000)).await;
    let app = App { server: &server, pool_id: before.pool_id.clone(), client_id: before.client_id.clone() };
    let bobs = app.answers(BOB, &before.session, &before.code).await.ok()["AuthenticationResult"].clone();
    let access = json!({ "AccessToken": before.tokens["AccessToken"] });
    call(&server, "GlobalSignOut", access.clone()).await.ok();
    worker::round(&server.app).await;
    drop(server);

    put_back(&folder, &backup);
    let server = on(&folder, START.plus_ms(120_000)).await;
    let app = App { server: &server, pool_id: before.pool_id, client_id: before.client_id };
    app.answers(BOB, &before.session, &before.code)
        .await
        .refused("NotAuthorizedException", "Invalid session for the user.");
    call(&server, "GetUser", access).await.refused_as("NotAuthorizedException");
    // Tokens of a sign-in that this database never saw count no more, either.
    call(&server, "GetUser", json!({ "AccessToken": bobs["AccessToken"] }))
        .await
        .refused_as("NotAuthorizedException");
    for tokens in [&before.tokens, &bobs] {
        let refresh = json!({ "AuthFlow": "REFRESH_TOKEN_AUTH",
            "AuthParameters": { "REFRESH_TOKEN": tokens["RefreshToken"] } });
        app.public("InitiateAuth", refresh).await.refused_as("NotAuthorizedException");
    }
    let audit = server.app.store.read(|tx| tx.newest_audit(50)).await.expect("the audit");
    assert!(audit.iter().any(|record| record.action == "DatabasePutBack"));
    // Life goes on, and the next start finds nothing amiss.
    let again = text(&app.signs_in(ALICE).await, "/AuthenticationResult/AccessToken");
    worker::round(&server.app).await;
    let now = server.clock.now();
    drop(server);
    let server = on(&folder, now).await;
    call(&server, "GetUser", json!({ "AccessToken": again })).await.ok();
}

#[tokio::test]
async fn case_85_a_sign_out_stands_though_nothing_else_happened_since_the_backup() {
    let folder = Folder::new();
    let before = lived(&folder).await;
    let backup = copy(&folder);
    let server = on(&folder, START.plus_ms(60_000)).await;
    let access = json!({ "AccessToken": before.tokens["AccessToken"] });
    call(&server, "GlobalSignOut", access.clone()).await.ok();
    worker::round(&server.app).await;
    drop(server);

    put_back(&folder, &backup);
    let server = on(&folder, START.plus_ms(120_000)).await;
    call(&server, "GetUser", access).await.refused_as("NotAuthorizedException");
}

#[tokio::test]
async fn case_85_a_server_that_was_only_stopped_ends_nothing() {
    let folder = Folder::new();
    let before = lived(&folder).await;
    let server = on(&folder, START.plus_ms(60_000)).await;
    let app = App { server: &server, pool_id: before.pool_id, client_id: before.client_id };
    call(&server, "GetUser", json!({ "AccessToken": before.tokens["AccessToken"] })).await.ok();
    app.answers(BOB, &before.session, &before.code).await.ok();
}
