//! Signature Version 4: takes a signed request apart, and tells whether a secret made its signature. Pure; who a key
//! belongs to is looked up elsewhere.

use crate::fault::SignatureFault;
use aws_lc_rs::{constant_time, digest, hmac};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode, percent_encode};
use postern_store::Timestamp;
use time::format_description::well_known::Rfc2822;
use time::{Date, Month, OffsetDateTime, PrimitiveDateTime, Time};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const TERMINATOR: &str = "aws4_request";

/// How far the request's date may be from our clock.
pub const SKEW_MAX_MS: i64 = 15 * 60 * 1000;

/// The longest life of a query-signed request: seven days.
pub const EXPIRES_MAX_S: i64 = 604_800;

/// Everything but the unreserved characters of RFC 3986 is encoded.
pub(crate) const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A request as it came in: path and query raw, header names in any case.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    pub method: &'a str,
    pub path: &'a str,
    pub query: &'a str,
    pub headers: &'a [(&'a str, &'a str)],
    pub body: &'a [u8],
}

/// What a signed request presents: who it says it is, and what its signature covers.
#[derive(Clone)]
pub struct Presented {
    pub access_key_id: String,
    pub region: String,
    pub service: String,
    pub signed_headers: Vec<String>,
    /// The session token that goes with a temporary key.
    pub token: Option<String>,
    pub signed_at: Timestamp,
    /// How long a query-signed request lives; a header-signed one lives for [`SKEW_MAX_MS`].
    pub expires_s: Option<i64>,
    date: String,
    signature: String,
    string_to_sign: String,
}

/// Tells whether a request carries a signature at all, good or bad.
pub fn is_signed(request: &Request<'_>) -> bool {
    header(request, "authorization").is_some()
        || query_value(request, "X-Amz-Signature").is_some()
        || query_value(request, "X-Amz-Algorithm").is_some()
}

/// Takes a signed request apart. What is found here is claimed, not proved: [`verify`] proves it.
pub fn parse(request: &Request<'_>) -> Result<Presented, SignatureFault> {
    let claims = match header(request, "authorization") {
        Some(authorization) => from_header(request, &authorization)?,
        None if is_signed(request) => from_query(request)?,
        None => return Err(SignatureFault::Missing),
    };
    let scope = Scope::parse(&claims.credential)?;
    let (signed_at, iso) = claims.date;
    if *scope.date != iso[..8] {
        return Err(SignatureFault::Scope(format!(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: \
             '{}' != '{}', from '{iso}'.",
            scope.date,
            &iso[..8]
        )));
    }
    let signed_headers: Vec<String> = claims.signed_headers.split(';').map(str::to_ascii_lowercase).collect();
    all_signed(request, &signed_headers)?;
    let canonical = canonical_request(request, &signed_headers)?;
    let string_to_sign = format!(
        "{ALGORITHM}\n{iso}\n{}/{}/{}/{TERMINATOR}\n{}",
        scope.date,
        scope.region,
        scope.service,
        sha256_hex(canonical.as_bytes())
    );
    Ok(Presented {
        access_key_id: scope.access_key_id.to_owned(),
        region: scope.region.to_owned(),
        service: scope.service.to_owned(),
        date: scope.date.to_owned(),
        signed_headers,
        token: claims.token,
        signed_at,
        expires_s: claims.expires_s,
        signature: claims.signature,
        string_to_sign,
    })
}

/// Tells whether the request was signed with this secret, for this service, in time.
pub fn verify(
    presented: &Presented,
    secret: &str,
    service: &str,
    now: Timestamp,
) -> Result<(), SignatureFault> {
    if presented.service != service {
        return Err(SignatureFault::Scope(format!(
            "Credential should be scoped to correct service: '{service}'."
        )));
    }
    in_time(presented, now)?;
    let expected = sign(presented, secret);
    constant_time::verify_slices_are_equal(expected.as_bytes(), presented.signature.as_bytes())
        .map_err(|_| SignatureFault::Mismatch)
}

fn in_time(presented: &Presented, now: Timestamp) -> Result<(), SignatureFault> {
    let lives_ms = presented.expires_s.map_or(SKEW_MAX_MS, |seconds| seconds * 1000);
    let signed_at = iso_basic(presented.signed_at);
    if now.since(presented.signed_at) > lives_ms {
        return Err(SignatureFault::Late(match presented.expires_s {
            Some(_) => format!(
                "Signature expired: {signed_at} is now earlier than {}",
                iso_basic(now.minus_ms(lives_ms))
            ),
            None => format!(
                "Signature expired: {signed_at} is now earlier than {} ({} - 15 min.)",
                iso_basic(now.minus_ms(SKEW_MAX_MS)),
                iso_basic(now)
            ),
        }));
    }
    if presented.signed_at.since(now) > SKEW_MAX_MS {
        return Err(SignatureFault::Early(format!(
            "Signature not yet current: {signed_at} is still later than {} ({} + 15 min.)",
            iso_basic(now.plus_ms(SKEW_MAX_MS)),
            iso_basic(now)
        )));
    }
    Ok(())
}

fn sign(presented: &Presented, secret: &str) -> String {
    let mut key = format!("AWS4{secret}").into_bytes();
    for part in [&presented.date, &presented.region, &presented.service, TERMINATOR] {
        key = hmac_sha256(&key, part.as_bytes());
    }
    hex::encode(hmac_sha256(&key, presented.string_to_sign.as_bytes()))
}

/// An access key that signs calls of ours to somebody else's services.
#[derive(Clone, Copy)]
pub struct SigningKey<'a> {
    pub access_key_id: &'a str,
    pub secret: &'a str,
    pub region: &'a str,
    pub service: &'a str,
}

/// Signs a request whose headers, `host` among them, are all that will be sent; gives the two that are added.
pub fn signature(
    request: &Request<'_>,
    key: SigningKey<'_>,
    now: Timestamp,
) -> Result<[(&'static str, String); 2], SignatureFault> {
    let iso = iso_basic(now);
    let scope = format!("{}/{}/{}/{TERMINATOR}", &iso[..8], key.region, key.service);
    let mut headers = request.headers.to_vec();
    headers.push(("x-amz-date", &iso));
    let request = Request { headers: &headers, ..*request };
    let mut names: Vec<String> = headers.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
    names.sort();
    names.dedup();
    let canonical = canonical_request(&request, &names)?;
    let presented = Presented {
        access_key_id: key.access_key_id.to_owned(),
        region: key.region.to_owned(),
        service: key.service.to_owned(),
        date: iso[..8].to_owned(),
        signed_headers: names,
        token: None,
        signed_at: now,
        expires_s: None,
        signature: String::new(),
        string_to_sign: format!("{ALGORITHM}\n{iso}\n{scope}\n{}", sha256_hex(canonical.as_bytes())),
    };
    let authorization = format!(
        "{ALGORITHM} Credential={}/{scope}, SignedHeaders={}, Signature={}",
        key.access_key_id,
        presented.signed_headers.join(";"),
        sign(&presented, key.secret)
    );
    Ok([("authorization", authorization), ("x-amz-date", iso)])
}

fn hmac_sha256(key: &[u8], text: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text).as_ref().to_vec()
}

/// The parts of a signature as the header or the query string gives them.
struct Claims {
    credential: String,
    signed_headers: String,
    signature: String,
    token: Option<String>,
    date: (Timestamp, String),
    expires_s: Option<i64>,
}

fn from_header(request: &Request<'_>, authorization: &str) -> Result<Claims, SignatureFault> {
    let (algorithm, rest) = authorization.trim().split_once(' ').unwrap_or((authorization.trim(), ""));
    if algorithm != ALGORITHM {
        return Err(SignatureFault::Incomplete(format!("Unsupported AWS 'algorithm': '{algorithm}'.")));
    }
    let parameter = |name: &str| {
        rest.split(',').find_map(|part| {
            let (key, value) = part.trim().split_once('=')?;
            (key == name && !value.is_empty()).then(|| value.to_owned())
        })
    };
    let date = match header(request, "x-amz-date") {
        Some(text) => parse_iso_basic(&text),
        None => {
            header(request, "date").and_then(|text| parse_iso_basic(&text).or_else(|| parse_http_date(&text)))
        }
    };
    match (parameter("Credential"), parameter("SignedHeaders"), parameter("Signature"), date) {
        (Some(credential), Some(signed_headers), Some(signature), Some(date)) => Ok(Claims {
            credential,
            signed_headers,
            signature,
            token: header(request, "x-amz-security-token"),
            date,
            expires_s: None,
        }),
        (credential, signed_headers, signature, date) => {
            let absent = [
                (credential.is_none(), "Authorization header requires 'Credential' parameter."),
                (signature.is_none(), "Authorization header requires 'Signature' parameter."),
                (signed_headers.is_none(), "Authorization header requires 'SignedHeaders' parameter."),
                (
                    date.is_none(),
                    "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.",
                ),
            ];
            let words: Vec<&str> = absent.iter().filter(|(is, _)| *is).map(|(_, words)| *words).collect();
            Err(SignatureFault::Incomplete(words.join(" ")))
        }
    }
}

fn from_query(request: &Request<'_>) -> Result<Claims, SignatureFault> {
    let incomplete = || {
        SignatureFault::Incomplete(
            "AWS query-string parameters must include 'X-Amz-Algorithm', 'X-Amz-Credential', 'X-Amz-Signature', \
             'X-Amz-SignedHeaders' and 'X-Amz-Date'. Re-examine the query-string parameters."
                .into(),
        )
    };
    let value = |name: &str| query_value(request, name).filter(|value| !value.is_empty());
    let algorithm = value("X-Amz-Algorithm").ok_or_else(incomplete)?;
    if algorithm != ALGORITHM {
        return Err(SignatureFault::Incomplete(format!("Unsupported AWS 'algorithm': '{algorithm}'.")));
    }
    let expires_s = match value("X-Amz-Expires") {
        None => None,
        Some(text) => match text.parse::<i64>() {
            Ok(seconds) if (1..=EXPIRES_MAX_S).contains(&seconds) => Some(seconds),
            _ => {
                return Err(SignatureFault::Incomplete(format!(
                    "X-Amz-Expires must be a number of seconds from 1 to {EXPIRES_MAX_S}."
                )));
            }
        },
    };
    Ok(Claims {
        credential: value("X-Amz-Credential").ok_or_else(incomplete)?,
        signed_headers: value("X-Amz-SignedHeaders").ok_or_else(incomplete)?,
        signature: value("X-Amz-Signature").ok_or_else(incomplete)?,
        token: value("X-Amz-Security-Token"),
        date: value("X-Amz-Date").and_then(|text| parse_iso_basic(&text)).ok_or_else(incomplete)?,
        expires_s,
    })
}

/// `keyid/date/region/service/aws4_request`.
struct Scope<'a> {
    access_key_id: &'a str,
    date: &'a str,
    region: &'a str,
    service: &'a str,
}

impl<'a> Scope<'a> {
    fn parse(credential: &'a str) -> Result<Self, SignatureFault> {
        let parts: Vec<&str> = credential.split('/').collect();
        let [access_key_id, date, region, service, terminator] = parts[..] else {
            return Err(SignatureFault::Scope(format!(
                "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, \
                 got '{credential}'"
            )));
        };
        let is_region = !region.is_empty()
            && region.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if !is_region {
            return Err(SignatureFault::Scope(format!(
                "Credential should be scoped to a valid region, not '{region}'."
            )));
        }
        if terminator != TERMINATOR {
            return Err(SignatureFault::Scope(format!(
                "Credential should be scoped with a valid terminator: '{TERMINATOR}', not '{terminator}'."
            )));
        }
        Ok(Scope { access_key_id, date, region, service })
    }
}

/// `host` and every `x-amz-*` header must be covered by the signature, or a stranger could change them.
fn all_signed(request: &Request<'_>, signed_headers: &[String]) -> Result<(), SignatureFault> {
    if !signed_headers.iter().any(|name| name == "host") {
        return Err(SignatureFault::Scope(
            "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.".into(),
        ));
    }
    for (name, _) in request.headers {
        let name = name.to_ascii_lowercase();
        if name.starts_with("x-amz-") && !signed_headers.contains(&name) {
            return Err(SignatureFault::Scope(format!(
                "'{name}' must be a 'SignedHeader' in the AWS Authorization."
            )));
        }
    }
    Ok(())
}

fn canonical_request(request: &Request<'_>, signed_headers: &[String]) -> Result<String, SignatureFault> {
    let mut out =
        format!("{}\n{}\n{}\n", request.method, canonical_path(request.path), canonical_query(request.query));
    for name in signed_headers {
        // A signed header that is not here cannot have been signed as it is.
        let value = header(request, name).ok_or(SignatureFault::Mismatch)?;
        out.push_str(&format!("{name}:{value}\n"));
    }
    out.push_str(&format!("\n{}\n{}", signed_headers.join(";"), sha256_hex(request.body)));
    Ok(out)
}

/// Removes dot segments and empty ones, then encodes each segment of the path as sent once more.
fn canonical_path(path: &str) -> String {
    let mut segments: Vec<String> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            _ => segments.push(encode(segment.as_bytes())),
        }
    }
    let tail = if path.ends_with('/') && !segments.is_empty() { "/" } else { "" };
    format!("/{}{tail}", segments.join("/"))
}

/// Sorts by encoded name, then value; the signature itself is left out.
fn canonical_query(query: &str) -> String {
    let mut pairs: Vec<(String, String)> = query_pairs(query)
        .filter(|(name, _)| name != b"X-Amz-Signature")
        .map(|(name, value)| (encode(&name), encode(&value)))
        .collect();
    pairs.sort();
    let pairs: Vec<String> = pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join("&")
}

fn query_pairs(query: &str) -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> {
    query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(name), decode(value))
    })
}

fn query_value(request: &Request<'_>, name: &str) -> Option<String> {
    let (_, value) = query_pairs(request.query).find(|(key, _)| key == name.as_bytes())?;
    String::from_utf8(value).ok()
}

fn decode(text: &str) -> Vec<u8> {
    percent_decode(text.replace('+', " ").as_bytes()).collect()
}

fn encode(bytes: &[u8]) -> String {
    percent_encode(bytes, ENCODED).to_string()
}

/// A header's value: trimmed, inner runs of spaces made one, several values joined by commas.
fn header(request: &Request<'_>, name: &str) -> Option<String> {
    let values: Vec<String> = request
        .headers
        .iter()
        .filter(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| {
            value.split([' ', '\t']).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
        })
        .collect();
    (!values.is_empty()).then(|| values.join(","))
}

fn sha256_hex(bytes: &[u8]) -> String {
    hex::encode(digest::digest(&digest::SHA256, bytes))
}

/// Reads `20260102T030405Z`.
fn parse_iso_basic(text: &str) -> Option<(Timestamp, String)> {
    let digits = |from: usize, to: usize| -> Option<i32> {
        let part = text.get(from..to)?;
        part.bytes().all(|b| b.is_ascii_digit()).then(|| part.parse().ok())?
    };
    if text.len() != 16 || text.get(8..9)? != "T" || text.get(15..)? != "Z" {
        return None;
    }
    let small = |from: usize| digits(from, from + 2).and_then(|n| u8::try_from(n).ok());
    let month = Month::try_from(small(4)?).ok()?;
    let date = Date::from_calendar_date(digits(0, 4)?, month, small(6)?).ok()?;
    let time = Time::from_hms(small(9)?, small(11)?, small(13)?).ok()?;
    let moment = PrimitiveDateTime::new(date, time).assume_utc();
    Some((Timestamp::from_ms(moment.unix_timestamp() * 1000), text.to_owned()))
}

/// Reads the `Date` header's own form (RFC 9110 §5.6.7).
fn parse_http_date(text: &str) -> Option<(Timestamp, String)> {
    let text = text.strip_suffix("GMT").map_or_else(|| text.to_owned(), |rest| format!("{rest}+0000"));
    let moment = OffsetDateTime::parse(&text, &Rfc2822).ok()?;
    let signed_at = Timestamp::from_ms(moment.unix_timestamp() * 1000);
    let iso = iso_basic(signed_at);
    (iso.len() == 16).then_some((signed_at, iso))
}

fn iso_basic(moment: Timestamp) -> String {
    let moment = OffsetDateTime::from_unix_timestamp(moment.seconds()).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let (year, month, day) = moment.to_calendar_date();
    let (hour, minute, second) = moment.to_hms();
    format!("{year:04}{:02}{day:02}T{hour:02}{minute:02}{second:02}Z", u8::from(month))
}

#[cfg(test)]
#[path = "sigv4_tests.rs"]
mod tests;
