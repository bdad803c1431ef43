//! Remembered devices as an app meets them: it keeps a key and a secret, proves them after the password, and its user is
//! spared the second factor.

use crate::mfa::{ALICE, BOB, PASSWORD, access_token, sets_up};
use crate::story::{App, Challenge, Reply, challenge, claims, text};
use crate::support::authenticator::Authenticator;
use crate::support::{DeviceSecret, SrpClient, TestServer};
use serde_json::{Value, json};

const DAY_MS: i64 = 86_400_000;
pub const NO_DEVICE: (&str, &str) = ("ResourceNotFoundException", "Device does not exist.");
pub const WRONG: (&str, &str) = ("NotAuthorizedException", "Incorrect username or password.");

/// A pool that tracks devices, with Alice and Bob, who have passwords.
pub async fn pool<'a>(server: &'a TestServer, mode: &str, devices: Value) -> App<'a> {
    // Where a second factor is demanded of all, codes are no first one.
    let first: &[&str] = if mode == "ON" { &["PASSWORD"] } else { &["PASSWORD", "EMAIL_OTP"] };
    let factors = json!({ "SignInPolicy": { "AllowedFirstAuthFactors": first } });
    let flows =
        ["ALLOW_USER_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"];
    let settings = json!({ "Policies": factors, "DeviceConfiguration": devices });
    let app = App::with(server, settings, json!({ "ExplicitAuthFlows": flows })).await;
    if mode != "OFF" {
        let set = json!({ "MfaConfiguration": mode, "SoftwareTokenMfaConfiguration": { "Enabled": true } });
        app.signed("SetUserPoolMfaConfig", set).await.ok();
    }
    for person in [ALICE, BOB] {
        app.person(person).await;
        app.password(person, PASSWORD).await;
    }
    app
}

/// Devices stand in for the second factor, and are remembered at once.
pub fn always() -> Value {
    json!({ "ChallengeRequiredOnNewDevice": true, "DeviceOnlyRememberedOnUserPrompt": false })
}

/// Gives a password, on a device or on none that is known.
pub async fn begins_on(app: &App<'_>, name: &str, key: Option<&str>) -> Reply {
    app.server.clock.advance(1);
    let mut parameters = json!({ "USERNAME": name, "PASSWORD": PASSWORD });
    if let Some(key) = key {
        parameters["DEVICE_KEY"] = key.into();
    }
    app.public("InitiateAuth", json!({ "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters }))
        .await
}

/// Confirms the device of a sign-in, and says what came back.
pub async fn confirms(app: &App<'_>, signed_in: &Value) -> (DeviceSecret, Reply) {
    let result = &signed_in["AuthenticationResult"];
    let device = DeviceSecret::new(result);
    let confirm = json!({
        "AccessToken": result["AccessToken"], "DeviceKey": device.key, "DeviceName": "laptop",
        "DeviceSecretVerifierConfig": device.verifier(),
    });
    let answer = app.server.api("ConfirmDevice", confirm).await;
    (device, answer.into())
}

/// Answers DEVICE_SRP_AUTH with the opening of an exchange.
pub async fn opens(app: &App<'_>, name: &str, asked: &Challenge, client: &SrpClient, key: &str) -> Reply {
    app.replies(asked, json!({ "USERNAME": name, "DEVICE_KEY": key, "SRP_A": client.value })).await
}

/// Proves a device from DEVICE_SRP_AUTH on.
pub async fn proves(app: &App<'_>, name: &str, asked: &Value, device: &DeviceSecret) -> Reply {
    assert_eq!(asked["ChallengeName"], "DEVICE_SRP_AUTH", "{asked}");
    assert_eq!(asked["ChallengeParameters"], json!({}));
    let client = SrpClient::new();
    let next = opens(app, name, &challenge(asked), &client, &device.key).await.ok();
    assert_eq!(next["ChallengeName"], "DEVICE_PASSWORD_VERIFIER");
    assert_eq!(next["ChallengeParameters"]["DEVICE_KEY"], device.key.as_str());
    let proof = client.proves_device(device, &next["ChallengeParameters"], app.server.clock.now());
    app.replies(&challenge(&next), proof).await
}

/// Signs in by password and authenticator.
pub async fn signs_in_by_code(app: &App<'_>, name: &str, authenticator: &Authenticator) -> Value {
    let asked = begins_on(app, name, None).await.ok();
    gives_code(app, name, &asked, authenticator).await.ok()
}

async fn gives_code(app: &App<'_>, name: &str, asked: &Value, authenticator: &Authenticator) -> Reply {
    assert_eq!(asked["ChallengeName"], "SOFTWARE_TOKEN_MFA", "{asked}");
    let code = authenticator.next_code(app.server);
    app.replies(&challenge(asked), json!({ "USERNAME": name, "SOFTWARE_TOKEN_MFA_CODE": code })).await
}

/// Somebody with an authenticator and a device that all was given on.
pub async fn with_device(app: &App<'_>, name: &str) -> (Authenticator, DeviceSecret) {
    let authenticator = sets_up(app, &access_token(app, name).await).await;
    let signed_in = signs_in_by_code(app, name, &authenticator).await;
    let (device, answer) = confirms(app, &signed_in).await;
    answer.ok();
    (authenticator, device)
}

async fn status(app: &App<'_>, token: &str, key: &str, status: &str) {
    let body = json!({ "AccessToken": token, "DeviceKey": key, "DeviceRememberedStatus": status });
    assert_eq!(app.server.api("UpdateDeviceStatus", body).await.ok().body, json!({}));
}

#[tokio::test]
async fn a_remembered_device_stands_in_for_the_second_factor() {
    let server = TestServer::start().await;
    let app = pool(&server, "OPTIONAL", always()).await;
    let authenticator = sets_up(&app, &access_token(&app, ALICE).await).await;
    let signed_in = signs_in_by_code(&app, ALICE, &authenticator).await;
    let (device, answer) = confirms(&app, &signed_in).await;
    assert_eq!(answer.ok(), json!({ "UserConfirmationNecessary": false }));
    let (region, id) = device.key.split_once('_').expect("a region and an id");
    assert!(region == "us-east-1" && uuid::Uuid::try_parse(id).is_ok(), "{}", device.key);
    assert!(device.group_key.starts_with('-'), "{}", device.group_key);

    let asked = begins_on(&app, ALICE, Some(&device.key)).await.ok();
    let signed_in = proves(&app, ALICE, &asked, &device).await.ok();
    let result = &signed_in["AuthenticationResult"];
    assert_eq!(result.get("NewDeviceMetadata"), None);
    assert_eq!(signed_in["ChallengeParameters"], json!({}));
    assert_eq!(claims(&text(result, "/AccessToken"))["device_key"], device.key.as_str());
    assert_eq!(claims(&text(result, "/IdToken"))["amr"], json!(["pwd"]));

    // Elsewhere she is asked for her code.
    let asked = begins_on(&app, ALICE, None).await.ok();
    assert_eq!(asked["ChallengeName"], "SOFTWARE_TOKEN_MFA");
}

#[tokio::test]
async fn a_device_is_proven_after_a_proven_password_and_named_at_any_step() {
    let server = TestServer::start().await;
    let app = pool(&server, "OPTIONAL", always()).await;
    let (_, device) = with_device(&app, ALICE).await;
    for (first, second) in [(true, true), (true, false), (false, true)] {
        let client = SrpClient::new();
        let mut parameters = json!({ "USERNAME": ALICE, "SRP_A": client.value });
        if first {
            parameters["DEVICE_KEY"] = device.key.clone().into();
        }
        let begin = json!({ "AuthFlow": "USER_SRP_AUTH", "AuthParameters": parameters });
        let asked = app.public("InitiateAuth", begin).await.ok();
        let now = server.clock.now();
        let mut proof = client.proves(&app.pool_id, &asked["ChallengeParameters"], PASSWORD, now);
        if second {
            proof["DEVICE_KEY"] = device.key.clone().into();
        }
        let body = json!({ "ChallengeName": "PASSWORD_VERIFIER", "ChallengeResponses": proof });
        let asked = app.public("RespondToAuthChallenge", body).await.ok();
        proves(&app, ALICE, &asked, &device).await.ok();
    }
    // By choice, too.
    let parameters = json!({
        "USERNAME": ALICE, "PREFERRED_CHALLENGE": "PASSWORD", "PASSWORD": PASSWORD, "DEVICE_KEY": device.key,
    });
    let begin = json!({ "AuthFlow": "USER_AUTH", "AuthParameters": parameters });
    let asked = app.public("InitiateAuth", begin).await.ok();
    proves(&app, ALICE, &asked, &device).await.ok();
}

#[tokio::test]
async fn a_device_waits_for_its_owners_word_where_the_pool_says_so() {
    let server = TestServer::start().await;
    let on_prompt = json!({ "ChallengeRequiredOnNewDevice": true, "DeviceOnlyRememberedOnUserPrompt": true });
    let app = pool(&server, "OPTIONAL", on_prompt).await;
    let authenticator = sets_up(&app, &access_token(&app, ALICE).await).await;
    let signed_in = signs_in_by_code(&app, ALICE, &authenticator).await;
    let (device, answer) = confirms(&app, &signed_in).await;
    assert_eq!(answer.ok(), json!({ "UserConfirmationNecessary": true }));
    let token = text(&signed_in, "/AuthenticationResult/AccessToken");

    let asked = begins_on(&app, ALICE, Some(&device.key)).await.ok();
    let result = gives_code(&app, ALICE, &asked, &authenticator).await.ok();
    assert_eq!(result["AuthenticationResult"].get("NewDeviceMetadata"), None, "it is known");
    status(&app, &token, &device.key, "remembered").await;
    let asked = begins_on(&app, ALICE, Some(&device.key)).await.ok();
    proves(&app, ALICE, &asked, &device).await.ok();

    let asked = begins_on(&app, ALICE, Some(&device.key)).await.ok();
    assert_eq!(asked["ChallengeName"], "DEVICE_SRP_AUTH");
    let off =
        json!({ "Username": ALICE, "DeviceKey": device.key, "DeviceRememberedStatus": "not_remembered" });
    assert_eq!(app.signed("AdminUpdateDeviceStatus", off).await.ok(), json!({}));
    // The one that was asked for meanwhile is too late.
    opens(&app, ALICE, &challenge(&asked), &SrpClient::new(), &device.key)
        .await
        .refused(NO_DEVICE.0, NO_DEVICE.1);
    let asked = begins_on(&app, ALICE, Some(&device.key)).await.ok();
    assert_eq!(asked["ChallengeName"], "SOFTWARE_TOKEN_MFA");
    let none = json!({ "AccessToken": token, "DeviceKey": device.key });
    server.api("UpdateDeviceStatus", none).await.refused("InvalidParameterException");
}

#[tokio::test]
async fn where_the_second_factor_is_always_asked_for_the_device_comes_after_it() {
    let server = TestServer::start().await;
    let app = pool(&server, "ON", json!({ "ChallengeRequiredOnNewDevice": false })).await;
    let asked = challenge(&begins_on(&app, ALICE, None).await.ok());
    let made = server.api("AssociateSoftwareToken", json!({ "Session": asked.session })).await.ok().body;
    let authenticator = Authenticator::new(&text(&made, "/SecretCode"));
    let verify = json!({ "Session": text(&made, "/Session"), "UserCode": authenticator.code(&server) });
    let verified = server.api("VerifySoftwareToken", verify).await.ok().body;
    let asked = Challenge { session: text(&verified, "/Session"), ..asked };
    let signed_in = app.replies(&asked, json!({ "USERNAME": ALICE })).await.ok();
    let (device, answer) = confirms(&app, &signed_in).await;
    answer.ok();

    let asked = begins_on(&app, ALICE, Some(&device.key)).await.ok();
    let asked = gives_code(&app, ALICE, &asked, &authenticator).await.ok();
    let signed_in = proves(&app, ALICE, &asked, &device).await.ok();
    let id = claims(&text(&signed_in, "/AuthenticationResult/IdToken"));
    assert_eq!(id["amr"], json!(["pwd", "otp", "mfa"]));
}

#[tokio::test]
async fn without_a_second_factor_devices_are_still_known_and_proven() {
    let server = TestServer::start().await;
    let app = pool(&server, "OFF", always()).await;
    let signed_in = begins_on(&app, ALICE, None).await.ok();
    let (device, answer) = confirms(&app, &signed_in).await;
    answer.ok();
    let asked = begins_on(&app, ALICE, Some(&device.key)).await.ok();
    proves(&app, ALICE, &asked, &device.forged()).await.refused(WRONG.0, WRONG.1);
    let asked = begins_on(&app, ALICE, Some(&device.key)).await.ok();
    proves(&app, ALICE, &asked, &device).await.ok();

    // A code asks for no device, and gets a key for a new one.
    let signed_in = app.signs_in(ALICE).await;
    assert!(signed_in["AuthenticationResult"]["NewDeviceMetadata"]["DeviceKey"].is_string());

    // Where devices are no longer tracked, none is known and none is given a key.
    let factors = json!({ "SignInPolicy": { "AllowedFirstAuthFactors": ["PASSWORD"] } });
    app.signed("UpdateUserPool", json!({ "Policies": factors })).await.ok();
    for key in [None, Some(device.key.as_str())] {
        let signed_in = begins_on(&app, ALICE, key).await.ok();
        assert_eq!(signed_in["AuthenticationResult"].get("NewDeviceMetadata"), None);
    }
    let described = app.signed("DescribeUserPool", json!({})).await.ok();
    assert_eq!(described["UserPool"].get("DeviceConfiguration"), None);
}

#[tokio::test]
async fn trust_is_earned_by_all_factors_and_lasts_thirty_days() {
    let server = TestServer::start().await;
    let app = pool(&server, "OPTIONAL", always()).await;
    // A device that was confirmed by the password alone stands for nothing else.
    let early = begins_on(&app, ALICE, None).await.ok();
    let (device, answer) = confirms(&app, &early).await;
    answer.ok();
    let authenticator = sets_up(&app, &text(&early, "/AuthenticationResult/AccessToken")).await;
    let asked = begins_on(&app, ALICE, Some(&device.key)).await.ok();
    let asked = gives_code(&app, ALICE, &asked, &authenticator).await.ok();
    proves(&app, ALICE, &asked, &device).await.ok();
    // From then on it does, for its time.
    server.clock.advance(30 * DAY_MS - 60_000);
    let asked = begins_on(&app, ALICE, Some(&device.key)).await.ok();
    proves(&app, ALICE, &asked, &device).await.ok();
    server.clock.advance(60_000);
    let asked = begins_on(&app, ALICE, Some(&device.key)).await.ok();
    let asked = gives_code(&app, ALICE, &asked, &authenticator).await.ok();
    let signed_in = proves(&app, ALICE, &asked, &device).await.ok();
    let asked = begins_on(&app, ALICE, Some(&device.key)).await.ok();
    assert_eq!(asked["ChallengeName"], "DEVICE_SRP_AUTH");

    // A second factor that is chosen anew has to be given on it once.
    let token = text(&signed_in, "/AuthenticationResult/AccessToken");
    let off = json!({ "AccessToken": token, "SoftwareTokenMfaSettings": { "Enabled": false } });
    server.api("SetUserMFAPreference", off).await.ok();
    let signed_in = proves(&app, ALICE, &asked, &device).await.ok();
    let authenticator = sets_up(&app, &text(&signed_in, "/AuthenticationResult/AccessToken")).await;
    let asked = begins_on(&app, ALICE, Some(&device.key)).await.ok();
    gives_code(&app, ALICE, &asked, &authenticator).await.ok();
}

#[tokio::test]
async fn devices_are_shown_listed_and_forgotten_by_their_owner_and_by_administrators() {
    let server = TestServer::start().await;
    let app = pool(&server, "OFF", always()).await;
    let mut devices = Vec::new();
    let mut token = String::new();
    for _ in 0..3 {
        let signed_in = begins_on(&app, ALICE, None).await.ok();
        let (device, answer) = confirms(&app, &signed_in).await;
        answer.ok();
        devices.push(device);
        token = text(&signed_in, "/AuthenticationResult/AccessToken");
    }
    devices.sort_by(|one, other| one.key.cmp(&other.key));
    let own = async |operation: &str, more: Value| {
        let mut body = more;
        body["AccessToken"] = token.clone().into();
        server.api(operation, body).await
    };
    let key = devices[0].key.as_str();
    let shown = own("GetDevice", json!({ "DeviceKey": key })).await.ok().body["Device"].clone();
    assert_eq!(shown["DeviceKey"], key);
    let attributes = shown["DeviceAttributes"].as_array().expect("attributes");
    assert!(attributes.contains(&json!({ "Name": "device_status", "Value": "valid" })), "{shown}");
    assert!(attributes.contains(&json!({ "Name": "device_name", "Value": "laptop" })));
    assert!(attributes.contains(&json!({ "Name": "last_ip_used", "Value": "127.0.0.1" })));
    for moment in ["DeviceCreateDate", "DeviceLastModifiedDate", "DeviceLastAuthenticatedDate"] {
        assert!(shown[moment].as_f64().is_some_and(|moment| moment > 1.7e9), "{moment}");
    }
    let keys = |page: &Value| -> Vec<String> {
        let devices = page["Devices"].as_array().expect("devices");
        devices.iter().map(|device| text(device, "/DeviceKey")).collect()
    };
    let all: Vec<String> = devices.iter().map(|device| device.key.clone()).collect();
    assert_eq!(keys(&own("ListDevices", json!({})).await.ok().body), all);
    let first = own("ListDevices", json!({ "Limit": 2 })).await.ok().body;
    let rest =
        own("ListDevices", json!({ "Limit": 2, "PaginationToken": first["PaginationToken"] })).await.ok();
    assert_eq!([keys(&first), keys(&rest.body)].concat(), all);
    assert_eq!(rest.body.get("PaginationToken"), None);
    own("ListDevices", json!({ "PaginationToken": "nonsense" })).await.refused("InvalidParameterException");

    let admin = json!({ "Username": ALICE, "DeviceKey": key });
    let shown = app.signed("AdminGetDevice", admin.clone()).await.ok()["Device"].clone();
    let attributes = shown["DeviceAttributes"].as_array().expect("attributes");
    assert!(
        attributes.contains(&json!({ "Name": "dev:device_remembered_status", "Value": "remembered" })),
        "{shown}"
    );
    assert_eq!(keys(&app.signed("AdminListDevices", json!({ "Username": ALICE })).await.ok()), all);
    assert_eq!(app.signed("AdminForgetDevice", admin.clone()).await.ok(), json!({}));
    app.signed("AdminForgetDevice", admin.clone()).await.refused(NO_DEVICE.0, NO_DEVICE.1);
    app.signed("AdminGetDevice", admin.clone()).await.refused(NO_DEVICE.0, NO_DEVICE.1);
    app.signed("AdminUpdateDeviceStatus", {
        let mut body = admin;
        body["DeviceRememberedStatus"] = "remembered".into();
        body
    })
    .await
    .refused(NO_DEVICE.0, NO_DEVICE.1);
    let second = json!({ "DeviceKey": devices[1].key });
    assert_eq!(own("ForgetDevice", second.clone()).await.ok().body, json!({}));
    own("ForgetDevice", second).await.refused("ResourceNotFoundException");
    assert_eq!(keys(&own("ListDevices", json!({})).await.ok().body), [all[2].clone()]);
    server.api("GetDevice", json!({ "DeviceKey": all[2] })).await.refused("InvalidParameterException");
    let nobody = json!({ "Username": "nobody@example.com", "DeviceKey": all[2] });
    app.signed("AdminGetDevice", nobody.clone()).await.refused_as("ResourceNotFoundException");
    app.signed("AdminForgetDevice", nobody).await.refused_as("UserNotFoundException");

    // They go with their owner.
    app.signed("AdminDeleteUser", json!({ "Username": ALICE })).await.ok();
    app.person(ALICE).await;
    assert_eq!(app.signed("AdminListDevices", json!({ "Username": ALICE })).await.ok()["Devices"], json!([]));
}

#[tokio::test]
async fn only_a_key_that_the_sign_in_gave_is_confirmed_and_only_once() {
    let server = TestServer::start().await;
    let app = pool(&server, "OFF", always()).await;
    let alice = begins_on(&app, ALICE, None).await.ok();
    let bob = begins_on(&app, BOB, None).await.ok();
    let device = DeviceSecret::new(&alice["AuthenticationResult"]);
    let confirm = |signed_in: &Value, verifier: Value| {
        json!({
            "AccessToken": signed_in["AuthenticationResult"]["AccessToken"], "DeviceKey": device.key,
            "DeviceSecretVerifierConfig": verifier,
        })
    };
    let words = server.api("ConfirmDevice", confirm(&bob, device.verifier())).await;
    assert_eq!(words.refused("InvalidParameterException"), "Invalid device key given.");
    let prime = {
        use base64::Engine;
        base64::engine::general_purpose::STANDARD.encode(hex::decode(SrpClient::prime_text()).expect("hex"))
    };
    // Numbers for which anybody could prove the secret, and none at all.
    for value in ["", "AA==", "AQ==", &prime, "%%%"] {
        let verifier = json!({ "PasswordVerifier": value, "Salt": "c2FsdHNhbHRzYWx0c2FsdA==" });
        server.api("ConfirmDevice", confirm(&alice, verifier)).await.refused("InvalidParameterException");
    }
    server.api("ConfirmDevice", confirm(&alice, Value::Null)).await.refused("InvalidParameterException");
    server.api("ConfirmDevice", confirm(&alice, device.verifier())).await.ok();
    server.api("ConfirmDevice", confirm(&alice, device.verifier())).await.refused("DeviceKeyExistsException");
}

#[tokio::test]
async fn a_sign_in_is_refreshed_on_its_device() {
    let server = TestServer::start().await;
    let app = pool(&server, "OFF", always()).await;
    let signed_in = begins_on(&app, ALICE, None).await.ok();
    let token = text(&signed_in, "/AuthenticationResult/RefreshToken");
    let flow = async |key: Option<&str>| {
        let mut parameters = json!({ "REFRESH_TOKEN": token });
        if let Some(key) = key {
            parameters["DEVICE_KEY"] = key.into();
        }
        let body = json!({ "AuthFlow": "REFRESH_TOKEN_AUTH", "AuthParameters": parameters });
        app.public("InitiateAuth", body).await
    };
    let operation = async |key: Option<&str>| {
        let mut body = json!({ "RefreshToken": token });
        if let Some(key) = key {
            body["DeviceKey"] = key.into();
        }
        app.public("GetTokensFromRefreshToken", body).await
    };
    // An app that does not know devices goes on without them.
    flow(None).await.ok();
    let (device, answer) = confirms(&app, &signed_in).await;
    answer.ok();
    let other = DeviceSecret::new(&begins_on(&app, ALICE, None).await.ok()["AuthenticationResult"]).key;
    for refused in
        [flow(None).await, operation(None).await, flow(Some(&other)).await, operation(Some(&other)).await]
    {
        refused.refused("NotAuthorizedException", "Invalid Refresh Token");
    }
    for refreshed in [flow(Some(&device.key)).await, operation(Some(&device.key)).await] {
        let refreshed = refreshed.ok();
        assert_eq!(refreshed["AuthenticationResult"].get("NewDeviceMetadata"), None);
        let access = claims(&text(&refreshed, "/AuthenticationResult/AccessToken"));
        assert_eq!(access["device_key"], device.key.as_str());
    }
    let forget = json!({ "Username": ALICE, "DeviceKey": device.key });
    app.signed("AdminForgetDevice", forget).await.ok();
    flow(None).await.ok();
}

#[tokio::test]
async fn an_app_whose_device_was_forgotten_goes_on_without_it() {
    let server = TestServer::start().await;
    let app = pool(&server, "OFF", always()).await;
    let signed_in = begins_on(&app, ALICE, None).await.ok();
    let (device, answer) = confirms(&app, &signed_in).await;
    answer.ok();
    app.signed("AdminForgetDevice", json!({ "Username": ALICE, "DeviceKey": device.key })).await.ok();
    for name in [ALICE, "nobody@example.com"] {
        begins_on(&app, name, Some(&device.key)).await.refused(NO_DEVICE.0, NO_DEVICE.1);
    }
    // A proof of the password is not spent by it.
    let client = SrpClient::new();
    let parameters = json!({ "USERNAME": ALICE, "SRP_A": client.value, "DEVICE_KEY": device.key });
    let begin = json!({ "AuthFlow": "USER_SRP_AUTH", "AuthParameters": parameters });
    let asked = app.public("InitiateAuth", begin).await.ok();
    let now = server.clock.now();
    let mut proof = client.proves(&app.pool_id, &asked["ChallengeParameters"], PASSWORD, now);
    let answers = async |proof: &Value| {
        let body = json!({ "ChallengeName": "PASSWORD_VERIFIER", "ChallengeResponses": proof });
        app.public("RespondToAuthChallenge", body).await
    };
    proof["DEVICE_KEY"] = device.key.clone().into();
    answers(&proof).await.refused(NO_DEVICE.0, NO_DEVICE.1);
    proof["DEVICE_KEY"] = Value::Null;
    let signed_in = answers(&proof).await.ok();
    assert!(signed_in["AuthenticationResult"]["NewDeviceMetadata"]["DeviceKey"].is_string());
}

#[tokio::test]
async fn a_client_that_keeps_no_session_proves_its_device_from_where_it_was_asked() {
    let server = TestServer::start().await;
    let app = pool(&server, "OFF", always()).await;
    let signed_in = begins_on(&app, ALICE, None).await.ok();
    let (device, answer) = confirms(&app, &signed_in).await;
    answer.ok();
    let client = SrpClient::new();
    let without = async |name: &str, responses: Value| {
        let body = json!({ "ChallengeName": name, "ChallengeResponses": responses });
        app.public("RespondToAuthChallenge", body).await
    };
    let opening = json!({ "USERNAME": ALICE, "DEVICE_KEY": device.key, "SRP_A": client.value });
    // Nothing was asked yet: the device alone begins no sign-in.
    without("DEVICE_SRP_AUTH", opening.clone())
        .await
        .refused("NotAuthorizedException", "Invalid session for the user.");
    begins_on(&app, ALICE, Some(&device.key)).await.ok();
    let next = without("DEVICE_SRP_AUTH", opening.clone()).await.ok();
    let proof = client.proves_device(&device, &next["ChallengeParameters"], server.clock.now());
    without("DEVICE_PASSWORD_VERIFIER", proof.clone()).await.ok();
    let once = "Invalid session for the user, session can only be used once.";
    without("DEVICE_PASSWORD_VERIFIER", proof).await.refused("NotAuthorizedException", once);
    without("DEVICE_SRP_AUTH", opening).await.refused("NotAuthorizedException", once);
}

#[tokio::test]
async fn a_strangers_device_is_forgotten_when_the_address_is_proven() {
    let server = TestServer::start().await;
    let app = pool(&server, "OFF", always()).await;
    let name = "carol@example.com";
    let attributes = json!([{ "Name": "email", "Value": name }]);
    let made = json!({ "Username": name, "MessageAction": "SUPPRESS", "UserAttributes": attributes });
    app.signed("AdminCreateUser", made).await.ok();
    app.password(name, PASSWORD).await;
    let (device, answer) = confirms(&app, &begins_on(&app, name, None).await.ok()).await;
    answer.ok();
    app.signs_in(name).await;
    let left = app.signed("AdminListDevices", json!({ "Username": name })).await.ok();
    assert_eq!(left["Devices"], json!([]));
    app.password(name, PASSWORD).await;
    begins_on(&app, name, Some(&device.key)).await.refused(NO_DEVICE.0, NO_DEVICE.1);
}

/// As amazon-cognito-identity-js does after a code.
#[tokio::test]
async fn the_session_of_the_step_before_will_do_where_it_was_answered() {
    let server = TestServer::start().await;
    let app = pool(&server, "OPTIONAL", json!({ "ChallengeRequiredOnNewDevice": false })).await;
    let (authenticator, device) = with_device(&app, ALICE).await;
    let before = begins_on(&app, ALICE, Some(&device.key)).await.ok();
    gives_code(&app, ALICE, &before, &authenticator).await.ok();
    let client = SrpClient::new();
    let asked = Challenge { name: "DEVICE_SRP_AUTH".to_owned(), ..challenge(&before) };
    let next = opens(&app, ALICE, &asked, &client, &device.key).await.ok();
    let proof = client.proves_device(&device, &next["ChallengeParameters"], server.clock.now());
    app.replies(&challenge(&next), proof).await.ok();
    // One that was not answered will not.
    let before = begins_on(&app, ALICE, Some(&device.key)).await.ok();
    let asked = Challenge { name: "DEVICE_SRP_AUTH".to_owned(), ..challenge(&before) };
    opens(&app, ALICE, &asked, &client, &device.key)
        .await
        .refused("NotAuthorizedException", "Invalid session for the user.");
}
