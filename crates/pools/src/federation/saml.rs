//! Providers that speak SAML 2.0: where a browser is sent, and what becomes of the answer that it is made to post.

use super::saml_key::sign_by;
use super::{Arrived, Hints, Secrets, Trouble};
use crate::Pools;
use crate::auth::saml::{self, AuthnRequest, Expected, Metadata};
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

    /// Judges an answer to a request, or one that nobody asked for.
    pub fn judge_saml(
        &self,
        provider: &Provider,
        metadata: &Metadata,
        answer: &str,
        answer_to: &str,
        request_id: Option<&str>,
    ) -> Result<Proven, Trouble> {
        let expected = Expected {
            issuer: &metadata.entity_id,
            keys: &metadata.keys,
            audience: &saml::entity_id(&provider.pool_id),
            answer_to,
            request_id,
            now: self.clock.now(),
        };
        let asserted = saml::judge(answer, &expected)
            .map_err(|fault| Trouble(format!("Error in SAML response processing: {}", fault.words())))?;
        let value = |claim: &String| asserted.attributes.get(claim).cloned();
        Ok(Proven {
            arrived: Arrived {
                subject: asserted.subject.clone(),
                level: None,
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
fn unsigned() -> Trouble {
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
        let moment = OffsetDateTime::from_unix_timestamp(hints.now.seconds()).ok();
        let moment = moment.and_then(|moment| moment.format(&Rfc3339).ok()).unwrap_or_default();
        let request = AuthnRequest {
            id: &request_id(secrets),
            issuer: &saml::entity_id(&provider.pool_id),
            destination: &self.metadata.sign_in,
            answer_to,
            now: &moment,
            asks_again: hints.asks_again,
        };
        let packed = STANDARD.encode(saml::deflated(&request.write()));
        let signature;
        let mut pairs = vec![("SAMLRequest", packed.as_str()), ("RelayState", flow_id)];
        if let Some(key) = &self.key {
            pairs.push(("SigAlg", RSA_SHA256));
            // What is signed are the parameters as they are sent (SAML Bindings §3.4.4.1).
            let (key, signed) = (key.private_key.clone(), query(&pairs));
            let made = signers.run(move || sign_by(&key, signed.as_bytes())).await;
            let made = made.ok().and_then(Result::ok).ok_or_else(unsigned)?;
            signature = STANDARD.encode(made);
            pairs.push(("Signature", &signature));
        }
        Ok(with(&self.metadata.sign_in, &pairs))
    }
}
