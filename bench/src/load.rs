//! People signing in: as fast as the server answers, or at a given pace. Nobody signs in twice in one run, so the
//! limits on an address hold as they do for real people.

use crate::mails::{Mails, code};
use crate::pages;
use crate::prepare::{Door, address, username};
use crate::site::{Server, Site, machine_cpu, process_cpu};
use crate::tokens::Tokens;
use crate::wire::{Answer, Connection, cognito};
use anyhow::{Context as _, Result};
use http::HeaderValue;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

const WARM_UP: Duration = Duration::from_secs(2);
const MAIL_PATIENCE: Duration = Duration::from_secs(10);

/// Everybody who can still sign in, and what became of those who tried. Clones share it.
#[derive(Clone)]
pub struct Crowd(Arc<Inner>);

struct Inner {
    address: SocketAddr,
    door: Door,
    mails: Mails,
    begin: HeaderValue,
    answer: HeaderValue,
    next: AtomicU32,
    people: u32,
    record: Mutex<Record>,
}

#[derive(Default)]
struct Record {
    done: Vec<Done>,
    failures: BTreeMap<String, u64>,
    last: Option<Tokens>,
}

/// By which way people come in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// InitiateAuth and RespondToAuthChallenge.
    Api,
    /// The sign-in pages and the token endpoint.
    Pages,
    /// They are in already, and their apps refresh.
    Refresh,
    /// Nobody comes: programs get tokens for themselves.
    Machine,
}

/// A finished sign-in and how long its parts took.
#[derive(Clone, Copy)]
pub struct Done {
    pub whole: Duration,
    pub begin: Duration,
    /// From the answer of the first call until the mail was here.
    pub mail: Duration,
    pub answer: Duration,
}

impl Done {
    /// A step that has no parts.
    pub fn whole(whole: Duration) -> Done {
        Done { whole, begin: Duration::ZERO, mail: Duration::ZERO, answer: Duration::ZERO }
    }
}

/// What was seen in one stretch of time.
pub struct Seen {
    pub done: Vec<Done>,
    pub failures: BTreeMap<String, u64>,
    pub took: Duration,
    pub server_cpu: Duration,
    /// The part of the server's that its signing threads took.
    pub signing_cpu: Duration,
    pub client_cpu: Duration,
    /// What the machine did beside server and client.
    pub other_cpu: Duration,
    pub tokens: Option<Tokens>,
    /// People ran out before the time did.
    pub short: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Challenge<'a> {
    challenge_name: &'a str,
    session: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Signed<'a> {
    #[serde(borrow)]
    authentication_result: Given<'a>,
}

/// The three tokens that a sign-in must give.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Given<'a> {
    id_token: &'a str,
    access_token: &'a str,
    refresh_token: &'a str,
}

impl Crowd {
    pub fn gather(site: &Site, door: &Door, mails: &Mails, people: u32) -> Result<Crowd> {
        Ok(Crowd(Arc::new(Inner {
            address: site.address,
            door: door.clone(),
            mails: mails.clone(),
            begin: cognito("InitiateAuth")?,
            answer: cognito("RespondToAuthChallenge")?,
            next: AtomicU32::new(0),
            people,
            record: Mutex::default(),
        })))
    }

    /// Lets so many people at a time sign in, each on a connection of their own, one after the other.
    pub async fn rush(&self, server: &Server, workers: usize, length: Duration, way: Way) -> Result<Seen> {
        let stop = Arc::new(AtomicBool::new(false));
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..workers {
            let mut connection = Connection::open(self.0.address).await?;
            let (crowd, stop) = (self.clone(), stop.clone());
            tasks.spawn(async move {
                match way {
                    Way::Refresh => return crowd.refresh(&mut connection, &stop).await,
                    Way::Machine => return crowd.machine(&mut connection, &stop).await,
                    Way::Api | Way::Pages => {}
                }
                while !stop.load(Ordering::Relaxed)
                    && let Some(person) = crowd.next()
                {
                    crowd.sign_in(&mut connection, person, Instant::now(), way).await;
                }
            });
        }
        let window = async {
            let seen = self.watch(server, length).await;
            stop.store(true, Ordering::Relaxed);
            seen
        };
        let seen = window.await;
        while tasks.join_next().await.is_some() {}
        seen
    }

    /// Lets people arrive at even intervals, however long those before them take. How long each took counts from
    /// when they were due, so that a stalled server cannot hide behind arrivals that it held up.
    pub async fn stream(&self, server: &Server, per_second: f64, length: Duration) -> Result<Seen> {
        let idle = Arc::new(Mutex::new(Vec::new()));
        let began = Instant::now();
        let arrivals = async {
            for number in 0_u32.. {
                let due = began + Duration::from_secs_f64(f64::from(number) / per_second);
                tokio::time::sleep_until(due.into()).await;
                let Some(person) = self.next() else { break };
                let (crowd, idle) = (self.clone(), idle.clone());
                tokio::spawn(async move {
                    let waiting = lock(&idle).pop();
                    let opened = match waiting {
                        Some(connection) => Ok(connection),
                        None => Connection::open(crowd.0.address).await,
                    };
                    match opened {
                        Ok(mut connection) => {
                            crowd.sign_in(&mut connection, person, due, Way::Api).await;
                            lock(&idle).push(connection);
                        }
                        Err(cause) => crowd.note_failure(format!("connecting: {cause:#}")),
                    }
                });
            }
            // People ran out; the watch below ends by itself.
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = arrivals => unreachable!("arrivals wait for ever at their end"),
            seen = self.watch(server, length) => seen,
        }
    }

    /// Tells what happens in a stretch of time that begins after the warm-up.
    async fn watch(&self, server: &Server, length: Duration) -> Result<Seen> {
        tokio::time::sleep(WARM_UP).await;
        *lock(&self.0.record) = Record::default();
        let cpu = || {
            let parts = [server.cpu()?, server.signing_cpu()?, process_cpu("self")?, machine_cpu()?];
            anyhow::Ok(parts)
        };
        let before = cpu()?;
        let began = Instant::now();
        tokio::time::sleep(length).await;
        let took = began.elapsed();
        let after = cpu()?;
        let [server_cpu, signing_cpu, client_cpu, machine_cpu] =
            std::array::from_fn(|part| after[part].saturating_sub(before[part]));
        let record = std::mem::take(&mut *lock(&self.0.record));
        Ok(Seen {
            done: record.done,
            failures: record.failures,
            took,
            server_cpu,
            signing_cpu,
            client_cpu,
            other_cpu: machine_cpu.saturating_sub(server_cpu + client_cpu),
            tokens: record.last,
            short: self.0.next.load(Ordering::Relaxed) >= self.0.people,
        })
    }

    fn next(&self) -> Option<u32> {
        let number = self.0.next.fetch_add(1, Ordering::Relaxed);
        (number < self.0.people).then_some(number)
    }

    /// Signs one person in at the app whose refresh tokens change, and refreshes until it is time to stop.
    async fn refresh(&self, connection: &mut Connection, stop: &AtomicBool) {
        let Some(person) = self.next() else { return };
        let door = &self.0.door;
        let mut token = match self.signed_in(connection, person, Instant::now(), &door.rotating).await {
            Ok((_, _, token)) => token,
            Err(cause) => return self.note_failure(format!("{cause:#}")),
        };
        while !stop.load(Ordering::Relaxed) {
            match pages::refresh(connection, door, &token).await {
                Ok((done, tokens, next)) => {
                    token = next;
                    let mut record = lock(&self.0.record);
                    record.done.push(done);
                    record.last = Some(tokens);
                }
                Err(cause) => return self.note_failure(format!("{cause:#}")),
            }
        }
    }

    /// Gets tokens for a program until it is time to stop.
    async fn machine(&self, connection: &mut Connection, stop: &AtomicBool) {
        while !stop.load(Ordering::Relaxed) {
            match pages::client_credentials(connection, &self.0.door).await {
                Ok((done, tokens)) => {
                    let mut record = lock(&self.0.record);
                    record.done.push(done);
                    record.last = Some(tokens);
                }
                Err(cause) => return self.note_failure(format!("{cause:#}")),
            }
        }
    }

    async fn sign_in(&self, connection: &mut Connection, person: u32, due: Instant, way: Way) {
        let Inner { door, mails, .. } = &*self.0;
        let tried = match way {
            Way::Pages => pages::sign_in(connection, door, mails, person, due).await,
            Way::Api | Way::Refresh | Way::Machine => {
                let signed = self.signed_in(connection, person, due, &door.client).await;
                signed.map(|(done, tokens, _)| (done, tokens))
            }
        };
        match tried {
            Ok((done, tokens)) => {
                let mut record = lock(&self.0.record);
                record.done.push(done);
                record.last = Some(tokens);
            }
            Err(cause) => {
                self.note_failure(format!("{cause:#}"));
                if let Ok(fresh) = Connection::open(self.0.address).await {
                    *connection = fresh;
                }
            }
        }
    }

    fn note_failure(&self, what: String) {
        *lock(&self.0.record).failures.entry(what).or_default() += 1;
    }

    /// InitiateAuth, the code from the mail, RespondToAuthChallenge.
    async fn signed_in(
        &self,
        connection: &mut Connection,
        person: u32,
        due: Instant,
        client: &str,
    ) -> Result<(Done, Tokens, String)> {
        let Inner { mails, begin, answer, .. } = &*self.0;
        let name = username(person);
        let mail = mails.expect(&address(person));

        let began = Instant::now();
        let body = json!({
            "AuthFlow": "USER_AUTH",
            "ClientId": client,
            "AuthParameters": { "USERNAME": name, "PREFERRED_CHALLENGE": "EMAIL_OTP" },
        });
        let asked = connection.call(begin, body.to_string()).await.context("InitiateAuth")?;
        let asked_at = Instant::now();
        let challenge: Challenge = read(&asked).context("InitiateAuth")?;
        anyhow::ensure!(challenge.challenge_name == "EMAIL_OTP", "asked for {}", challenge.challenge_name);

        let mail = tokio::time::timeout(MAIL_PATIENCE, mail).await.context("no mail came")??;
        let mail_at = Instant::now();
        let code = code(&mail).context("the mail has no code")?;

        let body = json!({
            "ChallengeName": "EMAIL_OTP",
            "ClientId": client,
            "Session": challenge.session,
            "ChallengeResponses": { "USERNAME": name, "EMAIL_OTP_CODE": code },
        });
        let signed = connection.call(answer, body.to_string()).await.context("RespondToAuthChallenge")?;
        let done_at = Instant::now();
        let Signed { authentication_result: result } = read(&signed).context("RespondToAuthChallenge")?;
        let done = Done {
            whole: done_at - due,
            begin: asked_at - began,
            mail: mail_at - asked_at,
            answer: done_at - mail_at,
        };
        let tokens = Tokens { id: Some(result.id_token.to_owned()), access: result.access_token.to_owned() };
        Ok((done, tokens, result.refresh_token.to_owned()))
    }
}

/// Reads what an answer must be; anything else is named by its status and kind, so that like falls to like.
fn read<'a, T: Deserialize<'a>>(answer: &'a Answer) -> Result<T> {
    serde_json::from_slice(&answer.body).ok().with_context(|| {
        let said: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let kind = |name: &str| said[name].as_str().unwrap_or("").to_owned();
        format!("{} {} {}", answer.status, kind("__type"), kind("message"))
    })
}

fn lock<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}
