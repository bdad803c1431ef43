//! Prepares a production server: the master key's file, the account, the first administrator. The secret is shown
//! once, here.

use crate::app::App;
use crate::master_key::{self, MasterKey};
use crate::settings::Settings;
use anyhow::{Result, bail};
use postern_access::Role;
use postern_store::{Clock, random};

const KEY_ID_LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const SECRET_LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

pub(super) async fn run(settings: Settings, name: &str, role: Role) -> Result<()> {
    if let MasterKey::File(path) = &settings.master_key
        && !path.exists()
    {
        master_key::make(path)?;
        eprintln!("made {}; keep a copy apart from the database", path.display());
    }
    let public_url = settings.public_url.clone().unwrap_or_default();
    let (app, _) = App::open(settings, Clock::system(), public_url.clone()).await?;
    let asked = name.to_owned();
    if app.store.read(move |tx| tx.find_iam_user(&asked)).await?.is_some() {
        bail!(
            "there is a user {name} already. Its administrators can make it another key (IAM CreateAccessKey); \
             for another administrator say --name"
        );
    }
    let key_id = format!("AKIA{}", random::text(KEY_ID_LETTERS, 16));
    let secret = random::text(SECRET_LETTERS, 40);
    app.access.seed_administrator(name, role, &key_id, &secret).await?;
    eprintln!("Administrator {name} of account {}. The secret is shown this once:\n", app.account);
    println!("export AWS_ACCESS_KEY_ID={key_id}");
    println!("export AWS_SECRET_ACCESS_KEY={secret}");
    println!("export AWS_DEFAULT_REGION={}", app.access.region);
    println!("export AWS_ENDPOINT_URL={public_url}");
    Ok(())
}
