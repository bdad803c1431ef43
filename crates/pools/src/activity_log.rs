//! What a pool's log says of people's activity: an event of threat protection as a line of JSON (Developer Guide, "Exporting
//! logs from Amazon Cognito user pools"). Pure.

use postern_model::shape::Timestamp as Moment;
use postern_store::Timestamp;
use postern_store::threats::AuthEventRow;
use serde_json::{Value, json};

/// The line of an event. Nobody's event names nobody, whatever name was typed. Cities and countries are not known here.
pub fn line(event: &AuthEventRow, user_name: &str, request_id: &str, now: Timestamp) -> String {
    let steps: Vec<(String, String)> = serde_json::from_str(&event.challenges).unwrap_or_default();
    let challenges: Vec<Value> = steps
        .into_iter()
        .map(|(name, response)| json!({ "challengeName": name, "challengeResponse": response }))
        .collect();
    json!({
        "eventTimestamp": now.ms().to_string(),
        "eventSource": "USER_ACTIVITY",
        "logLevel": "INFO",
        "message": {
            "version": "1",
            "eventId": event.id,
            "eventType": event.kind,
            "userName": user_name,
            "userSub": event.user_id,
            "clientId": event.client_id,
            "creationDate": Moment(event.created.ms()).iso8601(),
            "eventResponse": event.response,
            "riskLevel": event.level,
            "riskDecision": event.decision,
            "challenges": challenges,
            "deviceName": event.device,
            "ipAddress": event.source,
            "requestId": request_id,
            "compromisedCredentialDetected": event.compromised.to_string(),
            "hasContextData": (!event.source.is_empty()).to_string(),
        },
        "logSourceId": { "userPoolId": event.pool_id },
    })
    .to_string()
}
