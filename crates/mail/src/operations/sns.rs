//! The operations of SNS that send text messages, and what belongs to that: the account's attributes, the sandbox's
//! numbers, and numbers that want no texts.

use std::collections::BTreeMap;

use postern_access::{Caller, Operations};
use postern_model::sns::{errors::*, op, *};
use postern_model::{Answer, Error, refusal, refuse};
use postern_store::texts::{OptOutRow, SandboxNumberRow};
use postern_store::{Keys, Purpose, Timestamp, Tx, random};

use super::{page, page_start};
use crate::Mail;
use crate::price;
use crate::text::{LENGTH_MAX, Text, TextKind};
use crate::texting::{SPEND_LIMIT, TextDraft, Untexted};

const DAY_MS: i64 = 24 * 3_600_000;
/// Numbers that the sandbox holds (SNS Developer Guide, "SMS sandbox").
const SANDBOX_NUMBERS_MAX: i64 = 10;
/// Codes to one of them in a day, and how a code lives.
const SANDBOX_CODES_DAILY: i64 = 5;
const SANDBOX_CODE_DIGITS: u32 = 6;
const SANDBOX_CODE_LIFE_MS: i64 = 15 * 60_000;
const SANDBOX_ATTEMPTS_MAX: i64 = 5;
/// A number that opted out may be opted in again once in so long.
const OPT_IN_EVERY_MS: i64 = 30 * DAY_MS;
const PAGE_SIZE: i64 = 100;

/// All operations of SNS that are written.
pub fn sns_operations() -> Operations<Mail> {
    Operations::new()
        .on(op::Publish, Mail::publish)
        .on(op::SetSMSAttributes, Mail::set_sms_attributes)
        .on(op::GetSMSAttributes, Mail::get_sms_attributes)
        .on(op::GetSMSSandboxAccountStatus, Mail::get_sms_sandbox_account_status)
        .on(op::CreateSMSSandboxPhoneNumber, Mail::create_sms_sandbox_phone_number)
        .on(op::VerifySMSSandboxPhoneNumber, Mail::verify_sms_sandbox_phone_number)
        .on(op::ListSMSSandboxPhoneNumbers, Mail::list_sms_sandbox_phone_numbers)
        .on(op::DeleteSMSSandboxPhoneNumber, Mail::delete_sms_sandbox_phone_number)
        .on(op::CheckIfPhoneNumberIsOptedOut, Mail::check_if_phone_number_is_opted_out)
        .on(op::ListPhoneNumbersOptedOut, Mail::list_phone_numbers_opted_out)
        .on(op::OptInPhoneNumber, Mail::opt_in_phone_number)
}

/// How a text of the account itself goes out.
enum Way<'a> {
    Published {
        price_max: Option<i64>,
    },
    /// With the code that lets its number into the sandbox.
    IntoSandbox {
        code: &'a str,
        expires: Timestamp,
    },
}

impl Mail {
    /// Sends a text message. Whether the caller may was asked before, on the number.
    pub async fn publish(&self, _caller: &Caller, request: PublishInput) -> Answer<PublishResponse> {
        let Some(to) = request.phone_number.filter(|number| !number.is_empty()) else {
            return match request.topic_arn.or(request.target_arn) {
                Some(_) => refuse(NotFoundException, "Topic does not exist"),
                None => Err(invalid(
                    "Invalid parameter: TopicArn or TargetArn Reason: no value for required parameter",
                )),
            };
        };
        if !is_number(&to) {
            return Err(invalid(format!(
                "Invalid parameter: PhoneNumber Reason: {to} is not valid to publish to"
            )));
        }
        let words = words_for_texts(request.message, request.message_structure.as_deref())?;
        if words.is_empty() {
            return Err(invalid("Invalid parameter: Empty message"));
        }
        if words.chars().count() > LENGTH_MAX {
            return Err(invalid("Invalid parameter: Message too long"));
        }
        let given = request.message_attributes.unwrap_or_default();
        let value = |name: &str| given.get(name).and_then(|attribute| attribute.string_value.clone());
        let sender_id = value("AWS.SNS.SMS.SenderID");
        if sender_id.as_deref().is_some_and(|id| !is_sender_id(id, 3)) {
            return Err(invalid("Invalid parameter: AWS.SNS.SMS.SenderID is invalid"));
        }
        let kind = match value("AWS.SNS.SMS.SMSType") {
            None => None,
            Some(word) => Some(
                kind_of(&word).ok_or_else(|| invalid("Invalid parameter: AWS.SNS.SMS.SMSType is invalid"))?,
            ),
        };
        let price_max = match value("AWS.SNS.SMS.MaxPrice") {
            None => None,
            Some(sum) => Some(
                price::read(&sum)
                    .ok_or_else(|| invalid("Invalid parameter: AWS.SNS.SMS.MaxPrice is invalid"))?,
            ),
        };
        // From which number a text leaves is the carrier's affair; what cannot be one is refused all the same.
        if value("AWS.MM.SMS.OriginationNumber").is_some_and(|number| !is_origination(&number)) {
            return Err(invalid("Invalid parameter: AWS.MM.SMS.OriginationNumber is invalid"));
        }
        let (mail, now) = (self.clone(), self.clock.now());
        let queued = self
            .store
            .write(move |tx| {
                let text = Text {
                    to: to.clone(),
                    text: words.clone(),
                    sender_id: sender_id.clone(),
                    kind: kind.map_or_else(|| mail.default_kind(tx), Ok)?,
                };
                mail.send_own_text(tx, text, "Text message", Way::Published { price_max }, now)
            })
            .await?;
        Ok(PublishResponse { message_id: Some(queued), sequence_number: None })
    }

    fn default_kind(&self, tx: &mut Tx<'_>) -> Answer<TextKind> {
        let attributes = tx.sms_attributes()?;
        let word = attributes.into_iter().find(|(name, _)| name == "DefaultSMSType").map(|(_, value)| value);
        Ok(word.and_then(|word| kind_of(&word)).unwrap_or(TextKind::Promotional))
    }

    fn send_own_text(
        &self,
        tx: &mut Tx<'_>,
        text: Text,
        purpose: &str,
        way: Way<'_>,
        now: Timestamp,
    ) -> Answer<String> {
        let (code, price_max) = match way {
            Way::Published { price_max } => (None, price_max),
            Way::IntoSandbox { code, expires } => (Some((code, expires)), None),
        };
        let draft = TextDraft {
            text,
            purpose: purpose.to_owned(),
            expires: code.map(|(_, expires)| expires),
            urgent: code.is_some(),
            pool_id: None,
            user_id: None,
            code: code.map(|(code, _)| code.to_owned()),
            facts: BTreeMap::new(),
            decoy: false,
            price_max,
            handover: None,
        };
        let queued = match code {
            // The code that lets a number into the sandbox goes to a number that is not in it yet.
            Some(_) => self.write_down_text(tx, &draft, now),
            None => self.queue_text(tx, draft, now),
        };
        match queued {
            // An id of ours is a UUID between marks of region and time.
            Ok(queued) => Ok(queued.message_id.get(17..53).unwrap_or(&queued.message_id).to_owned()),
            Err(Untexted::TooLong) => Err(invalid("Invalid parameter: Message too long")),
            Err(Untexted::Failed(cause)) => Err(cause.into()),
            Err(Untexted::NoCarrier | Untexted::NoRole(_) | Untexted::Denied(_) | Untexted::SpendLimit) => {
                Err(invalid("Invalid parameter: This server has no way to send text messages."))
            }
        }
    }

    /// Sets how text messages are sent.
    pub async fn set_sms_attributes(
        &self,
        _caller: &Caller,
        request: SetSMSAttributesInput,
    ) -> Answer<SetSMSAttributesResponse> {
        for (name, value) in &request.attributes {
            match name.as_str() {
                "DefaultSenderID" if is_sender_id(value, 1) => {}
                "DefaultSMSType" if kind_of(value).is_some() => {}
                SPEND_LIMIT if price::read(value).is_some() => {}
                "DefaultSenderID" | "DefaultSMSType" | SPEND_LIMIT => {
                    return Err(invalid(format!("Invalid parameter: {name} is invalid")));
                }
                "DeliveryStatusIAMRole" | "DeliveryStatusSuccessSamplingRate" | "UsageReportS3Bucket" => {
                    return Err(invalid(format!(
                        "Invalid parameter: {name} is not available on this server yet."
                    )));
                }
                _ => return Err(invalid(format!("Invalid parameter: {name} is not a valid attribute"))),
            }
        }
        self.store
            .write(move |tx| {
                for (name, value) in &request.attributes {
                    tx.put_sms_attribute(name, value)?;
                }
                Ok(SetSMSAttributesResponse {})
            })
            .await
    }

    /// Shows how text messages are sent: all that was set, or what is asked for.
    pub async fn get_sms_attributes(
        &self,
        _caller: &Caller,
        request: GetSMSAttributesInput,
    ) -> Answer<GetSMSAttributesResponse> {
        let mut set: BTreeMap<_, _> = self.store.read(|tx| tx.sms_attributes()).await?.into_iter().collect();
        set.entry(SPEND_LIMIT.to_owned()).or_insert_with(|| self.default_spend_limit());
        let wanted = request.attributes.unwrap_or_default();
        let shown = set.into_iter().filter(|(name, _)| wanted.is_empty() || wanted.contains(name));
        Ok(GetSMSAttributesResponse { attributes: Some(shown.collect()) })
    }

    /// Tells whether texts go to verified numbers only.
    pub async fn get_sms_sandbox_account_status(
        &self,
        _caller: &Caller,
        _: GetSMSSandboxAccountStatusInput,
    ) -> Answer<GetSMSSandboxAccountStatusResult> {
        Ok(GetSMSSandboxAccountStatusResult { is_in_sandbox: self.settings.text_sandbox })
    }

    /// Puts a number into the sandbox and texts it a code; again, and it gets a new one.
    pub async fn create_sms_sandbox_phone_number(
        &self,
        _caller: &Caller,
        request: CreateSMSSandboxPhoneNumberInput,
    ) -> Answer<CreateSMSSandboxPhoneNumberResult> {
        let number = checked_number(request.phone_number)?;
        let language = request.language_code.unwrap_or(LanguageCodeString::EnUs);
        let (mail, now) = (self.clone(), self.clock.now());
        self.store
            .write(move |tx| {
                if tx.find_opt_out(&number)?.is_some_and(|row| row.out) {
                    return refuse(OptedOutException, "The phone number has opted out of text messages.");
                }
                let before = tx.find_sandbox_number(&number)?;
                if before.is_none() {
                    let held = tx.list_sandbox_numbers("", SANDBOX_NUMBERS_MAX)?.len() as i64;
                    if held >= SANDBOX_NUMBERS_MAX {
                        return refuse(UserErrorException, "The SMS sandbox holds 10 phone numbers.");
                    }
                }
                if before.as_ref().is_some_and(|row| row.status == "Verified") {
                    return refuse(UserErrorException, "The phone number is verified already.");
                }
                let day = Timestamp::from_ms(now.ms() - now.ms().rem_euclid(DAY_MS));
                let sent = tx.count("sandbox codes", &number, day, day.plus_ms(2 * DAY_MS))?;
                if sent > SANDBOX_CODES_DAILY {
                    return refuse(
                        ThrottledException,
                        "Too many codes were sent to this phone number today.",
                    );
                }
                let code = random::digits(SANDBOX_CODE_DIGITS);
                let expires = now.plus_ms(SANDBOX_CODE_LIFE_MS);
                tx.put_sandbox_number(&SandboxNumberRow {
                    number: number.clone(),
                    status: "Pending".to_owned(),
                    code_mac: Some(mac(tx.keys(), &number, &code)),
                    attempts: 0,
                    expires,
                    touched: now,
                })?;
                let text = Text {
                    to: number.clone(),
                    text: sandbox_words(language).replace("{code}", &code),
                    sender_id: None,
                    kind: TextKind::Transactional,
                };
                let way = Way::IntoSandbox { code: &code, expires };
                mail.send_own_text(tx, text, "SMS sandbox", way, now)?;
                Ok(CreateSMSSandboxPhoneNumberResult {})
            })
            .await
    }

    /// Judges the code that a sandbox number got. A wrong one is counted before it is refused.
    pub async fn verify_sms_sandbox_phone_number(
        &self,
        _caller: &Caller,
        request: VerifySMSSandboxPhoneNumberInput,
    ) -> Answer<VerifySMSSandboxPhoneNumberResult> {
        let number = checked_number(request.phone_number)?;
        let (now, code) = (self.clock.now(), request.one_time_password);
        let right = self
            .store
            .write(move |tx| {
                let row = tx.find_sandbox_number(&number)?.ok_or_else(no_such_number)?;
                let spent = tx.spend_sandbox_attempt(&number, SANDBOX_ATTEMPTS_MAX, now)?;
                let Some(stored) = row.code_mac.filter(|_| spent) else { return Ok(false) };
                let right = tx.keys().mac_matches(Purpose::Code, &parts(&number, &code), &stored);
                Ok::<bool, Error>(right && tx.verify_sandbox_number(&number, &stored, now)?)
            })
            .await?;
        match right {
            true => Ok(VerifySMSSandboxPhoneNumberResult {}),
            false => refuse(VerificationException, "The one-time password is not valid."),
        }
    }

    /// Lists the sandbox's numbers.
    pub async fn list_sms_sandbox_phone_numbers(
        &self,
        _caller: &Caller,
        request: ListSMSSandboxPhoneNumbersInput,
    ) -> Answer<ListSMSSandboxPhoneNumbersResult> {
        let after = start(request.next_token.as_deref())?;
        let size = request.max_results.unwrap_or(PAGE_SIZE).clamp(1, PAGE_SIZE);
        let mut rows = self.store.read(move |tx| tx.list_sandbox_numbers(&after, size + 1)).await?;
        let next_token = page(&mut rows, size, |row| &row.number);
        let shown = rows.into_iter().map(|row| SMSSandboxPhoneNumber {
            status: SMSSandboxPhoneNumberVerificationStatus::parse(&row.status),
            phone_number: Some(row.number),
        });
        Ok(ListSMSSandboxPhoneNumbersResult { phone_numbers: shown.collect(), next_token })
    }

    /// Takes a number out of the sandbox, a day after it was last verified or tried.
    pub async fn delete_sms_sandbox_phone_number(
        &self,
        _caller: &Caller,
        request: DeleteSMSSandboxPhoneNumberInput,
    ) -> Answer<DeleteSMSSandboxPhoneNumberResult> {
        let number = checked_number(request.phone_number)?;
        let now = self.clock.now();
        self.store
            .write(move |tx| {
                let row = tx.find_sandbox_number(&number)?.ok_or_else(no_such_number)?;
                if now.since(row.touched) < DAY_MS {
                    return refuse(
                        UserErrorException,
                        "A phone number can be deleted 24 hours after its verification or the last attempt.",
                    );
                }
                tx.delete_sandbox_number(&number)?;
                Ok(DeleteSMSSandboxPhoneNumberResult {})
            })
            .await
    }

    /// Tells whether a number wants no texts.
    pub async fn check_if_phone_number_is_opted_out(
        &self,
        _caller: &Caller,
        request: CheckIfPhoneNumberIsOptedOutInput,
    ) -> Answer<CheckIfPhoneNumberIsOptedOutResponse> {
        let number = well_formed(request.phone_number)?;
        let row = self.store.read(move |tx| tx.find_opt_out(&number)).await?;
        Ok(CheckIfPhoneNumberIsOptedOutResponse { is_opted_out: Some(row.is_some_and(|row| row.out)) })
    }

    /// Lists the numbers that want no texts.
    pub async fn list_phone_numbers_opted_out(
        &self,
        _caller: &Caller,
        request: ListPhoneNumbersOptedOutInput,
    ) -> Answer<ListPhoneNumbersOptedOutResponse> {
        let after = start(request.next_token.as_deref())?;
        let mut rows = self.store.read(move |tx| tx.list_opt_outs(&after, PAGE_SIZE + 1)).await?;
        let next_token = page(&mut rows, PAGE_SIZE, |row| &row.number);
        let numbers = rows.into_iter().map(|row| row.number).collect();
        Ok(ListPhoneNumbersOptedOutResponse { phone_numbers: Some(numbers), next_token })
    }

    /// Has a number get texts again, at most once in 30 days.
    pub async fn opt_in_phone_number(
        &self,
        _caller: &Caller,
        request: OptInPhoneNumberInput,
    ) -> Answer<OptInPhoneNumberResponse> {
        let number = well_formed(request.phone_number)?;
        let now = self.clock.now();
        self.store
            .write(move |tx| {
                let Some(row) = tx.find_opt_out(&number)?.filter(|row| row.out) else {
                    return Ok(OptInPhoneNumberResponse {});
                };
                if row.opted_in.is_some_and(|before| now.since(before) < OPT_IN_EVERY_MS) {
                    return Err(invalid(
                        "Invalid parameter: PhoneNumber Reason: it was opted in within the last 30 days",
                    ));
                }
                tx.put_opt_out(&OptOutRow { out: false, changed: now, opted_in: Some(now), ..row })?;
                Ok(OptInPhoneNumberResponse {})
            })
            .await
    }

    /// Takes in what somebody texted back; a word of refusal opts their number out. Tells whether it was one.
    pub async fn text_came_in(&self, from: &str, text: &str) -> anyhow::Result<bool> {
        // SNS Developer Guide, "Opting out of receiving SMS messages".
        const WORDS: [&str; 10] =
            ["ARRET", "CANCEL", "END", "OPT-OUT", "OPTOUT", "QUIT", "REMOVE", "STOP", "TD", "UNSUBSCRIBE"];
        let is_refusal = WORDS.contains(&text.trim().to_ascii_uppercase().as_str());
        if !is_refusal {
            return Ok(false);
        }
        let (number, now) = (from.to_owned(), self.clock.now());
        self.store
            .write(move |tx| {
                let opted_in = tx.find_opt_out(&number)?.and_then(|row| row.opted_in);
                tx.put_opt_out(&OptOutRow { number: number.clone(), out: true, changed: now, opted_in })
            })
            .await?;
        Ok(true)
    }
}

fn invalid(words: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    refusal(InvalidParameterException, words)
}

fn no_such_number() -> Error {
    refusal(ResourceNotFoundException, "The phone number is not in the SMS sandbox.")
}

fn start(token: Option<&str>) -> Answer<String> {
    page_start(token).map_err(|_| invalid("Invalid parameter: NextToken"))
}

/// The words for a telephone: the message itself, or what a message in JSON has for texts or else for all.
fn words_for_texts(message: String, structure: Option<&str>) -> Answer<String> {
    match structure.filter(|structure| !structure.is_empty()) {
        None => return Ok(message),
        Some("json") => {}
        Some(_) => return Err(invalid("Invalid parameter: MessageStructure")),
    }
    let Ok(serde_json::Value::Object(words)) = serde_json::from_str(&message) else {
        return Err(invalid("Invalid parameter: Message Structure - JSON message body failed to parse"));
    };
    let of = |protocol: &str| words.get(protocol).and_then(|words| words.as_str());
    let Some(default) = of("default") else {
        return Err(invalid("Invalid parameter: Message Structure - No default entry in JSON message body"));
    };
    Ok(of("sms").unwrap_or(default).to_owned())
}

/// Tells whether a text is a number as E.164 writes it.
fn is_number(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|digits| {
        (8..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
    })
}

fn checked_number(number: String) -> Answer<String> {
    match is_number(&number) {
        true => Ok(number),
        false => Err(invalid(format!(
            "Invalid parameter: PhoneNumber Reason: {number} is not valid to publish to"
        ))),
    }
}

fn well_formed(number: String) -> Answer<String> {
    match is_number(&number) {
        true => Ok(number),
        false => Err(invalid("Invalid parameter: PhoneNumber Reason: input incorrectly formatted")),
    }
}

/// Up to eleven letters, digits and hyphens, a letter among them.
fn is_sender_id(text: &str, least: usize) -> bool {
    (least..=11).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && text.bytes().any(|byte| byte.is_ascii_alphabetic())
}

/// Five to fourteen digits, with a plus or without.
fn is_origination(number: &str) -> bool {
    let digits = number.strip_prefix('+').unwrap_or(number);
    (5..=14).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_digit())
}

fn kind_of(word: &str) -> Option<TextKind> {
    [TextKind::Promotional, TextKind::Transactional].into_iter().find(|kind| kind.as_str() == word)
}

fn parts<'a>(number: &'a str, code: &'a str) -> [&'a [u8]; 3] {
    [b"sms sandbox", number.as_bytes(), code.as_bytes()]
}

fn mac(keys: &Keys, number: &str, code: &str) -> Vec<u8> {
    keys.mac(Purpose::Code, &parts(number, code)).to_vec()
}

fn sandbox_words(language: LanguageCodeString) -> &'static str {
    match language {
        LanguageCodeString::EnUs | LanguageCodeString::EnGb => "Your verification code is {code}.",
        LanguageCodeString::Es419 | LanguageCodeString::EsEs => "Su código de verificación es {code}.",
        LanguageCodeString::DeDe => "Ihr Bestätigungscode lautet {code}.",
        LanguageCodeString::FrCa | LanguageCodeString::FrFr => "Votre code de vérification est {code}.",
        LanguageCodeString::ItIt => "Il codice di verifica è {code}.",
        LanguageCodeString::JaJp => "認証コードは {code} です。",
        LanguageCodeString::PtBr => "Seu código de verificação é {code}.",
        LanguageCodeString::KrKr => "인증 코드는 {code}입니다.",
        LanguageCodeString::ZhCn => "您的验证码是 {code}。",
        LanguageCodeString::ZhTw => "您的驗證碼是 {code}。",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_in_json_has_words_for_texts() {
        let words = |message: &str, structure: &str| {
            words_for_texts(message.to_owned(), Some(structure)).map_err(|error| error.to_string())
        };
        let refused = |why: &str| Err(format!("InvalidParameter: Invalid parameter: {why}"));
        assert_eq!(words(r#"{"default": "a", "sms": "b"}"#, "json"), Ok("b".to_owned()));
        assert_eq!(words(r#"{"default": "a", "http": "c"}"#, "json"), Ok("a".to_owned()));
        assert_eq!(words("{}", ""), Ok("{}".to_owned()));
        let none = "Message Structure - No default entry in JSON message body";
        assert_eq!(words(r#"{"sms": "b"}"#, "json"), refused(none));
        let broken = "Message Structure - JSON message body failed to parse";
        assert_eq!(words("hello", "json"), refused(broken));
        assert_eq!(words("hello", "xml"), refused("MessageStructure"));
    }

    #[test]
    fn a_sender_has_a_letter_and_no_space() {
        for (text, good) in [
            ("Acme", true),
            ("A-1", true),
            ("123", false),
            ("AB", false),
            ("Ac me", false),
            ("Acme5678901x", false),
        ] {
            assert_eq!(is_sender_id(text, 3), good, "{text}");
        }
        assert!(is_sender_id("A", 1));
    }

    #[test]
    fn an_origination_number_has_five_to_fourteen_digits() {
        for (text, good) in [("12345", true), ("+15555550123", true), ("abc", false), ("+1234", false)] {
            assert_eq!(is_origination(text), good, "{text}");
        }
    }

    #[test]
    fn a_number_has_a_sign_and_eight_digits_or_more() {
        for (text, good) in [
            ("+15555550123", true),
            ("15555550123", false),
            ("+1a234", false),
            ("+1555", false),
            ("+", false),
        ] {
            assert_eq!(is_number(text), good, "{text}");
        }
    }
}
