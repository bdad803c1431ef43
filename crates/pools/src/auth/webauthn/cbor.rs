//! Items of CBOR as authenticators write them (CTAP2 canonical form): read one at a time, with what follows it.

use super::Fault;
pub use ciborium::Value;

/// Reads the first item and gives it with the bytes behind it.
pub fn first(bytes: &[u8]) -> Result<(Value, &[u8]), Fault> {
    let mut rest = bytes;
    let value = ciborium::from_reader(&mut rest).map_err(|_| Fault::Malformed)?;
    Ok((value, rest))
}

/// Reads bytes that are one item and nothing else.
pub fn whole(bytes: &[u8]) -> Result<Value, Fault> {
    match first(bytes)? {
        (value, []) => Ok(value),
        _ => Err(Fault::Malformed),
    }
}

/// A map whose keys are told apart.
pub struct Map(Vec<(Value, Value)>);

impl Map {
    pub fn of(value: Value) -> Result<Map, Fault> {
        let Value::Map(pairs) = value else { return Err(Fault::Malformed) };
        let is_repeated = |at: usize| pairs[..at].iter().any(|(key, _)| *key == pairs[at].0);
        if pairs.len() > 32 || (1..pairs.len()).any(is_repeated) {
            return Err(Fault::Malformed);
        }
        Ok(Map(pairs))
    }

    pub fn get(&self, key: impl Into<Value>) -> Option<&Value> {
        let key = key.into();
        self.0.iter().find(|(each, _)| *each == key).map(|(_, value)| value)
    }

    pub fn integer(&self, key: impl Into<Value>) -> Option<i64> {
        self.get(key)?.as_integer()?.try_into().ok()
    }

    pub fn bytes(&self, key: impl Into<Value>) -> Option<&[u8]> {
        self.get(key)?.as_bytes().map(Vec::as_slice)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
