//! Code to paste, filled in with this server's addresses and an app client's ids; and the link that shows its pages.

use super::area::text;
use super::desk::texts;
use crate::app::App;
use crate::pages::console::parts::Snippet;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use postern_model::Document;
use postern_pools::oauth::pairs::query;
use postern_pools::oauth::pkce;
use postern_store::Purpose;

/// What the snippets are filled in with.
struct Ids {
    url: String,
    region: String,
    issuer: String,
    pool_id: String,
    client_id: String,
    has_secret: bool,
    callback: Option<String>,
    scopes: Vec<String>,
    /// The verifier of the challenge in the link to the pages.
    verifier: String,
}

fn ids(app: &App, pool_id: &str, client: &Document) -> Ids {
    let client_id = text(client, "ClientId");
    let verifier = app.store.keys().mac(Purpose::Handle, &[b"view login page", client_id.as_bytes()]);
    Ids {
        url: app.public_url.clone(),
        region: app.access.region.to_string(),
        issuer: app.pools.place.issuer_of(pool_id),
        pool_id: pool_id.to_owned(),
        has_secret: super::area::is(client, "has_secret"),
        callback: texts(client, "CallbackURLs").into_iter().next(),
        scopes: texts(client, "AllowedOAuthScopes"),
        verifier: BASE64URL.encode(verifier),
        client_id,
    }
}

/// The address of the sign-in pages for an app client; nothing where it has no way back from them.
pub fn login_page(app: &App, pool_id: &str, client: &Document) -> Option<String> {
    let flows = texts(client, "AllowedOAuthFlows");
    let ids = ids(app, pool_id, client);
    let callback = ids.callback.as_ref()?;
    if !flows.iter().any(|flow| flow == "code") {
        return None;
    }
    let parameters = query(&[
        ("response_type", "code"),
        ("client_id", &ids.client_id),
        ("redirect_uri", callback),
        ("scope", &ids.scopes.join(" ")),
        ("code_challenge", &pkce::challenge_of(&ids.verifier)),
        ("code_challenge_method", "S256"),
    ]);
    Some(format!("{}/oauth2/authorize?{parameters}", ids.url))
}

/// Code for each way of working.
pub fn snippets(app: &App, pool_id: &str, client: &Document) -> Vec<Snippet> {
    let ids = ids(app, pool_id, client);
    let snippet = |id: &str, title: &str, text: String| Snippet {
        id: format!("quick-{id}"),
        title: title.to_owned(),
        text,
    };
    vec![
        snippet("amplify", "Amplify", amplify(&ids)),
        snippet("js", "JavaScript SDK", javascript(&ids)),
        snippet("python", "Python", python(&ids)),
        snippet("openid", "OpenID Connect library", openid(&ids)),
        snippet("curl", "cURL", curl(&ids)),
    ]
}

fn callback(ids: &Ids) -> &str {
    ids.callback.as_deref().unwrap_or("https://app.example.com/callback")
}

fn amplify(ids: &Ids) -> String {
    let Ids { url, pool_id, client_id, .. } = ids;
    format!(
        r#"import {{ Amplify }} from "aws-amplify";
import {{ confirmSignIn, fetchAuthSession, signIn }} from "aws-amplify/auth";

Amplify.configure({{
  Auth: {{
    Cognito: {{
      userPoolId: "{pool_id}",
      userPoolClientId: "{client_id}",
      userPoolEndpoint: "{url}",
    }},
  }},
}});

await signIn({{
  username: "alice@example.com",
  options: {{ authFlowType: "USER_AUTH", preferredChallenge: "EMAIL_OTP" }},
}});
await confirmSignIn({{ challengeResponse: "THE CODE" }});
const {{ tokens }} = await fetchAuthSession();
"#
    )
}

fn javascript(ids: &Ids) -> String {
    let Ids { url, region, client_id, .. } = ids;
    format!(
        r#"import {{ CognitoIdentityProvider }} from "@aws-sdk/client-cognito-identity-provider";

const idp = new CognitoIdentityProvider({{ endpoint: "{url}", region: "{region}" }});

const {{ Session }} = await idp.initiateAuth({{
  ClientId: "{client_id}",
  AuthFlow: "USER_AUTH",
  AuthParameters: {{ USERNAME: "alice@example.com", PREFERRED_CHALLENGE: "EMAIL_OTP" }},
}});
const {{ AuthenticationResult }} = await idp.respondToAuthChallenge({{
  ClientId: "{client_id}",
  ChallengeName: "EMAIL_OTP",
  Session,
  ChallengeResponses: {{ USERNAME: "alice@example.com", EMAIL_OTP_CODE: "THE CODE" }},
}});
"#
    )
}

fn python(ids: &Ids) -> String {
    let Ids { url, region, client_id, .. } = ids;
    format!(
        r#"import boto3
from botocore import UNSIGNED
from botocore.config import Config

idp = boto3.client("cognito-idp", endpoint_url="{url}", region_name="{region}",
                   config=Config(signature_version=UNSIGNED))

asked = idp.initiate_auth(
    ClientId="{client_id}",
    AuthFlow="USER_AUTH",
    AuthParameters={{"USERNAME": "alice@example.com", "PREFERRED_CHALLENGE": "EMAIL_OTP"}},
)
answer = idp.respond_to_auth_challenge(
    ClientId="{client_id}",
    ChallengeName="EMAIL_OTP",
    Session=asked["Session"],
    ChallengeResponses={{"USERNAME": "alice@example.com", "EMAIL_OTP_CODE": input("Code: ")}},
)
tokens = answer["AuthenticationResult"]
"#
    )
}

fn openid(ids: &Ids) -> String {
    let Ids { issuer, client_id, has_secret, .. } = ids;
    let secret =
        if *has_secret { "the client secret shown above" } else { "none: a public client with PKCE" };
    let scopes = if ids.scopes.is_empty() { "openid".to_owned() } else { ids.scopes.join(" ") };
    format!(
        "issuer         {issuer}\ndiscovery      {issuer}/.well-known/openid-configuration\nclient id      {client_id}\n\
         client secret  {secret}\nredirect uri   {}\nscope          {scopes}\nPKCE           S256\n",
        callback(ids)
    )
}

fn curl(ids: &Ids) -> String {
    let Ids { url, client_id, verifier, has_secret, .. } = ids;
    let secret = if *has_secret { format!(" \\\n    -u '{client_id}:CLIENT_SECRET'") } else { String::new() };
    format!(
        r#"# After "View login page" the browser returns with ?code=… in its address. Exchange it, once:
curl {url}/oauth2/token{secret} \
    -d grant_type=authorization_code -d client_id={client_id} \
    --data-urlencode redirect_uri={} \
    -d code_verifier={verifier} \
    -d code=THE_CODE
"#,
        callback(ids)
    )
}
