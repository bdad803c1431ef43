//! `mail wait`: the next mail to an address, from the inbox of a server in development mode.

use super::remote::{Fault, Remote, RemoteArgs, print, text};
use anyhow::{Context as _, Result, anyhow, bail};
use clap::Args;
use postern_pools::oauth::pairs::query;
use serde_json::Value;
use std::time::Duration;

/// The longest time that the inbox lets one request wait.
const ASK_MAX: Duration = Duration::from_secs(60);
/// What a request may take beside its waiting.
const GRACE: Duration = Duration::from_secs(10);

#[derive(Args)]
pub(super) struct WaitArgs {
    /// Address or telephone number that the message goes to
    #[arg(long, value_name = "ADDRESS")]
    to: String,
    /// How long to wait: 10s, 2m
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration)]
    timeout: Duration,
    #[command(flatten)]
    remote: RemoteArgs,
}

/// Prints the code of the newest message that nobody has read yet, or its link when it has no code.
pub(super) async fn wait(args: &WaitArgs) -> Result<()> {
    let remote = Remote::open(&args.remote)?;
    let mut left = args.timeout;
    loop {
        let now = left.min(ASK_MAX);
        left -= now;
        if let Some(message) = newest(&remote, &args.to, now).await? {
            print(args.remote.output, &message, shown);
            return Ok(());
        }
        if left.is_zero() {
            let seconds = args.timeout.as_secs();
            let words =
                format!("no new message to {} within {seconds} s; look at {}/inbox", args.to, remote.url);
            return Err(Fault::NotFound(words).into());
        }
    }
}

async fn newest(remote: &Remote, to: &str, wait: Duration) -> Result<Option<Value>> {
    let seconds = wait.as_secs_f64().to_string();
    let path = format!("/inbox/api/messages?{}", query(&[("to", to), ("wait", &seconds)]));
    let reply = remote.get(&path, wait + GRACE).await?;
    let mut answer: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    match reply.status {
        200 => {
            let unread = answer.as_array_mut().into_iter().flatten().find(|message| message["read"] == false);
            Ok(unread.map(Value::take))
        }
        404 => {
            let words = format!("{} has no inbox: it exists in development mode only", remote.url);
            Err(Fault::NotFound(words).into())
        }
        _ => bail!("{to}: {}", text(&answer, "message")),
    }
}

fn shown(message: &Value) -> String {
    let link = || text(message, "text").split_whitespace().find(|word| word.starts_with("http"));
    message["code"].as_str().or_else(link).unwrap_or_else(|| text(message, "subject")).to_owned()
}

/// Reads `10`, `10s`, `1500ms` or `2m`.
fn duration(text: &str) -> Result<Duration> {
    let digits = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let number: u64 = text[..digits].parse().with_context(|| format!("{text} is not a time, as 10s is"))?;
    let ms = match &text[digits..] {
        "ms" => Some(number),
        "" | "s" => number.checked_mul(1000),
        "m" => number.checked_mul(60_000),
        _ => None,
    };
    ms.map(Duration::from_millis).ok_or_else(|| anyhow!("{text} is not a time, as 10s is"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_they_are_typed() {
        for (typed, ms) in [("10", 10_000), ("10s", 10_000), ("1500ms", 1500), ("2m", 120_000), ("0s", 0)] {
            assert_eq!(duration(typed).ok(), Some(Duration::from_millis(ms)), "{typed}");
        }
        for typed in ["", "s", "-1s", "1h", "1.5s", "99999999999999999999s", "18446744073709551615m"] {
            assert!(duration(typed).is_err(), "{typed}");
        }
    }
}
