//! Databases that belong to one test: in memory, in a file, or on the PostgreSQL server that `POSTERN_TEST_POSTGRES`
//! names.

use postern_store::{Place, random};

/// A fresh place; one that two servers can open, if asked.
pub fn fresh_place(shared: bool) -> Place {
    let name = format!("server_{}", hex::encode(random::bytes::<8>()));
    if let Ok(server) = std::env::var("POSTERN_TEST_POSTGRES") {
        return Place::Postgres { url: fresh_database(server, name), connections: 4 };
    }
    if shared {
        // Folders of tests lie together, where the system clears them away.
        let folder = std::env::temp_dir().join("postern-tests").join(name);
        std::fs::create_dir_all(&folder).expect("a temporary folder can be made");
        return Place::File(folder.join("postern.db"));
    }
    Place::Memory
}

fn fresh_database(server: String, name: String) -> String {
    // This client must not run on a thread of the asynchronous runtime.
    let made = std::thread::spawn(move || {
        let mut client = postgres::Client::connect(&server, postgres::NoTls).expect("PostgreSQL answers");
        client.batch_execute(&format!("create database {name}")).expect("a database can be made");
        let (base, query) = server.split_once('?').unwrap_or((&server, ""));
        let base = base.rsplit_once('/').map_or(base, |(base, _)| base);
        format!("{base}/{name}?{query}")
    });
    made.join().expect("a database can be made")
}
