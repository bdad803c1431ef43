//! The mail service as its callers see it: a store in memory, a clock that stands until it is moved, and a transport
//! whose moods the test chooses.

mod bounces;
mod delivery;
mod identities;
mod sending;
mod texts;

use postern_access::{Access, Caller, Principal};
use postern_model::postern::{DecisionType, ReviewProductionAccessRequest};
use postern_model::sesv2::*;
use postern_model::{Answer, Error};
use postern_store::mail::ZoneRecordRow;
use postern_store::{Clock, Keys, Place, Store, Timestamp};

use crate::address::{Address, Mailbox};
use crate::dns::Dns;
use crate::identity::Hosts;
use crate::message::Message;
use crate::transport::{Memory, Transport};
use crate::{Draft, Mail, Queued, Sender, Settings, Unsent, Worker};

const ACCOUNT: &str = "123456789012";
const REGION: &str = "us-east-1";
const POOL_ARN: &str = "arn:aws:cognito-idp:us-east-1:123456789012:userpool/us-east-1_Abc";
const HOUR_MS: i64 = 3_600_000;

fn settings() -> Settings {
    Settings {
        account: ACCOUNT.to_owned(),
        region: REGION.to_owned(),
        public_url: "http://localhost:9320".to_owned(),
        default_sender: mailbox("Postern <no-reply@verificationemail.com>"),
        bounces: None,
        report_domains: Vec::new(),
        bounced_days: 14,
        hosts: Hosts::like_aws(REGION),
        exact_identity: false,
        limits: true,
        default_sender_daily: 50,
        production_quota: crate::PRODUCTION_QUOTA,
        production_rate: crate::PRODUCTION_RATE,
        production: true,
        auto_approve: false,
        publishes_records: true,
        text_sandbox: false,
        text_prices: crate::price::Prices::default(),
        text_spend_monthly: 1_000_000,
    }
}

/// A mail service under test.
struct Bench {
    mail: Mail,
    worker: Worker,
    clock: Clock,
    store: Store,
    relay: Memory,
}

impl Bench {
    /// With a relay in memory.
    async fn new(settings: Settings) -> Bench {
        let relay = Memory::default();
        Bench::with(settings, Transport::Memory(relay.clone()), relay).await
    }

    /// With the local inbox.
    async fn with_inbox(settings: Settings) -> Bench {
        Bench::with(settings, Transport::Inbox, Memory::default()).await
    }

    async fn with(settings: Settings, transport: Transport, relay: Memory) -> Bench {
        Bench::by(settings, ways(transport), relay).await
    }

    /// With these ways out.
    async fn by(settings: Settings, ways: crate::Ways, relay: Memory) -> Bench {
        let keys = Keys::new(&[[7; 32]]).expect("keys");
        let store = Store::open(&Place::Memory, keys).expect("a store");
        let clock = Clock::manual(Timestamp::from_ms(1_700_000_000_000));
        let access = Access::new(store.clone(), clock.clone(), ACCOUNT, REGION);
        let dns = Dns::local(store.clone());
        let opened = Mail::open(store.clone(), clock.clone(), access, dns, ways, settings).await;
        let (mail, worker) = opened.expect("a mail service");
        Bench { mail, worker, clock, store, relay }
    }

    /// Another process on the same store, with a relay of its own.
    async fn another_node(&self) -> Bench {
        self.another_node_with(settings()).await
    }

    async fn another_node_with(&self, settings: Settings) -> Bench {
        let relay = Memory::default();
        let (store, clock) = (self.store.clone(), self.clock.clone());
        let access = Access::new(store.clone(), clock.clone(), ACCOUNT, REGION);
        let transport = Transport::Memory(relay.clone());
        let dns = Dns::local(store.clone());
        let opened = Mail::open(store.clone(), clock.clone(), access, dns, ways(transport), settings).await;
        let (mail, worker) = opened.expect("a mail service");
        Bench { mail, worker, clock, store, relay }
    }

    /// Marks an address as verified, as if its link had been opened.
    async fn verify(&mut self, address: &str) {
        self.create(address).await.expect("created");
        let name = address.to_owned();
        self.store
            .write(move |tx| {
                let mut row = tx.find_identity(&name)?.expect("the identity");
                row.status = "SUCCESS".to_owned();
                tx.change_identity(&row)
            })
            .await
            .expect("verified");
    }

    async fn create(&self, identity: &str) -> Answer<CreateEmailIdentityResponse> {
        let request =
            CreateEmailIdentityRequest { email_identity: identity.to_owned(), ..Default::default() };
        self.mail.create_email_identity(&root(), request).await
    }

    async fn get(&self, identity: &str) -> GetEmailIdentityResponse {
        let request = GetEmailIdentityRequest { email_identity: identity.to_owned() };
        self.mail.get_email_identity(&root(), request).await.expect("the identity")
    }

    async fn publish(&self, name: &str, kind: &str, value: &str) {
        let record = ZoneRecordRow { name: name.to_owned(), kind: kind.to_owned(), value: value.to_owned() };
        self.store.write(move |tx| tx.add_zone_record(&record)).await.expect("published");
    }

    async fn withdraw(&self, name: &str, kind: &str, value: &str) {
        let record = ZoneRecordRow { name: name.to_owned(), kind: kind.to_owned(), value: value.to_owned() };
        self.store.write(move |tx| tx.delete_zone_record(&record)).await.expect("withdrawn");
    }

    /// Sends as an outside caller does.
    async fn send_as(&self, caller: &Caller, from: &str, to: &[&str]) -> Answer<SendEmailResponse> {
        let content = EmailContent { simple: Some(simple("Hi", "Hello")), ..Default::default() };
        let request = SendEmailRequest {
            from_email_address: Some(from.to_owned()),
            destination: Some(Destination { to_addresses: Some(owned(to)), ..Default::default() }),
            content,
            ..Default::default()
        };
        self.mail.send_email(caller, request).await
    }

    async fn send(&self, from: &str, to: &[&str]) -> Answer<SendEmailResponse> {
        self.send_as(&root(), from, to).await
    }

    /// Sends as a pool does that uses its own identity.
    async fn send_for_pool(&self, draft: Draft) -> Result<Queued, Unsent> {
        let (mail, now) = (self.mail.clone(), self.clock.now());
        let sender = Sender::Pool { pool_id: "us-east-1_Abc", pool_arn: POOL_ARN };
        self.store.write(move |tx| mail.send(tx, &sender, &draft, now)).await
    }

    /// Sends as a pool does that uses the default sender.
    async fn send_by_default(&self, draft: Draft) -> Result<Queued, Unsent> {
        let (mail, now) = (self.mail.clone(), self.clock.now());
        let sender = Sender::Default { pool_arn: POOL_ARN };
        self.store.write(move |tx| mail.send(tx, &sender, &draft, now)).await
    }

    /// Answers a request for production access, as the operator does.
    async fn review(&self, decision: DecisionType) {
        let request = ReviewProductionAccessRequest { decision, reason: Some("Welcome.".to_owned()) };
        self.mail.review_production_access(&root(), request).await.expect("reviewed");
    }

    async fn states(&self) -> Vec<String> {
        let rows = self.store.read(|tx| tx.list_mails(None, 1000)).await.expect("rows");
        rows.into_iter().map(|row| row.state).collect()
    }
}

fn simple(subject: &str, text: &str) -> postern_model::sesv2::Message {
    let content = |data: &str| Content { data: data.to_owned(), charset: None };
    postern_model::sesv2::Message {
        subject: content(subject),
        body: Body { text: Some(content(text)), html: None },
        ..Default::default()
    }
}

/// A sign-in code that lives for three minutes.
fn code_mail(bench: &Bench, from: &str, to: &str) -> Draft {
    let message = Message {
        from: mailbox(from),
        to: vec![mailbox(to)],
        cc: Vec::new(),
        reply_to: Vec::new(),
        subject: "Your code".to_owned(),
        text: Some("Your code is 12345678.".to_owned()),
        html: Some("<p>Your code is <b>12345678</b>.</p>".to_owned()),
        language: Some("en".to_owned()),
        automatic: true,
        headers: Vec::new(),
    };
    let mut draft = Draft::new(message, "Sign-in code");
    draft.code = Some("12345678".to_owned());
    draft.expires = Some(bench.clock.now().plus_ms(180_000));
    draft.urgent = true;
    draft
}

fn mailbox(text: &str) -> Mailbox {
    Mailbox::parse(text).expect("a mailbox")
}

fn address(text: &str) -> Address {
    Address::parse(text).expect("an address")
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn caller(principal: Principal) -> Caller {
    Caller {
        principal,
        account: ACCOUNT.to_owned(),
        region: REGION.to_owned(),
        source: None,
        is_secure: true,
        user_agent: "test".to_owned(),
        request_id: "r-1".to_owned(),
    }
}

fn root() -> Caller {
    caller(Principal::Root)
}

/// A user with no policy at all.
fn nobody() -> Caller {
    let arn = format!("arn:aws:iam::{ACCOUNT}:user/nobody");
    caller(Principal::User { name: "nobody".to_owned(), id: "AIDANOBODY".to_owned(), arn })
}

/// A refusal as its code and words.
fn refused<T: std::fmt::Debug>(answer: Answer<T>) -> (&'static str, String) {
    match answer {
        Err(Error::Refused(refusal)) => (refusal.kind.code, refusal.message.into_owned()),
        other => panic!("not refused: {other:?}"),
    }
}

fn ways(transport: Transport) -> crate::Ways {
    crate::Ways { transport, carrier: crate::transport::Carrier::Inbox }
}
