//! A house for tests: a store in memory, a clock that stands still, and a door that authorises before it acts.

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use postern_access::sigv4::Request;
use postern_access::{
    Access, Caller, Context, EMAIL_SERVICE, Principal, Role, Stop, Unproved, iam_operations, sts_operations,
};
use postern_model::{Answer, Document, Error, ErrorKind, Service, ServiceModel, front};
use postern_store::pools::PoolRow;
use postern_store::{Clock, Keys, Place, Store, Timestamp};
use serde_json::Value;
use std::time::{Duration, UNIX_EPOCH};

pub const ACCOUNT: &str = "123456789012";
const SECRET: &str = "first-secret";

pub struct House {
    pub access: Access,
    pub clock: Clock,
}

impl House {
    pub async fn new() -> Self {
        let keys = Keys::new(&[[7; 32]]).expect("keys");
        let store = Store::open(&Place::Memory, keys).expect("a store");
        let clock = Clock::manual(Timestamp::from_ms(1_767_323_045_000));
        House { access: Access::new(store, clock.clone(), ACCOUNT, "us-east-1"), clock }
    }

    pub async fn admin(&self) -> Caller {
        self.access.seed_administrator("admin", Role::Own, "test", SECRET).await.expect("seeded");
        let credentials = serde_json::json!({"AccessKeyId": "test", "SecretAccessKey": SECRET});
        self.signs_in(&credentials).await.expect("the administrator")
    }

    /// Makes a user who may nothing yet.
    pub async fn user(&self, admin: &Caller, name: &str) -> Caller {
        self.ok(admin, "CreateUser", serde_json::json!({"UserName": name})).await;
        self.as_user(name).await
    }

    pub async fn as_user(&self, name: &str) -> Caller {
        let wanted = name.to_owned();
        let found = self.access.store.read(move |tx| tx.find_iam_user(&wanted)).await;
        let user = found.expect("a store").expect("a user");
        let arn = format!("arn:aws:iam::{ACCOUNT}:user{}{name}", user.path);
        self.caller(Principal::User { name: name.into(), id: user.id, arn })
    }

    fn caller(&self, principal: Principal) -> Caller {
        Caller {
            principal,
            account: ACCOUNT.into(),
            region: "us-east-1".into(),
            source: Some("127.0.0.1".parse().expect("an address")),
            is_secure: true,
            user_agent: "test".into(),
            request_id: "r".into(),
        }
    }

    /// Signs a request with credentials as an answer shows them; says who that was, or what was wrong.
    pub async fn signs_in(&self, credentials: &Value) -> Result<Caller, String> {
        let text = |name: &str| credentials[name].as_str().map(str::to_owned);
        let (id, secret) = (text("AccessKeyId").expect("an id"), text("SecretAccessKey").expect("a secret"));
        let identity = Credentials::new(id, secret, text("SessionToken"), None, "test").into();
        let now = UNIX_EPOCH + Duration::from_millis(self.clock.now().ms() as u64);
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region("us-east-1")
            .name("iam")
            .time(now)
            .settings(SigningSettings::default())
            .build()
            .expect("parameters")
            .into();
        let body = b"Action=GetUser";
        let signable = SignableRequest::new(
            "POST",
            "http://localhost/",
            [("host", "localhost")].into_iter(),
            SignableBody::Bytes(body),
        );
        let signed = sign(signable.expect("a request"), &params).expect("a signature");
        let (added, _) = signed.into_parts().0.into_parts();
        let mut headers = vec![("host", "localhost")];
        headers.extend(added.iter().map(|header| (header.name(), header.value())));
        let request = Request { method: "POST", path: "/", query: "", headers: &headers, body };
        match self.access.authenticate(&request, "iam").await {
            Ok(principal) => Ok(self.caller(principal)),
            Err(Unproved::Fault(fault)) => Err(format!("{fault:?}")),
            Err(Unproved::Failed(cause)) => panic!("{cause:#}"),
        }
    }

    async fn call(&self, caller: &Caller, operation: &'static str, input: Document) -> Answer<Document> {
        if let Some(running) = sts_operations().call(operation, &self.access, caller, &input) {
            return running.await;
        }
        let (access, asker, asked) = (self.access.clone(), caller.clone(), input.clone());
        self.access
            .store
            .read(move |tx| {
                let target = access.iam_target(tx, &asker, operation, &asked)?;
                access.authorize_target(tx, &asker, &target)
            })
            .await
            .map_err(|stop| stop.refused(front(Service::Iam).denied))?;
        iam_operations().call(operation, &self.access, caller, &input).expect("an operation").await
    }

    pub async fn ok(&self, caller: &Caller, operation: &'static str, input: Document) -> Document {
        self.call(caller, operation, input).await.unwrap_or_else(|error| panic!("{operation}: {error}"))
    }

    /// Expects a refusal with this code; gives its words.
    pub async fn refused(
        &self,
        caller: &Caller,
        operation: &'static str,
        input: Document,
        code: &str,
    ) -> String {
        match self.call(caller, operation, input).await {
            Err(Error::Refused(refusal)) => {
                assert_eq!(refusal.kind.code, code, "{operation}: {}", refusal.message);
                assert!(is_listed(operation, refusal.kind), "{operation} may not say {code}");
                refusal.message.into_owned()
            }
            Err(failed) => panic!("{operation}: {failed}"),
            Ok(answer) => panic!("{operation} was answered: {answer}"),
        }
    }

    pub async fn may(&self, caller: &Caller, action: &'static str, resource: &str) -> bool {
        self.may_with(caller, action, resource, Context::new()).await
    }

    pub async fn may_with(
        &self,
        caller: &Caller,
        action: &'static str,
        resource: &str,
        context: Context,
    ) -> bool {
        let (access, caller, resource) = (self.access.clone(), caller.clone(), resource.to_owned());
        let decided = self
            .access
            .store
            .read(move |tx| access.authorize(tx, &caller, action, &resource, &context))
            .await;
        match decided {
            Ok(_) => true,
            Err(Stop::Denied(_)) => false,
            Err(Stop::Failed(cause)) => panic!("{cause:#}"),
        }
    }

    pub async fn ensure_email_role(&self, caller: &Caller) -> Result<(), Stop> {
        let (access, caller) = (self.access.clone(), caller.clone());
        self.access.store.write(move |tx| access.ensure_service_linked_role(tx, &caller, EMAIL_SERVICE)).await
    }

    /// Has a pool that sends through the service-linked role, or no longer does.
    pub async fn pool_sends_through_the_role(&self, does: bool) {
        let now = self.clock.now();
        let pool = PoolRow {
            id: "us-east-1_a".into(),
            name: "a".into(),
            config: "{}".into(),
            mfa_config: "{}".into(),
            uses_email_role: does,
            created: now,
            modified: now,
        };
        let write = self
            .access
            .store
            .write(move |tx| -> anyhow::Result<bool> { Ok(tx.add_pool(&pool)? || tx.change_pool(&pool)?) });
        assert!(write.await.expect("a store"));
    }

    pub async fn email_session(&self, pool_arn: &str) -> Result<Caller, Stop> {
        let (access, arn) = (self.access.clone(), pool_arn.to_owned());
        self.access
            .store
            .write(move |tx| access.assume_role_for_service(tx, EMAIL_SERVICE, &arn, "CognitoIdpEmail-a"))
            .await
    }
}

/// The model lists the error, or it is one that every operation of these services may give.
fn is_listed(operation: &str, kind: ErrorKind) -> bool {
    let of = |service| {
        let model = ServiceModel::of(service);
        model.operation(operation).is_some_and(|operation| model.lists(operation, kind))
    };
    let common = front(Service::Iam);
    kind == common.denied || kind == common.invalid || of(Service::Iam) || of(Service::Sts)
}
