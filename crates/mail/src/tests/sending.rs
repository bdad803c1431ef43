//! Who may send what to whom, and how much of it.

use postern_access::{EMAIL_SERVICE, Principal};

use super::*;
use crate::message::Raw;

fn not_verified(names: &str) -> (&'static str, String) {
    let words = format!(
        "Email address is not verified. The following identities failed the check in region US-EAST-1: {names}"
    );
    ("MessageRejected", words)
}

#[tokio::test]
async fn the_sandbox_takes_mail_to_verified_recipients_only_and_names_all_others() {
    let mut bench = Bench::new(Settings { production: false, limits: false, ..settings() }).await;
    assert_eq!(
        refused(bench.send("a@shop.test", &["b@x.test", "c@x.test"]).await),
        not_verified("a@shop.test, b@x.test, c@x.test")
    );
    bench.verify("a@shop.test").await;
    bench.verify("b@x.test").await;
    assert_eq!(refused(bench.send("a@shop.test", &["b@x.test", "c@x.test"]).await), not_verified("c@x.test"));
    for to in ["b@x.test", "b+label@x.test", "success@simulator.amazonses.com"] {
        assert!(bench.send("a@shop.test", &[to]).await.is_ok(), "{to}");
    }
    assert_eq!(refused(bench.send("a@shop.test", &["B@x.test"]).await), not_verified("B@x.test"));

    bench.review(DecisionType::Grant).await;
    assert!(bench.send("a@shop.test", &["c@x.test"]).await.is_ok());
    assert_eq!(refused(bench.send("other@shop.test", &["c@x.test"]).await), not_verified("other@shop.test"));
}

#[tokio::test]
async fn somebody_without_permission_is_told_so_before_anything_about_verification() {
    let bench = Bench::new(settings()).await;
    let arn = format!("arn:aws:ses:{REGION}:{ACCOUNT}:identity/a@shop.test");
    let words = format!(
        "User 'arn:aws:iam::{ACCOUNT}:user/nobody' is not authorized to perform 'ses:SendEmail' on resource '{arn}'"
    );
    assert_eq!(
        refused(bench.send_as(&nobody(), "a@shop.test", &["b@x.test"]).await),
        ("AccessDeniedException", words)
    );
    assert_eq!(
        refused(bench.send_as(&nobody(), "no address", &["b@x.test"]).await),
        ("BadRequestException", "Missing final '@domain'".to_owned())
    );
}

#[tokio::test]
async fn two_hundred_recipients_a_day_leave_the_sandbox_and_no_more() {
    let mut bench = Bench::new(Settings { production: false, ..settings() }).await;
    bench.verify("a@shop.test").await;
    let to: Vec<String> = (0..50).map(|n| format!("a+{n}@shop.test")).collect();
    let to: Vec<&str> = to.iter().map(String::as_str).collect();
    for _ in 0..4 {
        bench.send("a@shop.test", &to).await.expect("sent");
        bench.clock.advance(60_000);
    }
    let (code, words) = refused(bench.send("a@shop.test", &to[..1]).await);
    assert_eq!((code, words.as_str()), ("TooManyRequestsException", "Daily message quota exceeded."));
    let account = bench.mail.get_account(&root(), GetAccountRequest::default()).await.expect("the account");
    let quota = account.send_quota.expect("a quota");
    assert_eq!(
        (quota.max24_hour_send, quota.max_send_rate, quota.sent_last24_hours),
        (Some(200.0), Some(1.0), Some(200.0))
    );
    bench.clock.advance(24 * HOUR_MS);
    assert!(bench.send("a@shop.test", &to[..1]).await.is_ok());
}

#[tokio::test]
async fn the_sandbox_takes_one_recipient_a_second() {
    let mut bench = Bench::new(Settings { production: false, ..settings() }).await;
    bench.verify("a@shop.test").await;
    bench.send("a@shop.test", &["a@shop.test"]).await.expect("sent");
    let (code, words) = refused(bench.send("a@shop.test", &["a@shop.test"]).await);
    assert_eq!((code, words.as_str()), ("TooManyRequestsException", "Maximum sending rate exceeded."));
    bench.clock.advance(1_000);
    assert!(bench.send("a@shop.test", &["a@shop.test"]).await.is_ok());
}

#[tokio::test]
async fn a_code_of_a_pool_waits_for_its_turn_while_it_lives() {
    let mut bench = Bench::new(Settings { production: false, ..settings() }).await;
    bench.verify("a@shop.test").await;
    let mail = bench.mail.clone();
    bench
        .store
        .write(move |tx| mail.access.ensure_service_linked_role(tx, &root(), EMAIL_SERVICE).map_err(stop))
        .await
        .expect("the role");
    for _ in 0..2 {
        bench.send_for_pool(code_mail(&bench, "a@shop.test", "a@shop.test")).await.expect("accepted");
    }
    bench.worker.run_due().await;
    // The first mail is the one that verifies the address.
    assert_eq!(bench.relay.delivered().len(), 2);
    bench.clock.advance(1_000);
    bench.worker.run_due().await;
    assert_eq!(bench.relay.delivered().len(), 3);
}

fn stop(stop: postern_access::Stop) -> anyhow::Error {
    anyhow::anyhow!("{stop:?}")
}

#[tokio::test]
async fn a_pool_sends_by_its_role_and_only_while_policies_let_it() {
    let mut bench = Bench::new(Settings { limits: false, ..settings() }).await;
    bench.verify("a@shop.test").await;
    let draft = code_mail(&bench, "Shop <a@shop.test>", "jo@x.test");
    assert!(matches!(bench.send_for_pool(draft.clone()).await, Err(Unsent::NoRole(_))));

    let mail = bench.mail.clone();
    bench
        .store
        .write(move |tx| mail.access.ensure_service_linked_role(tx, &root(), EMAIL_SERVICE).map_err(stop))
        .await
        .expect("the role");
    bench.send_for_pool(draft.clone()).await.expect("sent");

    bench
        .store
        .write(|tx| {
            let role = tx.find_iam_role("AWSServiceRoleForAmazonCognitoIdpEmailService")?.expect("the role");
            for arn in tx.attached_policies(&role.id)? {
                tx.detach_policy(&role.id, &arn)?;
            }
            anyhow::Ok(())
        })
        .await
        .expect("detached");
    let denied = bench.send_for_pool(draft).await.expect_err("no policy lets it");
    let Unsent::Denied(denied) = denied else { panic!("{denied:?}") };
    assert!(denied.caller_arn.contains("assumed-role/AWSServiceRoleForAmazonCognitoIdpEmailService/"));
    assert!(denied.told().contains("ses:SendEmail"));
}

#[tokio::test]
async fn the_default_sender_mails_fifty_a_day_until_nine_in_the_morning() {
    let bench = Bench::new(settings()).await;
    let from = "no-reply@verificationemail.com";
    for _ in 0..50 {
        bench.send_by_default(code_mail(&bench, from, "jo@x.test")).await.expect("sent");
    }
    let over = bench.send_by_default(code_mail(&bench, from, "jo@x.test")).await.expect_err("too many");
    assert!(over.words().starts_with("Exceeded daily email limit for the operation or the account."));
    // The clock stands at 22:13 UTC.
    bench.clock.advance(10 * HOUR_MS);
    assert!(bench.send_by_default(code_mail(&bench, from, "jo@x.test")).await.is_err());
    bench.clock.advance(HOUR_MS);
    assert!(bench.send_by_default(code_mail(&bench, from, "jo@x.test")).await.is_ok());
}

#[tokio::test]
async fn the_default_sender_uses_another_address_only_by_its_identitys_policy() {
    let mut bench = Bench::new(Settings { limits: false, ..settings() }).await;
    bench.verify("a@shop.test").await;
    let arn = bench.mail.settings().identity_arn("a@shop.test");
    let mut draft = code_mail(&bench, "a@shop.test", "jo@x.test");
    draft.source_arn = Some(arn.clone());
    assert!(matches!(bench.send_by_default(draft.clone()).await, Err(Unsent::Denied(_))));

    let policy = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"Service":"{EMAIL_SERVICE}"}},
        "Action":["ses:SendEmail","ses:SendRawEmail"],"Resource":"{arn}","Condition":{{"StringEquals":
        {{"aws:SourceAccount":"{ACCOUNT}"}},"ArnLike":{{"aws:SourceArn":"{POOL_ARN}"}}}}}}]}}"#
    );
    let request = CreateEmailIdentityPolicyRequest {
        email_identity: "a@shop.test".to_owned(),
        policy_name: "cognito".to_owned(),
        policy,
    };
    bench.mail.create_email_identity_policy(&root(), request).await.expect("a policy");
    assert!(bench.send_by_default(draft).await.is_ok());
}

#[tokio::test]
async fn a_mail_without_a_body_or_with_what_is_not_there_is_refused() {
    let mut bench = Bench::new(settings()).await;
    bench.verify("a@shop.test").await;
    let send = async |content: EmailContent, change: fn(&mut SendEmailRequest)| {
        let mut request = SendEmailRequest {
            from_email_address: Some("a@shop.test".to_owned()),
            destination: Some(Destination { to_addresses: Some(owned(&["b@x.test"])), ..Default::default() }),
            content,
            ..Default::default()
        };
        change(&mut request);
        refused(bench.mail.send_email(&root(), request).await)
    };
    let with = |simple| EmailContent { simple: Some(simple), ..Default::default() };
    let mut empty = simple("Hi", "");
    empty.body.text = None;
    assert_eq!(send(with(empty), |_| ()).await.1, "Value null at both body.text and body.html.");
    let mut injected = simple("Hi\r\nBcc: x@y.test", "Hello");
    assert_eq!(send(with(injected.clone()), |_| ()).await.0, "BadRequestException");
    injected.subject.data = "Hi".to_owned();
    let set = |request: &mut SendEmailRequest| request.configuration_set_name = Some("main".to_owned());
    assert_eq!(
        send(with(injected.clone()), set).await,
        ("NotFoundException", "Configuration set <main> does not exist.".to_owned())
    );
    let template = Template { template_name: Some("hello".to_owned()), ..Default::default() };
    let template = EmailContent { template: Some(template), ..Default::default() };
    assert_eq!(
        send(template, |_| ()).await,
        ("NotFoundException", "Template hello does not exist.".to_owned())
    );
    assert_eq!(
        send(with(injected), |request| request.tenant_name = Some("t".into())).await.0,
        "BadRequestException"
    );
}

#[tokio::test]
async fn sending_can_be_paused_for_the_account_and_for_a_set() {
    let mut bench = Bench::new(settings()).await;
    bench.verify("a@shop.test").await;
    let pause = |on| PutAccountSendingAttributesRequest { sending_enabled: Some(on) };
    bench.mail.put_account_sending_attributes(&root(), pause(false)).await.expect("paused");
    assert_eq!(refused(bench.send("a@shop.test", &["b@x.test"]).await).0, "SendingPausedException");
    bench.mail.put_account_sending_attributes(&root(), pause(true)).await.expect("resumed");
    assert!(bench.send("a@shop.test", &["b@x.test"]).await.is_ok());

    let set = CreateConfigurationSetRequest {
        configuration_set_name: "main".to_owned(),
        sending_options: Some(SendingOptions { sending_enabled: Some(false) }),
        ..Default::default()
    };
    bench.mail.create_configuration_set(&root(), set.clone()).await.expect("a set");
    assert_eq!(refused(bench.mail.create_configuration_set(&root(), set).await).0, "AlreadyExistsException");
    let attach = PutEmailIdentityConfigurationSetAttributesRequest {
        email_identity: "a@shop.test".to_owned(),
        configuration_set_name: Some("main".to_owned()),
    };
    bench.mail.put_email_identity_configuration_set_attributes(&root(), attach).await.expect("attached");
    assert_eq!(refused(bench.send("a@shop.test", &["b@x.test"]).await).0, "SendingPausedException");
}

#[tokio::test]
async fn a_raw_message_is_sent_for_nobody_who_is_not_verified() {
    let mut bench = Bench::new(settings()).await;
    bench.verify("a@shop.test").await;
    let send = async |sender: &str| {
        let raw = format!("From: a@shop.test\nSender: {sender}\nTo: b@x.test\nSubject: Raw\n\nBody\n");
        let data = postern_model::Blob(raw.into_bytes());
        let content = EmailContent { raw: Some(RawMessage { data }), ..Default::default() };
        bench.mail.send_email(&root(), SendEmailRequest { content, ..Default::default() }).await
    };
    assert_eq!(refused(send("ceo@bank.test").await), not_verified("ceo@bank.test"));
    assert!(send("a@shop.test").await.is_ok());
}

#[tokio::test]
async fn a_raw_message_goes_to_whom_it_names_and_bcc_stays_hidden() {
    let mut bench = Bench::new(settings()).await;
    bench.verify("a@shop.test").await;
    let raw = b"From: a@shop.test\nTo: b@x.test\nBcc: c@x.test\nSubject: Raw\n\nBody\n".to_vec();
    let content = EmailContent {
        raw: Some(RawMessage { data: postern_model::Blob(raw.clone()) }),
        ..Default::default()
    };
    let request = SendEmailRequest { content, ..Default::default() };
    let sent = bench.mail.send_email(&root(), request).await.expect("sent");
    assert!(sent.message_id.expect("an id").starts_with("0100018bcfe56800-"));
    bench.worker.run_due().await;
    let mails: Vec<_> =
        bench.relay.delivered().into_iter().filter(|mail| mail.shown.subject == "Raw").collect();
    let to: Vec<&str> = mails.iter().map(|mail| mail.to.as_str()).collect();
    assert_eq!(to, ["b@x.test", "c@x.test"]);
    assert!(
        !String::from_utf8_lossy(&Raw::parse(&raw).expect("raw").bytes("1", bench.clock.now()))
            .contains("c@x")
    );
}

#[tokio::test]
async fn an_email_configuration_names_an_identity_that_may_send_or_none() {
    let mut bench = Bench::new(settings()).await;
    bench.verify("a@shop.test").await;
    let judge = async |from: Option<&str>, arn: &str| {
        let (mail, from, arn) = (bench.mail.clone(), from.map(mailbox), arn.to_owned());
        bench
            .store
            .read(move |tx| mail.identity_for_sender(tx, from.as_ref(), &arn))
            .await
            .expect("a verdict")
    };
    use crate::SenderVerdict as V;
    let arn = |name: &str| format!("arn:aws:ses:us-east-1:{ACCOUNT}:identity/{name}");
    assert_eq!(judge(None, &arn("a@shop.test")).await, V::Verified(mailbox("a@shop.test")));
    assert_eq!(
        judge(Some("Shop <a@shop.test>"), &arn("a@shop.test")).await,
        V::Verified(mailbox("Shop <a@shop.test>"))
    );
    assert_eq!(judge(None, &arn("b@shop.test")).await, V::NotVerified { region: REGION.to_owned() });
    assert_eq!(judge(Some("b@shop.test"), &arn("a@shop.test")).await, V::NoFrom);
    assert_eq!(judge(None, &arn("shop.test")).await, V::NoFrom);
    assert_eq!(judge(None, "arn:aws:ses:us-east-1:999999999999:identity/a@shop.test").await, V::Foreign);
    assert_eq!(judge(None, "a@shop.test").await, V::Malformed);
    let elsewhere = arn("a@shop.test").replace("us-east-1", "eu-west-2");
    assert_eq!(judge(None, &elsewhere).await, V::Verified(mailbox("a@shop.test")));
    let strict = bench.another_node_with(Settings { exact_identity: true, ..settings() }).await;
    let judged = strict.store.read(move |tx| strict.mail.identity_for_sender(tx, None, &elsewhere)).await;
    assert_eq!(judged.expect("a verdict"), V::NotVerified { region: "eu-west-2".to_owned() });
}

#[tokio::test]
async fn anybody_anonymous_is_nobody() {
    let mut bench = Bench::new(settings()).await;
    bench.verify("a@shop.test").await;
    let answer = bench.send_as(&caller(Principal::Anonymous), "a@shop.test", &["b@x.test"]).await;
    assert_eq!(refused(answer).0, "AccessDeniedException");
}
