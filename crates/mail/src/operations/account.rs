//! What this account may send, and the way out of the sandbox.

use postern_access::{Caller, Operations};
use postern_model::postern as own;
use postern_model::sesv2::{op, *};
use postern_model::{Answer, Error, Shape, refuse};
use postern_store::mail::SesAccountRow;
use postern_store::random;

use crate::address::Mailbox;
use crate::draft::{Draft, Sender};
use crate::message::Message;
use crate::sandbox::{DAY_MS, SLOT_MS, slot};
use crate::{Mail, Unsent};

pub(super) fn operations() -> Operations<Mail> {
    Operations::new()
        .on(op::GetAccount, Mail::get_account)
        .on(op::PutAccountDetails, Mail::put_account_details)
        .on(op::PutAccountSendingAttributes, Mail::put_account_sending_attributes)
}

/// What the operator of the server says about the account.
pub(super) fn own_operations() -> Operations<Mail> {
    Operations::new().on(own::op::ReviewProductionAccess, Mail::review_production_access)
}

impl Mail {
    /// Shows the account: sandbox or not, quota, rate and what was sent.
    pub async fn get_account(
        &self,
        _caller: &Caller,
        _request: GetAccountRequest,
    ) -> Answer<GetAccountResponse> {
        let (mail, now) = (self.clone(), self.clock.now());
        let (account, sent) = self
            .store
            .read(move |tx| {
                let account = mail.account(tx)?;
                anyhow::Ok((account, tx.sent_since(slot(now.minus_ms(DAY_MS - SLOT_MS)))?))
            })
            .await?;
        let (quota, rate) = self.limits(&account);
        let details = details(&account)?;
        Ok(GetAccountResponse {
            dedicated_ip_auto_warmup_enabled: Some(true),
            enforcement_status: Some("HEALTHY".to_owned()),
            production_access_enabled: Some(account.production),
            send_quota: Some(SendQuota {
                max24_hour_send: Some(quota as f64),
                max_send_rate: Some(rate as f64),
                sent_last24_hours: Some(sent as f64),
            }),
            sending_enabled: Some(account.sending),
            suppression_attributes: Some(SuppressionAttributes {
                suppressed_reasons: Some(vec![
                    SuppressionListReason::Bounce,
                    SuppressionListReason::Complaint,
                ]),
                ..SuppressionAttributes::default()
            }),
            details: details.mail_type.is_some().then_some(details),
            pricing_attributes: Some(PricingAttributes {
                current_plan: Some(PricingPlan::None),
                next_plan: None,
            }),
            ..GetAccountResponse::default()
        })
    }

    /// Says what the account is for and, if asked to, opens the review that leads out of the sandbox.
    pub async fn put_account_details(
        &self,
        _caller: &Caller,
        request: PutAccountDetailsRequest,
    ) -> Answer<PutAccountDetailsResponse> {
        let mail = self.clone();
        self.store
            .write(move |tx| {
                tx.lock_ses()?;
                let mut account = mail.account(tx)?;
                let mut review = details(&account)?.review_details;
                if review.as_ref().and_then(|review| review.status) == Some(ReviewStatus::Pending) {
                    return refuse(
                        errors::ConflictException,
                        "There is a review of your account in progress.",
                    );
                }
                if request.production_access_enabled == Some(true) && !account.production {
                    let status = match mail.settings.auto_approve {
                        true => ReviewStatus::Granted,
                        false => ReviewStatus::Pending,
                    };
                    account.production = mail.settings.auto_approve;
                    review = Some(ReviewDetails { status: Some(status), case_id: Some(random::digits(10)) });
                }
                if request.production_access_enabled == Some(false) {
                    account.production = false;
                }
                let request = request.clone();
                account.details = AccountDetails {
                    mail_type: Some(request.mail_type),
                    website_url: Some(request.website_url),
                    contact_language: request.contact_language,
                    use_case_description: request.use_case_description,
                    additional_contact_email_addresses: request.additional_contact_email_addresses,
                    review_details: review,
                }
                .write()
                .to_string();
                tx.change_ses_account(&account)?;
                Ok(PutAccountDetailsResponse::default())
            })
            .await
    }

    /// Pauses or resumes sending.
    pub async fn put_account_sending_attributes(
        &self,
        _caller: &Caller,
        request: PutAccountSendingAttributesRequest,
    ) -> Answer<PutAccountSendingAttributesResponse> {
        let mail = self.clone();
        self.store
            .write(move |tx| {
                tx.lock_ses()?;
                let mut account = mail.account(tx)?;
                account.sending = request.sending_enabled.unwrap_or(false);
                tx.change_ses_account(&account)?;
                Ok(PutAccountSendingAttributesResponse::default())
            })
            .await
    }

    /// Grants or denies production access, asked for or not: the operator's word. Whoever left an address for it is told.
    pub async fn review_production_access(
        &self,
        _caller: &Caller,
        request: own::ReviewProductionAccessRequest,
    ) -> Answer<own::ReviewProductionAccessResponse> {
        let (mail, now) = (self.clone(), self.clock.now());
        self.store
            .write(move |tx| {
                tx.lock_ses()?;
                let is_granted = request.decision == own::DecisionType::Grant;
                let status = if is_granted { ReviewStatus::Granted } else { ReviewStatus::Denied };
                let mut account = mail.account(tx)?;
                let mut told = details(&account)?;
                let case = told.review_details.and_then(|review| review.case_id);
                told.review_details = Some(ReviewDetails { status: Some(status), case_id: case });
                let contacts = told.additional_contact_email_addresses.clone().unwrap_or_default();
                account.details = told.write().to_string();
                account.production = is_granted;
                tx.change_ses_account(&account)?;
                for contact in contacts.iter().filter_map(|contact| Mailbox::parse(contact).ok()) {
                    let letter = mail.word_of_review(contact, is_granted, request.reason.as_deref());
                    mail.send(tx, &Sender::House, &letter, now).map_err(Unsent::for_ses)?;
                }
                Ok(own::ReviewProductionAccessResponse::default())
            })
            .await
    }

    fn word_of_review(&self, to: Mailbox, is_granted: bool, reason: Option<&str>) -> Draft {
        let account = &self.settings.account;
        let mut text = match is_granted {
            true => format!("Account {account} may now send mail to everybody.\n"),
            false => format!(
                "The request for production access of account {account} was denied. It still sends to verified \
                 addresses only.\n"
            ),
        };
        if let Some(reason) = reason {
            text.push_str(&format!("\n{reason}\n"));
        }
        let message = Message {
            from: self.settings.default_sender.clone(),
            to: vec![to],
            cc: Vec::new(),
            reply_to: Vec::new(),
            subject: format!("Production access {}", if is_granted { "granted" } else { "denied" }),
            text: Some(text),
            html: None,
            language: Some("en".to_owned()),
            automatic: true,
            headers: Vec::new(),
        };
        Draft::new(message, "Production access")
    }
}

fn details(account: &SesAccountRow) -> Answer<AccountDetails> {
    let document = serde_json::from_str(&account.details).map_err(|cause| Error::Failed(cause.into()))?;
    AccountDetails::read(&document).map_err(|mismatch| Error::Failed(mismatch.into()))
}

/// Grants what waits for a review where requests are granted at once; tells whether it did.
pub(crate) fn settle_review(account: &mut SesAccountRow) -> anyhow::Result<bool> {
    let mut told = details(account).map_err(|error| anyhow::anyhow!("{error}"))?;
    let Some(review) = told.review_details.as_mut().filter(|r| r.status == Some(ReviewStatus::Pending))
    else {
        return Ok(false);
    };
    review.status = Some(ReviewStatus::Granted);
    account.details = told.write().to_string();
    account.production = true;
    Ok(true)
}
