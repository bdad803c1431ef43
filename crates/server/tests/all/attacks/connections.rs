//! Clients that hold connections and give nothing, or take nothing (attack case 80). The patience of these servers is
//! short, and each test waits for what the server does, over real sockets.

use crate::support::TestServer;
use serde_json::json;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, timeout};

const PATIENCE: Duration = Duration::from_millis(400);
/// Far more than the patience, and far less than the time limits that would end things without it.
const AT_MOST: Duration = Duration::from_secs(6);

async fn impatient() -> TestServer {
    TestServer::with(|settings| settings.patience = PATIENCE).await
}

fn address(server: &TestServer) -> SocketAddr {
    let port = server.url.rsplit(':').next().expect("a port").parse().expect("a number");
    SocketAddr::from(([127, 0, 0, 1], port))
}

/// Connects from one of the addresses of this machine.
async fn from(last: u8, server: &TestServer) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind(SocketAddr::from(([127, 0, 0, last], 0))).expect("an address of this machine");
    socket.connect(address(server)).await.expect("connected")
}

async fn connected(server: &TestServer) -> TcpStream {
    TcpStream::connect(address(server)).await.expect("connected")
}

/// Waits until the server has closed a connection; gives what it said before.
async fn closed(mut stream: TcpStream) -> String {
    let mut said = Vec::new();
    let _ = timeout(AT_MOST, stream.read_to_end(&mut said)).await.expect("the server closes it");
    String::from_utf8_lossy(&said).into_owned()
}

/// Sends a byte now and then, for as long as the server listens.
async fn drips(stream: TcpStream) -> Duration {
    let began = Instant::now();
    let (mut reading, mut writing) = stream.into_split();
    let mut said = Vec::new();
    let dripping = async {
        let mut ticks = tokio::time::interval(PATIENCE / 8);
        loop {
            ticks.tick().await;
            if writing.write_all(b"a").await.is_err() {
                // What is left is to read what was said.
                std::future::pending::<()>().await;
            }
        }
    };
    let listening = async {
        let _ = reading.read_to_end(&mut said).await;
    };
    tokio::select! {
        () = dripping => {}
        ended = timeout(AT_MOST, listening) => ended.expect("the server closes it"),
    }
    began.elapsed()
}

#[tokio::test]
async fn case_80_silence_between_and_in_requests_ends_the_connection() {
    let server = impatient().await;
    // Nothing at all, half a header, and nothing more after a whole request.
    assert_eq!(closed(connected(&server).await).await, "");
    let mut half = connected(&server).await;
    half.write_all(b"GET /healthz HTTP/1.1\r\nhost: local").await.expect("sent");
    closed(half).await;
    let mut idle = connected(&server).await;
    idle.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").await.expect("sent");
    assert!(closed(idle).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn case_80_a_byte_now_and_then_keeps_nothing_open() {
    let server = impatient().await;
    let mut header = connected(&server).await;
    header.write_all(b"GET /healthz HTTP/1.1\r\nx-slow: ").await.expect("sent");
    assert!(drips(header).await < AT_MOST);
    // Every door that reads a body: the API, the pages, and what stands beside them.
    for (method, path, kind) in [
        ("POST", "/", "application/x-amz-json-1.1"),
        ("POST", "/login", "application/x-www-form-urlencoded"),
        ("POST", "/oauth2/token", "application/x-www-form-urlencoded"),
        ("POST", "/console/session", "application/x-www-form-urlencoded"),
        ("POST", "/ses/verify", "application/x-www-form-urlencoded"),
        ("POST", "/inbox/delete", "application/x-www-form-urlencoded"),
    ] {
        let mut body = connected(&server).await;
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: {kind}\r\n\
             x-amz-target: AWSCognitoIdentityProviderService.InitiateAuth\r\ncontent-length: 9000\r\n\r\n"
        );
        body.write_all(head.as_bytes()).await.expect("sent");
        assert!(drips(body).await < AT_MOST, "{path}");
    }
}

#[tokio::test]
async fn case_80_who_does_not_read_the_answers_is_cut_off() {
    let server = impatient().await;
    let mut deaf = connected(&server).await;
    let request = "GET /.well-known/openid-configuration HTTP/1.1\r\nhost: localhost\r\n\r\n".repeat(200);
    let asking = async { while deaf.write_all(request.as_bytes()).await.is_ok() {} };
    timeout(AT_MOST, asking).await.expect("the server does not go on for ever");
}

#[tokio::test]
async fn case_80_a_large_body_that_moves_has_its_time() {
    let server = impatient().await;
    let mut stream = connected(&server).await;
    let body = json!({ "ClientId": "none", "AuthFlow": "USER_AUTH", "AuthParameters": { "USERNAME": "a".repeat(50_000) } })
        .to_string();
    let head = format!(
        "POST / HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/x-amz-json-1.1\r\n\
         x-amz-target: AWSCognitoIdentityProviderService.InitiateAuth\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.expect("sent");
    // Ten portions, which together take twice the patience.
    let mut ticks = tokio::time::interval(PATIENCE / 5);
    for portion in body.as_bytes().chunks(body.len().div_ceil(10)) {
        ticks.tick().await;
        stream.write_all(portion).await.expect("sent");
    }
    let said = closed(stream).await;
    assert!(said.contains("ResourceNotFoundException"), "{said}");
}

#[tokio::test]
async fn case_80_strangers_are_refused_without_their_large_bodies() {
    let server = TestServer::start().await;
    let key = "Credential=AKIAUNKNOWN/20260102/us-east-1/ses/aws4_request";
    for signed in [format!("AWS4-HMAC-SHA256 {key}, SignedHeaders=host, Signature=00"), "anything".to_owned()]
    {
        // More of them than large bodies are read at a time, and none is sent.
        let mut strangers = Vec::new();
        for _ in 0..8 {
            let mut stream = connected(&server).await;
            let head = format!(
                "POST /v2/email/outbound-emails HTTP/1.1\r\nhost: localhost\r\nauthorization: {signed}\r\n\
                 x-amz-date: 20260102T030405Z\r\ncontent-type: application/json\r\ncontent-length: 10000000\r\n\r\n"
            );
            stream.write_all(head.as_bytes()).await.expect("sent");
            strangers.push(stream);
        }
        for mut stream in strangers {
            let mut said = [0; 12];
            let reading = timeout(AT_MOST, stream.read_exact(&mut said));
            reading.await.expect("an answer comes before the body").expect("an answer");
            assert!(said.starts_with(b"HTTP/1.1 4"), "{}", String::from_utf8_lossy(&said));
        }
    }
}

#[tokio::test]
async fn case_80_one_source_holds_its_part_of_the_connections_and_no_more() {
    let server = TestServer::with(|settings| {
        settings.connections = 40;
        settings.connections_per_source = 10;
    })
    .await;
    let mut held = Vec::new();
    for _ in 0..10 {
        let mut stream = from(9, &server).await;
        stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").await.expect("sent");
        let mut first = [0; 12];
        timeout(AT_MOST, stream.read_exact(&mut first)).await.expect("in time").expect("an answer");
        held.push(stream);
    }
    for _ in 0..100 {
        assert_eq!(closed(from(9, &server).await).await, "");
    }
    // Everybody else is served as if nothing were.
    server.client.get("/healthz").await.ok();
    // Whoever lets go may come again.
    held.clear();
    let again = async {
        loop {
            let mut stream = from(9, &server).await;
            let _ = stream
                .write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
                .await;
            if closed(stream).await.starts_with("HTTP/1.1 200") {
                return;
            }
        }
    };
    timeout(AT_MOST, again).await.expect("places are given back");
}

#[tokio::test]
async fn case_80_a_crowd_of_idle_connections_passes() {
    let server = TestServer::with(|settings| {
        settings.patience = PATIENCE;
        settings.connections = 8;
    })
    .await;
    let mut crowd = Vec::new();
    for _ in 0..200 {
        crowd.push(connected(&server).await);
    }
    // All places are taken; they are free again when the patience with the idle ends, as often as it takes.
    timeout(PATIENCE * 60, server.client.get("/healthz")).await.expect("served in the end").ok();
}
