//! Identities: made, proved, shown, lost, forgotten.

use super::*;

/// The token of the newest verification mail.
fn token(bench: &Bench) -> String {
    let mails = bench.relay.delivered();
    let text = mails.last().and_then(|mail| mail.shown.text.clone()).expect("a mail");
    let link = text.lines().find(|line| line.starts_with("http")).expect("a link");
    link.strip_prefix("http://localhost:9320/ses/verify?token=").expect("our link").to_owned()
}

#[tokio::test]
async fn an_address_is_verified_by_its_link_and_only_once() {
    let mut bench = Bench::new(settings()).await;
    let made = bench.create("Jo@Shop.TEST").await.expect("made");
    assert_eq!(
        (made.identity_type, made.verified_for_sending_status, made.dkim_attributes),
        (Some(IdentityType::EmailAddress), Some(false), None)
    );
    assert_eq!(
        refused(bench.create("Jo@shop.test").await),
        ("AlreadyExistsException", "Email identity Jo@shop.test already exist.".to_owned())
    );
    let fresh = bench.get("Jo@shop.test").await;
    assert_eq!(fresh.verification_status, Some(VerificationStatus::Pending));
    assert_eq!(fresh.dkim_attributes.expect("DKIM").status, Some(DkimStatus::NotStarted));

    bench.worker.run_due().await;
    let token = token(&bench);
    for _ in 0..3 {
        assert_eq!(bench.mail.peek_address(&token).await.expect("looked"), Some("Jo@shop.test".to_owned()));
    }
    assert_eq!(bench.get("Jo@shop.test").await.verified_for_sending_status, Some(false));
    assert_eq!(bench.mail.confirm_address(&token).await.expect("asked"), Some("Jo@shop.test".to_owned()));
    assert_eq!(bench.get("Jo@shop.test").await.verified_for_sending_status, Some(true));
    assert_eq!(bench.mail.confirm_address(&token).await.expect("asked"), None);
    assert_eq!(bench.mail.confirm_address("made up").await.expect("asked"), None);
}

#[tokio::test]
async fn a_link_ends_after_a_day() {
    let mut bench = Bench::new(settings()).await;
    bench.create("jo@shop.test").await.expect("made");
    bench.worker.run_due().await;
    let token = token(&bench);
    bench.clock.advance(24 * HOUR_MS);
    assert_eq!(bench.mail.confirm_address(&token).await.expect("asked"), None);
    bench.worker.run_due().await;
    let identity = bench.get("jo@shop.test").await;
    assert_eq!(identity.verification_status, Some(VerificationStatus::Failed));
    assert_eq!(identity.verified_for_sending_status, Some(false));
}

#[tokio::test]
async fn a_domain_is_verified_by_its_records_and_covers_what_is_under_it() {
    let mut bench = Bench::new(settings()).await;
    let made = bench.create("shop.test").await.expect("made");
    let dkim = made.dkim_attributes.expect("DKIM");
    let tokens = dkim.tokens.expect("tokens");
    assert_eq!((tokens.len(), dkim.status), (3, Some(DkimStatus::Pending)));
    bench.worker.run_due().await;
    let looked = bench.get("shop.test").await;
    assert_eq!(looked.verification_info.expect("info").error_type, Some(VerificationError::HostNotFound));

    for token in &tokens {
        let (name, value) = (format!("{token}._domainkey.shop.test"), format!("{token}.dkim.amazonses.com"));
        bench.publish(&name, "CNAME", &value).await;
    }
    bench.clock.advance(10_000);
    bench.worker.run_due().await;
    let identity = bench.get("shop.test").await;
    assert_eq!(identity.verification_status, Some(VerificationStatus::Success));
    for from in ["any@shop.test", "any@deep.shop.test"] {
        assert!(bench.send(from, &["jo@x.test"]).await.is_ok(), "{from}");
    }
    assert_eq!(refused(bench.send("any@othershop.test", &["jo@x.test"]).await).0, "MessageRejected");

    let name = format!("{}._domainkey.shop.test", tokens[0]);
    bench.withdraw(&name, "CNAME", &format!("{}.dkim.amazonses.com", tokens[0])).await;
    let checked = bench.mail.check_identity("shop.test").await.expect("looked").expect("the domain");
    assert_eq!(checked.status.word(), "TEMPORARY_FAILURE");
    assert!(bench.send("any@shop.test", &["jo@x.test"]).await.is_ok());
    bench.clock.advance(72 * HOUR_MS);
    bench.worker.run_due().await;
    assert_eq!(bench.get("shop.test").await.verification_status, Some(VerificationStatus::Failed));
    assert_eq!(refused(bench.send("any@shop.test", &["jo@x.test"]).await).0, "MessageRejected");
}

#[tokio::test]
async fn a_mail_from_domain_needs_exactly_one_mx_record() {
    let mut bench = Bench::new(settings()).await;
    bench.verify("jo@shop.test").await;
    bench.create("shop.test").await.expect("made");
    let mail = bench.mail.clone();
    let put = async |identity: &str, domain: Option<&str>| {
        let request = PutEmailIdentityMailFromAttributesRequest {
            email_identity: identity.to_owned(),
            mail_from_domain: domain.map(str::to_owned),
            behavior_on_mx_failure: Some(BehaviorOnMxFailure::RejectMessage),
        };
        mail.put_email_identity_mail_from_attributes(&root(), request).await
    };
    for domain in ["shop.test", "other.test", "not a domain"] {
        assert_eq!(refused(put("shop.test", Some(domain)).await).0, "BadRequestException", "{domain}");
    }
    put("shop.test", Some("bounce.shop.test")).await.expect("set");
    let status = async || {
        bench.mail.check_identity("shop.test").await.expect("looked");
        bench.get("shop.test").await.mail_from_attributes.expect("set").mail_from_domain_status
    };
    assert_eq!(status().await, MailFromDomainStatus::Pending);
    let mx = "10 feedback-smtp.us-east-1.amazonses.com";
    bench.publish("bounce.shop.test", "MX", mx).await;
    assert_eq!(status().await, MailFromDomainStatus::Success);
    bench.publish("bounce.shop.test", "MX", "20 mx.elsewhere.test").await;
    assert_eq!(status().await, MailFromDomainStatus::Failed);
    put("shop.test", None).await.expect("unset");
    assert_eq!(bench.get("shop.test").await.mail_from_attributes, None);

    // An address has one, too: it sends once the record stands, and hides no domain that waits for its look.
    put("jo@shop.test", Some("bounce.shop.test")).await.expect("set");
    assert_eq!(
        refused(bench.send("jo@shop.test", &["b@x.test"]).await).0,
        "MailFromDomainNotVerifiedException"
    );
    for number in 0..21 {
        let address = format!("jo{number}@shop.test");
        bench.verify(&address).await;
        put(&address, Some("bounce.shop.test")).await.expect("set");
    }
    bench.create("new.test").await.expect("made");
    bench.withdraw("bounce.shop.test", "MX", "20 mx.elsewhere.test").await;
    for _ in 0..2 {
        bench.clock.advance(10_000);
        bench.worker.run_due().await;
    }
    assert!(bench.send("jo@shop.test", &["b@x.test"]).await.is_ok());
    assert!(bench.get("new.test").await.verification_info.expect("info").last_checked_timestamp.is_some());
}

#[tokio::test]
async fn with_a_zone_of_our_own_a_domain_is_verified_once_its_key_stands_there() {
    let hosts = Hosts { dkim_zone: "dkim.house.test".to_owned(), ..Hosts::like_aws(REGION) };
    let mut bench = Bench::new(Settings { hosts, ..settings() }).await;
    let made = bench.create("shop.test").await.expect("made");
    for token in made.dkim_attributes.and_then(|dkim| dkim.tokens).expect("tokens") {
        let (name, value) = (format!("{token}._domainkey.shop.test"), format!("{token}.dkim.house.test"));
        bench.publish(&name, "CNAME", &value).await;
    }
    bench.worker.run_due().await;
    assert_eq!(bench.get("shop.test").await.verification_status, Some(VerificationStatus::Pending));

    let listed =
        postern_model::postern::ListIdentityRecordsRequest { email_identity: "SHOP.test".to_owned() };
    let listed = bench.mail.list_identity_records(&root(), listed).await.expect("records");
    let records = listed.records.expect("records");
    let state = |kind: &str| {
        let of = records.iter().find(|record| record.r#type.as_deref() == Some(kind)).expect("a record");
        of.state.clone().expect("looked at")
    };
    assert_eq!((state("CNAME").as_str(), state("TXT").as_str()), ("FOUND", "HOST_NOT_FOUND"));
    for key in records.iter().filter(|record| record.purpose.as_deref() == Some("DKIM key")) {
        let text = |text: &Option<String>| text.clone().expect("a text");
        bench.publish(&text(&key.name), "TXT", &text(&key.value)).await;
    }
    bench.clock.advance(10_000);
    bench.worker.run_due().await;
    assert_eq!(bench.get("shop.test").await.verification_status, Some(VerificationStatus::Success));
}

#[tokio::test]
async fn a_domain_that_is_tried_out_gets_its_records_by_one_call_and_in_production_by_none() {
    let bench = Bench::new(settings()).await;
    bench.create("shop.test").await.expect("made");
    let publish = async |bench: &Bench| {
        let request =
            postern_model::postern::PublishIdentityRecordsRequest { email_identity: "shop.test".to_owned() };
        bench.mail.publish_identity_records(&root(), request).await
    };
    let records = publish(&bench).await.expect("published").records.expect("records");
    assert!(records.iter().all(|record| record.state.as_deref() == Some("FOUND")));
    assert_eq!(bench.get("shop.test").await.verification_status, Some(VerificationStatus::Success));
    assert!(bench.send("any@shop.test", &["jo@x.test"]).await.is_ok());

    let production = Bench::new(Settings { publishes_records: false, ..settings() }).await;
    production.create("shop.test").await.expect("made");
    assert_eq!(refused(publish(&production).await).0, "UnsupportedOperationException");
}

#[tokio::test]
async fn a_subdomain_that_is_not_proved_yet_leaves_the_signature_to_the_domain_above() {
    let mut bench = Bench::new(settings()).await;
    bench.verify("shop.test").await;
    bench.create("sub.shop.test").await.expect("made");
    let signer = async || {
        let from = address("a@sub.shop.test");
        let found = bench.store.read(move |tx| crate::send::signing_domain(tx, &from)).await;
        found.expect("read").map(|identity| identity.name)
    };
    assert_eq!(signer().await.as_deref(), Some("shop.test"));
    let request = PutEmailIdentityDkimAttributesRequest {
        email_identity: "shop.test".to_owned(),
        signing_enabled: Some(false),
    };
    bench.mail.put_email_identity_dkim_attributes(&root(), request).await.expect("switched");
    assert_eq!(signer().await, None);
}

#[tokio::test]
async fn identities_are_listed_by_pages_and_filters_and_forgotten() {
    let mut bench = Bench::new(settings()).await;
    for name in ["a@shop.test", "b@shop.test", "c@shop.test"] {
        bench.create(name).await.expect("made");
    }
    bench.verify("d@shop.test").await;
    let list = async |token: Option<String>, filter: &[(&str, &str)]| {
        let filter = filter.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let request =
            ListEmailIdentitiesRequest { next_token: token, page_size: Some(3), filter: Some(filter) };
        bench.mail.list_email_identities(&root(), request).await
    };
    let first = list(None, &[]).await.expect("a page");
    assert_eq!(first.email_identities.expect("identities").len(), 3);
    let second = list(first.next_token, &[]).await.expect("a page");
    let shown = second.email_identities.expect("identities");
    assert_eq!(
        (shown[0].identity_name.as_deref(), shown[0].sending_enabled),
        (Some("d@shop.test"), Some(true))
    );
    assert_eq!(second.next_token, None);
    let verified = list(None, &[("VERIFICATION_STATUS", "SUCCESS")]).await.expect("a page");
    assert_eq!(verified.email_identities.expect("identities").len(), 1);
    assert_eq!(refused(list(Some("%".to_owned()), &[]).await).0, "BadRequestException");
    assert_eq!(refused(list(None, &[("X", "y")]).await).0, "BadRequestException");

    let delete = DeleteEmailIdentityRequest { email_identity: "a@shop.test".to_owned() };
    bench.mail.delete_email_identity(&root(), delete.clone()).await.expect("gone");
    assert_eq!(
        refused(bench.mail.delete_email_identity(&root(), delete).await),
        ("NotFoundException", "Email identity a@shop.test does not exist.".to_owned())
    );
}

#[tokio::test]
async fn signing_is_switched_for_a_domain_and_refused_for_none() {
    let mut bench = Bench::new(settings()).await;
    bench.create("shop.test").await.expect("made");
    bench.verify("jo@shop.test").await;
    let put = async |identity: &str| {
        let request = PutEmailIdentityDkimAttributesRequest {
            email_identity: identity.to_owned(),
            signing_enabled: Some(false),
        };
        bench.mail.put_email_identity_dkim_attributes(&root(), request).await
    };
    put("shop.test").await.expect("switched");
    assert_eq!(bench.get("shop.test").await.dkim_attributes.expect("DKIM").signing_enabled, Some(false));
    put("jo@shop.test").await.expect("nothing to change");
    assert_eq!(
        refused(put("other.test").await),
        ("BadRequestException", "Domain other.test is not verified for DKIM signing.".to_owned())
    );
}

#[tokio::test]
async fn production_access_is_asked_for_reviewed_and_granted() {
    let mut bench = Bench::new(Settings { production: false, ..settings() }).await;
    let request = PutAccountDetailsRequest {
        mail_type: MailType::Transactional,
        website_url: "https://shop.example".to_owned(),
        production_access_enabled: Some(true),
        ..Default::default()
    };
    let account =
        async || bench.mail.get_account(&root(), GetAccountRequest::default()).await.expect("the account");
    assert_eq!(account().await.details, None);
    bench.mail.put_account_details(&root(), request.clone()).await.expect("asked");
    let review = |account: GetAccountResponse| {
        let review = account.details.expect("details").review_details.expect("a review");
        (account.production_access_enabled, review.status)
    };
    assert_eq!(review(account().await), (Some(false), Some(ReviewStatus::Pending)));
    assert_eq!(
        refused(bench.mail.put_account_details(&root(), request.clone()).await).0,
        "ConflictException"
    );
    bench.review(DecisionType::Deny).await;
    assert_eq!(review(account().await), (Some(false), Some(ReviewStatus::Denied)));
    let contacts = Some(vec!["ops@shop.test".to_owned()]);
    let again = PutAccountDetailsRequest { additional_contact_email_addresses: contacts, ..request.clone() };
    bench.mail.put_account_details(&root(), again).await.expect("asked again");
    bench.review(DecisionType::Grant).await;
    bench.worker.run_due().await;
    let told = bench.relay.delivered();
    assert_eq!((told.len(), told[0].to.as_str()), (1, "ops@shop.test"));
    assert!(told[0].shown.text.as_ref().is_some_and(|text| text.contains("Welcome.")));
    let granted = account().await;
    assert_eq!(granted.send_quota.as_ref().and_then(|quota| quota.max24_hour_send), Some(50_000.0));
    assert_eq!(review(granted), (Some(true), Some(ReviewStatus::Granted)));

    // What the operator says later of how much that is, holds.
    let other = bench.another_node_with(Settings { production_quota: 99_000, ..settings() }).await;
    let account = other.mail.get_account(&root(), GetAccountRequest::default()).await.expect("the account");
    assert_eq!(account.send_quota.and_then(|quota| quota.max24_hour_send), Some(99_000.0));

    let waits = Bench::new(Settings { production: false, ..settings() }).await;
    waits.mail.put_account_details(&root(), request.clone()).await.expect("asked");
    let settled = waits.another_node_with(Settings { auto_approve: true, ..settings() }).await;
    let account = settled.mail.get_account(&root(), GetAccountRequest::default()).await.expect("the account");
    assert_eq!(account.production_access_enabled, Some(true));

    let auto = Bench::new(Settings { production: false, auto_approve: true, ..settings() }).await;
    auto.mail.put_account_details(&root(), request).await.expect("asked");
    let account = auto.mail.get_account(&root(), GetAccountRequest::default()).await.expect("the account");
    assert_eq!(account.production_access_enabled, Some(true));
}
