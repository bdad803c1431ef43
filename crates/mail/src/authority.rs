//! Whether somebody may send as somebody: which identity a mail is sent as, whose permission counts, and what the
//! policies say about it.

use anyhow::{Result, anyhow};
use postern_access::policy::{Kind, Named};
use postern_access::{Caller, Context, Denied, EMAIL_SERVICE, Stop, Target};
use postern_model::Document;
use postern_store::Tx;
use postern_store::stamps::Topic;
use std::sync::Arc;

use crate::address::{Address, Mailbox};
use crate::draft::{Content, Draft, Sender};
use crate::identity::{Identity, identity_name, may_send};
use crate::send::verified_identity;
use crate::settings::Settings;
use crate::unsent::Unsent;
use crate::{Mail, sandbox};

/// What the pools' check of an EmailConfiguration learns about the sender it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SenderVerdict {
    /// Mail may be sent from this mailbox.
    Verified(Mailbox),
    /// The identity may not send, in that region.
    NotVerified { region: String },
    /// The identity belongs to another account.
    Foreign,
    /// The FROM address does not belong to the identity, or a domain identity came without one.
    NoFrom,
    /// It is not the ARN of an identity.
    Malformed,
}

/// The identity a mail is sent as.
pub(crate) struct SentAs {
    pub(crate) arn: String,
    /// Its policies hang on this name.
    name: String,
    /// It, if it may send.
    pub(crate) verified: Arc<Option<Identity>>,
}

impl Mail {
    /// Tells what a call of SES asks the policies. SendEmail is left out: it depends on the mail, and decides itself.
    pub fn target(&self, operation: &str, input: &Document) -> Option<Target> {
        let text = |name: &str| input.get(name).and_then(Document::as_str);
        if operation == "SendEmail" {
            return None;
        }
        let arn = match (text("EmailIdentity"), text("ConfigurationSetName")) {
            (Some(identity), _) => self.settings.named_identity_arn(identity),
            (None, Some(set)) if operation.contains("ConfigurationSet") => {
                self.settings.configuration_set_arn(set)
            }
            _ => "*".to_owned(),
        };
        let context = Context::new().with("ses:ApiVersion", "2");
        Some(Target { action: format!("ses:{operation}"), shown: arn.clone(), arn, context })
    }

    /// Judges the sender that a pool's EmailConfiguration names.
    pub fn identity_for_sender(
        &self,
        tx: &mut Tx<'_>,
        from: Option<&Mailbox>,
        source_arn: &str,
    ) -> Result<SenderVerdict> {
        let Some(arn) = IdentityArn::parse(source_arn) else { return Ok(SenderVerdict::Malformed) };
        if arn.account != self.settings.account {
            return Ok(SenderVerdict::Foreign);
        }
        let own = Address::parse(&arn.name).ok();
        let from = match (from, &own) {
            (Some(from), _) if sandbox::covering(&from.address).contains(&arn.name) => from.clone(),
            (None, Some(own)) => Mailbox::from(own.clone()),
            _ => return Ok(SenderVerdict::NoFrom),
        };
        // One server stands for all regions, unless it is to be as strict as AWS.
        let here =
            !self.settings.exact_identity || [self.settings.region.as_str(), "*"].contains(&&*arn.region);
        let exact = tx.identity_status(&arn.name)?.is_some_and(|status| may_send(&status));
        let verified =
            exact || (!self.settings.exact_identity && verified_identity(tx, &from.address)?.is_some());
        Ok(match here && verified {
            true => SenderVerdict::Verified(from),
            false => SenderVerdict::NotVerified { region: arn.region },
        })
    }

    /// Finds which identity a mail is sent as: the one its sender names, else the most specific verified one, else
    /// the address itself.
    pub(crate) fn sent_as(&self, tx: &mut Tx<'_>, draft: &Draft) -> Result<SentAs, Unsent> {
        let from = &draft.content.from().address;
        let verified = verified_identity(tx, from)?;
        let Some(given) = &draft.source_arn else {
            let identity = verified.as_ref().as_ref();
            let name = identity.map_or_else(|| from.spelling(), |identity| identity.name.clone());
            return Ok(SentAs { arn: self.settings.identity_arn(&name), name, verified });
        };
        let named = IdentityArn::parse(given).filter(|arn| {
            arn.account == self.settings.account && sandbox::covering(from).contains(&arn.name)
        });
        match named {
            // An address under a verified domain needs no verification of its own.
            Some(arn) => Ok(SentAs { arn: self.settings.identity_arn(&arn.name), name: arn.name, verified }),
            None => {
                let region = self.settings.region.clone();
                Err(Unsent::NotVerified { region, failed: vec![given.clone()], sender: true })
            }
        }
    }

    /// Lets a send through, or says who may not: on the identity, and on the configuration set if there is one.
    pub(crate) fn authorize_send(
        &self,
        tx: &mut Tx<'_>,
        sender: &Sender<'_>,
        draft: &Draft,
        sent_as: &SentAs,
        set: Option<&str>,
    ) -> Result<(), Unsent> {
        let (caller, version) = match sender {
            Sender::House => return Ok(()),
            Sender::Caller(caller) => ((*caller).clone(), "2"),
            Sender::Pool { pool_id, pool_arn } => (self.as_email_role(tx, pool_id, pool_arn)?, "1"),
            Sender::Default { pool_arn } => (self.access.service_caller(EMAIL_SERVICE, pool_arn), "1"),
        };
        let action = action(&draft.content);
        let context = context(draft, version);
        let policies = tx.recalled(Topic::Ses, "identity's policies", &sent_as.name, |tx| {
            let policies = tx.identity_policies(&sent_as.name)?.into_iter().map(|row| {
                let mut named = Named::parse(&row.name, &row.policy, Kind::Resource)
                    .map_err(|fault| anyhow!("the policy {} cannot be read: {fault}", row.name))?;
                named.bind(&row.ids).map_err(anyhow::Error::from)?;
                anyhow::Ok(named)
            });
            policies.collect::<Result<Vec<_>>>()
        })?;
        let decision = self.access.decide(tx, &caller, action, &sent_as.arn, &context, policies.to_vec())?;
        if !decision.is_allowed() {
            return Err(denied(&caller, action, &sent_as.arn, decision));
        }
        // A service acts by the identity's own policy, which knows nothing of configuration sets.
        let needs_set = set.filter(|_| !matches!(sender, Sender::Default { .. }));
        if let Some(set) = needs_set {
            let arn = self.settings.configuration_set_arn(set);
            let decision = self.access.decide(tx, &caller, action, &arn, &context, Vec::new())?;
            if !decision.is_allowed() {
                return Err(denied(&caller, action, &arn, decision));
            }
        }
        if matches!(sender, Sender::Pool { .. }) {
            self.access.note_role_used(tx, &caller)?;
        }
        Ok(())
    }

    fn as_email_role(&self, tx: &mut Tx<'_>, pool_id: &str, pool_arn: &str) -> Result<Caller, Unsent> {
        let session = format!("CognitoIdpEmail-{pool_id}");
        self.access.assume_role_for_service(tx, EMAIL_SERVICE, pool_arn, &session).map_err(
            |stop| match stop {
                Stop::Denied(denied) => Unsent::NoRole(denied),
                Stop::Failed(cause) => Unsent::Failed(cause),
            },
        )
    }
}

fn denied(caller: &Caller, action: &str, arn: &str, decision: postern_access::Decision) -> Unsent {
    Unsent::Denied(Box::new(Denied {
        caller_arn: caller.arn(),
        action: action.to_owned(),
        resource: arn.to_owned(),
        decision: Some(decision),
    }))
}

/// The API's action for a mail's content.
fn action(content: &Content) -> &'static str {
    match content {
        Content::Composed(_) => "ses:SendEmail",
        Content::Raw(_) => "ses:SendRawEmail",
    }
}

/// What conditions may ask about a send.
fn context(draft: &Draft, version: &str) -> Context {
    let from = draft.content.from();
    let mut context = Context::new()
        .with("ses:ApiVersion", version)
        .with("ses:FromAddress", from.address.spelling())
        .with_many("ses:Recipients", draft.to.iter().map(Address::spelling).collect());
    if let Some(name) = &from.name {
        context.set("ses:FromDisplayName", name.clone());
    }
    if let Some(feedback) = &draft.feedback_to {
        context.set("ses:FeedbackAddress", feedback.spelling());
    }
    context
}

/// `arn:aws:ses:REGION:ACCOUNT:identity/NAME`, taken apart.
struct IdentityArn {
    region: String,
    account: String,
    name: String,
}

impl IdentityArn {
    fn parse(text: &str) -> Option<IdentityArn> {
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let ["arn", partition, "ses", region, account, resource] = parts.as_slice() else { return None };
        if !partition.starts_with("aws") {
            return None;
        }
        let (name, _) = identity_name(resource.strip_prefix("identity/")?).ok()?;
        Some(IdentityArn { region: (*region).to_owned(), account: (*account).to_owned(), name })
    }
}

impl Settings {
    /// The ARN of an identity.
    pub fn identity_arn(&self, name: &str) -> String {
        format!("arn:aws:ses:{}:{}:identity/{name}", self.region, self.account)
    }

    /// The ARN of an identity that a caller names in whatever spelling.
    pub fn named_identity_arn(&self, given: &str) -> String {
        let name = identity_name(given).map_or_else(|_| given.to_owned(), |(name, _)| name);
        self.identity_arn(&name)
    }

    /// The ARN of a configuration set.
    pub fn configuration_set_arn(&self, name: &str) -> String {
        format!("arn:aws:ses:{}:{}:configuration-set/{name}", self.region, self.account)
    }
}
