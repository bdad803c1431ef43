//! A relay of the test's own, and what is made of its moods.

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::transport::Shown;

fn settings(port: u16, security: Security) -> SmtpSettings {
    SmtpSettings {
        host: "127.0.0.1".to_owned(),
        port,
        security,
        ca_file: None,
        user: None,
        password: None,
        hello_name: Some("postern.test".to_owned()),
        connections: 2,
    }
}

/// A relay that answers each command as told, and reports every line it hears.
async fn relay(answer: fn(&str) -> Option<&'static str>) -> (u16, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let (heard, hears) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let _ = heard.send("(connected)".to_owned());
            tokio::spawn(converse(stream, answer, heard.clone()));
        }
    });
    (port, hears)
}

async fn converse(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    answer: fn(&str) -> Option<&'static str>,
    heard: mpsc::UnboundedSender<String>,
) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 relay.test\r\n").await?;
    goes_on(stream, answer, heard).await
}

async fn goes_on(
    mut stream: BufReader<impl AsyncRead + AsyncWrite + Unpin>,
    answer: fn(&str) -> Option<&'static str>,
    heard: mpsc::UnboundedSender<String>,
) -> std::io::Result<()> {
    let (mut line, mut in_data) = (String::new(), false);
    while stream.read_line(&mut line).await? > 0 {
        let command = line.trim_end().to_owned();
        line.clear();
        let _ = heard.send(command.clone());
        if in_data && command != "." {
            continue;
        }
        in_data = command == "DATA";
        let usual = match command.split([' ', ':']).next() {
            Some("EHLO") => "250 relay.test",
            Some("DATA") => "354 go on",
            Some("QUIT") => "221 bye",
            _ => "250 Ok queued",
        };
        let Some(reply) = answer(&command).or(Some(usual)).filter(|reply| !reply.is_empty()) else {
            return Ok(());
        };
        stream.write_all(format!("{reply}\r\n").as_bytes()).await?;
    }
    Ok(())
}

/// A relay that speaks TLS by a certificate that it made itself, which is given as PEM.
async fn relay_with_tls(security: Security) -> (u16, String, mpsc::UnboundedReceiver<String>) {
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).expect("a certificate");
    let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|config| config.with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key))
        .expect("a configuration");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let (heard, hears) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (acceptor, heard) = (acceptor.clone(), heard.clone());
            tokio::spawn(async move {
                if security == Security::Implicit {
                    return converse(acceptor.accept(stream).await?, |_| None, heard).await;
                }
                stream.write_all(b"220 relay.test\r\n").await?;
                let mut plain = BufReader::new(stream);
                for reply in ["250-relay.test\r\n250 STARTTLS\r\n", "220 go on\r\n"] {
                    plain.read_line(&mut String::new()).await?;
                    plain.write_all(reply.as_bytes()).await?;
                }
                let stream = acceptor.accept(plain.into_inner()).await?;
                goes_on(BufReader::new(stream), |_| None, heard).await
            });
        }
    });
    (port, made.cert.pem(), hears)
}

#[tokio::test]
async fn no_mail_leaves_to_a_relay_whose_certificate_nobody_trusts() {
    let trusted = std::env::temp_dir().join(format!("postern-relay-{}.pem", std::process::id()));
    for security in [Security::StartTls, Security::Implicit] {
        let (port, pem, mut heard) = relay_with_tls(security).await;
        let another = relay_with_tls(security).await.1;
        for (pem, is_trusted) in [(None, false), (Some(&another), false), (Some(&pem), true)] {
            if let Some(pem) = pem {
                std::fs::write(&trusted, pem).expect("a file");
            }
            let ca_file = pem.map(|_| trusted.clone());
            let smtp = Smtp::new(&SmtpSettings { ca_file, ..settings(port, security) }).expect("a relay");
            let delivery = send(&smtp).await;
            assert_eq!(matches!(delivery, Delivery::Accepted { .. }), is_trusted, "{delivery:?}");
            assert_eq!(matches!(delivery, Delivery::Later { .. }), !is_trusted, "{delivery:?}");
            let has_mail = lines(&mut heard).iter().any(|line| line.starts_with("MAIL"));
            assert_eq!(has_mail, is_trusted, "{security:?}");
        }
    }
    let _ = std::fs::remove_file(trusted);
}

async fn send(smtp: &Smtp) -> Delivery {
    let from = Address::parse("bounce@shop.test").expect("from");
    let to = Address::parse("alice@example.com").expect("to");
    let now = Timestamp::from_ms(0);
    let parcel = Parcel {
        id: "m-1",
        from: &from,
        to: &to,
        bytes: b"Subject: Hi\r\n\r\n.dot\r\n",
        shown: &Shown::default(),
        created: now,
        now,
        patience: Duration::from_secs(10),
    };
    smtp.deliver(&parcel).await
}

fn lines(heard: &mut mpsc::UnboundedReceiver<String>) -> Vec<String> {
    std::iter::from_fn(|| heard.try_recv().ok()).collect()
}

#[tokio::test]
async fn a_mail_is_handed_over_and_the_connection_kept_warm() {
    let (port, mut heard) = relay(|_| None).await;
    let smtp = Smtp::new(&settings(port, Security::None)).expect("a relay");
    for _ in 0..2 {
        assert_eq!(send(&smtp).await, Delivery::Accepted { reply: "250 Ok queued".to_owned() });
    }
    let lines = lines(&mut heard);
    assert_eq!(lines.iter().filter(|line| *line == "(connected)").count(), 1);
    assert_eq!(lines.iter().filter(|line| *line == "MAIL FROM:<bounce@shop.test>").count(), 2);
    assert!(lines.contains(&"RCPT TO:<alice@example.com>".to_owned()) && lines.contains(&"..dot".to_owned()));
}

#[tokio::test]
async fn the_relays_words_decide_between_later_and_never() {
    let unknown: fn(&str) -> Option<&'static str> =
        |line| line.starts_with("RCPT").then_some("550 5.1.1 no such user");
    let busy: fn(&str) -> Option<&'static str> = |line| line.starts_with("MAIL").then_some("451 4.3.0 later");
    let sign_in: fn(&str) -> Option<&'static str> =
        |line| line.starts_with("MAIL").then_some("530 Authentication required");
    let spam: fn(&str) -> Option<&'static str> = |line| (line == ".").then_some("554 5.7.1 not this");
    for (answer, refused) in [(unknown, true), (busy, false), (sign_in, false), (spam, true)] {
        let (port, _heard) = relay(answer).await;
        let smtp = Smtp::new(&settings(port, Security::None)).expect("a relay");
        let delivery = send(&smtp).await;
        assert_eq!(matches!(delivery, Delivery::Refused { .. }), refused, "{delivery:?}");
        assert_eq!(matches!(delivery, Delivery::Later { .. }), !refused, "{delivery:?}");
    }
}

#[tokio::test]
async fn a_connection_closed_meanwhile_is_replaced() {
    // Ends each connection at its second MAIL by saying nothing more.
    let (port, mut heard) = relay(|line| (line == "RSET").then_some("")).await;
    let smtp = Smtp::new(&settings(port, Security::None)).expect("a relay");
    assert!(matches!(send(&smtp).await, Delivery::Accepted { .. }));
    {
        let mut parked = smtp.0.parked.lock().expect("parked").pop().expect("a connection");
        let _ = parked.connection.command("RSET\r\n").await;
        smtp.0.parked.lock().expect("parked").push(parked);
    }
    assert!(matches!(send(&smtp).await, Delivery::Accepted { .. }));
    assert_eq!(lines(&mut heard).iter().filter(|line| *line == "(connected)").count(), 2);
}

#[tokio::test]
async fn no_mail_leaves_without_the_tls_that_was_asked_for() {
    let (port, mut heard) = relay(|_| None).await;
    let smtp = Smtp::new(&settings(port, Security::StartTls)).expect("a relay");
    assert!(matches!(send(&smtp).await, Delivery::Later { .. }));
    assert!(!lines(&mut heard).iter().any(|line| line.starts_with("MAIL")));

    let with_starttls: fn(&str) -> Option<&'static str> = |line| match line {
        _ if line.starts_with("EHLO") => Some("250-relay.test\r\n250 STARTTLS"),
        "STARTTLS" => Some("220 go on"),
        _ => None,
    };
    let (port, mut heard) = relay(with_starttls).await;
    let smtp = Smtp::new(&settings(port, Security::StartTls)).expect("a relay");
    assert!(matches!(send(&smtp).await, Delivery::Later { .. }));
    assert!(!lines(&mut heard).iter().any(|line| line.starts_with("MAIL")));
}

#[tokio::test]
async fn nobody_knows_what_became_of_a_message_that_is_not_answered() {
    let silent: fn(&str) -> Option<&'static str> = |line| (line == ".").then_some("");
    let (port, mut heard) = relay(silent).await;
    let smtp = Smtp::new(&settings(port, Security::None)).expect("a relay");
    assert!(matches!(send(&smtp).await, Delivery::Unknown { .. }));
    assert_eq!(lines(&mut heard).iter().filter(|line| *line == "DATA").count(), 1);
}

#[tokio::test]
async fn a_relay_that_asks_for_a_pause_is_left_alone() {
    for asks in ["421 4.7.0 too many", "454 Throttling failure: Maximum sending rate exceeded."] {
        let answer: fn(&str) -> Option<&'static str> = match asks {
            "421 4.7.0 too many" => |line| line.starts_with("MAIL").then_some("421 4.7.0 too many"),
            _ => |line| (line == ".").then_some("454 Throttling failure: Maximum sending rate exceeded."),
        };
        let (port, mut heard) = relay(answer).await;
        let smtp = Smtp::new(&settings(port, Security::None)).expect("a relay");
        let Delivery::Slower { until, .. } = send(&smtp).await else { panic!("{asks}") };
        assert!(until > Timestamp::from_ms(0), "{asks}");
        let before = lines(&mut heard).len();
        assert!(before > 0, "{asks}");
        assert!(matches!(send(&smtp).await, Delivery::Slower { .. }), "{asks}");
        assert!(lines(&mut heard).is_empty(), "{asks}");
    }
    let greylist: fn(&str) -> Option<&'static str> =
        |line| line.starts_with("RCPT").then_some("451 4.7.1 try again later");
    let (port, _heard) = relay(greylist).await;
    let smtp = Smtp::new(&settings(port, Security::None)).expect("a relay");
    assert!(matches!(send(&smtp).await, Delivery::Later { .. }), "others may go on");
}

#[tokio::test]
async fn a_turn_is_kept_for_mails_that_somebody_waits_for() {
    let smtp = Smtp::new(&settings(25, Security::None)).expect("a relay");
    let now = Duration::ZERO;
    let invitation = smtp.turn(false, now).await.expect("a turn");
    assert!(smtp.turn(false, now).await.is_none());
    let code = smtp.turn(true, now).await.expect("a turn");
    assert!(smtp.turn(true, now).await.is_none());
    drop((invitation, code));
    let codes = (smtp.turn(true, now).await, smtp.turn(true, now).await);
    assert!(codes.0.is_some() && codes.1.is_some());
}

#[test]
fn going_without_tls_is_for_this_very_machine() {
    let opens = |host: &str, security, user: Option<&str>| {
        let user = user.map(str::to_owned);
        let settings =
            SmtpSettings { host: host.to_owned(), password: user.clone(), user, ..settings(25, security) };
        Smtp::new(&settings).is_ok()
    };
    assert!(!opens("relay.example", Security::None, Some("u")));
    assert!(!opens("relay.example", Security::None, None));
    assert!(opens("127.0.0.1", Security::None, Some("u")));
    assert!(opens("relay.example", Security::StartTls, Some("u")));
    assert!(
        !format!("{:?}", SmtpSettings { password: Some("hush".into()), ..settings(25, Security::None) })
            .contains("hush")
    );
}
