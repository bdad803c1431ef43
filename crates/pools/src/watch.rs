//! What is known of a sign-in beside what it asks for: what the app says of the person and their device, and what has been
//! noted of the sign-in so far. Of use where a pool watches for threats.

use crate::auth::acr::Goal;
use crate::client::Client;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use postern_model::cognito_idp::{ContextDataType, UserContextDataType};
use serde_json::Value;
use std::net::IpAddr;

/// No more is read of what an app encoded.
const ENCODED_MAX: usize = 16 * 1024;

#[derive(Clone, Debug, Default)]
pub struct Watch {
    /// What the app says; none of it is more than a claim.
    pub told: Told,
    /// The event of the sign-in that is under way.
    pub event: Option<String>,
    /// The request answers for a second factor.
    pub is_second: bool,
    /// What the sign-in is to reach because it is risky.
    pub goal: Option<Goal>,
    /// The password that was given is one that attackers know.
    pub compromised: bool,
}

impl Watch {
    /// What an app says of the person with a public call.
    pub fn of_app(client: &Client, data: Option<&UserContextDataType>) -> Watch {
        Watch { told: Told::by_app(data, client.passes_context_on()), ..Watch::default() }
    }
}

/// What an app says of the person that it calls for, by either way of signing people in.
#[derive(Clone)]
pub enum Context {
    OfUser(Option<UserContextDataType>),
    OfServer(Option<ContextDataType>),
}

impl Context {
    pub fn watch(&self, client: &Client) -> Watch {
        match self {
            Context::OfUser(data) => Watch::of_app(client, data.as_ref()),
            Context::OfServer(data) => Watch { told: Told::by_server(data.as_ref()), ..Watch::default() },
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// The app's server calls: the request's own address and User-Agent are not the person's.
    pub by_server: bool,
    pub source: Option<IpAddr>,
    pub user_agent: Option<String>,
    /// The id that the app's library keeps on the device.
    pub device: Option<String>,
    pub timezone: Option<String>,
}

impl Told {
    /// Reads the `UserContextData` of a public call. An address is believed of apps that pass them on
    /// (`EnablePropagateAdditionalUserContextData`), which have a secret.
    pub fn by_app(data: Option<&UserContextDataType>, passes_on: bool) -> Told {
        let Some(data) = data else { return Told::default() };
        let source = data.ip_address.as_ref().filter(|_| passes_on).and_then(|text| text.parse().ok());
        Told { source, ..Told::encoded(data.encoded_data.as_deref()) }
    }

    /// Reads the `ContextData` of an administrator's call.
    pub fn by_server(data: Option<&ContextDataType>) -> Told {
        let Some(data) = data else { return Told { by_server: true, ..Told::default() } };
        let encoded = Told::encoded(data.encoded_data.as_deref());
        let agent = data.http_headers.iter().find(|header| {
            header.header_name.as_ref().is_some_and(|name| name.eq_ignore_ascii_case("user-agent"))
        });
        Told {
            by_server: true,
            source: data.ip_address.parse().ok(),
            user_agent: agent.and_then(|header| header.header_value.clone()).or(encoded.user_agent.clone()),
            ..encoded
        }
    }

    /// Reads what the library for browsers collects: base64 of a document, whose payload is another.
    fn encoded(text: Option<&str>) -> Told {
        let read = |text: &str| {
            let bytes = STANDARD.decode(text).ok()?;
            let outer: Value = serde_json::from_slice(&bytes).ok()?;
            let payload: Value = serde_json::from_str(outer.get("payload")?.as_str()?).ok()?;
            let context = payload.get("contextData")?;
            let said = |name: &str| {
                let text = context.get(name)?.as_str()?;
                (!text.is_empty()).then(|| text.to_owned())
            };
            Some(Told {
                by_server: false,
                source: None,
                user_agent: said("UserAgent"),
                device: said("DeviceId"),
                timezone: said("ClientTimezone").filter(|zone| is_offset(zone)),
            })
        };
        text.filter(|text| text.len() <= ENCODED_MAX).and_then(read).unwrap_or_default()
    }
}

/// Tells whether a text is an offset from UTC, as `-05:00`.
fn is_offset(text: &str) -> bool {
    let digits = text.trim_start_matches(['+', '-']);
    digits.len() == 5
        && digits.char_indices().all(|(at, c)| if at == 2 { c == ':' } else { c.is_ascii_digit() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn encoded(context: &Value) -> String {
        let payload = json!({ "contextData": context, "username": "alice" }).to_string();
        STANDARD.encode(json!({ "payload": payload, "signature": "x", "version": "JS20171115" }).to_string())
    }

    #[test]
    fn what_a_library_collects_is_read() {
        let data = encoded(&json!({
            "DeviceId": "d-1", "UserAgent": "Mozilla/5.0 Firefox/128.0", "ClientTimezone": "-05:00",
        }));
        let told = Told::by_app(
            Some(&UserContextDataType { ip_address: Some("192.0.2.7".into()), encoded_data: Some(data) }),
            false,
        );
        assert_eq!(told.device.as_deref(), Some("d-1"));
        assert_eq!(told.timezone.as_deref(), Some("-05:00"));
        assert_eq!(told.source, None, "an address that just anybody says");
        let data = UserContextDataType { ip_address: Some("192.0.2.7".into()), encoded_data: None };
        assert_eq!(Told::by_app(Some(&data), true).source, "192.0.2.7".parse().ok());
    }

    #[test]
    fn nonsense_tells_nothing() {
        let zone = encoded(&json!({ "ClientTimezone": "<script>" }));
        for text in ["", "%", "eyJ9", zone.as_str()] {
            assert_eq!(Told::encoded(Some(text)), Told::default(), "{text}");
        }
    }
}
