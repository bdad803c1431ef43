//! Threat protection as administrators set it, and the events that it remembers.

use crate::Pools;
use crate::auth::risk::Guard;
use crate::operations::branding::client_of;
use crate::operations::pools::StoredPool;
use crate::page::Page;
use crate::pool::Pool;
use crate::settings::{email, risk};
use crate::step::Subject;
use crate::threats::{prove_feedback_token, read};
use crate::user::User;
use postern_access::{Caller, EMAIL_SERVICE, Operations};
use postern_model::cognito_idp::errors::*;
use postern_model::cognito_idp::*;
use postern_model::shape::Timestamp as Moment;
use postern_model::{Answer, Error, Service, Shape, front, refusal, refuse};
use postern_store::Tx;
use postern_store::threats::AuthEventRow;
use std::sync::Arc;

pub fn operations() -> Operations<Pools> {
    Operations::new()
        .on(op::SetRiskConfiguration, Pools::set_risk_configuration)
        .on(op::DescribeRiskConfiguration, Pools::describe_risk_configuration)
        .on(op::AdminListUserAuthEvents, Pools::admin_list_user_auth_events)
        .on(op::AdminUpdateAuthEventFeedback, Pools::admin_update_auth_event_feedback)
        .on(op::UpdateAuthEventFeedback, Pools::update_auth_event_feedback)
}

impl Pools {
    /// Sets what a pool, or one app of it, does about risks: what is left out is done no more, and where all is, nothing
    /// is set; an app then does as its pool. It may be set before the pool watches.
    pub async fn set_risk_configuration(
        &self,
        caller: &Caller,
        request: SetRiskConfigurationRequest,
    ) -> Answer<SetRiskConfigurationResponse> {
        let sender = risk::checked(&request)?;
        let (pools, caller, now) = (self.clone(), caller.clone(), self.clock.now());
        self.store
            .write(move |tx| {
                StoredPool::find(tx, &request.user_pool_id)?;
                if let Some(client_id) = &request.client_id {
                    client_of(tx, &request.user_pool_id, client_id)?;
                }
                if let Some(sender) = &sender {
                    pools.accept_notices(tx, &caller, sender)?;
                }
                let request = request.clone();
                let config = RiskConfigurationType {
                    compromised_credentials_risk_configuration: request
                        .compromised_credentials_risk_configuration,
                    account_takeover_risk_configuration: request.account_takeover_risk_configuration,
                    risk_exception_configuration: request.risk_exception_configuration,
                    ..RiskConfigurationType::default()
                };
                let (pool_id, client) =
                    (&request.user_pool_id, request.client_id.as_deref().unwrap_or_default());
                if config == RiskConfigurationType::default() {
                    tx.remove_risk_configuration(pool_id, client)?;
                } else {
                    let text = config.write().to_string();
                    tx.put_risk_configuration(pool_id, client, &text, sender.is_some(), now)?;
                }
                let risk_configuration = shown(tx, pool_id, request.client_id.as_deref())?;
                Ok(SetRiskConfigurationResponse { risk_configuration })
            })
            .await
    }

    /// Shows what is done about risks; nothing where nothing is set.
    pub async fn describe_risk_configuration(
        &self,
        _: &Caller,
        request: DescribeRiskConfigurationRequest,
    ) -> Answer<DescribeRiskConfigurationResponse> {
        self.store
            .read(move |tx| {
                StoredPool::find(tx, &request.user_pool_id)?;
                if let Some(client_id) = &request.client_id {
                    client_of(tx, &request.user_pool_id, client_id)?;
                }
                let risk_configuration = shown(tx, &request.user_pool_id, request.client_id.as_deref())?;
                Ok(DescribeRiskConfigurationResponse { risk_configuration })
            })
            .await
    }

    /// Lists what a user did, the newest first.
    pub async fn admin_list_user_auth_events(
        &self,
        _: &Caller,
        request: AdminListUserAuthEventsRequest,
    ) -> Answer<AdminListUserAuthEventsResponse> {
        let pools = self.clone();
        self.store
            .read(move |tx| {
                let pool = pools.watchful(tx, &request.user_pool_id)?;
                let (_, user) = pools.user_of_pool(tx, &pool.id, &request.username)?;
                let keys = tx.keys().clone();
                let place = format!("events of {}", user.id);
                let page = Page::asked(&keys, place, request.next_token.as_deref(), request.max_results)?;
                let before = (!page.after.is_empty()).then_some(page.after.as_str());
                let mut rows = tx.auth_events(&pool.id, &user.id, before, page.rows())?;
                let next_token = page.cut(&keys, &mut rows, |row| row.id.clone());
                let auth_events = Some(rows.into_iter().map(shown_event).collect());
                Ok(AdminListUserAuthEventsResponse { auth_events, next_token })
            })
            .await
    }

    /// Notes what an administrator says of an event; later sign-ins are judged by it.
    pub async fn admin_update_auth_event_feedback(
        &self,
        _: &Caller,
        request: AdminUpdateAuthEventFeedbackRequest,
    ) -> Answer<AdminUpdateAuthEventFeedbackResponse> {
        let (pools, now) = (self.clone(), self.clock.now());
        self.store
            .write(move |tx| {
                let pool = pools.watchful(tx, &request.user_pool_id)?;
                let (_, user) = pools.user_of_pool(tx, &pool.id, &request.username)?;
                let event = event_of(tx, &user, &request.event_id)?.ok_or_else(no_such_event)?;
                tx.note_auth_event_feedback(&event.id, request.feedback_value.as_str(), "Admin", now)?;
                Ok(AdminUpdateAuthEventFeedbackResponse {})
            })
            .await
    }

    /// Notes what the person says who got a notice of an event. The token is for this event alone; with another name it
    /// opens nothing, whether or not somebody has that name.
    pub async fn update_auth_event_feedback(
        &self,
        caller: &Caller,
        request: UpdateAuthEventFeedbackRequest,
    ) -> Answer<UpdateAuthEventFeedbackResponse> {
        let (pools, caller, now) = (self.clone(), caller.clone(), self.clock.now());
        self.store
            .write(move |tx| {
                let pool = pools.watchful(tx, &request.user_pool_id)?;
                let (id, token) = (&request.event_id, request.feedback_token.reveal());
                prove_feedback_token(tx.keys(), &pool.id, id, token, now)?;
                let user = pools.find_user(tx, &pool, &request.username)?;
                let event = match &user {
                    Some(user) => event_of(tx, user, id)?,
                    None => None,
                };
                let event = event.ok_or_else(|| refusal(UserNotFoundException, "User does not exist."))?;
                tx.note_auth_event_feedback(&event.id, request.feedback_value.as_str(), "User", now)?;
                let (at, value) = (pools.at_pool(tx, &caller, &pool.id)?, request.feedback_value.as_str());
                let subject = Subject { name_key: pool.name_key(&request.username), user };
                pools.audit(tx, &at, &subject, "UpdateAuthEventFeedback", "given", value)?;
                Ok(UpdateAuthEventFeedbackResponse {})
            })
            .await
    }

    /// Finds a pool that watches for threats.
    fn watchful(&self, tx: &mut Tx<'_>, pool_id: &str) -> Answer<Arc<Pool>> {
        let pool = self.pool_in(tx, pool_id)?;
        match pool.guard {
            Guard::Off => refuse(
                UserPoolAddOnNotEnabledException,
                "User pool add-ons are not enabled: set AdvancedSecurityMode to AUDIT or ENFORCED.",
            ),
            Guard::Audit | Guard::Enforced => Ok(pool),
        }
    }

    /// Lets notices come from an identity of the account, which the mail service must know, by the service-linked role.
    fn accept_notices(&self, tx: &mut Tx<'_>, caller: &Caller, sender: &email::Named) -> Answer<()> {
        let verdict = self.mail.identity_for_sender(tx, sender.from.as_ref(), &sender.source_arn)?;
        email::accept(sender, verdict)?;
        self.access
            .ensure_service_linked_role(tx, caller, EMAIL_SERVICE)
            .map_err(|stop| stop.refused(front(Service::CognitoIdp).denied))
    }
}

fn shown(tx: &mut Tx<'_>, pool_id: &str, client_id: Option<&str>) -> Answer<RiskConfigurationType> {
    let kept = tx.risk_configuration(pool_id, client_id.unwrap_or_default())?;
    let (config, modified) = match kept {
        Some((config, modified)) => (read(&config)?, Some(Moment(modified.ms()))),
        None => (RiskConfigurationType::default(), None),
    };
    Ok(RiskConfigurationType {
        user_pool_id: Some(pool_id.to_owned()),
        client_id: client_id.map(str::to_owned),
        last_modified_date: modified,
        ..config
    })
}

fn event_of(tx: &mut Tx<'_>, user: &User, id: &str) -> Answer<Option<AuthEventRow>> {
    Ok(tx.find_auth_event(&user.pool_id, id)?.filter(|event| event.user_id == user.id))
}

fn no_such_event() -> Error {
    refusal(ResourceNotFoundException, "Auth event does not exist.")
}

/// An event as the API shows it. Cities and countries are not known here.
fn shown_event(row: AuthEventRow) -> AuthEventType {
    let given = |text: String| (!text.is_empty()).then_some(text);
    let steps: Vec<(String, String)> = serde_json::from_str(&row.challenges).unwrap_or_default();
    let feedback = FeedbackValueType::parse(&row.feedback).map(|value| EventFeedbackType {
        feedback_value: value,
        provider: row.feedback_by,
        feedback_date: Some(Moment(row.feedback_at.ms())),
    });
    AuthEventType {
        event_id: Some(row.id),
        event_type: EventType::parse(&row.kind),
        creation_date: Some(Moment(row.created.ms())),
        event_response: EventResponseType::parse(&row.response),
        event_risk: Some(EventRiskType {
            risk_decision: RiskDecisionType::parse(&row.decision),
            risk_level: RiskLevelType::parse(&row.level),
            compromised_credentials_detected: Some(row.compromised),
        }),
        challenge_responses: Some(
            steps
                .iter()
                .map(|(name, response)| ChallengeResponseType {
                    challenge_name: ChallengeName::parse(name),
                    challenge_response: ChallengeResponse::parse(response),
                })
                .collect(),
        ),
        event_context_data: Some(EventContextDataType {
            ip_address: given(row.source),
            device_name: given(row.device),
            timezone: given(row.timezone),
            city: None,
            country: None,
        }),
        event_feedback: feedback,
    }
}
