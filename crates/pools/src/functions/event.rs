//! Events as functions get them (Developer Guide, "Customizing user pool workflows with Lambda triggers").

use crate::user::User;
use serde_json::{Map, Value, json};

/// Whom an event is about.
#[derive(Clone)]
pub struct Whom {
    pub user_name: String,
    /// Nothing where events have no such member.
    pub attributes: Option<Map<String, Value>>,
}

impl Whom {
    /// A user as functions see one: all values are texts.
    pub fn of(user: &User) -> Whom {
        let mut attributes: Map<String, Value> =
            user.shown_attributes().map(|(name, value)| (name.to_owned(), value.into())).collect();
        attributes.insert("cognito:user_status".into(), user.status.as_str().into());
        Whom { user_name: user.username.clone(), attributes: Some(attributes) }
    }

    /// Somebody who is not a user yet: what was given, and no more.
    pub fn to_be(user: &User) -> Whom {
        let attributes = user
            .shown_attributes()
            .filter(|(name, _)| *name != "sub")
            .map(|(name, value)| (name.to_owned(), value.into()))
            .collect();
        Whom { user_name: user.username.clone(), attributes: Some(attributes) }
    }

    /// Somebody who does not exist and has this address, as functions that choose words see everybody else.
    pub fn stand_in(sub: String, attribute: &str, address: &str) -> Whom {
        let mut attributes = Map::new();
        attributes.insert("sub".into(), sub.clone().into());
        attributes.insert(attribute.into(), address.into());
        attributes.insert(format!("{attribute}_verified"), "true".into());
        attributes.insert("cognito:user_status".into(), "CONFIRMED".into());
        Whom { user_name: sub, attributes: Some(attributes) }
    }

    /// Nobody, under the name that was typed.
    pub fn nobody(typed: &str) -> Whom {
        Whom { user_name: typed.to_owned(), attributes: Some(Map::new()) }
    }

    /// Somebody of whom only the name is known.
    pub fn named(typed: &str) -> Whom {
        Whom { user_name: typed.to_owned(), attributes: None }
    }
}

/// An event, apart from what all events of a pool share.
pub struct Event {
    /// What comes behind the trigger's name in `triggerSource`.
    pub occasion: &'static str,
    pub version: &'static str,
    pub whom: Whom,
    /// What is asked, besides the attributes.
    pub request: Map<String, Value>,
    /// What a function fills in.
    pub response: Value,
}

impl Event {
    /// Writes the event down.
    pub fn write(self, trigger: &str, region: &str, pool_id: &str, client_id: &str) -> Value {
        let Whom { user_name, attributes } = self.whom;
        let mut request = Map::new();
        if let Some(attributes) = attributes {
            request.insert("userAttributes".into(), attributes.into());
        }
        request.extend(self.request);
        let client_id = if client_id.is_empty() { "CLIENT_ID_NOT_APPLICABLE" } else { client_id };
        json!({
            "version": self.version,
            "triggerSource": format!("{trigger}_{}", self.occasion),
            "region": region,
            "userPoolId": pool_id,
            "userName": user_name,
            "callerContext": { "awsSdkVersion": "aws-sdk-unknown-unknown", "clientId": client_id },
            "request": request,
            "response": self.response,
        })
    }
}
