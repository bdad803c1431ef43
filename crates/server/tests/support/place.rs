//! Databases that belong to one test: in memory, in a file, or on the PostgreSQL server that `POSTERN_TEST_POSTGRES`
//! names.

use postern_store::{Keys, Place, Store, random};
use std::sync::OnceLock;
use std::thread;

/// A fresh place; one that two servers can open, if asked.
pub fn fresh_place(shared: bool) -> Place {
    if let Ok(server) = std::env::var("POSTERN_TEST_POSTGRES") {
        return Place::Postgres { url: fresh_database(&server), connections: 4 };
    }
    if shared {
        // Folders of tests lie together, where the system clears them away.
        let folder = std::env::temp_dir().join("postern-tests").join(fresh_name());
        std::fs::create_dir_all(&folder).expect("a temporary folder can be made");
        return Place::File(folder.join("postern.db"));
    }
    Place::Memory
}

fn fresh_name() -> String {
    format!("server_{}", hex::encode(random::bytes::<8>()))
}

/// Makes a database as a copy of one that was brought to this version once for all tests of the process.
fn fresh_database(server: &str) -> String {
    static TEMPLATE: OnceLock<String> = OnceLock::new();
    let name = fresh_name();
    // This client must not run on a thread of the asynchronous runtime.
    thread::scope(|scope| {
        let made = scope.spawn(|| {
            let mut client = postgres::Client::connect(server, postgres::NoTls).expect("PostgreSQL answers");
            let template = TEMPLATE.get_or_init(|| migrated_database(&mut client, server));
            let made = client.batch_execute(&format!("create database {name} template {template}"));
            made.expect("a database can be made");
        });
        made.join().expect("a database can be made");
    });
    address(server, &name)
}

fn migrated_database(client: &mut postgres::Client, server: &str) -> String {
    let name = fresh_name();
    client.batch_execute(&format!("create database {name}")).expect("a database can be made");
    let keys = Keys::from_text(&Keys::fresh_text()).expect("fresh keys");
    drop(
        Store::open(&Place::Postgres { url: address(server, &name), connections: 1 }, keys)
            .expect("a database"),
    );
    // A template has no connections, like a database that gets another name; that one ends on a thread of its own.
    let template = fresh_name();
    while client.batch_execute(&format!("alter database {name} rename to {template}")).is_err() {
        thread::yield_now();
    }
    template
}

/// The address of a database on a server.
fn address(server: &str, name: &str) -> String {
    let (base, query) = server.split_once('?').unwrap_or((server, ""));
    let base = base.rsplit_once('/').map_or(base, |(base, _)| base);
    format!("{base}/{name}?{query}")
}
