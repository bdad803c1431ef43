//! Providers that speak SAML 2.0: where a browser is sent, and what becomes of the answer that it is made to post.

use super::saml_key::sign_by;
use super::{Arrived, Hints, Secrets, Trouble};
use crate::Pools;
use crate::auth::saml::{self, Expected, Head, Metadata};
use crate::oauth::pairs::query;
use crate::oauth::redirect::with;
use crate::provider::Provider;
use crate::work::Workers;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use postern_store::Timestamp;
use postern_store::identity_providers::RequestKeyRow;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

const RSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";

/// A provider, and the key that requests to it are signed by, where it wants that.
pub struct SamlWay {
    metadata: Metadata,
    key: Option<RequestKeyRow>,
}

/// An assertion that was good, and is good once.
pub struct Proven {
    pub arrived: Arrived,
    pub assertion: String,
    /// Until when it has to be remembered.
    pub expires: Timestamp,
}

impl Pools {
    /// What a provider says of itself: as it was given, or as it publishes it.
    pub async fn saml_metadata(&self, provider: &Provider) -> Result<Metadata, Trouble> {
        let text = match (provider.detail("MetadataFile"), provider.detail("MetadataURL")) {
            (Some(file), _) => file.into(),
            (None, Some(url)) => self.outside.text(url, "metadata", self.clock.now(), false).await?,
            (None, None) => "".into(),
        };
        let metadata =
            Metadata::read(&text).ok_or_else(|| Trouble::new("The IdP metadata cannot be read"))?;
        // Who is who there was written down under this issuer (rule H3).
        if metadata.entity_id != provider.issuer() {
            return Err(Trouble::new("The IdP metadata names another entity"));
        }
        Ok(metadata)
    }

    pub(super) async fn saml_way(&self, provider: &Provider) -> Result<SamlWay, Trouble> {
        let metadata = self.saml_metadata(provider).await?;
        let key = match provider.detail("RequestSigningAlgorithm") {
            Some(_) => {
                let key = self.request_key(&provider.pool_id).await;
                Some(key.map_err(|_| unsigned())?)
            }
            None => None,
        };
        Ok(SamlWay { metadata, key })
    }

    /// Judges an answer to a request, or one that nobody asked for. One that is encrypted takes about as long as a signature.
    pub async fn judge_saml(
        &self,
        provider: &Provider,
        answer: String,
        answer_to: String,
        request_id: Option<String>,
    ) -> Result<Proven, Trouble> {
        let metadata = self.saml_metadata(provider).await?;
        let key = provider.opening_key().map_err(|_| Trouble::new("The response cannot be opened"))?;
        let (audience, now) = (saml::entity_id(&provider.pool_id), self.clock.now());
        let judging = move || {
            let expected = Expected {
                issuer: &metadata.entity_id,
                keys: &metadata.keys,
                audience: &audience,
                answer_to: &answer_to,
                request_id: request_id.as_deref(),
                opened_by: key.as_deref(),
                now,
            };
            saml::judge(&answer, &expected)
        };
        let judged = self.signers.run(judging).await.map_err(|_| Trouble::new("Too many requests"))?;
        let asserted = judged
            .map_err(|fault| Trouble(format!("Error in SAML response processing: {}", fault.words())))?;
        let value = |claim: &String| asserted.attributes.get(claim).cloned();
        Ok(Proven {
            arrived: Arrived {
                subject: asserted.subject.clone(),
                level: None,
                session: Some(asserted.session.clone()),
                attributes: provider
                    .mapping
                    .iter()
                    .filter_map(|(attribute, claim)| Some((attribute.clone(), value(claim)?)))
                    .collect(),
            },
            assertion: asserted.id,
            expires: asserted.expires,
        })
    }
}

/// A provider that wants signed requests is sent no others.
pub(super) fn unsigned() -> Trouble {
    Trouble::new("The request cannot be signed")
}

/// The id of the request that a browser was sent out with.
pub fn request_id(secrets: &Secrets) -> String {
    format!("_{}", secrets.state)
}

impl SamlWay {
    /// The address at which a person signs in there, with the request (SAML Bindings §3.4.4).
    pub(super) async fn href(
        &self,
        signers: &Workers,
        provider: &Provider,
        flow_id: &str,
        secrets: &Secrets,
        answer_to: &str,
        hints: &Hints<'_>,
    ) -> Result<String, Trouble> {
        let request_id = request_id(secrets);
        let moment = moment(hints.now);
        let head = Head {
            id: &request_id,
            issuer: &saml::entity_id(&provider.pool_id),
            destination: &self.metadata.sign_in,
            now: &moment,
        };
        // A provider cannot be told an age, so whoever wants one is asked for now.
        let asks_again = hints.asks_again || hints.max_age_s.is_some();
        let request = saml::authn_request(&head, answer_to, asks_again);
        let message = Message { name: REQUEST, text: &request, relay: flow_id };
        message.href(signers, self.key.as_ref(), &self.metadata.sign_in).await
    }
}

/// The parameters that messages travel in.
pub(super) const REQUEST: &str = "SAMLRequest";
pub(super) const ANSWER: &str = "SAMLResponse";

/// A message that a browser takes to a provider.
pub(super) struct Message<'a> {
    pub name: &'static str,
    pub text: &'a str,
    pub relay: &'a str,
}

impl Message<'_> {
    /// The address that carries it (SAML Bindings §3.4.4), signed where there is a key.
    pub async fn href(
        &self,
        signers: &Workers,
        key: Option<&RequestKeyRow>,
        to: &str,
    ) -> Result<String, Trouble> {
        let packed = STANDARD.encode(saml::deflated(self.text));
        let signature;
        let mut pairs = vec![(self.name, packed.as_str())];
        pairs.extend((!self.relay.is_empty()).then_some(("RelayState", self.relay)));
        if let Some(key) = key {
            pairs.push(("SigAlg", RSA_SHA256));
            // What is signed are the parameters as they are sent (SAML Bindings §3.4.4.1).
            let (key, signed) = (key.private_key.clone(), query(&pairs));
            let made = signers.run(move || sign_by(&key, signed.as_bytes())).await;
            let made = made.ok().and_then(Result::ok).ok_or_else(unsigned)?;
            signature = STANDARD.encode(made);
            pairs.push(("Signature", &signature));
        }
        Ok(with(to, &pairs))
    }
}

/// A moment as messages write it.
pub(super) fn moment(now: Timestamp) -> String {
    let moment = OffsetDateTime::from_unix_timestamp(now.seconds()).ok();
    moment.and_then(|moment| moment.format(&Rfc3339).ok()).unwrap_or_default()
}
