//! The ground that generated types stand on: reading them from documents and writing them back, the few
//! scalar types of the models, and the macros that the generated files are written in.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Number};
use std::collections::BTreeMap;
use std::fmt;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use zeroize::Zeroize as _;

/// A request or an answer before it is typed: what all protocols are read into and written from.
pub type Document = serde_json::Value;

/// A document that does not have the type its shape asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// Where, by member names, list positions and map keys from the outermost in. Never holds a value.
    pub path: Vec<String>,
    /// What should stand there.
    pub wanted: &'static str,
}

impl Mismatch {
    pub fn new(wanted: &'static str) -> Self {
        Mismatch { path: Vec::new(), wanted }
    }

    /// Notes that the mismatch lies inside the named member.
    pub fn under(mut self, name: impl ToString) -> Self {
        self.path.insert(0, name.to_string());
        self
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = if self.path.is_empty() { "the document".to_owned() } else { self.path.join(".") };
        write!(f, "expected {} at {path}", self.wanted)
    }
}

impl std::error::Error for Mismatch {}

/// A type of the models: reads itself from a document and writes itself back.
pub trait Shape: Sized {
    fn read(document: &Document) -> Result<Self, Mismatch>;

    fn write(&self) -> Document;

    /// What stands for a member that is not there; nothing, if it must be there.
    fn absent() -> Option<Self> {
        None
    }

    /// Whether writing leaves the member out.
    fn is_absent(&self) -> bool {
        false
    }
}

/// An operation of a service, as a type.
pub trait Operation {
    const NAME: &'static str;
    const SERVICE: crate::Service;
    type Input: Shape + Clone + fmt::Debug + Default + Send + Sync + 'static;
    type Output: Shape + Clone + fmt::Debug + Default + Send + Sync + 'static;
}

impl<T: Shape> Shape for Option<T> {
    fn read(document: &Document) -> Result<Self, Mismatch> {
        if document.is_null() { Ok(None) } else { T::read(document).map(Some) }
    }

    fn write(&self) -> Document {
        self.as_ref().map_or(Document::Null, Shape::write)
    }

    fn absent() -> Option<Self> {
        Some(None)
    }

    fn is_absent(&self) -> bool {
        self.is_none()
    }
}

impl<T: Shape> Shape for Box<T> {
    fn read(document: &Document) -> Result<Self, Mismatch> {
        T::read(document).map(Box::new)
    }

    fn write(&self) -> Document {
        (**self).write()
    }
}

impl<T: Shape> Shape for Vec<T> {
    fn read(document: &Document) -> Result<Self, Mismatch> {
        let items = document.as_array().ok_or(Mismatch::new("a list"))?;
        let numbered = items.iter().enumerate();
        numbered.map(|(at, item)| T::read(item).map_err(|m| m.under(at + 1))).collect()
    }

    fn write(&self) -> Document {
        Document::Array(self.iter().map(Shape::write).collect())
    }
}

impl<T: Shape> Shape for BTreeMap<String, T> {
    fn read(document: &Document) -> Result<Self, Mismatch> {
        let entries = document.as_object().ok_or(Mismatch::new("a map"))?;
        // An entry that is `null` is none (Smithy, "sparse trait").
        let typed = entries.iter().filter(|(_, value)| !value.is_null()).map(|(key, value)| {
            let value = T::read(value).map_err(|mismatch| mismatch.under(key))?;
            Ok((key.clone(), value))
        });
        typed.collect()
    }

    fn write(&self) -> Document {
        Document::Object(self.iter().map(|(key, value)| (key.clone(), value.write())).collect())
    }
}

impl Shape for Document {
    fn read(document: &Document) -> Result<Self, Mismatch> {
        Ok(document.clone())
    }

    fn write(&self) -> Document {
        self.clone()
    }
}

impl Shape for String {
    fn read(document: &Document) -> Result<Self, Mismatch> {
        document.as_str().map(str::to_owned).ok_or(Mismatch::new("a string"))
    }

    fn write(&self) -> Document {
        Document::String(self.clone())
    }
}

impl Shape for bool {
    fn read(document: &Document) -> Result<Self, Mismatch> {
        document.as_bool().ok_or(Mismatch::new("true or false"))
    }

    fn write(&self) -> Document {
        Document::Bool(*self)
    }
}

impl Shape for i64 {
    fn read(document: &Document) -> Result<Self, Mismatch> {
        whole(document).ok_or(Mismatch::new("a whole number"))
    }

    fn write(&self) -> Document {
        Document::from(*self)
    }
}

impl Shape for f64 {
    fn read(document: &Document) -> Result<Self, Mismatch> {
        document.as_f64().ok_or(Mismatch::new("a number"))
    }

    fn write(&self) -> Document {
        Number::from_f64(*self).map_or(Document::Null, Document::Number)
    }
}

/// Reads a whole number; `5.0` is one, as some clients write it so.
pub(crate) fn whole(document: &Document) -> Option<i64> {
    /// Up to here a double holds every whole number (2^53).
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

    let number = document.as_number()?;
    number.as_i64().or_else(|| {
        let float = number.as_f64().filter(|float| float.fract() == 0.0 && float.abs() <= EXACT_MAX)?;
        number.is_f64().then_some(float as i64)
    })
}

/// A moment in milliseconds since the Unix epoch. On the wire: seconds with up to three decimals (JSON),
/// ISO 8601 (XML, query strings).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

/// The moments that ISO 8601 can write with a year of four digits: the years 0 to 9999.
const WRITABLE_MS: std::ops::RangeInclusive<i64> = -62_167_219_200_000..=253_402_300_799_999;

impl Timestamp {
    /// Writes the moment as `2026-01-02T03:04:05Z`, with decimals only where there are some.
    pub fn iso8601(self) -> String {
        let ms = self.0.clamp(*WRITABLE_MS.start(), *WRITABLE_MS.end());
        let moment = OffsetDateTime::from_unix_timestamp_nanos(i128::from(ms) * 1_000_000);
        let text = moment.ok().and_then(|moment| moment.format(&Rfc3339).ok());
        text.expect("years 0 to 9999 can be written")
    }

    /// Reads what [`Timestamp::iso8601`] writes, in any offset.
    pub fn parse_iso8601(text: &str) -> Option<Self> {
        let moment = OffsetDateTime::parse(text, &Rfc3339).ok()?;
        i64::try_from(moment.unix_timestamp_nanos().div_euclid(1_000_000)).ok().map(Timestamp)
    }
}

impl Shape for Timestamp {
    fn read(document: &Document) -> Result<Self, Mismatch> {
        let seconds = document.as_f64().ok_or(Mismatch::new("a time in seconds"))?;
        let ms = (seconds * 1000.0).round();
        if WRITABLE_MS.contains(&(ms as i64)) {
            Ok(Timestamp(ms as i64))
        } else {
            Err(Mismatch::new("a time between the years 0 and 9999"))
        }
    }

    fn write(&self) -> Document {
        if self.0 % 1000 == 0 {
            Document::from(self.0 / 1000)
        } else {
            Document::from(self.0 as f64 / 1000.0)
        }
    }
}

/// Bytes; base64 on the wire. Shows only its length.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Blob(pub Vec<u8>);

impl fmt::Debug for Blob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Blob({} bytes)", self.0.len())
    }
}

impl Shape for Blob {
    fn read(document: &Document) -> Result<Self, Mismatch> {
        let wanted = Mismatch::new("base64");
        document.as_str().and_then(|text| STANDARD.decode(text).ok()).map(Blob).ok_or(wanted)
    }

    fn write(&self) -> Document {
        Document::String(STANDARD.encode(&self.0))
    }
}

/// A string that must not be seen: never printed, wiped when dropped.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub fn new(text: impl Into<String>) -> Self {
        Secret(text.into())
    }

    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl Shape for Secret {
    fn read(document: &Document) -> Result<Self, Mismatch> {
        String::read(document).map(Secret)
    }

    fn write(&self) -> Document {
        Document::String(self.0.clone())
    }
}

/// Named secrets, as `AuthParameters` carries them. Shows only the names.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secrets(BTreeMap<String, Secret>);

impl Secrets {
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(Secret::reveal)
    }

    pub fn insert(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.0.insert(name.into(), Secret::new(value));
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Secrets {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(entries: I) -> Self {
        Secrets(entries.into_iter().map(|(name, value)| (name.into(), Secret::new(value))).collect())
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Shape for Secrets {
    fn read(document: &Document) -> Result<Self, Mismatch> {
        BTreeMap::read(document).map(Secrets)
    }

    fn write(&self) -> Document {
        self.0.write()
    }
}

/// Reads a structure's members.
pub fn members(document: &Document) -> Result<&Map<String, Document>, Mismatch> {
    document.as_object().ok_or(Mismatch::new("a structure"))
}

/// Reads one member; `null` counts as absent.
pub fn member<T: Shape>(members: &Map<String, Document>, name: &str) -> Result<T, Mismatch> {
    match members.get(name) {
        None | Some(Document::Null) => T::absent().ok_or(Mismatch::new("a value")),
        Some(value) => T::read(value),
    }
    .map_err(|mismatch| mismatch.under(name))
}

/// Writes one member, unless it is absent.
pub fn put<T: Shape>(members: &mut Map<String, Document>, name: &str, value: &T) {
    if !value.is_absent() {
        members.insert(name.to_owned(), value.write());
    }
}

/// Structures. Their `Debug` names the members that are set and never shows a value.
macro_rules! record {
    ($($name:ident { $($field:ident: $type:ty = $wire:literal,)* })*) => {$(
        #[derive(Clone, Default, PartialEq)]
        pub struct $name {
            $(pub $field: $type,)*
        }

        #[allow(unused_mut, unused_variables)]
        impl $crate::shape::Shape for $name {
            fn read(
                document: &$crate::shape::Document,
            ) -> ::std::result::Result<Self, $crate::shape::Mismatch> {
                let members = $crate::shape::members(document)?;
                Ok($name { $($field: $crate::shape::member(members, $wire)?,)* })
            }

            fn write(&self) -> $crate::shape::Document {
                let mut members = ::serde_json::Map::new();
                $($crate::shape::put(&mut members, $wire, &self.$field);)*
                $crate::shape::Document::Object(members)
            }
        }

        impl ::std::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                let mut shown = f.debug_tuple(stringify!($name));
                $(if !$crate::shape::Shape::is_absent(&self.$field) {
                    shown.field(&format_args!($wire));
                })*
                shown.finish()
            }
        }
    )*};
}

/// Enumerations. `Default` is the first value of the model, there only so that structures have a default.
macro_rules! choices {
    ($($name:ident { $first:ident = $first_wire:literal, $($variant:ident = $wire:literal,)* })*) => {$(
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[allow(clippy::enum_variant_names)]
        pub enum $name {
            #[default]
            $first,
            $($variant,)*
        }

        impl $name {
            pub const ALL: &[$name] = &[$name::$first, $($name::$variant,)*];

            pub const fn as_str(self) -> &'static str {
                match self {
                    $name::$first => $first_wire,
                    $($name::$variant => $wire,)*
                }
            }

            pub fn parse(text: &str) -> Option<Self> {
                match text {
                    $first_wire => Some($name::$first),
                    $($wire => Some($name::$variant),)*
                    _ => None,
                }
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl $crate::shape::Shape for $name {
            fn read(
                document: &$crate::shape::Document,
            ) -> ::std::result::Result<Self, $crate::shape::Mismatch> {
                let known = document.as_str().and_then($name::parse);
                known.ok_or($crate::shape::Mismatch::new(concat!("a value of ", stringify!($name))))
            }

            fn write(&self) -> $crate::shape::Document {
                $crate::shape::Document::String(self.as_str().to_owned())
            }
        }
    )*};
}

/// Marker types of operations, in a module of their own because structures may bear the same names.
macro_rules! operations {
    ($service:ident { $($name:ident($input:ident) -> $output:ident,)* }) => {
        /// One marker type per operation.
        pub mod op {
            $(
                #[derive(Clone, Copy, Debug)]
                pub struct $name;

                impl $crate::shape::Operation for $name {
                    const NAME: &'static str = stringify!($name);
                    const SERVICE: $crate::Service = $crate::Service::$service;
                    type Input = super::$input;
                    type Output = super::$output;
                }
            )*

            #[cfg(test)]
            pub(crate) const ROUND_TRIPS: &[$crate::tests::RoundTrips] = &[
                $((
                    stringify!($name),
                    $crate::tests::round_trip::<super::$input>,
                    $crate::tests::round_trip::<super::$output>,
                ),)*
            ];
        }
    };
}

/// Error kinds by the names of their shapes.
macro_rules! errors {
    ($($name:ident = $code:literal $status:literal,)*) => {
        /// The errors of the model.
        #[allow(non_upper_case_globals)]
        pub mod errors {
            $(pub const $name: $crate::ErrorKind = $crate::ErrorKind { code: $code, status: $status };)*
        }
    };
}

pub(crate) use {choices, errors, operations, record};

record! {
    // What operations without an input or an output take or give.
    Nothing {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cognito_idp::{AuthFlowType, InitiateAuthRequest};
    use serde_json::json;

    fn sign_in() -> Document {
        json!({
            "AuthFlow": "USER_AUTH",
            "ClientId": "1example23456789",
            "AuthParameters": {"USERNAME": "alice@example.com", "PASSWORD": "correct horse"},
            "Session": "the-session-of-alice",
            "Unheard": 1
        })
    }

    #[test]
    fn a_request_is_read_without_what_it_does_not_know() {
        let request = InitiateAuthRequest::read(&sign_in()).expect("a good request");
        assert_eq!(request.auth_flow, AuthFlowType::UserAuth);
        let parameters = request.auth_parameters.as_ref().expect("was given");
        assert_eq!(parameters.get("PASSWORD"), Some("correct horse"));
        assert_eq!(parameters.get("SECRET_HASH"), None);
        assert_eq!(request.client_metadata, None);

        let mut written = sign_in();
        written.as_object_mut().expect("an object").remove("Unheard");
        assert_eq!(request.write(), written);
    }

    #[test]
    fn nothing_of_a_request_is_shown_but_its_members_names() {
        let request = InitiateAuthRequest::read(&sign_in()).expect("a good request");
        assert_eq!(
            format!("{request:?}"),
            "InitiateAuthRequest(AuthFlow, AuthParameters, ClientId, Session)"
        );
        assert_eq!(format!("{:?}", request.auth_parameters), r#"Some({"PASSWORD", "USERNAME"})"#);
        assert_eq!(format!("{:?} {:?}", Secret::new("123456"), Blob(vec![1, 2])), "*** Blob(2 bytes)");
    }

    #[test]
    fn a_mismatch_says_where_and_never_what() {
        let table = [
            (json!([]), "expected a structure at the document"),
            (json!({"ClientId": "x"}), "expected a value at AuthFlow"),
            (json!({"ClientId": "x", "AuthFlow": "hello"}), "expected a value of AuthFlowType at AuthFlow"),
            (
                json!({"ClientId": "x", "AuthFlow": "USER_AUTH", "AuthParameters": {"A": 7}}),
                "expected a string at AuthParameters.A",
            ),
        ];
        for (document, words) in table {
            let mismatch = InitiateAuthRequest::read(&document).expect_err("not a request");
            assert_eq!(mismatch.to_string(), words);
        }
    }

    #[test]
    fn whole_numbers_may_be_written_with_a_point_but_not_with_a_fraction() {
        assert_eq!(i64::read(&json!(5)), Ok(5));
        assert_eq!(i64::read(&json!(5.0)), Ok(5));
        for wrong in [json!(5.5), json!("5"), json!(u64::MAX), json!(1e300), json!(null), json!(true)] {
            assert!(i64::read(&wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn times_travel_as_seconds_and_as_iso_8601() {
        let table = [
            (0, json!(0), "1970-01-01T00:00:00Z"),
            (1_689_030_181_630, json!(1_689_030_181.63), "2023-07-10T23:03:01.63Z"),
            (1_767_323_045_000, json!(1_767_323_045), "2026-01-02T03:04:05Z"),
        ];
        for (ms, document, text) in table {
            assert_eq!(Timestamp(ms).write(), document);
            assert_eq!(Timestamp::read(&document), Ok(Timestamp(ms)));
            assert_eq!(Timestamp(ms).iso8601(), text);
            assert_eq!(Timestamp::parse_iso8601(text), Some(Timestamp(ms)));
        }
        assert_eq!(Timestamp::parse_iso8601("2026-01-02T03:04:05+01:00"), Some(Timestamp(1_767_319_445_000)));
        assert_eq!(Timestamp::parse_iso8601("yesterday"), None);
        assert!(Timestamp::read(&json!(1e300)).is_err());
        assert_eq!(Timestamp(i64::MAX).iso8601(), "9999-12-31T23:59:59.999Z");
    }

    #[test]
    fn choices_know_their_words_and_no_others() {
        for flow in AuthFlowType::ALL {
            assert_eq!(AuthFlowType::parse(flow.as_str()), Some(*flow));
        }
        assert_eq!(AuthFlowType::parse("user_auth"), None);
    }
}
