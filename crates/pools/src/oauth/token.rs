//! What an app gets at `/oauth2/token` and gives up at `/oauth2/revoke` (RFC 6749 §3.2 and RFC 7009).

use super::code::Presented;
use super::errors::*;
use super::is_ours;
use super::pairs::{Pairs, Twice, decoded};
use crate::Pools;
use crate::sign_in::{At, Says};
use crate::tokens::{Grant, Refreshing, Tokens};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use postern_access::Caller;
use postern_model::cognito_idp::{ExplicitAuthFlowsType, OAuthFlowType};
use postern_model::{Answer, Error, Secret, refusal, refuse};
use postern_store::Tx;
use std::collections::BTreeMap;

/// A client as it says it is.
#[derive(Clone)]
pub struct ClientProof {
    pub id: String,
    /// The secret, in each way in which what was sent can be read.
    pub secrets: Vec<Secret>,
}

/// A request to the token endpoint.
#[derive(Clone)]
enum Asked {
    Code {
        code: Secret,
        redirect_uri: Option<String>,
        code_verifier: Option<Secret>,
        resource: Option<String>,
    },
    Refresh {
        token: Secret,
        scope: Option<String>,
        resource: Option<String>,
    },
    Client {
        scope: Option<String>,
        resource: Option<String>,
        metadata: Option<BTreeMap<String, String>>,
    },
}

impl ClientProof {
    /// Reads who calls: from the Authorization header, or from the body, not from both (RFC 6749 §2.3).
    pub fn read(authorization: Option<&str>, form: &Pairs) -> Answer<ClientProof> {
        let id = form.once("client_id").map_err(twice)?;
        let secret = form.once("client_secret").map_err(twice)?;
        match (authorization, id) {
            (None, Some(id)) => {
                Ok(ClientProof { id: id.to_owned(), secrets: secret.map(Secret::new).into_iter().collect() })
            }
            (None, None) => refuse(INVALID_REQUEST, "client_id is missing"),
            (Some(_), _) if secret.is_some() => {
                refuse(INVALID_REQUEST, "the client is authenticated in two ways")
            }
            (Some(authorization), id) => match basic(authorization) {
                Some(proof) if id.is_none_or(|id| id == proof.id) => Ok(proof),
                _ => refuse(INVALID_CLIENT, ""),
            },
        }
    }
}

/// Reads `Basic base64(id:secret)`, both form-encoded (RFC 6749 §2.3.1), or as they are, which is how most programs send
/// them: it makes a difference to a secret with a `+`.
fn basic(authorization: &str) -> Option<ClientProof> {
    let (scheme, credentials) = authorization.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(credentials.trim()).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    let mut secrets: Vec<String> = decoded(secret).into_iter().chain([secret.to_owned()]).collect();
    secrets.dedup();
    secrets.retain(|secret| !secret.is_empty());
    Some(ClientProof { id: decoded(id)?, secrets: secrets.into_iter().map(Secret::new).collect() })
}

fn read(form: &Pairs) -> Answer<Asked> {
    let text = |name: &str| form.once(name).map_err(twice);
    let needed = |name: &'static str| {
        text(name)?.ok_or_else(|| refusal(INVALID_REQUEST, format!("{name} is missing")))
    };
    let resource = || match form.once("resource") {
        Ok(resource) => Ok(resource.map(str::to_owned)),
        Err(Twice(_)) => refuse(INVALID_TARGET, "tokens are bound to one resource only"),
    };
    match needed("grant_type")? {
        "authorization_code" => Ok(Asked::Code {
            code: Secret::new(needed("code")?),
            redirect_uri: text("redirect_uri")?.map(str::to_owned),
            code_verifier: text("code_verifier")?.map(Secret::new),
            resource: resource()?,
        }),
        "refresh_token" => Ok(Asked::Refresh {
            token: Secret::new(needed("refresh_token")?),
            scope: text("scope")?.map(str::to_owned),
            resource: resource()?,
        }),
        "client_credentials" => Ok(Asked::Client {
            scope: text("scope")?.map(str::to_owned),
            resource: resource()?,
            metadata: text("aws_client_metadata")?.map(metadata).transpose()?,
        }),
        _ => refuse(UNSUPPORTED_GRANT_TYPE, ""),
    }
}

/// What an app has a function hear.
fn metadata(text: &str) -> Answer<BTreeMap<String, String>> {
    let unreadable = |_| refusal(INVALID_REQUEST, "aws_client_metadata must be a JSON object of texts");
    serde_json::from_str(text).map_err(unreadable)
}

impl Pools {
    /// Gives tokens for a code or for a refresh token; where a pool is named, to its clients only.
    pub async fn token(
        &self,
        caller: &Caller,
        only: Option<&str>,
        proof: ClientProof,
        form: &Pairs,
    ) -> Answer<Tokens> {
        let asked = read(form)?;
        let (pools, caller_of_unit, only) = (self.clone(), caller.clone(), only.map(str::to_owned));
        let grant = self
            .sign_in_unit(caller, move |tx| {
                let at = pools.proven_client(tx, &caller_of_unit, only.as_deref(), &proof)?;
                pools.redeem(tx, &at, &asked)
            })
            .await
            .map_err(in_oauths_words)?;
        let signed = self.sign(grant.map_err(in_oauths_words)?).await;
        signed.map_err(in_oauths_words)
    }

    fn redeem(&self, tx: &mut Tx<'_>, at: &At, asked: &Asked) -> Answer<Result<Grant, Error>> {
        match asked {
            Asked::Code { code, redirect_uri, code_verifier, resource } => {
                let flows = at.client.config.allowed_oauth_flows.as_deref().unwrap_or_default();
                if !flows.contains(&OAuthFlowType::Code) {
                    return refuse(UNAUTHORIZED_CLIENT, "");
                }
                let presented = Presented {
                    code: code.reveal(),
                    redirect_uri: redirect_uri.as_deref(),
                    code_verifier: code_verifier.as_ref().map(Secret::reveal),
                    resource: resource.as_deref(),
                };
                self.redeem_or_note(tx, at, &presented)
            }
            Asked::Refresh { token, scope, resource } => {
                let client = &at.client;
                let may = client.rotation_grace_s.is_some()
                    || client.allows(ExplicitAuthFlowsType::AllowRefreshTokenAuth);
                if !may {
                    return refuse(UNAUTHORIZED_CLIENT, "");
                }
                let refreshing =
                    Refreshing { token: token.reveal(), scope: scope.as_deref(), may_rotate: true };
                let refreshed = self.refresh_or_note(tx, at, &refreshing).map_err(in_oauths_words)?;
                if let (Ok(grant), Some(resource)) = (&refreshed, resource)
                    && grant.access_claims["aud"].as_str() != Some(resource)
                {
                    return refuse(INVALID_TARGET, "resource must be what was granted, or be left out");
                }
                Ok(refreshed)
            }
            Asked::Client { scope, resource, metadata } => {
                let asked = scope.as_deref().map(scopes_in);
                let at = At { says: Says::metadata(metadata.clone()), ..at.clone() };
                self.client_token(tx, &at, asked.as_deref(), resource.as_deref()).map(Ok)
            }
        }
    }

    /// Ends the sign-in that a refresh token belongs to; where a pool is named, for its clients only.
    pub async fn revoke_for_app(
        &self,
        caller: &Caller,
        only: Option<&str>,
        proof: ClientProof,
        form: &Pairs,
    ) -> Answer<()> {
        let Some(token) = form.once("token").map_err(twice)? else {
            return refuse(INVALID_REQUEST, "token is missing");
        };
        let (pools, caller, token) = (self.clone(), caller.clone(), Secret::new(token));
        let only = only.map(str::to_owned);
        self.store
            .write(move |tx| {
                let at = pools.proven_client(tx, &caller, only.as_deref(), &proof)?;
                if !pools.may_revoke(tx, &at, token.reveal())? {
                    return refuse(INVALID_REQUEST, "token revocation is switched off for this client");
                }
                // ID and access tokens are JWTs; a refresh token is not.
                if token.reveal().matches('.').count() == 2 {
                    return refuse(UNSUPPORTED_TOKEN_TYPE, "");
                }
                pools.revoke(tx, &at, token.reveal())
            })
            .await
    }

    /// Finds the client that calls, with its secret where it has one (rule O8). A domain is the door of one pool (rule H5).
    fn proven_client(
        &self,
        tx: &mut Tx<'_>,
        caller: &Caller,
        only: Option<&str>,
        proof: &ClientProof,
    ) -> Answer<At> {
        let at = match self.at(tx, caller, &proof.id, None) {
            Ok(at) if only.is_none_or(|pool_id| pool_id == at.pool.id) => at,
            Ok(_) => return refuse(INVALID_CLIENT, ""),
            Err(Error::Refused(_)) => return refuse(INVALID_CLIENT, ""),
            Err(failed) => return Err(failed),
        };
        let is_proven = match at.client.has_secret() {
            true => proof.secrets.iter().any(|secret| at.client.secret_matches(secret.reveal())),
            false => proof.secrets.is_empty(),
        };
        if is_proven { Ok(at) } else { refuse(INVALID_CLIENT, "") }
    }
}

fn scopes_in(scope: &str) -> Vec<&str> {
    scope.split(' ').filter(|scope| !scope.is_empty()).collect()
}

/// The scopes of a grant that are asked for, where none is asked for that it does not have (RFC 6749 §6).
pub(crate) fn narrowed(granted: &str, asked: &str) -> Option<String> {
    let (granted, asked) = (scopes_in(granted), scopes_in(asked));
    let kept: Vec<&str> = granted.iter().copied().filter(|scope| asked.contains(scope)).collect();
    asked.iter().all(|scope| granted.contains(scope)).then(|| kept.join(" "))
}

/// Says a refusal of the API in the words of RFC 6749.
fn in_oauths_words(error: Error) -> Error {
    use postern_model::cognito_idp::errors::TooManyRequestsException;
    match error {
        Error::Refused(refused) if is_ours(refused.kind) => Error::Refused(refused),
        Error::Refused(refused) if refused.kind == TooManyRequestsException => {
            let error = refusal(TEMPORARILY_UNAVAILABLE, "");
            match refused.retry_after_s {
                Some(seconds) => error.retry_after(seconds),
                None => error,
            }
        }
        Error::Refused(refused) => refusal(INVALID_GRANT, refused.message),
        failed => failed,
    }
}

fn twice(Twice(name): Twice) -> Error {
    refusal(INVALID_REQUEST, format!("{name} is present more than once"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proof(authorization: Option<&str>, body: &str) -> Result<(String, Option<String>), &'static str> {
        let form = Pairs::parse(body).expect("UTF-8");
        ClientProof::read(authorization, &form)
            .map(|proof| (proof.id, proof.secrets.first().map(|secret| secret.reveal().to_owned())))
            .map_err(|error| error.kind().expect("a refusal").code)
    }

    fn header(text: &str) -> String {
        format!("Basic {}", STANDARD.encode(text))
    }

    #[test]
    fn a_client_says_who_it_is_in_one_of_three_ways() {
        let both = Ok(("app".to_owned(), Some("se cret".to_owned())));
        let public = Ok(("app".to_owned(), None));
        assert_eq!(proof(Some(&header("app:se+cret")), ""), both);
        assert_eq!(proof(Some(&header("app:se%20cret").replace("Basic", "basic")), "client_id=app"), both);
        assert_eq!(proof(None, "client_id=app&client_secret=se%20cret"), both);
        assert_eq!(proof(None, "client_id=app"), public);
        assert_eq!(proof(None, "client_id=app&client_secret="), public);
        assert_eq!(proof(Some(&header("app:")), ""), public);
    }

    #[test]
    fn a_client_that_says_it_twice_or_not_at_all_is_refused() {
        let basic = header("app:secret");
        assert_eq!(proof(None, ""), Err("invalid_request"));
        assert_eq!(proof(None, "client_id=a&client_id=b"), Err("invalid_request"));
        assert_eq!(proof(Some(&basic), "client_secret=secret"), Err("invalid_request"));
        assert_eq!(proof(Some(&basic), "client_id=other"), Err("invalid_client"));
        for header in ["Bearer abc", "Basic", "Basic !", &header("nocolon")] {
            assert_eq!(proof(Some(header), ""), Err("invalid_client"), "{header}");
        }
    }

    #[test]
    fn what_a_token_request_lacks_is_said() {
        let error = |body: &str| match read(&Pairs::parse(body).expect("UTF-8")) {
            Ok(_) => "none",
            Err(error) => error.kind().expect("a refusal").code,
        };
        assert_eq!(error("grant_type=authorization_code&code=c"), "none");
        assert_eq!(error("grant_type=authorization_code"), "invalid_request");
        assert_eq!(error("grant_type=authorization_code&code=c&code=d"), "invalid_request");
        assert_eq!(error("grant_type=refresh_token&refresh_token=r"), "none");
        assert_eq!(error("grant_type=refresh_token"), "invalid_request");
        assert_eq!(error(""), "invalid_request");
        assert_eq!(error("grant_type=client_credentials"), "none");
        assert_eq!(error("grant_type=client_credentials&scope=a&scope=b"), "invalid_request");
        for other in ["password", "implicit", "Authorization_code"] {
            assert_eq!(error(&format!("grant_type={other}")), "unsupported_grant_type");
        }
    }

    #[test]
    fn a_secret_in_a_header_is_read_as_it_is_too() {
        let form = Pairs::default();
        let secrets = |text: &str| {
            let proof = ClientProof::read(Some(&header(text)), &form).expect("a client");
            proof.secrets.iter().map(|secret| secret.reveal().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(secrets("app:se+cret"), ["se cret", "se+cret"]);
        assert_eq!(secrets("app:secret"), ["secret"]);
        assert!(secrets("app:").is_empty());
    }

    #[test]
    fn a_grant_is_narrowed_and_never_widened() {
        let narrowed = |asked| narrowed("openid email api/read", asked);
        assert_eq!(narrowed("email  openid").as_deref(), Some("openid email"));
        assert_eq!(narrowed("api/read email openid").as_deref(), Some("openid email api/read"));
        assert_eq!(narrowed("openid phone"), None);
    }

    #[test]
    fn what_functions_are_told_is_an_object_of_texts() {
        let Ok(told) = metadata("{\"a\":\"b\"}") else { panic!("an object of texts is taken") };
        assert_eq!(told, BTreeMap::from([("a".to_owned(), "b".to_owned())]));
        for text in ["not json", "[]", "\"a\"", "{\"a\":1}"] {
            assert_eq!(metadata(text).err().and_then(|error| error.kind()), Some(INVALID_REQUEST), "{text}");
        }
    }
}
