//! SendEmail: a mail from whoever called.

use postern_access::{Caller, Operations};
use postern_model::sesv2::{op, *};
use postern_model::{Answer, refuse};

use super::bad_request;
use crate::address::{Address, Mailbox};
use crate::draft::{Draft, Sender};
use crate::message::{self, HEADERS_MAX, Raw};
use crate::{Mail, Unsent};

pub(super) fn operations() -> Operations<Mail> {
    Operations::new().on(op::SendEmail, Mail::send_email)
}

impl Mail {
    /// Accepts a mail. Whether the caller may is decided here, because it depends on what is sent as whom.
    pub async fn send_email(&self, caller: &Caller, request: SendEmailRequest) -> Answer<SendEmailResponse> {
        let draft = draft(request)?;
        let (mail, caller, now) = (self.clone(), caller.clone(), self.clock.now());
        let queued = self
            .store
            .write(move |tx| mail.send(tx, &Sender::Caller(&caller), &draft, now).map_err(Unsent::for_ses))
            .await?;
        Ok(SendEmailResponse { message_id: Some(queued.message_id) })
    }
}

/// Reads the request into a draft, refusing what it asks for that is not there.
fn draft(request: SendEmailRequest) -> Answer<Draft> {
    let unsupported = request.endpoint_id.is_some()
        || request.tenant_name.is_some()
        || request.list_management_options.is_some()
        || request.configuration_overrides.is_some();
    if unsupported {
        return Err(bad_request(
            "EndpointId, TenantName, ListManagementOptions and ConfigurationOverrides are not supported.",
        ));
    }
    let destination = request.destination.unwrap_or_default();
    let to = mailboxes(destination.to_addresses)?;
    let cc = mailboxes(destination.cc_addresses)?;
    let bcc = mailboxes(destination.bcc_addresses)?;
    let everyone: Vec<Address> = to.iter().chain(&cc).chain(&bcc).map(|one| one.address.clone()).collect();
    let from = request.from_email_address.as_deref().map(mailbox).transpose()?;

    let content = request.content;
    let mut draft = match (content.simple, content.raw, content.template) {
        (Some(simple), None, None) => {
            let from = from.ok_or_else(|| bad_request("Missing required header 'From'."))?;
            let reply_to = mailboxes(request.reply_to_addresses)?;
            let mut draft = Draft::new(composed(from, to, cc, reply_to, simple)?, "SendEmail");
            draft.to = everyone;
            draft
        }
        (None, Some(raw), None) => {
            let raw = Raw::parse(&raw.data.0).map_err(|bad| bad_request(bad.words()))?;
            if from.is_some_and(|from| from.address != raw.from.address) {
                return Err(bad_request("FromEmailAddress differs from the header 'From'."));
            }
            let named = || raw.recipients.iter().map(|one| one.address.clone()).collect();
            let to = if everyone.is_empty() { named() } else { everyone };
            let mut draft = Draft::raw(raw.clone(), to, "SendEmail");
            for (name, value) in &raw.directives {
                match name.to_ascii_uppercase().as_str() {
                    "X-SES-CONFIGURATION-SET" => draft.configuration_set = Some(value.clone()),
                    "X-SES-FROM-ARN" | "X-SES-SOURCE-ARN" => draft.source_arn = Some(value.clone()),
                    // The address it is about stands in the request.
                    "X-SES-RETURN-PATH-ARN" => {}
                    "X-SES-MESSAGE-TAGS" => draft.facts.extend(tags(value)),
                    _ => return Err(bad_request(format!("The header '{name}' is not supported."))),
                }
            }
            draft
        }
        (None, None, Some(template)) => return no_template(template),
        _ => return Err(bad_request("Content must be exactly one of Simple, Raw and Template.")),
    };
    // Members of the request win over headers of a raw message.
    draft.configuration_set = request.configuration_set_name.or(draft.configuration_set);
    draft.source_arn = request.from_email_address_identity_arn.or(draft.source_arn);
    draft.feedback_to = request.feedback_forwarding_email_address.as_deref().map(address).transpose()?;
    if request.feedback_forwarding_email_address_identity_arn.is_some() {
        return Err(bad_request("FeedbackForwardingEmailAddressIdentityArn is not supported."));
    }
    for tag in request.email_tags.unwrap_or_default() {
        draft.facts.insert(tag.name, tag.value);
    }
    Ok(draft)
}

fn composed(
    from: Mailbox,
    to: Vec<Mailbox>,
    cc: Vec<Mailbox>,
    reply_to: Vec<Mailbox>,
    simple: Message,
) -> Answer<message::Message> {
    if simple.attachments.is_some_and(|attachments| !attachments.is_empty()) {
        return Err(bad_request("Attachments are not supported in Simple content; send Raw content."));
    }
    let headers = simple.headers.unwrap_or_default();
    if headers.len() > HEADERS_MAX {
        return Err(bad_request("Too many headers."));
    }
    let (text, html) = (simple.body.text, simple.body.html);
    if text.is_none() && html.is_none() {
        return Err(bad_request("Value null at both body.text and body.html."));
    }
    Ok(message::Message {
        from,
        to,
        cc,
        reply_to,
        subject: simple.subject.data,
        text: text.map(|text| text.data),
        html: html.map(|html| html.data),
        language: None,
        automatic: false,
        headers: headers.into_iter().map(|header| (header.name, header.value)).collect(),
    })
}

/// There are no templates here, so none exists.
fn no_template<T>(template: Template) -> Answer<T> {
    match template.template_name {
        Some(name) => refuse(errors::NotFoundException, format!("Template {name} does not exist.")),
        None => Err(bad_request("Template content is not supported.")),
    }
}

/// Reads `name=value, name=value`.
fn tags(list: &str) -> impl Iterator<Item = (String, String)> {
    list.split(',')
        .filter_map(|tag| tag.split_once('='))
        .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
}

fn mailbox(text: &str) -> Answer<Mailbox> {
    Mailbox::parse(text).map_err(|bad| bad_request(bad.words()))
}

fn address(text: &str) -> Answer<Address> {
    Address::parse(text).map_err(|bad| bad_request(bad.words()))
}

fn mailboxes(list: Option<Vec<String>>) -> Answer<Vec<Mailbox>> {
    list.unwrap_or_default().iter().map(|text| mailbox(text)).collect()
}
