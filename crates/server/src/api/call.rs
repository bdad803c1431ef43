//! The one way of a call: signature, rate limit, authorisation, the model's constraints, the operation, the audit.
//! No entrance goes around it.

use super::{mask, tables, target};
use crate::app::App;
use crate::source;
use anyhow::anyhow;
use postern_access::sigv4::{self, Request};
use postern_access::{Caller, Dialect, Principal, SignatureFault, Stop, Target, Unproved};
use postern_mail::address::Address;
use postern_model::cognito_idp::errors::{
    CodeDeliveryFailureException, InvalidEmailRoleAccessPolicyException, LimitExceededException,
    OperationNotEnabledException,
};
use postern_model::{
    Answer, Document, Error, ErrorKind, OperationModel, Protocol, Service, ServiceModel, check, front,
    refusal, refuse, validation_message,
};
use postern_pools::Pools;
use postern_store::audit::AuditRecord;
use postern_store::standing::{Overtaken, Standing};
use postern_store::timings::Series;
use std::net::IpAddr;

/// An operation that is called.
#[derive(Clone, Copy)]
pub struct Call {
    pub service: Service,
    pub operation: &'static OperationModel,
}

/// A call as it came in.
pub(super) struct Incoming<'a> {
    pub(super) call: Call,
    /// What the signature covers.
    pub(super) request: Request<'a>,
    pub(super) source: IpAddr,
    pub(super) is_secure: bool,
    pub(super) user_agent: &'a str,
    pub(super) request_id: &'a str,
}

impl Call {
    /// Finds an operation of a service by its name.
    pub fn find(service: Service, operation: &str) -> Option<Call> {
        Some(Call { service, operation: ServiceModel::of(service).operation(operation)? })
    }

    fn action(self) -> String {
        format!("{}:{}", self.service.signing_name(), self.operation.name)
    }

    fn dialect(self) -> Dialect {
        match ServiceModel::of(self.service).protocol {
            Protocol::Json => Dialect::Json,
            Protocol::Query => Dialect::Query,
            Protocol::RestJson => Dialect::Rest,
        }
    }

    /// The refusal of an operation that is not written yet, of a kind that its callers know.
    fn unwritten(self) -> Error {
        let lists = ServiceModel::of(self.service).lists(self.operation, OperationNotEnabledException);
        let kind = if lists { OperationNotEnabledException } else { front(self.service).unwritten };
        refusal(kind, format!("{} is not available on this server yet.", self.operation.name))
    }
}

/// Takes a call from its signature to its answer. `read` makes the document of its body, once it is known who asks.
pub(super) async fn take(
    app: &App,
    incoming: &Incoming<'_>,
    read: impl FnOnce() -> Answer<Document>,
) -> Answer<Document> {
    let began = app.clock.now();
    let answer = admit(app, incoming, read).await;
    let now = app.clock.now();
    app.store.timings().note(Series::Calls, &incoming.call.action(), now, now.since(began));
    answer
}

async fn admit(
    app: &App,
    incoming: &Incoming<'_>,
    read: impl FnOnce() -> Answer<Document>,
) -> Answer<Document> {
    let call = incoming.call;
    let caller = Caller {
        principal: prove(app, incoming).await?,
        account: app.account.to_string(),
        region: app.access.region.to_string(),
        source: Some(incoming.source),
        is_secure: incoming.is_secure,
        user_agent: incoming.user_agent.to_owned(),
        request_id: incoming.request_id.to_owned(),
    };
    let admitted = limited(app, call, &caller).await.and_then(|()| {
        match tables::is_written(call.service, &call.operation.name) {
            true => read(),
            false => Err(call.unwritten()),
        }
    });
    match admitted {
        Ok(input) => perform(app, &caller, call, &input).await,
        Err(error) => {
            audit(app, &caller, call, "", None, Err(&error)).await?;
            Err(error)
        }
    }
}

/// Does what a known caller asks, if policies and the model allow it. Pages and seeds call this, too.
pub async fn perform(app: &App, caller: &Caller, call: Call, input: &Document) -> Answer<Document> {
    perform_on(app, &app.pools, caller, call, input).await
}

/// Does what is asked of the user pools only while a row is what was read of it; else it fails by `Overtaken`.
pub async fn perform_while(
    app: &App,
    standing: Standing,
    caller: &Caller,
    call: Call,
    input: &Document,
) -> Answer<Document> {
    let pools = Pools { store: app.store.while_stands(standing), ..app.pools.clone() };
    perform_on(app, &pools, caller, call, input).await
}

async fn perform_on(
    app: &App,
    pools: &Pools,
    caller: &Caller,
    call: Call,
    input: &Document,
) -> Answer<Document> {
    let mut resource = String::new();
    let result = decide_and_run(app, pools, caller, call, input, &mut resource).await;
    audit(app, caller, call, &resource, Some(input), result.as_ref()).await?;
    result
}

/// Reads once more what a page shows that keeps itself up to date. That it was opened is in the audit; of its looks, only
/// those that are refused are added.
pub async fn look_again(app: &App, caller: &Caller, call: Call, input: &Document) -> Answer<Document> {
    let mut resource = String::new();
    let result = decide_and_run(app, &app.pools, caller, call, input, &mut resource).await;
    if result.is_err() {
        audit(app, caller, call, &resource, Some(input), result.as_ref()).await?;
    }
    result
}

async fn decide_and_run(
    app: &App,
    pools: &Pools,
    caller: &Caller,
    call: Call,
    input: &Document,
    resource: &mut String,
) -> Answer<Document> {
    if !call.operation.public {
        let target = authorize(app, caller, call, input).await?;
        *resource = target.map(|target| target.arn).unwrap_or_default();
    }
    satisfies_model(call, input)?;
    let running = tables::start(app, pools, call.service, &call.operation.name, caller, input);
    let result = running.ok_or_else(|| call.unwritten())?.await;
    if let Err(Error::Refused(refusal)) = &result {
        debug_assert!(
            may_refuse_with(call, refusal.kind),
            "{} refuses with {:?}, which its model does not list",
            call.operation.name,
            refusal.kind
        );
    }
    result
}

/// Proves who calls. Public operations are anybody's, signed or not.
async fn prove(app: &App, incoming: &Incoming<'_>) -> Answer<Principal> {
    let call = incoming.call;
    if call.operation.public {
        return Ok(Principal::Anonymous);
    }
    match app.access.authenticate(&incoming.request, call.service.signing_name()).await {
        Ok(principal) => Ok(principal),
        Err(Unproved::Failed(cause)) => Err(Error::Failed(cause)),
        Err(Unproved::Fault(fault)) => {
            let (kind, words) = fault.rendered(call.dialect());
            note_fault(app, incoming, &fault, kind).await?;
            refuse(kind, words)
        }
    }
}

/// Keeps in the audit that a key we know was used wrongly. Strangers cannot fill the audit: what they make up is
/// not kept, and what they try with a known key is kept at the pace of their source.
async fn note_fault(
    app: &App,
    incoming: &Incoming<'_>,
    fault: &SignatureFault,
    kind: ErrorKind,
) -> Answer<()> {
    let concerns_a_key = matches!(
        fault,
        SignatureFault::Mismatch
            | SignatureFault::Late(_)
            | SignatureFault::Early(_)
            | SignatureFault::ExpiredSession
    );
    if !concerns_a_key || app.limiter.take(source::bucket(incoming.source), app.clock.now()).is_err() {
        return Ok(());
    }
    let Ok(presented) = sigv4::parse(&incoming.request) else { return Ok(()) };
    let record = AuditRecord {
        time: app.clock.now(),
        request_id: incoming.request_id.to_owned(),
        who: format!("unproved, with access key {}", presented.access_key_id),
        action: incoming.call.action(),
        resource: String::new(),
        source: incoming.source.to_string(),
        outcome: kind.code.to_owned(),
        detail: String::new(),
    };
    app.store.write(move |tx| tx.add_audit(&record)).await.map_err(Error::Failed)
}

/// Holds one source to its pace, where nobody needs to sign.
async fn limited(app: &App, call: Call, caller: &Caller) -> Answer<()> {
    if !call.operation.public {
        return Ok(());
    }
    let throttled = |wait_s| refusal(front(call.service).throttled, "Rate exceeded").retry_after(wait_s);
    app.pace(caller).await.map_err(throttled)
}

async fn authorize(app: &App, caller: &Caller, call: Call, input: &Document) -> Answer<Option<Target>> {
    let (app_, caller, input) = (app.clone(), caller.clone(), input.clone());
    app.store
        .read(move |tx| {
            let name = &call.operation.name;
            let Some(target) = target::of(&app_, tx, &caller, call.service, name, &input)? else {
                return Ok(None);
            };
            if caller.principal != Principal::Root {
                app_.access.authorize_target(tx, &caller, &target)?;
            }
            Ok(Some(target))
        })
        .await
        .map_err(|stop| {
            let reason = match &stop {
                Stop::Denied(denied) => denied.decision.as_ref().map(|decision| decision.told()),
                Stop::Failed(_) => None,
            };
            stop.refused(front(call.service).denied).because(reason.unwrap_or_default())
        })
}

fn satisfies_model(call: Call, input: &Document) -> Answer<()> {
    let Some(shape) = call.operation.input else { return Ok(()) };
    match check(ServiceModel::of(call.service), shape, input) {
        Ok(violations) if violations.is_empty() => Ok(()),
        Ok(violations) => refuse(front(call.service).invalid, validation_message(&violations)),
        Err(mismatch) => {
            refuse(front(call.service).unreadable, format!("The request is malformed: {mismatch}."))
        }
    }
}

/// What operations that mail a code answer beyond their models, as the Developer Guide says and the service was seen to.
pub const BEYOND_MODELS: [(&str, ErrorKind); 10] = [
    ("AdminCreateUser", InvalidEmailRoleAccessPolicyException),
    ("AdminCreateUser", LimitExceededException),
    ("AdminInitiateAuth", CodeDeliveryFailureException),
    ("AdminInitiateAuth", LimitExceededException),
    ("AdminRespondToAuthChallenge", CodeDeliveryFailureException),
    ("AdminRespondToAuthChallenge", LimitExceededException),
    ("InitiateAuth", CodeDeliveryFailureException),
    ("InitiateAuth", LimitExceededException),
    ("RespondToAuthChallenge", CodeDeliveryFailureException),
    ("RespondToAuthChallenge", LimitExceededException),
];

fn may_refuse_with(call: Call, kind: ErrorKind) -> bool {
    let front = front(call.service);
    let doors = [
        front.unknown_operation,
        front.unwritten,
        front.unreadable,
        front.too_large,
        front.invalid,
        front.denied,
        front.throttled,
        front.failed,
    ];
    let beyond =
        call.service == Service::CognitoIdp && BEYOND_MODELS.contains(&(call.operation.name.as_str(), kind));
    doors.contains(&kind) || beyond || ServiceModel::of(call.service).lists(call.operation, kind)
}

/// Keeps what a signed call did or was refused (rule H2). Sign-ins keep their own records.
async fn audit(
    app: &App,
    caller: &Caller,
    call: Call,
    resource: &str,
    input: Option<&Document>,
    result: Result<&Document, &Error>,
) -> Answer<()> {
    if call.operation.public {
        return Ok(());
    }
    let (outcome, detail) = match result {
        Ok(_) => ("ok", String::new()),
        Err(Error::Refused(refusal)) => (refusal.kind.code, refusal.reason.clone().unwrap_or_default()),
        Err(Error::Failed(cause)) if cause.is::<Overtaken>() => ("overtaken", String::new()),
        Err(Error::Failed(_)) => ("failed", String::new()),
    };
    let record = AuditRecord {
        time: app.clock.now(),
        request_id: caller.request_id.clone(),
        who: caller.arn(),
        action: call.action(),
        resource: without_address(resource),
        source: caller.source.map(|source| source.to_string()).unwrap_or_default(),
        outcome: outcome.to_owned(),
        detail,
    };
    let request = input.map(|input| mask::for_audit(call, input)).unwrap_or_default();
    let written: anyhow::Result<()> =
        app.store.write(move |tx| tx.add_audit_of_call(&record, &request)).await;
    written.map_err(|cause| Error::Failed(anyhow!("the audit could not be written: {cause:#}")))
}

/// Hides the address in an identity's ARN.
fn without_address(arn: &str) -> String {
    match arn.split_once(":identity/") {
        Some((place, name)) if name.contains('@') => {
            let masked = Address::parse(name).map_or_else(|_| "***".to_owned(), |address| address.masked());
            format!("{place}:identity/{masked}")
        }
        _ => arn.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_audit_names_no_address() {
        let arn = "arn:aws:ses:us-east-1:123456789012:identity/";
        assert_eq!(without_address(&format!("{arn}alice@example.com")), format!("{arn}a***@e***"));
        assert_eq!(without_address(&format!("{arn}no address@")), format!("{arn}***"));
        assert_eq!(without_address(&format!("{arn}example.com")), format!("{arn}example.com"));
    }

    #[test]
    fn what_is_not_written_is_refused_as_the_model_allows() {
        for service in Service::ALL {
            for operation in ServiceModel::of(service).operations() {
                let kind = Call { service, operation }.unwritten().kind().expect("a refusal");
                assert!(may_refuse_with(Call { service, operation }, kind), "{service} {}", operation.name);
            }
        }
    }
}
