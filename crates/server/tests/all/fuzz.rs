//! Every operation of every model is fed thousands of malformed and boundary requests: none may ever meet a 5xx answer
//! or a panic, whatever it is refused with. The requests are drawn from fixed seeds, so a failure can be seen again.

use crate::story::App;
use crate::support::{Answer, TestServer, encoded};
use postern_model::{Kind, Location, OperationModel, Protocol, Service, ServiceModel, ShapeRef};
use serde_json::{Map, Value, json};

/// Requests drawn for each operation: more for one that is written.
const FOR_WRITTEN: u64 = 60;
const FOR_UNWRITTEN: u64 = 4;

/// What is likely to be looked for wrongly, cut wrongly, or taken for something else.
const HOSTILE: [&str; 24] = [
    "",
    " ",
    "\u{0}",
    "\r\nBcc: x@example.com",
    "'; drop table users; --",
    "<script>alert(1)</script>",
    "{####}{username}",
    "../../etc/passwd",
    "%00%2e%2e%2f",
    "\u{202E}\u{200B}\u{FEFF}",
    "\u{1D4B3}\u{1F600}",
    "\u{FFFF}",
    "null",
    "-1",
    "9223372036854775808",
    "1e400",
    "arn:aws:ses:us-east-1:000000000000:identity/example.com",
    "arn:aws:iam::aws:policy/AdministratorAccess",
    "a@b",
    "\"a b\"@example.com",
    "a@example.com,b@example.com",
    "us-east-1_AAAAAAAAA",
    "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"}]}",
    "{\"Version\":\"2012-10-17\",\"Statement\":",
];

/// Parameters and answers of sign-ins.
const PARAMETERS: [&str; 11] = [
    "USERNAME",
    "PREFERRED_CHALLENGE",
    "PASSWORD",
    "EMAIL_OTP_CODE",
    "SOFTWARE_TOKEN_MFA_CODE",
    "EMAIL",
    "ANSWER",
    "SRP_A",
    "PASSWORD_CLAIM_SECRET_BLOCK",
    "PASSWORD_CLAIM_SIGNATURE",
    "TIMESTAMP",
];

/// A generator of numbers that gives the same ones for the same seed (splitmix64).
pub struct Draw(pub u64);

impl Draw {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    pub fn one_in(&mut self, number: usize) -> bool {
        self.below(number) == 0
    }

    pub fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len())]
    }
}

/// What is put into lines of a corpus.
const PIECES: [&str; 22] = [
    "",
    "&",
    "=",
    "%",
    "%00",
    "%0d%0a",
    "%ff",
    "%2F",
    "+",
    ".",
    "..",
    ";",
    "://",
    "@",
    "#",
    "?",
    "\\",
    "[",
    "]",
    ":",
    "\u{1F600}",
    "none",
];

/// A line changed in a few places.
fn mutated(draw: &mut Draw, line: &str, others: &[&str]) -> String {
    let mut text: Vec<char> = line.chars().collect();
    for _ in 0..=draw.below(4) {
        let at = draw.below(text.len() + 1);
        match draw.below(6) {
            0 => text.truncate(at),
            1 => {
                let piece = draw.pick(&PIECES);
                text.splice(at..at, piece.chars());
            }
            2 if at < text.len() => {
                text.remove(at);
            }
            3 if at < text.len() => text[at] = char::from_u32(draw.below(128) as u32).unwrap_or('x'),
            4 => {
                let other = draw.pick(others);
                let from = draw.below(other.chars().count() + 1);
                text.splice(at..at, other.chars().skip(from).take(40));
            }
            _ => {
                let half: Vec<char> = text[at..].to_vec();
                text.extend(half);
            }
        }
    }
    text.truncate(4_000);
    text.into_iter().collect()
}

/// Gives every line of a corpus as it is, and so many changed ones of each.
pub fn drawn(corpus: &str, count: usize) -> Vec<String> {
    let lines: Vec<&str> = corpus.lines().filter(|line| !line.is_empty()).collect();
    let mut draw = Draw(corpus.len() as u64);
    let mut all: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
    for line in &lines {
        all.extend((0..count).map(|_| mutated(&mut draw, line, &lines)));
    }
    all
}

/// Draws documents for a service. Names that exist are drawn often, so that requests get past the first check.
struct Drawn<'a> {
    model: &'static ServiceModel,
    draw: Draw,
    known: &'a [(&'static str, String)],
}

impl Drawn<'_> {
    fn value(&mut self, name: &str, shape: ShapeRef, depth: usize) -> Value {
        if self.draw.one_in(25) {
            return self.anything();
        }
        if let Some((_, known)) = self.known.iter().find(|(known, _)| *known == name)
            && !self.draw.one_in(3)
        {
            return known.clone().into();
        }
        let model = self.model;
        match &model.shape(shape).kind {
            Kind::Structure { members } => {
                let mut object = Map::new();
                for member in members {
                    let given = if member.required { !self.draw.one_in(12) } else { self.draw.one_in(3) };
                    if given && depth < 6 {
                        object.insert(member.name.clone(), self.value(&member.name, member.shape, depth + 1));
                    }
                }
                Value::Object(object)
            }
            Kind::List { member, length, .. } => {
                let most = length.max.unwrap_or(4).clamp(0, 60) as usize;
                let items = if self.draw.one_in(8) { most + 1 } else { self.draw.below(3) };
                if depth > 6 {
                    return json!([]);
                }
                (0..items).map(|_| self.value(name, *member, depth + 1)).collect()
            }
            Kind::Map { key, value, .. } => {
                let mut object = Map::new();
                for _ in 0..self.draw.below(4) {
                    let Value::String(key) = self.value("", *key, depth + 1) else { continue };
                    object.insert(key, self.value(name, *value, depth + 1));
                }
                for parameter in PARAMETERS {
                    if self.draw.one_in(3) {
                        object.insert(parameter.into(), self.text(None, None));
                    }
                }
                Value::Object(object)
            }
            Kind::String { choices, length, .. } => {
                if !choices.is_empty() && !self.draw.one_in(10) {
                    return choices[self.draw.below(choices.len())].clone().into();
                }
                self.text(length.min, length.max)
            }
            Kind::Integer { range } => {
                let edges =
                    [range.min.unwrap_or(0), range.max.unwrap_or(60), 0, 1, -1, 60, i64::MAX, i64::MIN];
                edges[self.draw.below(edges.len())].into()
            }
            Kind::Float { .. } => json!(0.5),
            Kind::Boolean => self.draw.one_in(2).into(),
            Kind::Timestamp => {
                let edges = [json!(0), json!(1.5e9), json!(-1), json!(1e300), json!("yesterday")];
                edges[self.draw.below(edges.len())].clone()
            }
            Kind::Blob { .. } => ["", "AAAA", "not base64!", "Zm9v"][self.draw.below(4)].into(),
            Kind::Document => self.anything(),
        }
    }

    fn text(&mut self, min: Option<i64>, max: Option<i64>) -> Value {
        let min = min.unwrap_or(0).clamp(0, 4000) as usize;
        let max = max.unwrap_or(64).clamp(0, 4000) as usize;
        match self.draw.below(6) {
            0 => self.draw.pick(&HOSTILE).into(),
            1 => "a".repeat(min).into(),
            2 => "Z".repeat(max).into(),
            3 => "é".repeat(max + 1).into(),
            4 => "0".repeat(min.saturating_sub(1)).into(),
            _ => format!("name{}", self.draw.below(100)).into(),
        }
    }

    fn anything(&mut self) -> Value {
        let all = [
            json!(null),
            json!(true),
            json!(-1),
            json!(1e308),
            json!("text"),
            json!([]),
            json!([[], {}, null]),
            json!({}),
            json!({ "a": { "b": { "c": [1, "2", null] } } }),
        ];
        all[self.draw.below(all.len())].clone()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_to_any_operation_meets_a_fault() {
    let server = TestServer::start().await;
    let app = App::new(&server).await;
    let username = app.person("alice@example.com").await;
    server.ses("POST", "/identities", json!({ "EmailIdentity": "sender@example.com" })).await.ok();
    let tokens = app.signs_in("alice@example.com").await["AuthenticationResult"].clone();
    let known = [
        ("UserPoolId", app.pool_id.clone()),
        ("ClientId", app.client_id.clone()),
        ("Username", username),
        ("USERNAME", "alice@example.com".to_owned()),
        ("AccessToken", tokens["AccessToken"].as_str().unwrap_or_default().to_owned()),
        ("EmailIdentity", "sender@example.com".to_owned()),
        ("FromEmailAddress", "sender@example.com".to_owned()),
        ("UserName", "test".to_owned()),
        ("PolicyArn", "arn:aws:iam::aws:policy/IAMReadOnlyAccess".to_owned()),
    ];
    let mut sent = 0;
    for service in Service::ALL {
        let model = ServiceModel::of(service);
        for (number, operation) in model.operations().iter().enumerate() {
            // What these do would end the story for those that come later.
            let ends_the_story = ["DeleteUserPool", "DeleteUser", "DeleteAccessKey", "UpdateAccessKey"];
            let written =
                operation.typed && postern_server::api::tables::is_written(service, &operation.name);
            let draws = if written { FOR_WRITTEN } else { FOR_UNWRITTEN };
            let without: &[(&'static str, String)] =
                if ends_the_story.contains(&operation.name.as_str()) { &[] } else { &known };
            for seed in 0..draws {
                let draw = Draw(seed << 32 | number as u64);
                let mut drawn = Drawn { model, draw, known: without };
                let document = match operation.input {
                    Some(shape) if seed > 0 => drawn.value("", shape, 0),
                    Some(_) => json!({}),
                    None => json!({}),
                };
                let reply = send(&server, service, operation, &document).await;
                assert!(
                    reply.status < 500,
                    "{service} {} seed {seed}: {} {}\n{document}",
                    operation.name,
                    reply.status,
                    reply.text
                );
                assert!(reply.headers.contains_key("x-amzn-requestid"), "{service} {}", operation.name);
                sent += 1;
            }
        }
    }
    assert!(sent > 5_000, "{sent} requests");
    // The server is well afterwards, whatever became of the pool that all this was done to.
    let after = App::new(&server).await;
    after.person("bob@example.com").await;
    after.signs_in("bob@example.com").await;
}

#[tokio::test]
async fn bodies_that_are_no_documents_are_refused() {
    let server = TestServer::start().await;
    let app = App::new(&server).await;
    let deep = |levels: usize| format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
    let valid =
        json!({ "AuthFlow": "USER_AUTH", "ClientId": app.client_id, "AuthParameters": { "USERNAME": "a" } });
    let valid = valid.to_string();
    let bodies: Vec<Vec<u8>> = vec![
        Vec::new(),
        b"{".to_vec(),
        b"null".to_vec(),
        b"[]".to_vec(),
        b"\"text\"".to_vec(),
        b"\xff\xfe{}".to_vec(),
        b"{\"ClientId\":\"\xc3\x28\"}".to_vec(),
        b"{\"a\":1e999999}".to_vec(),
        b"{\"a\":1,\"a\":2}".to_vec(),
        deep(33).into_bytes(),
        deep(5_000).into_bytes(),
        format!("{{\"a\":{}}}", deep(40)).into_bytes(),
        vec![b' '; 70_000],
        valid.as_bytes()[..valid.len() - 1].to_vec(),
        format!("{valid}{valid}").into_bytes(),
    ];
    for body in bodies {
        let reply = raw(&server, body.clone()).await;
        assert!(
            (400..500).contains(&reply.status),
            "{} for {:?}",
            reply.status,
            String::from_utf8_lossy(&body[..body.len().min(60)])
        );
        assert!(reply.body["__type"].is_string(), "{}", reply.text);
    }
    let half: String = valid.chars().take(valid.len() / 2).collect();
    for cut in 0..half.len() {
        let reply = raw(&server, half.as_bytes()[..cut].to_vec()).await;
        assert!((400..500).contains(&reply.status));
    }
}

/// Sends a document as the service's protocol writes it, signed.
async fn send(server: &TestServer, service: Service, operation: &OperationModel, document: &Value) -> Answer {
    let model = ServiceModel::of(service);
    match model.protocol {
        Protocol::Json => server.client.json_to(service, &operation.name, document, Some(&server.key)).await,
        Protocol::Query => {
            let mut fields = Vec::new();
            flatten("", document, &mut fields);
            let fields: Vec<(&str, &str)> =
                fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            server.client.form(service, &operation.name, &fields, Some(&server.key)).await
        }
        Protocol::RestJson => {
            let (path, query, body) = rest(model, operation, document);
            let query: Vec<String> =
                query.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
            let path = if query.is_empty() { path } else { format!("{path}?{}", query.join("&")) };
            server.client.rest(&operation.method, &path, body.to_string(), Some(&server.key)).await
        }
    }
}

/// Sends a body as it is to InitiateAuth.
async fn raw(server: &TestServer, body: Vec<u8>) -> Answer {
    let request = server
        .client
        .request("POST", "/")
        .header("content-type", "application/x-amz-json-1.1")
        .header("x-amz-target", "AWSCognitoIdentityProviderService.InitiateAuth");
    server.client.send(request.body(body.into()).expect("a request")).await
}

/// Writes a document as form fields: `List.member.1`, `Structure.Member`.
fn flatten(name: &str, value: &Value, fields: &mut Vec<(String, String)>) {
    let below = |part: &str| if name.is_empty() { part.to_owned() } else { format!("{name}.{part}") };
    match value {
        Value::Null => {}
        Value::Object(members) => {
            for (member, value) in members {
                flatten(&below(member), value, fields);
            }
        }
        Value::Array(items) => {
            for (place, value) in (1..).zip(items) {
                flatten(&below(&format!("member.{place}")), value, fields);
            }
        }
        Value::String(text) => fields.push((name.to_owned(), text.clone())),
        other => fields.push((name.to_owned(), other.to_string())),
    }
}

/// Puts each member of a document where it travels.
fn rest(
    model: &ServiceModel,
    operation: &OperationModel,
    document: &Value,
) -> (String, Vec<(String, String)>, Value) {
    let mut path = operation.uri.clone();
    let mut query = Vec::new();
    let mut body = document.clone();
    let members = operation.input.map(|shape| &model.shape(shape).kind);
    if let (Some(Kind::Structure { members }), Value::Object(body)) = (members, &mut body) {
        for member in members {
            let text = match body.get(&member.name) {
                Some(Value::String(text)) => text.clone(),
                Some(other) => other.to_string(),
                None => "x".to_owned(),
            };
            match member.location {
                Location::Uri => {
                    path = path.replace(&format!("{{{}}}", member.location_name), &encoded(&text))
                }
                Location::QueryString if body.contains_key(&member.name) => {
                    query.push((member.location_name.clone(), text));
                }
                _ => continue,
            }
            body.remove(&member.name);
        }
    }
    (path, query, body)
}
