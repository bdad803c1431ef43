//! Providers that speak OpenID Connect, and the four whose own ways are close to it: where a browser is sent, and what
//! the code that it brings back is changed into.

use super::{Arrived, Hints, Secrets, Trouble};
use crate::Pools;
use crate::auth::id_token::{self, Expected, Fault};
use crate::oauth::pairs::query;
use crate::oauth::pkce::challenge_of;
use crate::provider::Provider;
use crate::settings::providers::{USERNAME, apple_key, is_web_address, subject_claim};
use aws_lc_rs::rand::SystemRandom;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use postern_mail::transport::web::{HeaderMap, Reply, headers};
use postern_model::cognito_idp::IdentityProviderTypeType as Kind;
use serde_json::{Map, Value, json};

const FORM: &str = "application/x-www-form-urlencoded";
const APPLE: &str = "https://appleid.apple.com";
/// How long a client secret for Apple lives, in seconds.
const APPLE_SECRET_S: i64 = 300;

/// Where a provider is.
pub struct Endpoints {
    pub authorize: String,
    token: String,
    attributes: Option<String>,
    keys: Option<String>,
}

/// What a provider sent the browser back with.
pub struct Brought<'a> {
    pub code: &'a str,
    pub redirect_uri: &'a str,
    /// What Apple tells of somebody who comes for the first time, and at no other time: JSON.
    pub user: Option<&'a str>,
}

impl Endpoints {
    /// The address at which a person signs in there.
    pub fn authorize_href(
        &self,
        provider: &Provider,
        state: &str,
        secrets: &Secrets,
        redirect_uri: &str,
        hints: &Hints<'_>,
    ) -> String {
        let levels = provider.levels.values(&hints.levels);
        let max_age = hints.max_age_s.map(|seconds| seconds.to_string());
        let challenge = challenge_of(&secrets.verifier);
        let prompt = hints.prompt.and_then(|words| prompt_for(provider.kind, words));
        let mut pairs = vec![
            ("response_type", "code"),
            ("client_id", provider.detail("client_id").unwrap_or_default()),
            ("redirect_uri", redirect_uri),
            ("scope", provider.detail("authorize_scopes").unwrap_or_default()),
            ("state", state),
        ];
        if has_id_token(provider.kind) {
            pairs.push(("nonce", secrets.nonce.as_str()));
        }
        if proves_by_pkce(provider) {
            pairs.extend([("code_challenge", challenge.as_str()), ("code_challenge_method", "S256")]);
        }
        if provider.kind == Kind::SignInWithApple {
            // Apple asks for it where a name or an address is wanted.
            pairs.push(("response_mode", "form_post"));
        }
        if matches!(provider.kind, Kind::Oidc | Kind::Google) {
            pairs.extend(hints.login_hint.map(|hint| ("login_hint", hint)));
            pairs.extend(prompt.as_deref().map(|words| ("prompt", words)));
            pairs.extend(max_age.as_deref().map(|max_age| ("max_age", max_age)));
            pairs.extend(hints.lang.map(|lang| ("ui_locales", lang)));
            pairs.extend((!levels.is_empty()).then_some(("acr_values", levels.as_str())));
        }
        crate::oauth::redirect::with(&self.authorize, &pairs)
    }
}

/// What a provider is to ask a person. Google knows no `login`; to choose an account is as near as it comes.
fn prompt_for(kind: Kind, words: &str) -> Option<String> {
    let mut known: Vec<&str> = words
        .split(' ')
        .filter(|word| !word.is_empty())
        .map(|word| if kind == Kind::Google && word == "login" { "select_account" } else { word })
        .collect();
    known.dedup();
    (!known.is_empty()).then(|| known.join(" "))
}

fn has_id_token(kind: Kind) -> bool {
    matches!(kind, Kind::Oidc | Kind::Google | Kind::SignInWithApple)
}

fn proves_by_pkce(provider: &Provider) -> bool {
    match provider.kind {
        Kind::Oidc => provider.detail("pkce") != Some("false"),
        Kind::Google => true,
        _ => false,
    }
}

impl Pools {
    /// Finds out where a provider is: as its settings say, or as it publishes itself (OpenID Connect Discovery §4).
    pub async fn endpoints(&self, provider: &Provider) -> Result<Endpoints, Trouble> {
        let given = |key: &str| provider.detail(key).map(str::to_owned);
        let keys = match provider.kind {
            Kind::Google => Some("https://www.googleapis.com/oauth2/v3/certs".to_owned()),
            Kind::SignInWithApple => Some(format!("{APPLE}/auth/keys")),
            _ => given("jwks_uri"),
        };
        if let (Some(authorize), Some(token)) = (given("authorize_url"), given("token_url")) {
            return Ok(Endpoints { authorize, token, attributes: given("attributes_url"), keys });
        }
        let issuer = provider.issuer();
        let url = format!("{issuer}/.well-known/openid-configuration");
        let document = self.outside.document(&url, "discovery", self.clock.now(), false).await?;
        let published = |name: &str| {
            let address = document.get(name).and_then(Value::as_str);
            address.filter(|address| is_web_address(address)).map(str::to_owned)
        };
        let named = document.get("issuer").and_then(Value::as_str).unwrap_or_default();
        if named.trim_end_matches('/') != issuer {
            return Err(Trouble::new("IdP discovery endpoint names another issuer"));
        }
        let missing = |name: &str| Trouble(format!("IdP discovery endpoint names no {name}"));
        Ok(Endpoints {
            authorize: published("authorization_endpoint")
                .ok_or_else(|| missing("authorization_endpoint"))?,
            token: published("token_endpoint").ok_or_else(|| missing("token_endpoint"))?,
            attributes: given("attributes_url").or_else(|| published("userinfo_endpoint")),
            keys: Some(published("jwks_uri").ok_or_else(|| missing("jwks_uri"))?),
        })
    }

    /// Changes what a browser brought back into who the person is there.
    pub async fn exchange(
        &self,
        provider: &Provider,
        endpoints: &Endpoints,
        secrets: &Secrets,
        brought: &Brought<'_>,
    ) -> Result<Arrived, Trouble> {
        let tokens = self.tokens_from(provider, endpoints, secrets, brought).await?;
        let mut claims = match has_id_token(provider.kind) {
            true => self.id_claims(provider, endpoints, secrets, &tokens).await?,
            false => Map::new(),
        };
        // What the provider has signed, and nothing else, says how strongly somebody has proven who they are.
        let level = provider.levels.reached(claims.get("acr").and_then(Value::as_str));
        let bearer = tokens.get("access_token").and_then(Value::as_str).unwrap_or_default();
        let more = self.attributes_from(provider, endpoints, bearer, &claims).await?;
        let subject = subject_claim(provider.kind).unwrap_or_default();
        if has_id_token(provider.kind) {
            // Attributes are of the one whom the token is about, or nobody's (OpenID Connect Core §5.3.2).
            if more.get(subject).is_some_and(|other| Some(other) != claims.get(subject)) {
                return Err(Trouble::new("Attributes endpoint speaks of another subject"));
            }
        }
        claims.extend(more);
        if let Some(user) = brought.user.filter(|_| provider.kind == Kind::SignInWithApple) {
            claims.extend(told_by_apple(user));
        }
        let subject = claims.get(subject).and_then(text_of).unwrap_or_default();
        if subject.is_empty() {
            return Err(Trouble::new("Attributes endpoint names no subject"));
        }
        Ok(Arrived {
            subject,
            level,
            session: None,
            attributes: provider
                .mapping
                .iter()
                .filter(|(attribute, _)| *attribute != USERNAME)
                .filter_map(|(attribute, claim)| Some((attribute.clone(), text_of(claims.get(claim)?)?)))
                .collect(),
        })
    }

    async fn tokens_from(
        &self,
        provider: &Provider,
        endpoints: &Endpoints,
        secrets: &Secrets,
        brought: &Brought<'_>,
    ) -> Result<Value, Trouble> {
        let own = match provider.kind {
            Kind::SignInWithApple => Some(self.secret_for_apple(provider)?),
            _ => provider.detail("client_secret").map(str::to_owned),
        };
        let mut pairs = vec![
            ("grant_type", "authorization_code"),
            ("code", brought.code),
            ("redirect_uri", brought.redirect_uri),
            ("client_id", provider.detail("client_id").unwrap_or_default()),
        ];
        pairs.extend(own.as_deref().map(|secret| ("client_secret", secret)));
        pairs.extend(proves_by_pkce(provider).then_some(("code_verifier", secrets.verifier.as_str())));
        let accept = ("accept", "application/json");
        let reply = match provider.detail("token_request_method") {
            Some("GET") => {
                let url = crate::oauth::redirect::with(&endpoints.token, &pairs);
                self.outside.get(&url, "token", headers([accept])).await?
            }
            _ => {
                let headers = headers([accept, ("content-type", FORM)]);
                self.outside.post(&endpoints.token, "token", headers, query(&pairs)).await?
            }
        };
        read(&reply)
            .ok_or_else(|| Trouble(format!("{} Error - {} error getting token", provider.name, reply.status)))
    }

    /// What the ID token says. A key that is not known yet may be a new one.
    async fn id_claims(
        &self,
        provider: &Provider,
        endpoints: &Endpoints,
        secrets: &Secrets,
        tokens: &Value,
    ) -> Result<Map<String, Value>, Trouble> {
        let token = tokens.get("id_token").and_then(Value::as_str).unwrap_or_default();
        let url = endpoints.keys.as_deref().unwrap_or_default();
        let now = self.clock.now();
        let expected = Expected {
            issuer: provider.issuer(),
            client_id: provider.detail("client_id").unwrap_or_default(),
            nonce: &secrets.nonce,
            now,
        };
        let keys = self.outside.document(url, "jwks", now, false).await?;
        let judged = match id_token::judge(token, &keys, &expected) {
            Err(Fault::Key) => {
                let keys = self.outside.document(url, "jwks", now, true).await?;
                id_token::judge(token, &keys, &expected)
            }
            judged => judged,
        };
        judged.map_err(|fault| Trouble(format!("Bad id_token {}", fault.word())))
    }

    async fn attributes_from(
        &self,
        provider: &Provider,
        endpoints: &Endpoints,
        bearer: &str,
        known: &Map<String, Value>,
    ) -> Result<Map<String, Value>, Trouble> {
        let Some(url) = endpoints.attributes.as_deref() else { return Ok(Map::new()) };
        let is_wanted = |claim: &&String| !known.contains_key(*claim);
        let wanted: Vec<&str> = provider.mapping.values().filter(is_wanted).map(String::as_str).collect();
        let url = match provider.detail("attributes_url_add_attributes") {
            Some("true") if wanted.is_empty() => return Ok(Map::new()),
            Some("true") => format!("{url}{}", crate::oauth::pairs::encoded(&wanted.join(","))),
            _ => url.to_owned(),
        };
        let authorization = format!("Bearer {bearer}");
        let mut sent: HeaderMap =
            headers([("authorization", authorization.as_str()), ("accept", "application/json")]);
        let reply = match provider.detail("attributes_request_method") {
            Some("POST") => {
                sent.extend(headers([("content-type", FORM)]));
                self.outside.post(&url, "attributes", sent, String::new()).await?
            }
            _ => self.outside.get(&url, "attributes", sent).await?,
        };
        let read = read(&reply).and_then(|value| value.as_object().cloned()).ok_or_else(|| {
            Trouble(format!("{} Error - {} error getting attributes", provider.name, reply.status))
        })?;
        Ok(if provider.kind == Kind::Google { told_by_google(read) } else { read })
    }

    /// The secret that Apple's clients make for themselves, signed by the key of their team.
    fn secret_for_apple(&self, provider: &Provider) -> Result<String, Trouble> {
        let now = self.clock.now().seconds();
        let detail = |key: &str| provider.detail(key).unwrap_or_default();
        let header = json!({ "alg": "ES256", "kid": detail("key_id") });
        let claims = json!({
            "iss": detail("team_id"), "iat": now, "exp": now + APPLE_SECRET_S, "aud": APPLE,
            "sub": detail("client_id"),
        });
        let part = |value: &Value| BASE64URL.encode(value.to_string());
        let signed = format!("{}.{}", part(&header), part(&claims));
        let signature = apple_key(detail("private_key"))
            .and_then(|key| key.sign(&SystemRandom::new(), signed.as_bytes()).ok())
            .ok_or_else(|| Trouble::new("The private key of the provider does not sign"))?;
        Ok(format!("{signed}.{}", BASE64URL.encode(signature.as_ref())))
    }
}

fn read(reply: &Reply) -> Option<Value> {
    (reply.status == 200).then(|| serde_json::from_slice(&reply.body).ok())?
}

/// The value of a claim as an attribute has it.
fn text_of(value: &Value) -> Option<String> {
    Some(match value {
        Value::Null => return None,
        Value::String(text) => text.clone(),
        Value::Object(object) => match (object.get("formatted"), value.pointer("/data/url")) {
            // An address (OpenID Connect Core §5.1.1), and a picture at Facebook.
            (Some(Value::String(text)), _) | (_, Some(Value::String(text))) => text.clone(),
            _ => value.to_string(),
        },
        other => other.to_string(),
    })
}

/// Apple tells a name by a form of its own: `{"name":{"firstName":…,"lastName":…}}`. It is not signed, so it is taken for
/// a name only.
fn told_by_apple(user: &str) -> Map<String, Value> {
    let told: Value = serde_json::from_str(user).unwrap_or_default();
    [("firstName", "/name/firstName"), ("lastName", "/name/lastName")]
        .into_iter()
        .filter_map(|(claim, path)| Some((claim.to_owned(), told.pointer(path)?.as_str()?.into())))
        .collect()
}

/// Google's People API tells lists of values, the best one first or marked.
fn told_by_google(person: Map<String, Value>) -> Map<String, Value> {
    let first = |list: &Value| -> Option<Value> {
        let list = list.as_array()?;
        let is_best = |one: &&Value| one.pointer("/metadata/primary") == Some(&Value::Bool(true));
        let best = list.iter().find(is_best).or(list.first())?;
        if let Some(date) = best.get("date") {
            let part = |name: &str| date.get(name).and_then(Value::as_i64).unwrap_or_default();
            return Some(format!("{:04}-{:02}-{:02}", part("year"), part("month"), part("day")).into());
        }
        let names = ["displayName", "value", "formattedValue", "formattedAddress", "url"];
        names.into_iter().find_map(|name| best.get(name).cloned())
    };
    person.iter().filter_map(|(field, list)| Some((field.clone(), first(list)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_asked_in_the_words_of_their_provider() {
        let asked = |kind, words| prompt_for(kind, words);
        assert_eq!(asked(Kind::Oidc, "login consent").as_deref(), Some("login consent"));
        assert_eq!(asked(Kind::Google, "login").as_deref(), Some("select_account"));
        assert_eq!(asked(Kind::Google, "login select_account").as_deref(), Some("select_account"));
        assert_eq!(asked(Kind::Google, "consent").as_deref(), Some("consent"));
        assert_eq!(asked(Kind::Oidc, " "), None);
    }

    #[test]
    fn claims_become_the_texts_of_attributes() {
        let text = |value: Value| text_of(&value);
        assert_eq!(text(json!("a")).as_deref(), Some("a"));
        assert_eq!(text(json!(true)).as_deref(), Some("true"));
        assert_eq!(text(json!(12)).as_deref(), Some("12"));
        assert_eq!(text(json!({ "formatted": "1 Main St" })).as_deref(), Some("1 Main St"));
        assert_eq!(text(json!({ "data": { "url": "https://p" } })).as_deref(), Some("https://p"));
        assert_eq!(text(json!(["a", "b"])).as_deref(), Some("[\"a\",\"b\"]"));
        assert_eq!(text(Value::Null), None);
    }

    #[test]
    fn the_ways_of_google_and_apple_are_read() {
        let person = json!({
            "resourceName": "people/1",
            "names": [{ "displayName": "No" }, { "metadata": { "primary": true }, "displayName": "Ana" }],
            "birthdays": [{ "date": { "year": 1990, "month": 2, "day": 3 } }],
            "phoneNumbers": [{ "value": "+15555551234" }],
        });
        let told = told_by_google(person.as_object().expect("an object").clone());
        assert_eq!(told["names"], "Ana");
        assert_eq!(told["birthdays"], "1990-02-03");
        assert_eq!(told["phoneNumbers"], "+15555551234");
        let told =
            told_by_apple(r#"{"name":{"firstName":"Ana","lastName":"B"},"email":"evil@x.test","sub":"z"}"#);
        assert_eq!(Value::from(told), json!({ "firstName": "Ana", "lastName": "B" }));
        assert!(told_by_apple("no").is_empty());
    }
}
