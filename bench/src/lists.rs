//! How long lists of a pool's people take, by each filter of `ListUsers` and on the console's page of them: one call after
//! the other on an idle server, for people drawn all over the pool.

use crate::prepare::{Door, address, username};
use crate::report::Spread;
use crate::site::{Key, Site};
use crate::wire::{Answer, Connection};
use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use http::Request;
use http::header::{CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use http_body_util::Full;
use serde::Serialize;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// People on a page, as the console asks for them.
const PAGE: usize = 50;
/// A step through the people that meets all parts of the pool.
const STRIDE: u64 = 7_919;

/// What one kind of list took.
#[derive(Serialize)]
pub struct Listed {
    pub what: &'static str,
    pub times: Spread,
}

/// A person as the filters name them.
struct Person {
    name: String,
    address: String,
    sub: String,
}

/// A filter: what it is called, how it is written for somebody, and whether it finds nobody else.
type Filter = (&'static str, fn(&Person) -> String, bool);

const FILTERS: [Filter; 8] = [
    ("first page", |_| String::new(), false),
    ("email =", |person| format!("email = \"{}\"", person.address), true),
    ("email ^=", |person| format!("email ^= \"{}\"", &person.address[..9]), false),
    ("username =", |person| format!("username = \"{}\"", person.name), true),
    ("username ^=", |person| format!("username ^= \"{}\"", &person.name[..9]), false),
    ("sub =", |person| format!("sub = \"{}\"", person.sub), true),
    ("cognito:user_status =", |_| "cognito:user_status = \"CONFIRMED\"".to_owned(), false),
    ("status =", |_| "status = \"Enabled\"".to_owned(), false),
];

/// Times each list by so many rounds.
pub async fn time(site: &Site, key: &Key, door: &Door, people: u32, rounds: u32) -> Result<Vec<Listed>> {
    let mut connection = Connection::open(site.address).await?;
    let mut console = Console::open(site, key).await?;
    let pages = [("console, first page", ""), ("console, search by email", "?by=email&q=")];
    let mut times: Vec<Vec<Duration>> = vec![Vec::new(); FILTERS.len() + 1 + pages.len()];
    for round in 0..rounds {
        let number = (u64::from(round) * STRIDE % u64::from(people)) as u32;
        let person = found(&mut connection, key, door, number).await?;
        let mut token = Value::Null;
        for (at, (what, filter, is_alone)) in FILTERS.iter().enumerate() {
            let (answer, took) = listed(&mut connection, key, door, &filter(&person), &Value::Null).await?;
            let count = answer["Users"].as_array().map_or(0, Vec::len);
            ensure!(if *is_alone { count == 1 } else { count > 0 }, "{what} gave {count} people");
            times[at].push(took);
            if at == 0 {
                token = answer["PaginationToken"].clone();
            }
        }
        if !token.is_null() {
            times[FILTERS.len()].push(listed(&mut connection, key, door, "", &token).await?.1);
        }
        for (at, (what, query)) in pages.iter().enumerate() {
            let sought = if query.is_empty() { "" } else { person.address.as_str() };
            let path = format!("/console/pools/{}/users{query}{}", door.pool, sought.replace('@', "%40"));
            let began = Instant::now();
            let page = console.get(&path).await?.good()?;
            times[FILTERS.len() + 1 + at].push(began.elapsed());
            let page = String::from_utf8_lossy(&page).into_owned();
            ensure!(page.contains("@people.example"), "{what} shows nobody");
        }
    }
    let names = FILTERS.iter().map(|(what, ..)| *what).chain(["next page"]);
    let names = names.chain(pages.iter().map(|(what, _)| *what));
    Ok(names.zip(times).map(|(what, times)| Listed { what, times: Spread::of(times) }).collect())
}

async fn listed(
    connection: &mut Connection,
    key: &Key,
    door: &Door,
    filter: &str,
    token: &Value,
) -> Result<(Value, Duration)> {
    let mut asked = json!({ "UserPoolId": door.pool, "Limit": PAGE });
    if !filter.is_empty() {
        asked["Filter"] = filter.into();
    }
    if !token.is_null() {
        asked["PaginationToken"] = token.clone();
    }
    let began = Instant::now();
    let answer = connection.call_signed(key, "ListUsers", asked.to_string()).await?.good()?;
    let took = began.elapsed();
    Ok((serde_json::from_slice(&answer)?, took))
}

async fn found(connection: &mut Connection, key: &Key, door: &Door, number: u32) -> Result<Person> {
    let asked = json!({ "UserPoolId": door.pool, "Username": username(number) });
    let answer = connection.call_signed(key, "AdminGetUser", asked.to_string()).await?.good()?;
    let user: Value = serde_json::from_slice(&answer)?;
    let attributes = user["UserAttributes"].as_array().context("a user has attributes")?;
    let sub = attributes.iter().find(|one| one["Name"] == "sub").and_then(|one| one["Value"].as_str());
    let sub = sub.context("a user has a sub")?.to_owned();
    Ok(Person { name: username(number), address: address(number), sub })
}

/// An administrator's browser at the console.
struct Console {
    connection: Connection,
    cookie: String,
}

impl Console {
    /// Signs in with the access key.
    async fn open(site: &Site, key: &Key) -> Result<Console> {
        let mut connection = Connection::open(site.console).await?;
        let door = connection.get("/console/sign-in").await?;
        let cookie = cookie(&door)?;
        let page = String::from_utf8(door.good()?.to_vec())?;
        let csrf = page.split_once("name=\"csrf\" value=\"").and_then(|(_, rest)| rest.split_once('"'));
        let csrf = csrf.context("the form has no token")?.0.to_owned();
        let secret = key.secret.replace('+', "%2B").replace('/', "%2F");
        let form = Request::post("/console/sign-in")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(COOKIE, &cookie)
            .body(Full::from(format!("csrf={csrf}&key={}&secret={secret}", key.id)))?;
        let answer = connection.send(form).await?;
        let leads_in = answer.headers.get(LOCATION).is_some_and(|to| to == "/console/pools");
        ensure!(leads_in, "the console did not let the administrator in: {}", answer.status);
        let cookie = self::cookie(&answer)?;
        Ok(Console { connection, cookie })
    }

    async fn get(&mut self, path: &str) -> Result<Answer> {
        let request = Request::get(path).header(COOKIE, &self.cookie).body(Full::<Bytes>::default())?;
        self.connection.send(request).await
    }
}

/// The first cookie that an answer sets.
fn cookie(answer: &Answer) -> Result<String> {
    let set = answer.headers.get(SET_COOKIE).and_then(|value| value.to_str().ok());
    let pair = set.and_then(|text| text.split(';').next());
    pair.map(str::to_owned).context("no cookie was set")
}
