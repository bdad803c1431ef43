//! The server killed in the middle of its work, again and again, and what it had acknowledged compared with what it
//! remembers (rule R1).

use crate::support::{Answer, Client, Key, encoded};
use postern_store::{Clock, random};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::task::JoinSet;

const ROUNDS: usize = 8;
const PEOPLE_AT_ONCE: usize = 4;

/// A process of the real program on a folder of its own.
struct Process {
    child: Child,
    client: Arc<Client>,
}

impl Process {
    async fn start(folder: &Path) -> Process {
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .and_then(|free| free.local_addr())
            .expect("a free port")
            .port();
        // What is written past a limit shall fail, and not end the process.
        let child = Command::new("sh")
            .args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_postern")])
            .args(["serve", "--port", &port.to_string(), "--data"])
            .arg(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        let client = Arc::new(Client::new(&format!("http://127.0.0.1:{port}"), Clock::system()));
        let is_up = async {
            let ready = || client.request("GET", "/readyz").body(Default::default()).expect("a request");
            while client.try_send(ready()).await.is_none_or(|answer| answer.status != 200) {
                tokio::task::yield_now().await;
            }
        };
        is_up.await;
        Process { child, client }
    }

    /// Lets no file of the process grow larger than this.
    #[cfg(target_os = "linux")]
    fn may_write(&self, limit: &str) {
        let process = self.child.id().to_string();
        let set =
            Command::new("prlimit").args(["--pid", &process, &format!("--fsize={limit}:unlimited")]).status();
        assert!(set.expect("prlimit is there").success());
    }

    /// Asks the process to end, as a service manager does, and waits until it has.
    #[cfg(unix)]
    fn stop(mut self) {
        let asked = Command::new("kill").arg(self.child.id().to_string()).status();
        assert!(asked.expect("kill is there").success());
        assert!(self.child.wait().expect("the process has ended").success());
    }

    /// Ends the process without a word to it.
    fn kill(mut self) {
        self.child.kill().expect("the process can be killed");
        self.child.wait().expect("the process has ended");
    }
}

/// What the server said it had done. All of it must still be so.
#[derive(Default)]
struct Acknowledged {
    people: Vec<String>,
    /// A name, the session that was answered, and the code that answered it.
    used: Vec<(String, String, String)>,
    revoked: Vec<String>,
}

#[derive(Clone)]
struct Story {
    client: Arc<Client>,
    pool_id: String,
    client_id: String,
    said: Arc<Mutex<Acknowledged>>,
    steps: Arc<AtomicUsize>,
}

impl Story {
    /// One person: created, signed in by a mailed code, and signed out of that session. Ends early when the server does.
    async fn person(&self) -> Option<()> {
        let key = Key::new("test", "test");
        let name = format!("p{}@example.com", hex::encode(random::bytes::<8>()));
        let person = json!({
            "UserPoolId": self.pool_id,
            "Username": name,
            "MessageAction": "SUPPRESS",
            "UserAttributes": [{ "Name": "email", "Value": name }],
        });
        self.client.try_json("AdminCreateUser", &person, Some(&key)).await?.ok();
        self.note(|said| said.people.push(name.clone()));

        let begin = json!({
            "AuthFlow": "USER_AUTH",
            "ClientId": self.client_id,
            "AuthParameters": { "USERNAME": name, "PREFERRED_CHALLENGE": "EMAIL_OTP" },
        });
        let session = self.client.try_json("InitiateAuth", &begin, None).await?.text_at("Session");
        let mails = format!("/inbox/api/messages?to={}&wait=10", encoded(&name));
        let mails = self.client.request("GET", &mails).body(Default::default()).expect("a request");
        let code = self.client.try_send(mails).await?.body[0]["code"].as_str()?.to_owned();
        let tokens = self.answers(&name, &session, &code).await?.ok().body;
        self.note(|said| said.used.push((name, session, code)));

        let refresh = tokens["AuthenticationResult"]["RefreshToken"].as_str().expect("a token").to_owned();
        let revoke = json!({ "ClientId": self.client_id, "Token": refresh });
        self.client.try_json("RevokeToken", &revoke, None).await?.ok();
        self.note(|said| said.revoked.push(refresh));
        Some(())
    }

    async fn answers(&self, name: &str, session: &str, code: &str) -> Option<Answer> {
        let answer = json!({
            "ChallengeName": "EMAIL_OTP",
            "ClientId": self.client_id,
            "Session": session,
            "ChallengeResponses": { "USERNAME": name, "EMAIL_OTP_CODE": code },
        });
        self.client.try_json("RespondToAuthChallenge", &answer, None).await
    }

    fn note(&self, what: impl FnOnce(&mut Acknowledged)) {
        what(&mut self.said.lock().expect("nobody panicked"));
        self.steps.fetch_add(1, Ordering::Relaxed);
    }
}

#[tokio::test]
async fn what_was_acknowledged_outlives_any_death_and_what_was_used_stays_used() {
    let folder = Folder::new();
    let mut process = Process::start(&folder.0).await;
    let (pool_id, client_id) = pool(&process.client).await;
    for _ in 0..ROUNDS {
        let story = Story {
            client: process.client.clone(),
            pool_id: pool_id.clone(),
            client_id: client_id.clone(),
            said: Arc::default(),
            steps: Arc::default(),
        };
        let mut people = JoinSet::new();
        for _ in 0..PEOPLE_AT_ONCE {
            let story = story.clone();
            people.spawn(async move { while story.person().await.is_some() {} });
        }
        let last_step = 1 + usize::try_from(random::below(40)).expect("a small number");
        while story.steps.load(Ordering::Relaxed) < last_step {
            tokio::task::yield_now().await;
        }
        process.kill();
        while people.join_next().await.is_some() {}

        process = Process::start(&folder.0).await;
        let after = Story { client: process.client.clone(), ..story };
        holds(&after).await;
    }
    process.kill();
}

#[cfg(unix)]
#[tokio::test]
async fn a_server_that_was_asked_to_end_leaves_no_log_to_be_read() {
    let folder = Folder::new();
    let process = Process::start(&folder.0).await;
    pool(&process.client).await;
    let log = folder.0.join("postern.db-wal");
    assert!(std::fs::metadata(&log).expect("a log").len() > 0);
    process.stop();
    assert_eq!(std::fs::metadata(&log).map_or(0, |log| log.len()), 0);
    // What stood in it is there.
    let again = Process::start(&folder.0).await;
    let input = json!({ "MaxResults": 60 });
    let pools = again.client.json("ListUserPools", &input, Some(&Key::new("test", "test"))).await.ok();
    assert!(pools.body["UserPools"].as_array().is_some_and(|pools| pools.len() > 1), "{}", pools.text);
    again.kill();
}

/// Attack case 78: no room on the disk. The limit on the size of files stands for it: what is written past it fails, as it
/// does on a full disk.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn case_78_on_a_full_disk_nothing_is_said_to_be_done_and_all_goes_on_when_there_is_room() {
    let folder = Folder::new();
    let process = Process::start(&folder.0).await;
    let (pool_id, client_id) = pool(&process.client).await;
    let key = Key::new("test", "test");
    process.may_write("3145728");
    let person = |number: usize| {
        let name = format!("p{number}@example.com");
        json!({
            "UserPoolId": pool_id, "Username": name, "MessageAction": "SUPPRESS",
            "UserAttributes": [{ "Name": "email", "Value": name }, { "Name": "nickname", "Value": "x".repeat(2000) }],
        })
    };
    let mut made = 0;
    let refused = loop {
        let answer = process.client.json("AdminCreateUser", &person(made), Some(&key)).await;
        if answer.status >= 500 {
            break answer;
        }
        answer.ok();
        made += 1;
        assert!(made < 10_000, "the disk is never full");
    };
    let words = refused.refused("InternalErrorException");
    assert!(words.starts_with("Something went wrong. Reference: "), "{words}");
    // Nothing is issued from memory alone, and whoever watches is told.
    let begin = json!({
        "AuthFlow": "USER_AUTH", "ClientId": client_id,
        "AuthParameters": { "USERNAME": "p0@example.com", "PREFERRED_CHALLENGE": "EMAIL_OTP" },
    });
    let answer = process.client.json("InitiateAuth", &begin, None).await;
    assert!(answer.status >= 500 && answer.body.get("Session").is_none(), "{}", answer.text);
    process.may_write("1");
    let ready = process.client.get("/readyz").await;
    assert_eq!(ready.status, 503, "{}", ready.text);

    // There is room again: it goes on by itself, and all that it said it had done is there.
    process.may_write("unlimited");
    process.client.json("InitiateAuth", &begin, None).await.ok();
    assert_eq!(process.client.get("/readyz").await.status, 200);
    let after = process.client.json("AdminCreateUser", &person(made + 1), Some(&key)).await;
    after.ok();
    for number in 0..made {
        let who = json!({ "UserPoolId": pool_id, "Username": format!("p{number}@example.com") });
        process.client.json("AdminGetUser", &who, Some(&key)).await.ok();
    }
    process.kill();
}

/// Checks everything that was acknowledged before the death.
async fn holds(story: &Story) {
    let said = std::mem::take(&mut *story.said.lock().expect("nobody panicked"));
    let key = Key::new("test", "test");
    for name in &said.people {
        let who = json!({ "UserPoolId": story.pool_id, "Username": name });
        story.client.json("AdminGetUser", &who, Some(&key)).await.ok();
    }
    for (name, session, code) in &said.used {
        let words =
            story.answers(name, session, code).await.expect("an answer").refused("NotAuthorizedException");
        assert_eq!(words, "Invalid session for the user, session can only be used once.");
    }
    for token in &said.revoked {
        let refresh = json!({
            "AuthFlow": "REFRESH_TOKEN_AUTH",
            "ClientId": story.client_id,
            "AuthParameters": { "REFRESH_TOKEN": token },
        });
        story.client.json("InitiateAuth", &refresh, None).await.refused("NotAuthorizedException");
    }
}

async fn pool(client: &Client) -> (String, String) {
    let key = Key::new("test", "test");
    let pool = json!({
        "PoolName": "crash",
        "UsernameAttributes": ["email"],
        "AutoVerifiedAttributes": ["email"],
        "Policies": { "SignInPolicy": { "AllowedFirstAuthFactors": ["PASSWORD", "EMAIL_OTP"] } },
    });
    let pool_id = client.json("CreateUserPool", &pool, Some(&key)).await.ok().text_at("UserPool.Id");
    let app: Value = json!({
        "UserPoolId": pool_id,
        "ClientName": "app",
        "ExplicitAuthFlows": ["ALLOW_USER_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
    });
    let made = client.json("CreateUserPoolClient", &app, Some(&key)).await.ok();
    (pool_id, made.text_at("UserPoolClient.ClientId"))
}

/// A folder that goes away with the test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Folder {
        let name = format!("postern-crash-{}", hex::encode(random::bytes::<8>()));
        Folder(std::env::temp_dir().join(name))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
