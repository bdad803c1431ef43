//! HTTPS on a developer's machine: an authority of this machine's own, trusted once, which can vouch for this machine
//! alone, and a certificate from it for each start.

use crate::master_key::make_private;
use anyhow::{Context as _, Result, bail};
use postern_store::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DnType, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, NameConstraints,
};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use time::OffsetDateTime;
use x509_cert::Certificate;
use x509_cert::der::DecodePem as _;

const AUTHORITY: &str = "authority.pem";
const DAY_MS: i64 = 24 * 3_600_000;
const AUTHORITY_MS: i64 = 3650 * DAY_MS;
const CERTIFICATE_MS: i64 = 90 * DAY_MS;
/// Clocks of this machine's parts may differ a little.
const EARLIER_MS: i64 = 3_600_000;
/// An authority that ends sooner is made anew.
const LEFT_MS: i64 = 180 * DAY_MS;
const NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// What a server shows, and the file that whoever calls it must trust.
pub struct LocalTls {
    pub config: Arc<ServerConfig>,
    pub authority: PathBuf,
}

/// The folder of this person's authority: `$XDG_DATA_HOME/postern`, else `~/.local/share/postern`.
pub fn folder() -> Result<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("XDG_DATA_HOME")
        .or_else(|| set("HOME").or_else(|| set("USERPROFILE")).map(|home| home.join(".local/share")))
        .map(|data| data.join("postern"))
        .context("HOME is not set: there is no place for the local authority")
}

/// The certificate of this person's authority, if there is one.
pub fn authority() -> Result<PathBuf> {
    Ok(folder()?.join(AUTHORITY))
}

/// Reads the authority in a folder, or makes it, and has it vouch for this server.
pub fn prepare(folder: &Path, now: Timestamp) -> Result<LocalTls> {
    let (authority, key_file) = (folder.join(AUTHORITY), folder.join("authority.key"));
    let key = match read(&key_file)? {
        Some(key) if lives(&authority, now)? => {
            KeyPair::from_pem(&key).context("reading the local authority's key")?
        }
        _ => make(folder, &authority, &key_file, now)?,
    };
    let params = authority_params(now);
    let issuer = Issuer::from_params(&params, key);

    let own = KeyPair::generate()?;
    let mut params = CertificateParams::new(NAMES.map(str::to_owned))?;
    params.distinguished_name.push(DnType::CommonName, "localhost");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    (params.not_before, params.not_after) =
        (moment(now.minus_ms(EARLIER_MS)), moment(now.plus_ms(CERTIFICATE_MS)));
    let certificate = params.signed_by(&own, &issuer)?;
    let private = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(own.serialize_der()));
    let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], private)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(LocalTls { config: Arc::new(config), authority })
}

/// Makes an authority in the place of one that is not there or ends soon.
fn make(folder: &Path, authority: &Path, key_file: &Path, now: Timestamp) -> Result<KeyPair> {
    make_private(folder)?;
    let key = KeyPair::generate()?;
    let certificate = authority_params(now).self_signed(&key)?;
    write(key_file, &key.serialize_pem())?;
    write(authority, &certificate.pem())?;
    Ok(key)
}

/// An authority that is good for names of this machine and for nothing else, whoever gets its key.
fn authority_params(now: Timestamp) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "Postern, local authority of this machine");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params.name_constraints = Some(NameConstraints {
        permitted_subtrees: vec![
            GeneralSubtree::DnsName("localhost".to_owned()),
            GeneralSubtree::IpAddress(CidrSubnet::V4([127, 0, 0, 0], [255, 0, 0, 0])),
            GeneralSubtree::IpAddress(CidrSubnet::V6(
                std::net::Ipv6Addr::LOCALHOST.octets(),
                std::net::Ipv6Addr::from(u128::MAX).octets(),
            )),
        ],
        excluded_subtrees: Vec::new(),
    });
    (params.not_before, params.not_after) =
        (moment(now.minus_ms(EARLIER_MS)), moment(now.plus_ms(AUTHORITY_MS)));
    params
}

/// Whether the authority's certificate is there, and for long enough.
fn lives(authority: &Path, now: Timestamp) -> Result<bool> {
    let Some(pem) = read(authority)? else { return Ok(false) };
    let Ok(certificate) = Certificate::from_pem(&pem) else {
        bail!("{} is damaged; remove it", authority.display());
    };
    let ends_s = certificate.tbs_certificate.validity.not_after.to_unix_duration().as_secs();
    Ok(now.plus_ms(LEFT_MS).ms() / 1000 < i64::try_from(ends_s)?)
}

fn read(path: &Path) -> Result<Option<String>> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(fault) if fault.kind() == ErrorKind::NotFound => Ok(None),
        Err(fault) => Err(fault).with_context(|| format!("reading {}", path.display())),
    }
}

/// Writes a file that its owner alone may read.
fn write(path: &Path, text: &str) -> Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path).and_then(|mut file| file.write_all(text.as_bytes()));
    file.with_context(|| format!("writing {}", path.display()))
}

fn moment(time: Timestamp) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(time.ms() / 1000).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}
