//! The machine's own limit: what the two RSA-2048 signatures of a sign-in cost here, without anything around them.

use anyhow::{Context as _, Result};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::RSA_PKCS1_SHA256;
use serde::Serialize;
use std::time::{Duration, Instant};

const WARM_UP: u32 = 100;
const PAIRS: u32 = 1_000;
/// About the length of a token that is signed.
const SIGNED_BYTES: usize = 700;

/// Processor time of two signatures.
#[derive(Clone, Copy, Serialize)]
pub struct TwoSignatures {
    pub cores: usize,
    pub alone_ms: f64,
    /// While every core does the same: cores that are two threads of one lose by it.
    pub all_busy_ms: f64,
}

/// Measures two signatures on one thread, then on as many as there are cores.
pub fn two_signatures() -> Result<TwoSignatures> {
    let cores = std::thread::available_parallelism()?.get();
    let alone_ms = sign()?;
    let signing: Vec<_> = (0..cores).map(|_| std::thread::spawn(sign)).collect();
    let mut sum_ms = 0.0;
    for thread in signing {
        sum_ms += thread.join().ok().context("a signing thread panicked")??;
    }
    Ok(TwoSignatures { cores, alone_ms, all_busy_ms: sum_ms / cores as f64 })
}

fn sign() -> Result<f64> {
    let pair = KeyPair::generate(KeySize::Rsa2048).ok().context("no key could be made")?;
    let random = SystemRandom::new();
    let message = [b'.'; SIGNED_BYTES];
    let mut signature = vec![0; pair.public_modulus_len()];
    let mut two = || -> Result<()> {
        for _ in 0..2 {
            let signed = pair.sign(&RSA_PKCS1_SHA256, &random, &message, &mut signature);
            signed.ok().context("a signature failed")?;
        }
        Ok(())
    };
    for _ in 0..WARM_UP {
        two()?;
    }
    let began = spent();
    for _ in 0..PAIRS {
        two()?;
    }
    Ok((spent() - began).as_secs_f64() * 1e3 / f64::from(PAIRS))
}

/// Processor time of this thread, where the kernel counts it; else the time of day.
fn spent() -> Duration {
    let counted = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds = counted.and_then(|text| text.split_whitespace().next()?.parse().ok());
    nanoseconds.map_or_else(day_time, Duration::from_nanos)
}

fn day_time() -> Duration {
    static BEGAN: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    BEGAN.get_or_init(Instant::now).elapsed()
}
