//! Addresses that mail came back from: they get no more for a while, and nobody else can make them be thought so.

use super::*;
use crate::notices::Noticed;
use crate::transport::Delivery;

const DAY_MS: i64 = 24 * HOUR_MS;

/// A service whose return paths carry tags, and one mail from it.
async fn with_a_mail() -> (Bench, String) {
    let mut settings = settings();
    settings.bounces = Some(Address::parse("bounces@mail.test").expect("an address"));
    settings.report_domains = vec!["mail.test".to_owned()];
    let mut bench = Bench::new(settings).await;
    let path = sent(&mut bench, "jo@x.test").await.expect("it leaves");
    (bench, path)
}

/// Sends a mail; gives its return path if it left.
async fn sent(bench: &mut Bench, to: &str) -> Option<String> {
    let before = bench.relay.delivered().len();
    bench.send_by_default(code_mail(bench, "no-reply@verificationemail.com", to)).await.expect("accepted");
    bench.worker.run_due().await;
    bench.relay.delivered().get(before).map(|mail| mail.from.clone())
}

/// What a mail server says that could not deliver.
fn report(path: &str, recipient: &str, action: &str, status: &str) -> String {
    format!(
        "From: MAILER-DAEMON@x.test\r\nTo: <{path}>\r\nSubject: Undelivered Mail Returned to Sender\r\n\
         MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=\"b\"\r\n\r\n\
         --b\r\nContent-Type: text/plain\r\n\r\nI am sorry.\r\n\
         --b\r\nContent-Type: message/delivery-status\r\n\r\n\
         Reporting-MTA: dns; mx.x.test\r\n\r\n\
         Final-Recipient: rfc822; {recipient}\r\nAction: {action}\r\nStatus: {status}\r\n\
         Diagnostic-Code: smtp; 550 no such user\r\n\r\n\
         --b\r\nContent-Type: text/rfc822-headers\r\n\r\nSubject: Your code\r\n\r\n--b--\r\n"
    )
}

impl Bench {
    async fn reported(&self, report: &str) -> Noticed {
        self.mail.take_report(report.as_bytes()).await.expect("an answer")
    }

    async fn gets_no_mail(&self, address: &str) -> bool {
        let address = address.to_owned();
        self.store.read(move |tx| tx.find_suppressed(&address)).await.expect("a look").is_some()
    }
}

#[tokio::test]
async fn an_address_that_mail_came_back_from_gets_no_more_for_two_weeks() {
    let (mut bench, path) = with_a_mail().await;
    assert!(path.starts_with("bounces+") && path.ends_with("@mail.test"), "{path}");
    assert_eq!(bench.reported(&report(&path, "jo@x.test", "failed", "5.1.1")).await, Noticed::Taken);
    assert!(bench.gets_no_mail("jo@x.test").await);
    assert_eq!(sent(&mut bench, "jo@x.test").await, None);
    bench.clock.advance(14 * DAY_MS);
    bench.worker.run_due().await;
    assert!(sent(&mut bench, "jo@x.test").await.is_some(), "it is tried again");
}

#[tokio::test]
async fn only_who_got_the_mail_can_say_that_it_came_back() {
    let (mut bench, path) = with_a_mail().await;
    let other = sent(&mut bench, "al@x.test").await.expect("it leaves");
    let tag = path.split(['+', '@']).nth(1).expect("a tag");
    let bent =
        format!("bounces+{}{}@mail.test", &tag[..tag.len() - 1], if tag.ends_with('0') { '1' } else { '0' });
    for (what, report) in [
        ("a tag for somebody else", report(&other, "jo@x.test", "failed", "5.1.1")),
        ("a tag that nobody made", report(&bent, "jo@x.test", "failed", "5.1.1")),
        ("no tag", report("bounces@mail.test", "jo@x.test", "failed", "5.1.1")),
        ("no report", format!("To: <{path}>\r\nSubject: Out of office\r\n\r\nI am away.\r\n")),
        ("no mail", String::new()),
        ("a mail that was only late", report(&path, "jo@x.test", "delayed", "4.4.1")),
    ] {
        assert!(matches!(bench.reported(&report).await, Noticed::Refused(_)), "{what}");
        assert!(!bench.gets_no_mail("jo@x.test").await, "{what}");
    }
    bench.clock.advance(12 * DAY_MS);
    let late = report(&path, "jo@x.test", "failed", "5.1.1");
    assert!(matches!(bench.reported(&late).await, Noticed::Refused(_)), "days after any server would say so");
}

#[tokio::test]
async fn a_full_mailbox_or_an_unwanted_sender_takes_nobody_off() {
    let (bench, path) = with_a_mail().await;
    for status in ["5.2.2", "4.4.7", "5.7.1"] {
        assert_eq!(bench.reported(&report(&path, "jo@x.test", "failed", status)).await, Noticed::Taken);
        assert!(!bench.gets_no_mail("jo@x.test").await, "{status}");
    }
}

#[tokio::test]
async fn a_report_counts_once() {
    let (bench, path) = with_a_mail().await;
    let report = report(&path, "jo@x.test", "failed", "5.1.1");
    bench.reported(&report).await;
    let mended =
        DeleteSuppressedDestinationRequest { email_address: "jo@x.test".to_owned(), tenant_name: None };
    bench.mail.delete_suppressed_destination(&root(), mended).await.expect("taken off");
    assert_eq!(bench.reported(&report).await, Noticed::Taken);
    assert!(!bench.gets_no_mail("jo@x.test").await, "somebody mended the mailbox meanwhile");
}

#[tokio::test]
async fn a_relay_that_knows_nobody_of_that_name_is_believed_at_once() {
    let mut bench = Bench::new(settings()).await;
    for (to, reply, gone) in [
        ("jo@x.test", "550 5.1.1 no such user", true),
        ("al@x.test", "550 5.7.1 we do not want this", false),
        ("bo@x.test", "550 go away", false),
    ] {
        bench.relay.answer_next([Delivery::Refused { reply: reply.to_owned() }]);
        assert_eq!(sent(&mut bench, to).await, None);
        assert_eq!(bench.gets_no_mail(to).await, gone, "{reply}");
    }
    let path = sent(&mut bench, "cy@x.test").await.expect("it leaves");
    assert!(!path.contains('+'), "nobody asked for tags");
}
