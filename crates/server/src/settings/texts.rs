//! What the operator says of text messages: how they leave, and what they cost.

use crate::config;
use anyhow::{Context as _, Result, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use postern_mail::price::{Prices, read};
use postern_mail::transport::web::{Url, Web};
use postern_mail::transport::{Carrier, SnsEndpoint, TextWebhook};
use std::sync::Arc;

/// How text messages leave.
#[derive(Clone)]
pub enum Way {
    None,
    Inbox,
    Webhook { url: Url, secret: Vec<u8> },
    Sns { url: Url, region: String, access_key_id: String, secret: String },
}

impl Way {
    /// Opens the way; calls go out by the one client for all of them.
    pub fn open(&self, web: &Web) -> Carrier {
        match self.clone() {
            Way::None => Carrier::None,
            Way::Inbox => Carrier::Inbox,
            Way::Webhook { url, secret } => {
                Carrier::Webhook(Arc::new(TextWebhook { web: web.clone(), url, secret }))
            }
            Way::Sns { url, region, access_key_id, secret } => {
                Carrier::Sns(Arc::new(SnsEndpoint { web: web.clone(), url, region, access_key_id, secret }))
            }
        }
    }
}

pub(super) fn carrier(sms: &config::Sms) -> Result<Way> {
    let bad = sms.countries.iter().find(|country| {
        country.strip_prefix('+').is_none_or(|digits| !digits.bytes().all(|byte| byte.is_ascii_digit()))
    });
    ensure!(bad.is_none(), "sms.countries: {} is not the beginning of a number", bad.map_or("", |b| b));
    match (&sms.webhook, &sms.sns) {
        (None, None) => Ok(Way::None),
        (Some(hook), None) => {
            let secret = hook.secret.as_ref().context("sms.webhook.secret must be set")?;
            let secret = STANDARD.decode(secret.0.trim_start_matches("whsec_"));
            let secret = secret.ok().context("sms.webhook.secret is not Base64")?;
            ensure!(secret.len() >= 24, "sms.webhook.secret must have 24 bytes or more");
            Ok(Way::Webhook { url: Url::parse(&hook.url).context("sms.webhook.url")?, secret })
        }
        (None, Some(sns)) => {
            let secret = sns.secret_access_key.as_ref().context("sms.sns.secret_access_key must be set")?;
            Ok(Way::Sns {
                url: Url::parse(&sns.endpoint).context("sms.sns.endpoint")?,
                region: sns.region.clone(),
                access_key_id: sns.access_key_id.clone(),
                secret: secret.0.clone(),
            })
        }
        (Some(_), Some(_)) => bail!("only one of [sms.webhook] and [sms.sns] can be set"),
    }
}

/// What texts cost, and what may be spent on them in a month, in millionths of a dollar.
pub(super) fn prices(sms: &config::Sms) -> Result<(Prices, i64)> {
    let prices = Prices::new(&sms.prices);
    let most = read(&sms.monthly_spend_usd.to_string());
    Ok((
        prices
            .context("sms.prices: each is a sum in USD, by the beginning of a number, as \"+44\" = 0.04")?,
        most.context("sms.monthly_spend_usd is no sum in USD")?,
    ))
}
