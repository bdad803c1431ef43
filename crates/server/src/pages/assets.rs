//! The stylesheet, scripts and mark, compiled in. Their addresses carry a hash of their content, so browsers may keep
//! them for ever.

use std::sync::LazyLock;

use aws_lc_rs::digest::{SHA256, digest};

/// The stylesheet of every page.
pub const CSS: &[u8] = include_bytes!("../../assets/postern.css");

/// The gate, for the top of every card.
pub const MARK: &str = include_str!("../../assets/mark.svg");

/// A file that pages ask for.
pub struct Asset {
    pub path: String,
    pub content_type: &'static str,
    pub bytes: &'static [u8],
}

impl Asset {
    fn new(name: &str, extension: &str, content_type: &'static str, bytes: &'static [u8]) -> Asset {
        let hash = hex::encode(&digest(&SHA256, bytes).as_ref()[..6]);
        Asset { path: format!("/assets/{name}-{hash}.{extension}"), content_type, bytes }
    }
}

static STYLE: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("postern", "css", "text/css; charset=utf-8", CSS));
static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("postern", "js", "text/javascript; charset=utf-8", include_bytes!("../../assets/postern.js"))
});
static INBOX: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("inbox", "js", "text/javascript; charset=utf-8", include_bytes!("../../assets/inbox.js"))
});
static CONSOLE_STYLE: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("console", "css", "text/css; charset=utf-8", include_bytes!("../../assets/console.css"))
});
static CONSOLE_SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("console", "js", "text/javascript; charset=utf-8", include_bytes!("../../assets/console.js"))
});
static PASSKEY: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("passkey", "js", "text/javascript; charset=utf-8", include_bytes!("../../assets/passkey.js"))
});
static ICON: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("icon", "svg", "image/svg+xml", include_bytes!("../../assets/icon.svg")));

fn all() -> [&'static Asset; 7] {
    [&*STYLE, &*SCRIPT, &*INBOX, &*PASSKEY, &*CONSOLE_STYLE, &*CONSOLE_SCRIPT, &*ICON]
}

/// Finds the file at a path such as `/assets/postern-0123456789ab.css`.
pub fn find(path: &str) -> Option<&'static Asset> {
    all().into_iter().find(|asset| asset.path == path)
}

pub fn css_path() -> &'static str {
    &STYLE.path
}

pub fn script_path() -> &'static str {
    &SCRIPT.path
}

pub fn inbox_script_path() -> &'static str {
    &INBOX.path
}

pub fn console_css_path() -> &'static str {
    &CONSOLE_STYLE.path
}

pub fn console_script_path() -> &'static str {
    &CONSOLE_SCRIPT.path
}

pub fn passkey_script_path() -> &'static str {
    &PASSKEY.path
}

pub fn icon_path() -> &'static str {
    &ICON.path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_found_under_its_own_hash_only() {
        assert!(find(css_path()).is_some_and(|asset| asset.bytes == CSS));
        assert!(find("/assets/postern.css").is_none());
        assert!(find("/assets/postern-000000000000.css").is_none());
        assert!(find("/assets/../Cargo.toml").is_none());
    }

    #[test]
    fn nothing_is_fetched_from_elsewhere() {
        for asset in all() {
            let text = std::str::from_utf8(asset.bytes).expect("assets are text");
            let text = text.replace("http://www.w3.org/2000/svg", "").replace("https://app.example.com", "");
            assert!(!text.contains("http:") && !text.contains("https:") && !text.contains("@import"));
        }
    }
}
