//! Attack case 83: the program in production, at its most verbose, and nothing in its output that would let a reader in.

use crate::pages::browser::Browser;
use crate::support::{Client, Key, secret_hash};
use postern_pools::oauth::pairs::query;
use postern_pools::oauth::pkce::challenge_of;
use postern_store::{Clock, random};
use serde_json::{Value, json};
use std::fs::{File, read_to_string};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

const ALICE: &str = "alice@example.com";
const PASSWORD: &str = "Correct-horse-7f3a1c";
const WRONG: &str = "Mistaken-horse-9b2d4e";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

/// A production server on a folder of its own, whose output is kept.
struct Production {
    folder: PathBuf,
    url: String,
    child: Child,
    key: Key,
}

impl Production {
    async fn start() -> Production {
        let folder = std::env::temp_dir().join(format!("postern-logs-{}", hex::encode(random::bytes::<8>())));
        std::fs::create_dir_all(&folder).expect("a folder");
        let free = std::net::TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
        let port = free.expect("a free port").port();
        let url = format!("http://localhost:{port}");
        let config = folder.join("postern.toml");
        let text = format!(
            "public_url = \"{url}\"\nlisten = [\"127.0.0.1:{port}\"]\ndata = \"{data}\"\n[mail]\n\
             from = \"Example <no-reply@example.com>\"\nfile = \"{mails}\"\n",
            data = folder.display(),
            mails = folder.join("mails.jsonl").display(),
        );
        std::fs::write(&config, text).expect("a configuration");
        let made = program(&folder, "init").output().expect("the program starts");
        let said = String::from_utf8(made.stdout).expect("UTF-8");
        let value = |name: &str| {
            let line = said.lines().find_map(|line| line.strip_prefix(&format!("export {name}=")));
            line.unwrap_or_else(|| panic!("no {name}: {}", String::from_utf8_lossy(&made.stderr))).to_owned()
        };
        let key = Key::new(&value("AWS_ACCESS_KEY_ID"), &value("AWS_SECRET_ACCESS_KEY"));
        let log = File::create(folder.join("log")).expect("a file");
        let child = program(&folder, "serve")
            .env("POSTERN_LOG", "trace")
            .stdout(log.try_clone().expect("a file"))
            .stderr(log)
            .spawn()
            .expect("the program starts");
        let server = Production { folder, url, child, key };
        let client = server.client();
        let ready = || client.request("GET", "/readyz").body(Default::default()).expect("a request");
        while client.try_send(ready()).await.is_none_or(|answer| answer.status != 200) {
            tokio::task::yield_now().await;
        }
        server
    }

    fn client(&self) -> Client {
        Client::new(&self.url, Clock::system())
    }

    async fn signed(&self, operation: &str, input: Value) -> Value {
        self.client().json(operation, &input, Some(&self.key)).await.ok().body
    }

    /// Waits for the code in the mail of a number.
    async fn code(&self, number: usize) -> String {
        loop {
            let mails = read_to_string(self.folder.join("mails.jsonl")).unwrap_or_default();
            if let Some(line) = mails.lines().nth(number) {
                let mail: Value = serde_json::from_str(line).expect("a mail");
                let digits = |word: &&str| word.len() == 8 && word.bytes().all(|byte| byte.is_ascii_digit());
                let code = text(&mail, "/text").split(|c: char| !c.is_ascii_alphanumeric()).find(digits);
                return code.expect("a code").to_owned();
            }
            tokio::task::yield_now().await;
        }
    }
}

impl Drop for Production {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn program(folder: &Path, command: &str) -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_postern"));
    program.arg(command).arg("--config").arg(folder.join("postern.toml")).stdin(Stdio::null());
    program
}

fn text<'a>(value: &'a Value, way: &str) -> &'a str {
    value.pointer(way).and_then(Value::as_str).unwrap_or_else(|| panic!("no {way} in {value}"))
}

#[tokio::test]
async fn case_83_the_log_at_its_most_verbose_lets_nobody_in() {
    let mut server = Production::start().await;
    let client = server.client();
    let mut secrets = vec![server.key.secret.clone(), PASSWORD.to_owned(), WRONG.to_owned()];
    let pool = json!({
        "PoolName": "people", "UsernameAttributes": ["email"], "AutoVerifiedAttributes": ["email"],
        "Policies": { "SignInPolicy": { "AllowedFirstAuthFactors": ["PASSWORD", "EMAIL_OTP"] } },
    });
    let pool_id = text(&server.signed("CreateUserPool", pool).await, "/UserPool/Id").to_owned();
    let callback = "https://app.example/cb";
    let made = server.signed(
        "CreateUserPoolClient",
        json!({
            "UserPoolId": pool_id, "ClientName": "app", "GenerateSecret": true,
            "ExplicitAuthFlows": ["ALLOW_USER_AUTH", "ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
            "AllowedOAuthFlowsUserPoolClient": true, "AllowedOAuthFlows": ["code"],
            "AllowedOAuthScopes": ["openid", "email"], "CallbackURLs": [callback],
        }),
    );
    let made = made.await;
    let client_id = text(&made, "/UserPoolClient/ClientId").to_owned();
    let secret = text(&made, "/UserPoolClient/ClientSecret").to_owned();
    let attributes =
        json!([{ "Name": "email", "Value": ALICE }, { "Name": "email_verified", "Value": "true" }]);
    let person = json!({
        "UserPoolId": pool_id, "Username": ALICE, "MessageAction": "SUPPRESS", "UserAttributes": attributes,
    });
    server.signed("AdminCreateUser", person).await;
    let set = json!({ "UserPoolId": pool_id, "Username": ALICE, "Password": PASSWORD, "Permanent": true });
    server.signed("AdminSetUserPassword", set).await;

    let hash = secret_hash(&secret, ALICE, &client_id);
    // By the API: a wrong password, a right one, a code.
    for password in [WRONG, PASSWORD] {
        let parameters = json!({ "USERNAME": ALICE, "PASSWORD": password, "SECRET_HASH": hash });
        let begin = json!({
            "ClientId": client_id, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters,
        });
        client.json("InitiateAuth", &begin, None).await;
    }
    let parameters = json!({ "USERNAME": ALICE, "PREFERRED_CHALLENGE": "EMAIL_OTP", "SECRET_HASH": hash });
    let begin = json!({ "ClientId": client_id, "AuthFlow": "USER_AUTH", "AuthParameters": parameters });
    let asked = client.json("InitiateAuth", &begin, None).await.ok().body;
    let code = server.code(0).await;
    let responses = json!({ "USERNAME": ALICE, "EMAIL_OTP_CODE": code, "SECRET_HASH": hash });
    let answer = json!({
        "ClientId": client_id, "ChallengeName": "EMAIL_OTP", "Session": asked["Session"],
        "ChallengeResponses": responses,
    });
    let tokens = client.json("RespondToAuthChallenge", &answer, None).await.ok().body;
    secrets.extend([secret.clone(), hash, code, text(&asked, "/Session").to_owned()]);
    for name in ["AccessToken", "IdToken", "RefreshToken"] {
        secrets.push(text(&tokens, &format!("/AuthenticationResult/{name}")).to_owned());
    }
    let access = json!({ "AccessToken": tokens["AuthenticationResult"]["AccessToken"] });
    client.json("GetUser", &access, None).await.ok();

    // By the pages, under a name that nobody has, and with a code that was never given.
    let browser = Browser::new(&server.url);
    let challenge = challenge_of(VERIFIER);
    let authorize = query(&[
        ("response_type", "code"),
        ("client_id", &client_id),
        ("redirect_uri", callback),
        ("scope", "openid email"),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ]);
    let page = browser.visit(&format!("/oauth2/authorize?{authorize}")).await;
    let page = browser.press(&page, "/login", &[("username", "bob@example.com")]).await;
    let page = browser.press(&page, "/login/code", &[("code", "31415926")]).await;
    secrets.push("31415926".to_owned());
    secrets.extend(page.hidden("/login/code").into_iter().filter(|(name, _)| name == "csrf").map(|(_, v)| v));
    secrets.extend(browser.cookie_values());
    let form = [
        ("grant_type", "authorization_code"),
        ("code", "a-code-that-somebody-stole-0a1b2c"),
        ("redirect_uri", callback),
        ("code_verifier", VERIFIER),
        ("client_id", client_id.as_str()),
        ("client_secret", secret.as_str()),
    ];
    browser.post("/oauth2/token", &form, &[]).await;
    secrets.extend(["a-code-that-somebody-stole-0a1b2c".to_owned(), VERIFIER.to_owned()]);
    let bearer = format!("Bearer {}", text(&access, "/AccessToken"));
    browser.send("GET", "/oauth2/userInfo", "", &[("authorization", &bearer)]).await;

    server.child.kill().expect("the process can be killed");
    server.child.wait().expect("the process has ended");
    let log = read_to_string(server.folder.join("log")).expect("the log");
    assert!(log.lines().count() > 1, "it says something: {log}");
    assert!(secrets.len() > 12 && secrets.iter().all(|secret| secret.len() >= 8), "{}", secrets.len());
    for secret in &secrets {
        assert!(!log.contains(secret.as_str()), "{secret} is in the log");
    }
    assert!(!log.contains(ALICE), "an address is in the log");
}
