//! A server of our own: a fresh folder, a production configuration with every rule on, the process, and what the
//! kernel says of it.

use crate::wire::Connection;
use anyhow::{Context as _, Result, bail, ensure};
use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub const ACCOUNT: &str = "210987654321";
/// Hundredths of a second: what Linux counts processor time in, whatever the machine.
const TICK: Duration = Duration::from_millis(10);
/// The longest that a start or an end may take before something is wrong.
const PATIENCE: Duration = Duration::from_secs(20);

/// An administrator's access key.
#[derive(Clone)]
pub struct Key {
    pub id: String,
    pub secret: String,
    pub region: String,
}

/// Where the server lives: its program, its folder, its address.
pub struct Site {
    program: PathBuf,
    pub folder: PathBuf,
    pub address: SocketAddr,
    /// Where administrators have their console.
    pub console: SocketAddr,
}

/// The running server.
pub struct Server {
    child: Child,
}

impl Site {
    /// Makes the folder, the pipe that mails come through, and the configuration.
    pub fn lay_out(program: PathBuf, folder: &Path, database: Option<&str>) -> Result<Site> {
        let folder = folder.join(format!("postern-bench-{}", std::process::id()));
        fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
        // Whatever ports are free now; nobody else is expected to take them in between.
        let (main, own) = (TcpListener::bind("127.0.0.1:0")?, TcpListener::bind("127.0.0.1:0")?);
        let (address, console) = (main.local_addr()?, own.local_addr()?);
        let site = Site { program, folder, address, console };
        let made = Command::new("mkfifo").arg(site.mails()).status().context("mkfifo")?;
        ensure!(made.success(), "the pipe for mails could not be made");
        fs::write(site.config(), site.configuration(database))?;
        Ok(site)
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The pipe that mails come through.
    pub fn mails(&self) -> PathBuf {
        self.folder.join("mails")
    }

    pub fn log(&self) -> PathBuf {
        self.folder.join("server.log")
    }

    fn config(&self) -> PathBuf {
        self.folder.join("postern.toml")
    }

    /// Every rule is on. Numbers that are meant for one person's computer are raised, because here one computer plays
    /// everybody; the checks and their writes are made all the same.
    fn configuration(&self, database: Option<&str>) -> String {
        let database = database.map_or(String::new(), |url| format!("database = \"{url}\"\n"));
        format!(
            "public_url = \"{}\"\n\
             listen = [\"{}\"]\n\
             data = \"{}\"\n\
             {database}\
             account = \"{ACCOUNT}\"\n\
             [mail]\n\
             from = \"Postern <no-reply@postern.example>\"\n\
             file = \"{}\"\n\
             [ses]\n\
             auto_approve = true\n\
             quota = 100000000\n\
             rate = 1000\n\
             [http]\n\
             connections_per_source = 4096\n\
             [limits]\n\
             addresses = true\n\
             public_burst = 10000000\n\
             public_per_second = 1000\n\
             sends_per_source_hour = 100000000\n\
             begins_per_source_10_minutes = 100000000\n\
             sends_per_client_10_minutes = 100000000\n\
             sends_per_pool_10_minutes = 100000000\n\
             breaker_after = 100000000\n\
             [console]\n\
             url = \"http://{}\"\n\
             listen = [\"{}\"]\n",
            self.url(),
            self.address,
            self.folder.display(),
            self.mails().display(),
            self.console,
            self.console,
        )
    }

    /// Has the server's own command make the master key and the first administrator.
    pub fn init(&self) -> Result<Key> {
        let output = self.command("init")?.output().context("the server's program cannot be run")?;
        ensure!(output.status.success(), "init failed: {}", String::from_utf8_lossy(&output.stderr));
        let said = String::from_utf8(output.stdout)?;
        let value = |name: &str| {
            let line = said.lines().find_map(|line| line.strip_prefix("export ")?.strip_prefix(name));
            let value = line.and_then(|rest| rest.strip_prefix('='));
            value.map(str::to_owned).with_context(|| format!("init did not say {name}"))
        };
        Ok(Key {
            id: value("AWS_ACCESS_KEY_ID")?,
            secret: value("AWS_SECRET_ACCESS_KEY")?,
            region: value("AWS_DEFAULT_REGION")?,
        })
    }

    /// Starts the server and tells how long it took until it said it was ready.
    pub async fn start(&self) -> Result<(Server, Duration)> {
        let began = Instant::now();
        let mut server = Server { child: self.command("serve")?.stdout(Stdio::null()).spawn()? };
        while began.elapsed() < PATIENCE {
            if let Some(status) = server.child.try_wait()? {
                bail!("the server ended at once ({status}); its log is {}", self.log().display());
            }
            if self.is_ready().await {
                return Ok((server, began.elapsed()));
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        bail!("the server was not ready in {PATIENCE:?}; its log is {}", self.log().display())
    }

    async fn is_ready(&self) -> bool {
        match Connection::open(self.address).await {
            Ok(mut connection) => {
                connection.get("/readyz").await.is_ok_and(|answer| answer.status.is_success())
            }
            Err(_) => false,
        }
    }

    fn command(&self, verb: &str) -> Result<Command> {
        let log = File::options().create(true).append(true).open(self.log())?;
        let mut command = Command::new(&self.program);
        command.arg(verb).arg("--config").arg(self.config()).stdin(Stdio::null()).stderr(log);
        Ok(command)
    }
}

impl Server {
    /// Processor time since its start, of all its threads.
    pub fn cpu(&self) -> Result<Duration> {
        process_cpu(&self.child.id().to_string())
    }

    /// Processor time of the threads that sign tokens.
    pub fn signing_cpu(&self) -> Result<Duration> {
        let mut sum = Duration::ZERO;
        for thread in fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            // A thread may have ended since it was listed.
            let Ok(line) = fs::read_to_string(thread?.path().join("stat")) else { continue };
            if line.contains("(signer)") {
                sum += stat_cpu(&line).context("the kernel's line about a thread is short")?;
            }
        }
        Ok(sum)
    }

    /// Resident memory now, in KiB.
    pub fn resident_kib(&self) -> Result<u64> {
        self.status("VmRSS:")
    }

    /// The most memory that was ever resident, in KiB.
    pub fn resident_peak_kib(&self) -> Result<u64> {
        self.status("VmHWM:")
    }

    fn status(&self, name: &str) -> Result<u64> {
        let text = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        let number = line.and_then(|rest| rest.split_whitespace().next()?.parse().ok());
        number.with_context(|| format!("the kernel does not say {name}"))
    }

    /// Asks the server to end and waits until it has.
    pub async fn stop(mut self) -> Result<()> {
        let asked = Command::new("kill").arg(self.child.id().to_string()).status().context("kill")?;
        ensure!(asked.success(), "the server could not be asked to end");
        let began = Instant::now();
        while self.child.try_wait()?.is_none() {
            ensure!(began.elapsed() < PATIENCE, "the server did not end in {PATIENCE:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Already gone if it was stopped politely.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Processor time of a process, by its number or as `self`.
pub fn process_cpu(process: &str) -> Result<Duration> {
    let text = fs::read_to_string(format!("/proc/{process}/stat"))?;
    stat_cpu(&text).context("the kernel's line about a process is short")
}

/// Processor time of the whole machine that was not idle (proc(5), first line of /proc/stat).
pub fn machine_cpu() -> Result<Duration> {
    let text = fs::read_to_string("/proc/stat")?;
    let fields: Vec<u64> = text
        .lines()
        .next()
        .map(|line| line.split_whitespace().skip(1).filter_map(|field| field.parse().ok()).collect())
        .context("the kernel does not tell what the machine does")?;
    let [user, nice, system, _idle, _waiting, interrupts, soft_interrupts, ..] = fields[..] else {
        bail!("the kernel's line about the machine is short");
    };
    Ok(ticks(user + nice + system + interrupts + soft_interrupts))
}

/// Adds user and system time of a line about a process or thread (proc(5): fields 14 and 15).
fn stat_cpu(line: &str) -> Option<Duration> {
    let (_, fields) = line.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let (user, system): (u64, u64) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some(ticks(user + system))
}

fn ticks(count: u64) -> Duration {
    Duration::from_nanos(count * TICK.as_nanos() as u64)
}
