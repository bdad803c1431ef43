//! The program typed in a shell, against a running server: what it prints, and the code it ends with.

use crate::support::TestServer;
use postern_store::{Clock, random};
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

/// What came of a line.
struct Done {
    code: i32,
    out: String,
    talk: String,
}

impl Done {
    fn data(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|_| panic!("no JSON: {} {}", self.out, self.talk))
    }

    fn ends(self, code: i32, word: &str) {
        assert_eq!((self.code, self.out.as_str()), (code, ""), "{}", self.talk);
        assert!(self.talk.contains(word), "{}", self.talk);
    }
}

/// Runs a line in a shell where the server and a key are exported, as the program prints them.
async fn typed(url: &str, key: (&str, &str), line: &str) -> Done {
    let mut command = Command::new(env!("CARGO_BIN_EXE_postern"));
    command
        .args(line.split_whitespace())
        .env("AWS_ENDPOINT_URL", url)
        .env_remove("AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER")
        .env("AWS_ACCESS_KEY_ID", key.0)
        .env("AWS_SECRET_ACCESS_KEY", key.1)
        .env("AWS_REGION", "us-east-1")
        .env("BROWSER", "true");
    let ran = tokio::task::spawn_blocking(move || command.output()).await.expect("not cancelled");
    let ran = ran.expect("the program runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    Done { code: ran.status.code().unwrap_or(-1), out: text(ran.stdout), talk: text(ran.stderr) }
}

/// A server whose clock agrees with the program's, for its signatures.
async fn server() -> TestServer {
    TestServer::at(Clock::system().now(), |_| {}).await
}

const KEY: (&str, &str) = ("test", "test");

#[tokio::test]
async fn a_script_makes_an_app_adds_a_user_and_reads_the_code() {
    let server = server().await;
    let demo = server.demo().await;
    let run = async |line: &str| typed(&server.url, KEY, line).await;

    let status = run("status").await;
    assert_eq!(status.code, 0, "{}", status.talk);
    assert_eq!(status.out, format!("{}  ready\n  {}  demo\n", server.url, demo.pool_id));
    assert_eq!(run("pool list").await.out, format!("{}  demo\n", demo.pool_id));
    let exported = run("status -o env --pool demo").await.out;
    assert_eq!(run("status --env --pool demo").await.out, exported);
    assert!(exported.contains(&format!("export AWS_ENDPOINT_URL='{}'\n", server.url)), "{exported}");
    assert!(exported.contains(&format!("export USER_POOL_CLIENT_ID='{}'\n", demo.client_id)), "{exported}");

    let made = run("client create Shop --callback https://shop.example/callback -o json").await.data();
    assert_eq!(made["CallbackURLs"], json!(["https://shop.example/callback"]));
    let client = made["ClientId"].as_str().expect("an id").to_owned();
    let listed = run("client list --pool demo").await.out;
    assert!(listed.contains(&format!("{client}  Shop\n")), "{listed}");

    let added = run("user add noor@example.com").await;
    assert!(
        added.out.ends_with("  FORCE_CHANGE_PASSWORD\n") || added.out.ends_with("  CONFIRMED\n"),
        "{}",
        added.out
    );
    let twice = run("user add noor@example.com").await;
    twice.ends(1, "UsernameExistsException");

    let asked = server
        .api(
            "InitiateAuth",
            json!({
                "ClientId": client,
                "AuthFlow": "USER_AUTH",
                "AuthParameters": { "USERNAME": "noor@example.com", "PREFERRED_CHALLENGE": "EMAIL_OTP" },
            }),
        )
        .await
        .ok();
    let code = run("mail wait --to noor@example.com").await;
    assert_eq!(code.code, 0, "{}", code.talk);
    let signed_in = server
        .api(
            "RespondToAuthChallenge",
            json!({
                "ClientId": client,
                "ChallengeName": "EMAIL_OTP",
                "Session": asked.body["Session"],
                "ChallengeResponses": { "USERNAME": "noor@example.com", "EMAIL_OTP_CODE": code.out.trim_end() },
            }),
        )
        .await
        .ok();
    assert!(signed_in.body["AuthenticationResult"]["IdToken"].is_string());
    // It has been read; there is no other.
    run("mail wait --to noor@example.com --timeout 0s").await.ends(3, "no new message to noor@example.com");
}

#[tokio::test]
async fn what_goes_wrong_is_said_and_told_by_the_exit_code() {
    let server = server().await;
    let run = async |line: &str| typed(&server.url, KEY, line).await;
    run("client list").await.ends(3, "there is no user pool");
    run("client list --pool nowhere").await.ends(3, "there is no user pool nowhere");
    run("mail wait --to nobody").await.ends(1, "nobody: ");
    run("pool lits").await.ends(2, "list");
    run("mail wait").await.ends(2, "--to");
    for name in ["one", "two"] {
        server.signed("CreateUserPool", json!({ "PoolName": name })).await.ok();
    }
    run("user add sam@example.com").await.ends(1, "several");
    typed(&server.url, ("test", "wrong"), "pool list").await.ends(1, "InvalidSignatureException");
    // A port that nobody listens on: it was free just now.
    let gone = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    typed(&format!("http://{gone}"), KEY, "status").await.ends(4, "nobody answers");
}

#[tokio::test]
async fn a_backup_opens_with_the_master_key_and_replaces_no_file() {
    let folder = std::env::temp_dir().join(format!("postern-backup-{}", hex::encode(random::bytes::<8>())));
    let config_of = |name: &str| {
        let home = folder.join(name);
        std::fs::create_dir_all(&home).expect("a folder");
        let config = home.join("postern.toml");
        let text = format!(
            "public_url = \"http://localhost\"\ndata = {home:?}\n[mail]\nfrom = \"no-reply@example.com\"\nfile = {:?}\n",
            home.join("mails.jsonl")
        );
        std::fs::write(&config, text).expect("a file");
        (home, config.display().to_string())
    };
    let run = async |line: &str| typed("http://localhost:1", KEY, line).await;
    let (home, config) = config_of("first");
    let begun = run(&format!("init --config {config}")).await;
    assert_eq!(begun.code, 0, "{}", begun.talk);
    let copy = folder.join("copy.db");
    let line = format!("backup --config {config} --to {}", copy.display());
    assert_eq!(run(&format!("{line} -o json")).await.data(), json!({ "File": copy }));
    let length = std::fs::metadata(&copy).expect("a copy").len();
    run(&line).await.ends(1, "cannot be made");
    assert_eq!(std::fs::metadata(&copy).expect("the copy still").len(), length);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(&copy).expect("a copy").permissions().mode();
        assert_eq!(mode & 0o077, 0, "{mode:o}");
    }

    let (other, config) = config_of("second");
    std::fs::copy(&copy, other.join("postern.db")).expect("put back");
    let keyless = run(&format!("doctor --config {config}")).await;
    assert!(keyless.code == 1 && keyless.out.contains("master.key is missing"), "{}", keyless.out);
    std::fs::copy(home.join("master.key"), other.join("master.key")).expect("put back");
    let checked = run(&format!("doctor --config {config}")).await;
    assert!(checked.out.contains("the master key is the right one"), "{}", checked.out);
    let restored = format!("restored --config {config}");
    run(&restored).await.ends(1, "Say it again with --yes");
    assert_eq!(run(&format!("{restored} --yes -o json")).await.data(), json!({ "EndedSignIns": 0 }));
    run(&format!("keys rotate --config {config} --pool nowhere")).await.ends(3, "there is no pool nowhere");
    assert_eq!(run(&format!("keys rotate --config {config} -o json")).await.data(), json!([]));
    assert!(run(&format!("migrate --config {config} -o json")).await.data()["Version"].is_string());
    let second = run(&format!("init --config {config} --name second -o json")).await.data();
    assert!(second["SecretAccessKey"].is_string());
    // The administrator is in it.
    run(&format!("init --config {config}")).await.ends(1, "there is a user administrator already");
    std::fs::remove_dir_all(&folder).expect("tidied up");
}

#[tokio::test]
async fn the_doctor_says_of_each_thing_how_it_is_and_what_to_do() {
    let folder = std::env::temp_dir().join(format!("postern-doctor-{}", hex::encode(random::bytes::<8>())));
    std::fs::create_dir_all(&folder).expect("a folder");
    let config = folder.join("postern.toml");
    let write = |public_url: &str, port: u16, more: &str| {
        let text = format!(
            "public_url = \"{public_url}\"\nlisten = [\"127.0.0.1:{port}\"]\ndata = {:?}\n[mail]\n\
             from = \"no-reply@postern.test\"\n{more}\n",
            folder.join("data"),
        );
        std::fs::write(&config, text).expect("a file");
    };
    let file = format!("file = {:?}", folder.join("mails.jsonl"));
    let doctor = format!("doctor --config {}", config.display());
    let run = async |line: &str| typed("http://localhost:1", KEY, line).await;
    let says = |done: &Done, state: &str, what: &str, words: &str| {
        let is_said = done.out.lines().any(|line| {
            line.starts_with(state) && line[10..].starts_with(what) && line[27..].contains(words)
        });
        assert!(is_said, "{state} {what} {words}:\n{}", done.out);
    };

    // A server that runs: nothing but its sender's domain, which nobody has, is bad.
    let server = server().await;
    let port = server.url.rsplit_once(':').and_then(|(_, port)| port.parse().ok()).expect("a port");
    write(&server.url, port, &file);
    // Looking makes nothing.
    says(&run(&doctor).await, "bad", "database", "there is no data yet");
    assert!(!folder.join("data").exists());
    assert_eq!(run(&format!("init --config {}", config.display())).await.code, 0);
    let well = run(&doctor).await;
    says(&well, "good", "database", "the master key is the right one");
    says(&well, "good", "permissions", "only");
    says(&well, "good", "clock", "");
    says(&well, "good", "audit", "all 0 links");
    says(&well, "good", "port", "taken by a running postern");
    says(&well, "good", "reach", "leads to a postern");
    says(&well, "bad", "sender", "postern.test has no SPF record");
    assert!(
        well.out.contains("publish a TXT record at postern.test that begins with v=spf1"),
        "{}",
        well.out
    );
    assert_eq!((well.code, well.talk.as_str()), (1, "postern: 2 things are to be put right\n"));
    let told = run(&format!("{doctor} -o json")).await.data();
    assert!(told.as_array().is_some_and(|all| all.iter().any(|one| one["Fix"].is_string())), "{told}");

    // One that cannot: somebody else has its port, others read its files, nobody is where its mails go, and its address
    // suits no passkey and needs a proxy that is not trusted.
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let nobody =
        std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let relay = format!("[mail.smtp]\nhost = \"127.0.0.1\"\nport = {}\nsecurity = \"none\"", nobody.port());
    write("https://127.0.0.1:1", taken.local_addr().expect("an address").port(), &relay);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let open = |path: &str, mode| {
            std::fs::set_permissions(folder.join(path), std::fs::Permissions::from_mode(mode)).expect("set");
        };
        open("data", 0o755);
        open("data/master.key", 0o644);
    }
    // It was put back from a copy: its audit had come further.
    std::fs::write(folder.join("data/audit.head"), "5 00\n").expect("written");
    let ill = run(&doctor).await;
    says(&ill, "bad", "audit", "link 5 of its chain was changed, or is gone");
    #[cfg(unix)]
    says(&ill, "bad", "permissions", "master.key");
    says(&ill, "bad", "port", "is in use");
    says(&ill, "bad", "public address", "names no host but a number");
    says(&ill, "bad", "proxy", "everybody counts as one");
    says(&ill, "bad", "certificate", "nobody answers");
    says(&ill, "not seen", "reach", "does not run");
    says(&ill, "bad", "mail relay", "connecting");
    assert_eq!(ill.code, 1);
    std::fs::remove_dir_all(&folder).expect("tidied up");
}

#[tokio::test]
async fn whoever_runs_a_server_answers_a_request_for_production_access() {
    let folder = std::env::temp_dir().join(format!("postern-ses-{}", hex::encode(random::bytes::<8>())));
    std::fs::create_dir_all(&folder).expect("a folder");
    let config = folder.join("postern.toml");
    let text = format!(
        "public_url = \"http://localhost:9320\"\nlisten = [\"127.0.0.1:0\"]\ndata = {:?}\n[mail]\n\
         from = \"no-reply@postern.test\"\nfile = {:?}\n",
        folder.join("data"),
        folder.join("mails.jsonl"),
    );
    std::fs::write(&config, text).expect("a file");
    let run = async |line: &str| {
        typed("http://localhost:1", KEY, &format!("{line} --config {}", config.display())).await
    };
    assert_eq!(run("init").await.code, 0);
    let denied = run("ses deny --reason Why?").await;
    assert_eq!((denied.code, denied.out.contains("is denied")), (0, true), "{}", denied.talk);
    let granted = run("ses grant").await;
    assert_eq!((granted.code, granted.out.contains("is granted")), (0, true), "{}", granted.talk);
    run("ses").await.ends(2, "");
    std::fs::remove_dir_all(&folder).expect("tidied up");
}

#[tokio::test]
async fn a_shell_is_told_the_words_and_a_browser_the_page() {
    let server = server().await;
    let run = async |line: &str| typed(&server.url, KEY, line).await;
    let completions = run("completions bash").await;
    assert!(completions.code == 0 && completions.out.contains("ses-sandbox"), "{}", completions.talk);
    let manual = run("man").await;
    assert!(
        manual.code == 0
            && manual.out.starts_with(".ie")
            && manual.out.contains(".SH \"POSTERN MAIL WAIT\"")
            && manual.out.contains("timeout"),
        "{}",
        manual.out
    );
    assert_eq!(run("open inbox").await.out, format!("{}/inbox\n", server.url));
    assert!(run("mail wait --help").await.out.contains("postern mail wait --to alice@example.com"));
    run("open attic").await.ends(2, "inbox");
    typed("http://localhost:1", KEY, "open").await.ends(4, "nobody answers");
}

#[tokio::test]
async fn https_on_this_machine_is_one_flag() {
    let home = std::env::temp_dir().join(format!("postern-tls-{}", hex::encode(random::bytes::<8>())));
    std::fs::create_dir_all(&home).expect("a folder");
    let run = async |line: &str, home: &Path| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_postern"));
        command.args(line.split_whitespace()).env("XDG_DATA_HOME", home).env_remove("AWS_ENDPOINT_URL");
        let ran = tokio::task::spawn_blocking(move || command.output()).await.expect("not cancelled");
        ran.expect("the program runs")
    };
    // Twice: the authority that was trusted once is kept.
    let mut authorities = Vec::new();
    for _ in 0..2 {
        let mut server = Command::new(env!("CARGO_BIN_EXE_postern"))
            .args(["serve", "--ephemeral", "--tls", "local", "--port", "0"])
            .env("XDG_DATA_HOME", &home)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut lines = BufReader::new(server.stdout.take().expect("its output")).lines();
        let mut next = |word: &str| {
            let line =
                lines.find(|line| line.as_ref().is_ok_and(|line| line.contains(word))).expect("a line");
            line.expect("text").split_whitespace().nth(1).expect("a second word").to_owned()
        };
        let url = next("API");
        assert!(url.starts_with("https://localhost:"), "{url}");
        let authority = next("NODE_EXTRA_CA_CERTS").replace("AWS_CA_BUNDLE=", "");
        authorities.push(std::fs::read_to_string(&authority).expect("the authority's certificate"));

        let status = run(&format!("status --url {url}"), &home).await;
        let said = String::from_utf8_lossy(&status.stdout).into_owned();
        assert!(said.starts_with(&format!("{url}  ready")), "{said} {status:?}");
        // Whoever does not trust it is told why.
        let strange = run(&format!("status --url {url}"), Path::new("/nowhere")).await;
        let told = String::from_utf8_lossy(&strange.stderr).into_owned();
        assert!(strange.status.code() == Some(4) && told.contains("certificate is not trusted"), "{told}");
        // Nobody is answered in the clear.
        let plain = run(&format!("status --url {}", url.replace("https", "http")), &home).await;
        assert_eq!(plain.status.code(), Some(4), "{plain:?}");
        server.kill().expect("the server ends");
        server.wait().expect("the server ended");
    }
    assert_eq!(authorities[0], authorities[1]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode =
            std::fs::metadata(home.join("postern/authority.key")).expect("the key").permissions().mode();
        assert_eq!(mode & 0o077, 0, "{mode:o}");
    }
    std::fs::remove_dir_all(&home).expect("tidied up");
}

#[tokio::test]
async fn a_server_that_others_reach_is_not_started_before_it_has_an_administrator() {
    let folder = std::env::temp_dir().join(format!("postern-bare-{}", hex::encode(random::bytes::<8>())));
    std::fs::create_dir_all(&folder).expect("a folder");
    let config = folder.join("postern.toml");
    let taken = std::net::TcpListener::bind("0.0.0.0:0").expect("a port");
    let write = |port: u16| {
        let text = format!(
            "public_url = \"http://localhost\"\nlisten = [\"0.0.0.0:{port}\"]\ndata = {folder:?}\n[mail]\n\
             from = \"no-reply@example.com\"\nfile = {:?}\n",
            folder.join("mails.jsonl")
        );
        std::fs::write(&config, text).expect("a file");
    };
    let serve = format!("serve --config {}", config.display());
    write(taken.local_addr().expect("an address").port());
    let refused = typed("http://localhost:1", KEY, &serve).await;
    assert!(
        refused.code == 1 && refused.talk.contains("change listen in the configuration"),
        "{}",
        refused.talk
    );
    write(0);
    let refused = typed("http://localhost:1", KEY, &serve).await;
    assert!(refused.code == 1 && refused.talk.contains("postern init --config FILE"), "{}", refused.talk);
    std::fs::remove_dir_all(&folder).expect("tidied up");
}
