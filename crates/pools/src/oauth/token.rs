//! What an app gets at `/oauth2/token` and gives up at `/oauth2/revoke` (RFC 6749 §3.2 and RFC 7009).

use super::code::Presented;
use super::errors::*;
use super::is_ours;
use super::pairs::{Pairs, Twice, decoded};
use crate::Pools;
use crate::sign_in::At;
use crate::tokens::{Grant, Tokens};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use postern_access::Caller;
use postern_model::cognito_idp::{ExplicitAuthFlowsType, OAuthFlowType};
use postern_model::{Answer, Error, Secret, refusal, refuse};
use postern_store::Tx;

/// A client as it says it is.
#[derive(Clone)]
pub struct ClientProof {
    pub id: String,
    pub secret: Option<Secret>,
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
    },
}

impl ClientProof {
    /// Reads who calls: from the Authorization header, or from the body, not from both (RFC 6749 §2.3).
    pub fn read(authorization: Option<&str>, form: &Pairs) -> Answer<ClientProof> {
        let id = form.once("client_id").map_err(twice)?;
        let secret = form.once("client_secret").map_err(twice)?;
        match (authorization, id) {
            (None, Some(id)) => Ok(ClientProof { id: id.to_owned(), secret: secret.map(Secret::new) }),
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

/// Reads `Basic base64(id:secret)`, both form-encoded (RFC 6749 §2.3.1).
fn basic(authorization: &str) -> Option<ClientProof> {
    let (scheme, credentials) = authorization.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(credentials.trim()).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    let secret = decoded(secret).filter(|secret| !secret.is_empty());
    Some(ClientProof { id: decoded(id)?, secret: secret.map(Secret::new) })
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
        "client_credentials" => {
            Ok(Asked::Client { scope: text("scope")?.map(str::to_owned), resource: resource()? })
        }
        _ => refuse(UNSUPPORTED_GRANT_TYPE, ""),
    }
}

impl Pools {
    /// Gives tokens for a code or for a refresh token.
    pub async fn token(&self, caller: &Caller, proof: ClientProof, form: &Pairs) -> Answer<Tokens> {
        let asked = read(form)?;
        let (pools, caller_of_unit) = (self.clone(), caller.clone());
        let grant = self
            .sign_in_unit(caller, move |tx| {
                let at = pools.proven_client(tx, &caller_of_unit, &proof)?;
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
                let refreshed =
                    self.refresh_or_note(tx, at, token.reveal(), true).map_err(in_oauths_words)?;
                if let (Ok(grant), Some(scope)) = (&refreshed, scope)
                    && !is_same_scope(scope, &grant.scope)
                {
                    return refuse(INVALID_SCOPE, "scope must be what was granted, or be left out");
                }
                if let (Ok(grant), Some(resource)) = (&refreshed, resource)
                    && grant.access_claims["aud"].as_str() != Some(resource)
                {
                    return refuse(INVALID_TARGET, "resource must be what was granted, or be left out");
                }
                Ok(refreshed)
            }
            Asked::Client { scope, resource } => {
                let asked = scope.as_deref().map(scopes_in);
                self.client_token(tx, at, asked.as_deref(), resource.as_deref()).map(Ok)
            }
        }
    }

    /// Ends the sign-in that a refresh token belongs to.
    pub async fn revoke_for_app(&self, caller: &Caller, proof: ClientProof, form: &Pairs) -> Answer<()> {
        let Some(token) = form.once("token").map_err(twice)? else {
            return refuse(INVALID_REQUEST, "token is missing");
        };
        let (pools, caller, token) = (self.clone(), caller.clone(), Secret::new(token));
        self.store
            .write(move |tx| {
                let at = pools.proven_client(tx, &caller, &proof)?;
                if !at.client.revocable {
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

    /// Finds the client that calls, with its secret where it has one (rule O8).
    fn proven_client(&self, tx: &mut Tx<'_>, caller: &Caller, proof: &ClientProof) -> Answer<At> {
        let at = match self.at(tx, caller, &proof.id, None) {
            Ok(at) => at,
            Err(Error::Refused(_)) => return refuse(INVALID_CLIENT, ""),
            Err(failed) => return Err(failed),
        };
        match (at.client.has_secret(), &proof.secret) {
            (false, None) => Ok(at),
            (true, Some(secret)) if at.client.secret_matches(secret.reveal()) => Ok(at),
            _ => refuse(INVALID_CLIENT, ""),
        }
    }
}

fn scopes_in(scope: &str) -> Vec<&str> {
    scope.split(' ').filter(|scope| !scope.is_empty()).collect()
}

fn is_same_scope(asked: &str, granted: &str) -> bool {
    let sorted = |scope: &str| {
        let mut scopes: Vec<String> = scopes_in(scope).into_iter().map(str::to_owned).collect();
        scopes.sort();
        scopes.dedup();
        scopes
    };
    sorted(asked) == sorted(granted)
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
            .map(|proof| (proof.id, proof.secret.map(|secret| secret.reveal().to_owned())))
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
    fn scopes_are_the_same_in_any_order() {
        assert!(is_same_scope("email openid", "openid email"));
        assert!(!is_same_scope("openid", "openid email") && !is_same_scope("openid email x", "openid email"));
    }
}
