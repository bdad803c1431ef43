//! Code to paste, filled in with this server's addresses and an app client's ids; and the link that shows its pages.

use super::area::{has, text};
use super::command::quoted;
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
    if is_machine(client) {
        return vec![
            snippet("js", "JavaScript", machine_javascript(&ids)),
            snippet("python", "Python", machine_python(&ids)),
            snippet("curl", "cURL", machine_curl(&ids)),
        ];
    }
    let mut all = vec![
        snippet("js", "JavaScript SDK", javascript(&ids)),
        snippet("python", "Python", python(&ids)),
        snippet("openid", "OpenID Connect library", openid(&ids)),
        snippet("curl", "cURL", curl(&ids)),
    ];
    if !ids.has_secret {
        // Amplify runs where no secret can be kept.
        all.insert(0, snippet("amplify", "Amplify", amplify(&ids)));
    }
    all
}

/// Nobody signs in by this client; it signs in for itself.
fn is_machine(client: &Document) -> bool {
    texts(client, "AllowedOAuthFlows") == ["client_credentials"]
}

/// What is to be known of the snippets: what must be allowed first.
pub fn hint(pool: &Document, client: &Document) -> String {
    let mut hint = "Filled in with this server's addresses and this client's ids.".to_owned();
    let by_code = has(pool, "Policies.SignInPolicy.AllowedFirstAuthFactors", "EMAIL_OTP");
    let by_choice = has(client, "ExplicitAuthFlows", "ALLOW_USER_AUTH");
    if is_machine(client) || by_code && by_choice {
        return hint;
    }
    hint.push_str(" Those that sign in by a mailed code need more:");
    if !by_choice {
        hint.push_str(" choice-based sign-in (ALLOW_USER_AUTH) among this client's authentication flows");
    }
    if !by_code {
        let and = if by_choice { "" } else { ", and" };
        hint.push_str(&format!(
            "{and} a code by mail (EMAIL_OTP) among the pool's options for choice-based sign-in"
        ));
    }
    hint.push('.');
    hint
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

/// How a program that keeps a secret proves that it does: what is made beforehand, and what each call brings.
struct Proof {
    javascript: (&'static str, &'static str, &'static str),
    python: (&'static str, &'static str, &'static str),
}

const NO_SECRET: Proof = Proof { javascript: ("", "", ""), python: ("", "", "") };
const SECRET_HASH: Proof = Proof {
    javascript: (
        "import { createHmac } from \"node:crypto\";\n",
        "const SECRET_HASH = createHmac(\"sha256\", process.env.CLIENT_SECRET)\n  .update(\"alice@example.com\" + \
         ClientId)\n  .digest(\"base64\");\n",
        ", SECRET_HASH",
    ),
    python: (
        "import base64, hashlib, hmac, os\n",
        "secret_hash = base64.b64encode(hmac.digest(\n    os.environ[\"CLIENT_SECRET\"].encode(),\n    \
         (\"alice@example.com\" + client_id).encode(), hashlib.sha256)).decode()\n",
        ", \"SECRET_HASH\": secret_hash",
    ),
};

fn proof(ids: &Ids) -> Proof {
    if ids.has_secret { SECRET_HASH } else { NO_SECRET }
}

fn javascript(ids: &Ids) -> String {
    let Ids { url, region, client_id, .. } = ids;
    let (import, made, with) = proof(ids).javascript;
    format!(
        r#"{import}import {{ CognitoIdentityProvider }} from "@aws-sdk/client-cognito-identity-provider";

const idp = new CognitoIdentityProvider({{ endpoint: "{url}", region: "{region}" }});
const ClientId = "{client_id}";
{made}
const {{ Session }} = await idp.initiateAuth({{
  ClientId,
  AuthFlow: "USER_AUTH",
  AuthParameters: {{ USERNAME: "alice@example.com", PREFERRED_CHALLENGE: "EMAIL_OTP"{with} }},
}});
const {{ AuthenticationResult }} = await idp.respondToAuthChallenge({{
  ClientId,
  ChallengeName: "EMAIL_OTP",
  Session,
  ChallengeResponses: {{ USERNAME: "alice@example.com", EMAIL_OTP_CODE: "THE CODE"{with} }},
}});
"#
    )
}

fn python(ids: &Ids) -> String {
    let Ids { url, region, client_id, .. } = ids;
    let (import, made, with) = proof(ids).python;
    format!(
        r#"{import}import boto3
from botocore import UNSIGNED
from botocore.config import Config

idp = boto3.client("cognito-idp", endpoint_url="{url}", region_name="{region}",
                   config=Config(signature_version=UNSIGNED))
client_id = "{client_id}"
{made}
asked = idp.initiate_auth(
    ClientId=client_id,
    AuthFlow="USER_AUTH",
    AuthParameters={{"USERNAME": "alice@example.com", "PREFERRED_CHALLENGE": "EMAIL_OTP"{with}}},
)
answer = idp.respond_to_auth_challenge(
    ClientId=client_id,
    ChallengeName="EMAIL_OTP",
    Session=asked["Session"],
    ChallengeResponses={{"USERNAME": "alice@example.com", "EMAIL_OTP_CODE": input("Code: "){with}}},
)
tokens = answer["AuthenticationResult"]
"#
    )
}

fn machine_javascript(ids: &Ids) -> String {
    let Ids { url, client_id, .. } = ids;
    let scope = ids.scopes.join(" ");
    format!(
        r#"const credentials = Buffer.from(`{client_id}:${{process.env.CLIENT_SECRET}}`).toString("base64");
const answer = await fetch("{url}/oauth2/token", {{
  method: "POST",
  headers: {{ authorization: `Basic ${{credentials}}` }},
  body: new URLSearchParams({{ grant_type: "client_credentials", scope: "{scope}" }}),
}});
const {{ access_token }} = await answer.json();
"#
    )
}

fn machine_python(ids: &Ids) -> String {
    let Ids { url, client_id, .. } = ids;
    let scope = ids.scopes.join(" ");
    format!(
        r#"import base64, json, os
from urllib.parse import urlencode
from urllib.request import Request, urlopen

credentials = base64.b64encode(f"{client_id}:{{os.environ['CLIENT_SECRET']}}".encode()).decode()
asked = {{"grant_type": "client_credentials", "scope": "{scope}"}}
request = Request("{url}/oauth2/token", urlencode(asked).encode(), {{"Authorization": f"Basic {{credentials}}"}})
token = json.load(urlopen(request))["access_token"]
"#
    )
}

fn machine_curl(ids: &Ids) -> String {
    let Ids { url, client_id, .. } = ids;
    let scope = quoted(&format!("scope={}", ids.scopes.join(" ")));
    format!(
        "curl {url}/oauth2/token \\\n    -u '{client_id}:CLIENT_SECRET' \\\n    -d grant_type=client_credentials \\\n    \
         --data-urlencode {scope}\n"
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
    --data-urlencode {} \
    -d code_verifier={verifier} \
    -d code=THE_CODE
"#,
        quoted(&format!("redirect_uri={}", callback(ids)))
    )
}
