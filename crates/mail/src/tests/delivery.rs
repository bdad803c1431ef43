//! How accepted mails reach the transport: at once, again, in time or not at all.

use super::*;
use crate::transport::Delivery;

fn later() -> Delivery {
    Delivery::Later { reply: "451 4.3.0 try again".to_owned() }
}

fn unknown() -> Delivery {
    Delivery::Unknown { reply: "after the message: no answer in time".to_owned() }
}

/// An invitation: nobody waits for it, and what it carries lives for a week.
fn invitation(bench: &Bench) -> Draft {
    let mut draft = code_mail(bench, "no-reply@verificationemail.com", "new@x.test");
    draft.purpose = "Invitation".to_owned();
    draft.expires = Some(bench.clock.now().plus_ms(7 * 24 * HOUR_MS));
    draft.urgent = false;
    draft
}

async fn with_a_code() -> Bench {
    let bench = Bench::new(settings()).await;
    let draft = code_mail(&bench, "no-reply@verificationemail.com", "jo@x.test");
    bench.send_by_default(draft).await.expect("accepted");
    bench
}

#[tokio::test]
async fn a_mail_leaves_at_once_and_once() {
    let mut bench = with_a_code().await;
    for _ in 0..3 {
        bench.worker.run_due().await;
        bench.clock.advance(120_000);
    }
    let mails = bench.relay.delivered();
    assert_eq!(mails.len(), 1);
    assert_eq!((mails[0].to.as_str(), mails[0].shown.subject.as_str()), ("jo@x.test", "Your code"));
    assert_eq!(bench.states().await, ["sent"]);
}

#[tokio::test]
async fn what_was_not_committed_is_not_sent() {
    let mut bench = Bench::new(settings()).await;
    let (mail, now) = (bench.mail.clone(), bench.clock.now());
    let draft = code_mail(&bench, "no-reply@verificationemail.com", "jo@x.test");
    let undone: anyhow::Result<()> = bench
        .store
        .write(move |tx| {
            let sender = Sender::Default { pool_arn: POOL_ARN };
            mail.send(tx, &sender, &draft, now).map_err(|unsent| anyhow::anyhow!("{unsent:?}"))?;
            anyhow::bail!("something else went wrong")
        })
        .await;
    assert!(undone.is_err());
    bench.worker.run_due().await;
    assert_eq!(bench.relay.attempts(), 0);
}

#[tokio::test]
async fn a_relay_that_is_busy_for_eight_seconds_gets_the_mail_after_ten() {
    let mut bench = with_a_code().await;
    bench.relay.answer_next([later(), later(), later()]);
    let started = bench.clock.now();
    while bench.relay.delivered().is_empty() {
        bench.worker.run_due().await;
        bench.clock.advance(500);
    }
    let took_ms = bench.clock.now().since(started);
    assert!((8_000..=13_000).contains(&took_ms), "{took_ms}");
}

#[tokio::test]
async fn a_code_is_never_sent_when_it_is_about_to_die() {
    let mut bench = with_a_code().await;
    bench.relay.answer_next(std::iter::repeat_with(later).take(100));
    for _ in 0..200 {
        bench.worker.run_due().await;
        bench.clock.advance(1_000);
    }
    assert!(bench.relay.delivered().is_empty());
    assert!(bench.relay.attempts() > 5 && bench.relay.attempts() < 12, "{}", bench.relay.attempts());
    assert_eq!(bench.states().await, ["expired"]);

    let mut late = with_a_code().await;
    late.clock.advance(161_000);
    late.worker.run_due().await;
    assert_eq!((late.relay.attempts(), late.states().await), (0, vec!["expired".to_owned()]));
}

#[tokio::test]
async fn a_code_that_may_have_been_taken_is_handed_over_once_more_and_anything_else_never() {
    let mut bench = with_a_code().await;
    bench.relay.answer_next(std::iter::repeat_with(unknown).take(20));
    for _ in 0..120 {
        bench.worker.run_due().await;
        bench.clock.advance(1_000);
    }
    assert_eq!((bench.relay.attempts(), bench.states().await), (2, vec!["unknown".to_owned()]));

    let mut bench = Bench::new(settings()).await;
    bench.send_by_default(invitation(&bench)).await.expect("accepted");
    bench.relay.answer_next(std::iter::repeat_with(unknown).take(20));
    for _ in 0..120 {
        bench.worker.run_due().await;
        bench.clock.advance(60_000);
    }
    assert_eq!((bench.relay.attempts(), bench.states().await), (1, vec!["unknown".to_owned()]));

    // One that may be there is not said to have come to nothing.
    let mut bench = with_a_code().await;
    bench.relay.answer_next(std::iter::once(unknown()).chain(std::iter::repeat_with(later).take(100)));
    for _ in 0..200 {
        bench.worker.run_due().await;
        bench.clock.advance(1_000);
    }
    assert_eq!(bench.states().await, ["unknown"]);
}

#[tokio::test]
async fn an_invitation_is_tried_some_times_an_hour_and_a_day_long() {
    let mut bench = Bench::new(settings()).await;
    bench.send_by_default(invitation(&bench)).await.expect("accepted");
    bench.relay.answer_next(std::iter::repeat_with(later).take(1_000));
    for _ in 0..60 {
        bench.worker.run_due().await;
        bench.clock.advance(60_000);
    }
    assert!((3..=5).contains(&bench.relay.attempts()), "{}", bench.relay.attempts());
    for _ in 0..48 {
        bench.worker.run_due().await;
        bench.clock.advance(30 * 60_000);
    }
    assert!(bench.relay.attempts() < 40, "{}", bench.relay.attempts());
    assert_eq!(bench.states().await, ["expired"]);
}

#[tokio::test]
async fn a_code_passes_the_invitations_that_were_there_before_it() {
    let dead = Bench::new(Settings { limits: false, ..settings() }).await;
    for _ in 0..300 {
        dead.send_by_default(invitation(&dead)).await.expect("accepted");
    }
    dead.clock.advance(1_000);
    let code = code_mail(&dead, "no-reply@verificationemail.com", "jo@x.test");
    dead.send_by_default(code).await.expect("accepted");
    let mut alive = dead.another_node().await;
    alive.clock.advance(61_000);
    alive.worker.run_due().await;
    let to = alive.relay.delivered().first().map(|mail| mail.to.clone());
    assert_eq!(to.as_deref(), Some("jo@x.test"));
}

#[tokio::test]
async fn a_relay_that_asks_for_a_pause_gets_the_mail_after_it() {
    let mut bench = with_a_code().await;
    let until = bench.clock.now().plus_ms(7_000);
    bench.relay.answer_next([Delivery::Slower { reply: "421 4.7.0 slow down".to_owned(), until }]);
    bench.worker.run_due().await;
    bench.clock.advance(6_999);
    bench.worker.run_due().await;
    assert_eq!(bench.relay.attempts(), 1);
    bench.clock.advance(501);
    bench.worker.run_due().await;
    assert_eq!((bench.relay.attempts(), bench.states().await), (2, vec!["sent".to_owned()]));
}

#[tokio::test]
async fn a_final_no_ends_the_mail_and_drops_what_it_said() {
    let mut bench = with_a_code().await;
    bench.relay.answer_next([Delivery::Refused { reply: "550 5.1.1 no such user".to_owned() }]);
    bench.worker.run_due().await;
    bench.clock.advance(60_000);
    bench.worker.run_due().await;
    assert_eq!((bench.relay.attempts(), bench.states().await), (1, vec!["failed".to_owned()]));
    let rows = bench.store.read(|tx| tx.list_mails(None, 10)).await.expect("rows");
    assert_eq!((rows[0].recipient.as_str(), rows[0].reply.as_str()), ("j***@x***", "550 5.1.1 no such user"));
}

#[tokio::test]
async fn another_node_sends_what_a_dead_one_left_behind_once() {
    let dead = with_a_code().await;
    let mut alive = dead.another_node().await;
    alive.worker.run_due().await;
    assert_eq!(alive.relay.attempts(), 0, "the lease of the dead one holds");
    alive.clock.advance(60_000);
    alive.worker.run_due().await;
    alive.worker.run_due().await;
    assert_eq!(alive.relay.delivered().len(), 1);

    let mut woken = dead;
    woken.worker.run_due().await;
    assert_eq!(woken.states().await, ["sent"]);
}

#[tokio::test]
async fn a_mail_for_nobody_costs_the_same_and_is_never_sent() {
    let mut bench = Bench::new(settings()).await;
    let mut draft = code_mail(&bench, "no-reply@verificationemail.com", "ghost@x.test");
    draft.decoy = true;
    bench.send_by_default(draft).await.expect("accepted");
    bench.worker.run_due().await;
    assert_eq!((bench.relay.attempts(), bench.states().await), (0, vec!["dropped".to_owned()]));
}

#[tokio::test]
async fn a_suppressed_address_is_accepted_and_not_mailed() {
    let mut bench = Bench::new(settings()).await;
    let entry = PutSuppressedDestinationRequest {
        email_address: "Jo@X.test".to_owned(),
        reason: SuppressionListReason::Bounce,
        tenant_name: None,
    };
    bench.mail.put_suppressed_destination(&root(), entry).await.expect("suppressed");
    let asked = GetSuppressedDestinationRequest { email_address: "jo@x.test".to_owned(), tenant_name: None };
    let shown = bench.mail.get_suppressed_destination(&root(), asked).await.expect("on the list");
    assert_eq!(shown.suppressed_destination.email_address, "Jo@x.test");
    let draft = code_mail(&bench, "no-reply@verificationemail.com", "jo@x.test");
    bench.send_by_default(draft).await.expect("accepted");
    bench.worker.run_due().await;
    assert_eq!((bench.relay.attempts(), bench.states().await), (0, vec!["suppressed".to_owned()]));

    let entry =
        DeleteSuppressedDestinationRequest { email_address: "jo@x.test".to_owned(), tenant_name: None };
    bench.mail.delete_suppressed_destination(&root(), entry.clone()).await.expect("gone");
    let (code, words) = refused(bench.mail.delete_suppressed_destination(&root(), entry).await);
    assert_eq!(code, "NotFoundException");
    assert_eq!(words, "Email address jo@x.test does not exist on your suppression list.");
}

#[tokio::test]
async fn the_inbox_shows_the_code_and_tells_who_watches() {
    let mut bench = Bench::with_inbox(settings()).await;
    let mut watch = bench.mail.watch_inbox();
    let mut draft = code_mail(&bench, "Shop <no-reply@verificationemail.com>", "Jo.Doe@X.test");
    draft.facts.insert("User".to_owned(), "jo".to_owned());
    bench.send_by_default(draft).await.expect("accepted");
    bench.worker.run_due().await;

    let caught = watch.try_recv().expect("told");
    assert_eq!(caught.letter.code.as_deref(), Some("12345678"));
    let mails = bench.mail.inbox_of(&address("jo.doe@x.test"), 10).await.expect("mails");
    assert_eq!(mails.len(), 1);
    let mail = &mails[0];
    assert_eq!((mail.letter.purpose.as_str(), mail.letter.facts["User"].as_str()), ("Sign-in code", "jo"));
    assert_eq!(mail.shown().from, "Shop <no-reply@verificationemail.com>");
    assert!(mail.source().contains("Auto-Submitted: auto-generated\r\n"));
    assert!(mail.source().contains(&format!("Message-ID: <{}@verificationemail.com>\r\n", mail.id)));
    assert!(!mail.seen && bench.mail.open_in_inbox(&mail.id).await.expect("read").expect("the mail").seen);
    assert!(bench.mail.inbox_of(&address("other@x.test"), 10).await.expect("mails").is_empty());

    assert!(bench.mail.delete_from_inbox(&mail.id).await.expect("deleted"));
    assert!(!bench.mail.delete_from_inbox(&mail.id).await.expect("asked again"));
}

#[tokio::test]
async fn the_inbox_keeps_the_newest_five_hundred() {
    let mut bench = Bench::with_inbox(Settings { limits: false, ..settings() }).await;
    for _ in 0..510 {
        bench.clock.advance(1);
        let draft = code_mail(&bench, "no-reply@verificationemail.com", "jo@x.test");
        bench.send_by_default(draft).await.expect("accepted");
    }
    bench.worker.run_due().await;
    let mails = bench.mail.inbox(None, 1000).await.expect("mails");
    assert_eq!(mails.len(), 500);
    assert!(mails[0].created > mails[499].created);
    let older = bench.mail.inbox(Some(mails[9].id.clone()), 1000).await.expect("mails");
    assert_eq!(older.len(), 490);
    assert_eq!(bench.mail.clear_inbox().await.expect("cleared"), 500);
}

#[tokio::test]
async fn the_worker_carries_mails_on_its_own_and_stops_when_told() {
    let bench = Bench::with_inbox(settings()).await;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let Bench { mail, worker, clock, store, relay } = bench;
    let running = tokio::spawn(worker.run(async move { drop(stopped.await) }));
    let mut watch = mail.watch_inbox();
    let draft = {
        let bench = Bench { mail: mail.clone(), worker: Worker::idle(&mail), clock, store, relay };
        let draft = code_mail(&bench, "no-reply@verificationemail.com", "jo@x.test");
        bench.send_by_default(draft.clone()).await.expect("accepted");
        draft
    };
    let caught = watch.recv().await.expect("caught");
    assert_eq!(caught.letter.code, draft.code);
    stop.send(()).expect("it runs");
    running.await.expect("it ends");
}

#[tokio::test]
async fn a_function_that_sends_in_our_place_is_called_a_few_times_and_no_relay_instead() {
    use crate::transport::functions::{Functions, Settings as Places};
    use crate::transport::web::{Url, Web};

    let mut bench = Bench::new(settings()).await;
    let web = Web::open(Vec::new());
    // This machine is not to be called, so no call comes through.
    let invoke = Some(Url::parse("http://127.0.0.1:9/").expect("a URL"));
    let places = Places { invoke, ..Places::default() };
    bench.worker = std::mem::replace(&mut bench.worker, Worker::idle(&bench.mail))
        .with_functions(Functions::new(places, web, bench.clock.clone()));
    let mut draft = code_mail(&bench, "no-reply@verificationemail.com", "jo@x.test");
    draft.handover = Some(crate::Handover {
        function: "arn:aws:lambda:us-east-1:123456789012:function:post".to_owned(),
        event: serde_json::json!({}),
    });
    bench.send_by_default(draft).await.expect("accepted");
    bench.worker.run_due().await;
    assert_eq!(bench.states().await, ["waiting"]);
    for _ in 0..4 {
        bench.clock.advance(10_000);
        bench.worker.run_due().await;
    }
    assert_eq!(bench.states().await, ["failed"]);
    assert_eq!(bench.relay.attempts(), 0);
}
