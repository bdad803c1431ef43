//! Signing keys for the pools of tests: making one takes longer than most tests, so servers of one process share them.

use anyhow::{Context as _, Result};
use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use postern_pools::keys::KeySource;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The keys that were made so far.
static MADE: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());

/// A source for one server, or for several on the same data: it gives each key once.
pub fn shared_keys() -> KeySource {
    let next = AtomicUsize::new(0);
    KeySource::of(move || key(next.fetch_add(1, Ordering::Relaxed)))
}

fn key(number: usize) -> Result<KeyPair> {
    let mut made = MADE.lock().expect("no other test died while it made a key");
    while made.len() <= number {
        let pair = KeyPair::generate(KeySize::Rsa2048).ok().context("an RSA key cannot be made")?;
        let der: Pkcs8V1Der<'_> = pair.as_der().ok().context("an RSA key cannot be encoded")?;
        made.push(der.as_ref().to_vec());
    }
    KeyPair::from_pkcs8(&made[number]).map_err(|fault| anyhow::anyhow!("a key: {fault}"))
}
