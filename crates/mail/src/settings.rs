//! What the operator decides about mail. Modes of the server are sets of these values, never branches.

use crate::address::{Address, Mailbox};
use crate::identity::Hosts;
use crate::price::Prices;

/// Settings of the mail service.
#[derive(Clone, Debug)]
pub struct Settings {
    pub account: String,
    pub region: String,
    /// Links in our own mails begin with it; no final slash.
    pub public_url: String,
    /// Who mails of pools without an identity of their own, and our own mails, come from.
    pub default_sender: Mailbox,
    /// Where bounces go unless a MAIL FROM domain says otherwise; without it, to the sender.
    pub bounces: Option<Address>,
    /// Domains whose mail is shown to us: return paths there carry a tag, and reports that come to them are believed.
    pub report_domains: Vec<String>,
    /// Days for which an address that mail bounced from gets no more; 0 is for ever, as in AWS.
    pub bounced_days: i64,
    pub hosts: Hosts,
    /// A pool's SourceArn must itself be verified, in this region; its domain being so is not enough, as in AWS.
    pub exact_identity: bool,
    /// Quota, rate and the default sender's daily limit hold.
    pub limits: bool,
    /// Mails a day from the default sender, over all pools.
    pub default_sender_daily: i64,
    /// What production access brings.
    pub production_quota: i64,
    pub production_rate: i64,
    /// A fresh account starts outside the sandbox.
    pub production: bool,
    /// Requests for production access are granted at once.
    pub auto_approve: bool,
    /// Records are looked up in the local zone alone, and may be put there.
    pub publishes_records: bool,
    /// Text messages go to numbers only that were verified in the SMS sandbox.
    pub text_sandbox: bool,
    /// What texts are thought to cost.
    pub text_prices: Prices,
    /// Millionths of a dollar that may be spent on texts in a month, until SNS is told another sum.
    pub text_spend_monthly: i64,
}
