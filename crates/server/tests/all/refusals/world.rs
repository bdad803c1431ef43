//! A world in which every operation has something to work on: pools, apps, people in each state, their codes and tokens.

use super::{model, takes};
use crate::identity_providers::{at_corp, corp, here};
use crate::story::{code_in, newest_mail, own_sender, text};
use crate::support::authenticator::Authenticator;
use crate::support::passkey::{Attested, Ceremony, Passkey};
use crate::support::{Answer, DeviceSecret, TestServer};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use bytes::Bytes;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::ops::Index;

pub const ALICE: &str = "alice@example.com";
pub const PASSWORD: &str = "Correct-horse-1";
pub const ROLE: &str = "arn:aws:iam::123456789012:role/logs";

/// The server, and what things in it are called.
pub struct World {
    pub server: TestServer,
    known: HashMap<&'static str, String>,
}

impl Index<&str> for World {
    type Output = str;

    fn index(&self, name: &str) -> &str {
        self.known.get(name).unwrap_or_else(|| panic!("the world has no {name}"))
    }
}

impl World {
    pub async fn new() -> World {
        let server = TestServer::start().await;
        let mut world = World { server, known: HashMap::new() };
        world.pools_and_apps().await;
        world.people().await;
        world.what_pools_have().await;
        world.tokens().await;
        world.codes().await;
        world.second_factors().await;
        world.passkeys().await;
        world.jobs().await;
        world.devices().await;
        world.providers().await;
        world.events().await;
        world
    }

    fn is(&mut self, name: &'static str, value: impl Into<String>) {
        self.known.insert(name, value.into());
    }

    /// Words with what `$name` stands for.
    pub fn filled(&self, words: &str) -> String {
        let mut names: Vec<_> = self.known.iter().collect();
        // The longest first, of those that begin alike.
        names.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
        names
            .into_iter()
            .fold(words.to_owned(), |words, (name, value)| words.replace(&format!("${name}"), value))
    }

    /// Calls an operation, as the administrator or as nobody, as its model says.
    pub async fn call(&self, operation: &str, mut input: Value) -> Answer {
        for (member, name) in [("UserPoolId", "pool"), ("ClientId", "client"), ("AccessToken", "token")] {
            if input.get(member).is_none() && takes(operation, member) {
                input[member] = self[name].into();
            }
        }
        if let Value::Object(members) = &mut input {
            members.retain(|_, value| !value.is_null());
        }
        self.server.clock.advance(1);
        match model(operation).public {
            true => self.server.api(operation, input).await,
            false => self.server.signed(operation, input).await,
        }
    }

    async fn does(&self, operation: &str, input: Value) -> Value {
        self.call(operation, input).await.ok().body
    }

    async fn code_to(&self, address: &str) -> String {
        code_in(&newest_mail(&self.server, address).await)
    }

    async fn pool(&self, settings: Value) -> String {
        text(&self.does("CreateUserPool", settings).await, "/UserPool/Id")
    }

    async fn pools_and_apps(&mut self) {
        let factors = json!({ "AllowedFirstAuthFactors": ["PASSWORD", "EMAIL_OTP", "WEB_AUTHN"] });
        let settings = json!({
            "PoolName": "people",
            "UsernameAttributes": ["email"],
            "UsernameConfiguration": { "CaseSensitive": false },
            "AutoVerifiedAttributes": ["email"],
            "Policies": { "SignInPolicy": factors, "PasswordPolicy": {
                "MinimumLength": 8, "RequireUppercase": true, "RequireLowercase": true, "RequireNumbers": true,
                "RequireSymbols": true, "PasswordHistorySize": 2,
            } },
        });
        let pool = self.pool(settings).await;
        self.is("pool", pool);
        let spare = self.pool(json!({ "PoolName": "spare" })).await;
        self.is("spare", spare);
        let doomed = self.pool(json!({ "PoolName": "doomed" })).await;
        self.is("doomed", doomed);
        let guarded = self.pool(json!({ "PoolName": "guarded", "DeletionProtection": "ACTIVE" })).await;
        self.is("guarded", guarded);
        let lite = self.pool(json!({ "PoolName": "lite", "UserPoolTier": "LITE" })).await;
        self.is("lite", lite);
        let closed = json!({
            "PoolName": "closed", "AdminCreateUserConfig": { "AllowAdminCreateUserOnly": true },
            "AccountRecoverySetting": { "RecoveryMechanisms": [{ "Priority": 1, "Name": "admin_only" }] },
        });
        let closed = self.pool(closed).await;
        self.is("closed", closed);
        let named = self.pool(json!({
            "PoolName": "named", "AliasAttributes": ["email"], "AutoVerifiedAttributes": ["email"],
        }));
        let named = named.await;
        self.is("named", named);
        self.is("arn", format!("arn:aws:cognito-idp:us-east-1:123456789012:userpool/{}", &self["pool"]));

        let flows = json!([
            "ALLOW_USER_AUTH",
            "ALLOW_USER_PASSWORD_AUTH",
            "ALLOW_USER_SRP_AUTH",
            "ALLOW_REFRESH_TOKEN_AUTH",
            "ALLOW_ADMIN_USER_PASSWORD_AUTH",
        ]);
        let telling = json!({ "ExplicitAuthFlows": flows, "PreventUserExistenceErrors": "LEGACY" });
        for (name, pool, more) in [
            ("client", "pool", telling.clone()),
            ("shut", "pool", json!({ "ExplicitAuthFlows": ["ALLOW_REFRESH_TOKEN_AUTH"] })),
            ("spare_client", "spare", json!({})),
            ("doomed_client", "spare", json!({})),
            ("branded_client", "pool", json!({})),
            ("lite_client", "lite", json!({})),
            ("closed_client", "closed", telling.clone()),
            ("named_client", "named", telling.clone()),
            (
                "rotating",
                "pool",
                json!({
                    "ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH"],
                    "RefreshTokenRotation": { "Feature": "ENABLED", "RetryGracePeriodSeconds": 0 },
                }),
            ),
            ("two_secrets", "pool", json!({ "GenerateSecret": true })),
            ("unrevocable", "pool", json!({ "ExplicitAuthFlows": flows, "EnableTokenRevocation": false })),
        ] {
            let mut settings = json!({ "UserPoolId": &self[pool], "ClientName": name });
            for (member, value) in more.as_object().into_iter().flatten() {
                settings[member] = value.clone();
            }
            let made = self.does("CreateUserPoolClient", settings).await;
            self.is(name, text(&made, "/UserPoolClient/ClientId"));
        }
        let confidential =
            json!({ "ClientName": "confidential", "GenerateSecret": true, "ExplicitAuthFlows": flows });
        let made = self.does("CreateUserPoolClient", confidential).await;
        self.is("secret_client", text(&made, "/UserPoolClient/ClientId"));
        self.is("secret", text(&made, "/UserPoolClient/ClientSecret"));
        let made = self.does("AddUserPoolClientSecret", json!({ "ClientId": &self["two_secrets"] })).await;
        self.is("second_secret_id", text(&made, "/ClientSecretDescriptor/ClientSecretId"));
        let scopes = json!([{ "ScopeName": "read", "ScopeDescription": "Read" }]);
        self.does("CreateResourceServer", json!({ "Identifier": "api", "Name": "API", "Scopes": scopes }))
            .await;
        let machine = json!({
            "ClientName": "machine", "GenerateSecret": true, "AllowedOAuthFlowsUserPoolClient": true,
            "AllowedOAuthFlows": ["client_credentials"], "AllowedOAuthScopes": ["api/read"],
        });
        let made = self.does("CreateUserPoolClient", machine).await;
        self.is("machine", text(&made, "/UserPoolClient/ClientId"));
        self.is("machine_secret", text(&made, "/UserPoolClient/ClientSecret"));
        let listed = self.does("ListUserPoolClientSecrets", json!({ "ClientId": &self["machine"] })).await;
        self.is("machine_secret_id", text(&listed, "/ClientSecrets/0/ClientSecretId"));
    }

    async fn person(&self, pool: &str, name: &str, email: Option<&str>) {
        let mut input = json!({ "UserPoolId": pool, "Username": name, "MessageAction": "SUPPRESS" });
        // Whose password is set later gets another one first.
        let first = if name.starts_with("invited") { PASSWORD } else { "Temporary-1" };
        input["TemporaryPassword"] = first.into();
        if let Some(email) = email {
            input["UserAttributes"] =
                json!([{ "Name": "email", "Value": email }, { "Name": "email_verified", "Value": "true" }]);
        }
        self.does("AdminCreateUser", input).await;
    }

    async fn with_password(&self, pool: &str, name: &str) {
        let input = json!({ "UserPoolId": pool, "Username": name, "Password": PASSWORD, "Permanent": true });
        self.does("AdminSetUserPassword", input).await;
    }

    async fn people(&mut self) {
        let pool = self["pool"].to_owned();
        for name in ["alice", "bob", "disabled", "doomed", "reset", "leaver", "gone"] {
            let email = format!("{name}@example.com");
            self.person(&pool, &email, Some(&email)).await;
            self.with_password(&pool, &email).await;
        }
        self.does("AdminDisableUser", json!({ "Username": "disabled@example.com" })).await;
        self.person(&pool, "invited@example.com", Some("invited@example.com")).await;
        for name in ["new", "newer"] {
            let email = format!("{name}@example.com");
            let attributes = json!([{ "Name": "email", "Value": email }]);
            let input = json!({ "Username": email, "Password": PASSWORD, "UserAttributes": attributes });
            self.does("SignUp", input).await;
        }
        let code = self.code_to("new@example.com").await;
        self.is("sign_up_code", code);
        // In the pool of plain names, one has no address, and one has an address that another wants.
        let named = self["named"].to_owned();
        for (name, email) in [("plain", None), ("owner", Some("owned@example.com"))] {
            self.person(&named, name, email).await;
            self.with_password(&named, name).await;
        }
        let closed = self["closed"].to_owned();
        self.person(&closed, "plain", Some("plain@example.com")).await;
        self.with_password(&closed, "plain").await;
    }

    async fn what_pools_have(&mut self) {
        self.does("CreateGroup", json!({ "GroupName": "staff" })).await;
        self.does("AdminAddUserToGroup", json!({ "GroupName": "staff", "Username": ALICE })).await;
        self.does("CreateUserPoolDomain", json!({ "Domain": "people" })).await;
        self.does("CreateUserPoolDomain", json!({ "UserPoolId": &self["lite"], "Domain": "lite" })).await;
        let managed =
            json!({ "UserPoolId": &self["guarded"], "Domain": "guarded", "ManagedLoginVersion": 2 });
        self.does("CreateUserPoolDomain", managed).await;
        let branding = json!({ "ClientId": &self["branded_client"], "UseCognitoProvidedValues": true });
        let made = self.does("CreateManagedLoginBranding", branding).await;
        self.is("branding", text(&made, "/ManagedLoginBranding/ManagedLoginBrandingId"));
        for (name, terms, client) in [
            ("terms", "terms-of-use", "branded_client"),
            ("more_terms", "privacy-policy", "branded_client"),
            ("doomed_terms", "terms-of-use", "shut"),
        ] {
            let terms = json!({
                "ClientId": &self[client], "TermsName": terms, "TermsSource": "LINK", "Enforcement": "NONE",
                "Links": { "cognito:default": "https://shop.example/terms" },
            });
            let made = self.does("CreateTerms", terms).await;
            self.is(name, text(&made, "/Terms/TermsId"));
        }
        let tracking = json!({ "UserSessionTracking": "ENABLED", "TokenSession": { "MaxPerUser": 20 } });
        self.does("SetUserPoolSessionConfiguration", tracking).await;
    }

    /// Signs somebody in by password.
    async fn signed_in(&self, name: &str, client: &str) -> Value {
        let parameters = json!({ "USERNAME": name, "PASSWORD": PASSWORD });
        let input = json!({ "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters, "ClientId": &self[client] });
        self.does("InitiateAuth", input).await["AuthenticationResult"].clone()
    }

    async fn tokens(&mut self) {
        let old = self.signed_in(ALICE, "client").await;
        self.is("expired", text(&old, "/AccessToken"));
        self.server.clock.advance(3_601_000);
        let gone = self.signed_in(ALICE, "client").await;
        self.is("revoked", text(&gone, "/AccessToken"));
        self.is("revoked_refresh", text(&gone, "/RefreshToken"));
        self.does("RevokeToken", json!({ "Token": &self["revoked_refresh"] })).await;
        let again = self.signed_in("bob@example.com", "rotating").await;
        self.is("rotated", text(&again, "/RefreshToken"));
        let input = json!({ "RefreshToken": &self["rotated"], "ClientId": &self["rotating"] });
        self.does("GetTokensFromRefreshToken", input).await;
        self.server.clock.advance(120_000);
        for (name, refresh, who) in [
            ("token", "refresh", ALICE),
            ("bobs_token", "bobs_refresh", "bob@example.com"),
            ("doomed_token", "doomed_refresh", "doomed@example.com"),
            ("leaver_token", "leaver_refresh", "leaver@example.com"),
            ("gone_token", "gone_refresh", "gone@example.com"),
        ] {
            let tokens = self.signed_in(who, "client").await;
            self.is(name, text(&tokens, "/AccessToken"));
            self.is(refresh, text(&tokens, "/RefreshToken"));
        }
        for (session, who) in [
            ("reset_session", "reset@example.com"),
            ("new_session", "new@example.com"),
            ("gone_session", "gone@example.com"),
        ] {
            let choice = self.does("InitiateAuth", begins(who, "")).await;
            self.is(session, text(&choice, "/Session"));
        }
        self.does("AdminResetUserPassword", json!({ "Username": "reset@example.com" })).await;
        self.does("AdminDeleteUser", json!({ "Username": "gone@example.com" })).await;
        let sessions = self.does("AdminListUserSessions", json!({ "Username": ALICE })).await;
        self.is("session_id", text(&sessions, "/Sessions/0/SessionId"));
        let sessions = self.does("AdminListUserSessions", json!({ "Username": "bob@example.com" })).await;
        self.is("bobs_session_id", text(&sessions, "/Sessions/0/SessionId"));
    }

    async fn codes(&mut self) {
        self.does("ForgotPassword", json!({ "Username": "bob@example.com" })).await;
        let code = self.code_to("bob@example.com").await;
        self.is("reset_code", code);
        let asks = json!({ "AttributeName": "email", "AccessToken": &self["bobs_token"] });
        self.does("GetUserAttributeVerificationCode", asks).await;
        let code = self.code_to("bob@example.com").await;
        self.is("verify_code", code);
        for (session, code) in [("session", "code"), ("admin_session", "admin_code")] {
            let begun = self.does("InitiateAuth", begins(ALICE, "EMAIL_OTP")).await;
            self.is(session, text(&begun, "/Session"));
            let sent = self.code_to(ALICE).await;
            self.is(code, sent);
        }
        let used = self.does("InitiateAuth", begins(ALICE, "EMAIL_OTP")).await;
        let code = self.code_to(ALICE).await;
        self.is("used_session", text(&used, "/Session"));
        let responses = json!({ "USERNAME": ALICE, "EMAIL_OTP_CODE": code });
        let input = json!({ "ChallengeName": "EMAIL_OTP", "Session": used["Session"], "ChallengeResponses": responses });
        self.does("RespondToAuthChallenge", input).await;
        let parameters = json!({ "USERNAME": "invited@example.com", "PASSWORD": PASSWORD });
        let input = json!({ "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters });
        let asked = self.does("InitiateAuth", input).await;
        self.is("new_password_session", text(&asked, "/Session"));
        let choice = self.does("InitiateAuth", begins(ALICE, "")).await;
        self.is("choice_session", text(&choice, "/Session"));
    }

    /// A pool with authenticators, and two who are asked for theirs.
    async fn second_factors(&mut self) {
        let pool = self.pool(json!({
            "PoolName": "second", "UsernameAttributes": ["email"], "AutoVerifiedAttributes": ["email"],
            "Policies": { "SignInPolicy": { "AllowedFirstAuthFactors": ["PASSWORD"] } },
        }));
        let pool = pool.await;
        self.is("second", pool.clone());
        let settings = json!({
            "UserPoolId": pool, "MfaConfiguration": "OPTIONAL", "SoftwareTokenMfaConfiguration": { "Enabled": true },
        });
        self.does("SetUserPoolMfaConfig", settings).await;
        let client = json!({
            "UserPoolId": pool, "ClientName": "second",
            "ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_ADMIN_USER_PASSWORD_AUTH"],
        });
        let made = self.does("CreateUserPoolClient", client).await;
        self.is("second_client", text(&made, "/UserPoolClient/ClientId"));
        for name in ["mia@example.com", "max@example.com", "moe@example.com"] {
            self.person(&pool, name, Some(name)).await;
            self.with_password(&pool, name).await;
        }
        let waiting = self.signed_in("moe@example.com", "second_client").await;
        self.is("moes_token", text(&waiting, "/AccessToken"));
        let made = self.does("AssociateSoftwareToken", json!({ "AccessToken": &self["moes_token"] })).await;
        let moes = Authenticator::new(&text(&made, "/SecretCode"));
        let bare = self.signed_in("max@example.com", "second_client").await;
        self.is("maxs_token", text(&bare, "/AccessToken"));
        let token = text(&self.signed_in("mia@example.com", "second_client").await, "/AccessToken");
        let made = self.does("AssociateSoftwareToken", json!({ "AccessToken": token })).await;
        let hers = Authenticator::new(&text(&made, "/SecretCode"));
        let verify = json!({ "AccessToken": token, "UserCode": hers.code(&self.server) });
        self.does("VerifySoftwareToken", verify).await;
        let on = json!({ "AccessToken": token, "SoftwareTokenMfaSettings": { "Enabled": true, "PreferredMfa": true } });
        self.does("SetUserMFAPreference", on).await;
        self.is("used_totp", hers.next_code(&self.server));
        for session in ["totp_session", "used_totp_session"] {
            let parameters = json!({ "USERNAME": "mia@example.com", "PASSWORD": PASSWORD });
            let input = json!({
                "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters, "ClientId": &self["second_client"],
            });
            let asked = self.does("InitiateAuth", input).await;
            self.is(session, text(&asked, "/Session"));
        }
        let responses =
            json!({ "USERNAME": "mia@example.com", "SOFTWARE_TOKEN_MFA_CODE": &self["used_totp"] });
        let input = json!({
            "ChallengeName": "SOFTWARE_TOKEN_MFA", "Session": &self["used_totp_session"],
            "ChallengeResponses": responses, "ClientId": &self["second_client"],
        });
        self.does("RespondToAuthChallenge", input).await;
        self.is("moes_totp", moes.code(&self.server));
    }

    async fn passkeys(&mut self) {
        let party = json!({ "WebAuthnConfiguration": { "RelyingPartyId": "localhost", "UserVerification": "preferred" } });
        self.does("SetUserPoolMfaConfig", party).await;
        // What can be registered, each by a sign-in of its own: a registration has one challenge at a time.
        type Spoil = fn(&mut Ceremony, &mut Passkey);
        let credentials: [(&'static str, &'static str, Spoil); 5] = [
            ("good_token", "good_credential", |_, _| {}),
            ("origin_token", "origin_credential", |ceremony, _| {
                ceremony.origin = "https://evil.example".into()
            }),
            ("party_token", "party_credential", |ceremony, _| ceremony.party = "example.com".into()),
            ("kind_token", "kind_credential", |_, passkey| passkey.algorithm = -8),
            ("other_token", "other_credential", |_, _| {}),
        ];
        for (token, credential, spoil) in credentials {
            let signed_in = self.signed_in("bob@example.com", "client").await;
            self.is(token, text(&signed_in, "/AccessToken"));
            if token == "good_token" {
                self.is("kept_refresh", text(&signed_in, "/RefreshToken"));
            }
            let options =
                self.does("StartWebAuthnRegistration", json!({ "AccessToken": &self[token] })).await;
            let options = &options["CredentialCreationOptions"];
            let handle = BASE64URL.decode(text(options, "/user/id")).expect("base64url");
            let mut passkey = Passkey { user_handle: Some(handle), ..Passkey::fresh() };
            let mut ceremony = Ceremony::create(&text(options, "/challenge"), "localhost");
            spoil(&mut ceremony, &mut passkey);
            self.is(credential, passkey.registers(&ceremony, Attested::No).to_string());
        }
        let elsewhere = self.signed_in("bob@example.com", "unrevocable").await;
        self.is("elsewhere_token", text(&elsewhere, "/AccessToken"));
    }

    /// Jobs that wait: one for its file, one to be started, one to be stopped.
    async fn jobs(&mut self) {
        let trust = json!({ "Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": { "Service": "cognito-idp.amazonaws.com" }, "Action": "sts:AssumeRole",
        }] });
        let role = [("RoleName", "logs"), ("AssumeRolePolicyDocument", &trust.to_string())];
        self.server.iam("CreateRole", &role).await.ok();
        for (job, pool, has_file) in
            [("empty_job", "pool", false), ("job", "pool", true), ("other_job", "spare", true)]
        {
            let asked = json!({ "UserPoolId": &self[pool], "JobName": job, "CloudWatchLogsRoleArn": ROLE });
            let made = self.does("CreateUserImportJob", asked).await;
            self.is(job, text(&made, "/UserImportJob/JobId"));
            if has_file {
                let url = text(&made, "/UserImportJob/PreSignedUrl");
                let path = url.strip_prefix(self.server.app.public_url.as_str()).expect("an address here");
                let file = "email,email_verified,cognito:mfa_enabled,cognito:username\n";
                let request = self.server.client.request("PUT", path).body(Bytes::from(file));
                self.server.client.send(request.expect("a request")).await.ok();
            }
        }
        let start = json!({ "UserPoolId": &self["spare"], "JobId": &self["other_job"] });
        self.does("StartUserImportJob", start).await;
    }

    /// A pool that tracks devices, and Dora, who confirmed one and was given the key of another.
    async fn devices(&mut self) {
        let tracking =
            json!({ "ChallengeRequiredOnNewDevice": false, "DeviceOnlyRememberedOnUserPrompt": true });
        let tracked = self.pool(json!({ "PoolName": "tracked", "DeviceConfiguration": tracking })).await;
        self.is("tracked", tracked.clone());
        let flows = ["ALLOW_USER_PASSWORD_AUTH"];
        let client = json!({ "UserPoolId": tracked, "ClientName": "tracked", "ExplicitAuthFlows": flows });
        let made = self.does("CreateUserPoolClient", client).await;
        self.is("tracked_client", text(&made, "/UserPoolClient/ClientId"));
        self.person(&tracked, "dora", None).await;
        self.with_password(&tracked, "dora").await;
        for (token, key, verifier) in
            [("doras_token", "device", "verifier"), ("new_token", "new_device", "new_verifier")]
        {
            let signed_in = self.signed_in("dora", "tracked_client").await;
            let device = DeviceSecret::new(&signed_in);
            self.is(token, text(&signed_in, "/AccessToken"));
            self.is(key, device.key.clone());
            self.is(verifier, device.verifier().to_string());
        }
        self.does("ConfirmDevice", self.confirms("doras_token", "device", "verifier")).await;
    }

    /// What confirms a device of Dora's.
    pub fn confirms(&self, token: &str, key: &str, verifier: &str) -> Value {
        let verifier: Value = serde_json::from_str(&self[verifier]).expect("JSON");
        json!({ "AccessToken": &self[token], "DeviceKey": &self[key], "DeviceSecretVerifierConfig": verifier })
    }

    /// A pool that watches, where Wanda got a notice of a sign-in of hers.
    async fn events(&mut self) {
        let watched = self.pool(json!({
            "PoolName": "watched", "UserPoolTier": "PLUS", "UserPoolAddOns": { "AdvancedSecurityMode": "ENFORCED" },
        }));
        let watched = watched.await;
        self.is("watched", watched.clone());
        let flows = ["ALLOW_ADMIN_USER_PASSWORD_AUTH"];
        let client = json!({ "UserPoolId": watched, "ClientName": "watched", "ExplicitAuthFlows": flows });
        let made = self.does("CreateUserPoolClient", client).await;
        let client = text(&made, "/UserPoolClient/ClientId");
        self.person(&watched, "wanda", Some("wanda@example.com")).await;
        self.with_password(&watched, "wanda").await;
        let sender = own_sender(&self.server, "alerts@example.com").await;
        let notices = json!({
            "SourceArn": sender["SourceArn"],
            "NoActionEmail": { "Subject": "Notice", "TextBody": "{event-id} {feedback-token}" },
        });
        let actions = json!({ "LowAction": { "EventAction": "NO_ACTION", "Notify": true } });
        let takeover = json!({ "NotifyConfiguration": notices, "Actions": actions });
        let set = json!({
            "UserPoolId": watched, "ClientId": null, "AccountTakeoverRiskConfiguration": takeover,
        });
        self.does("SetRiskConfiguration", set).await;
        for address in ["192.0.2.7", "198.51.100.9"] {
            let context = json!({
                "IpAddress": address, "ServerName": "shop.example", "ServerPath": "/", "HttpHeaders": [],
            });
            let begin = json!({
                "UserPoolId": watched, "ClientId": client, "AuthFlow": "ADMIN_USER_PASSWORD_AUTH",
                "AuthParameters": { "USERNAME": "wanda", "PASSWORD": PASSWORD }, "ContextData": context,
            });
            self.does("AdminInitiateAuth", begin).await;
        }
        let notice = text(&newest_mail(&self.server, "wanda@example.com").await, "/text");
        let (event, token) = notice.trim().split_once(' ').expect("an event and its token");
        self.is("event", event);
        self.is("feedback_token", token);
    }

    async fn providers(&mut self) {
        self.does("CreateIdentityProvider", corp()).await;
        let link =
            json!({ "SourceUser": at_corp("linked"), "DestinationUser": here("disabled@example.com") });
        self.does("AdminLinkProviderForUser", link).await;
    }
}

/// Asks to sign in with a factor, or with none in particular.
pub fn begins(name: &str, factor: &str) -> Value {
    let mut parameters = json!({ "USERNAME": name });
    if !factor.is_empty() {
        parameters["PREFERRED_CHALLENGE"] = factor.into();
    }
    json!({ "AuthFlow": "USER_AUTH", "AuthParameters": parameters })
}
