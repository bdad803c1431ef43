//! Prepares a production server: the master key's file, the account, the first administrator and the address that signs
//! them in at the console. The secret is shown once, here. Whoever has the machine gives an administrator another address
//! by it, where the one before is lost.

use super::remote::{Output, print};
use crate::app::App;
use crate::master_key::{self, MasterKey};
use crate::settings::Settings;
use anyhow::{Result, anyhow, bail};
use postern_access::Role;
use postern_mail::address::Address;
use postern_model::Answer;
use postern_store::audit::AuditRecord;
use postern_store::{Clock, random};
use serde_json::json;

const KEY_ID_LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const SECRET_LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

pub(super) async fn run(
    settings: Settings,
    name: &str,
    role: Role,
    email: Option<&str>,
    output: Output,
) -> Result<()> {
    let email = email
        .map(|text| Address::parse(text).map_err(|bad| anyhow!("{text}: {}", bad.words())))
        .transpose()?;
    if let MasterKey::File(path) = &settings.master_key
        && !path.exists()
    {
        master_key::make(path)?;
        eprintln!("made {}; keep a copy apart from the database", path.display());
    }
    let public_url = settings.public_url.clone().unwrap_or_default();
    let (app, _) = App::open(settings, Clock::system(), public_url.clone()).await?;
    let asked = name.to_owned();
    let there = app.store.read(move |tx| tx.find_iam_user(&asked)).await?;
    match (there, &email) {
        (Some(user), Some(email)) => {
            set_email(&app, &user.id, email).await?;
            note(&app, "ChangeAdministrator", name, "another address").await?;
            eprintln!("{name} now signs in at the console by codes mailed to {}", email.spelling());
            if output == Output::Json {
                print(output, &json!({ "UserName": name, "Email": email.spelling() }), |_| String::new());
            }
            return Ok(());
        }
        (Some(_), None) => bail!(
            "there is a user {name} already. Its administrators can make it another key (IAM CreateAccessKey), \
             --email gives it an address to sign in by, and for another administrator say --name"
        ),
        (None, _) => {}
    }
    let key_id = format!("AKIA{}", random::text(KEY_ID_LETTERS, 16));
    let secret = random::text(SECRET_LETTERS, 40);
    let user_id = app.access.seed_administrator(name, role, &key_id, &secret).await?;
    note(&app, "AddAdministrator", name, &format!("with access key {key_id}")).await?;
    if let Some(email) = &email {
        set_email(&app, &user_id, email).await?;
    }
    eprintln!("Administrator {name} of account {}. The secret is shown this once:\n", app.account);
    let region = app.access.region.to_string();
    let made = json!({
        "UserName": name, "AccessKeyId": key_id, "SecretAccessKey": secret, "Region": region, "Url": public_url,
    });
    print(output, &made, |_| {
        format!(
            "export AWS_ACCESS_KEY_ID={key_id}\nexport AWS_SECRET_ACCESS_KEY={secret}\n\
             export AWS_DEFAULT_REGION={region}\nexport AWS_ENDPOINT_URL={public_url}"
        )
    });
    Ok(())
}

/// Keeps in the audit what was done by whoever has the machine.
async fn note(app: &App, action: &str, name: &str, detail: &str) -> Result<()> {
    let record = AuditRecord {
        time: app.clock.now(),
        who: "postern".to_owned(),
        action: action.to_owned(),
        resource: format!("user {name}"),
        outcome: "ok".to_owned(),
        detail: detail.to_owned(),
        ..AuditRecord::default()
    };
    app.store.write(move |tx| tx.add_audit(&record)).await
}

async fn set_email(app: &App, user_id: &str, email: &Address) -> Result<()> {
    let (pools, id, email, now) = (app.pools.clone(), user_id.to_owned(), email.clone(), app.clock.now());
    let set: Answer<()> =
        app.store.write(move |tx| pools.set_administrator_email(tx, &id, &email, now)).await;
    set.map_err(|error| anyhow!("{error}"))
}
