//! This machine's own names: doors that are open to whoever sits at it answer under no other, because a rebound DNS name
//! would let any page of the world in.

use axum::http::HeaderMap;
use axum::http::header::HOST;

/// `localhost` or a loopback address, on any port.
pub fn is_own_name(headers: &HeaderMap) -> bool {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None => host.split(':').next().unwrap_or_default(),
    };
    let is_loopback = name.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback());
    is_loopback || name.eq_ignore_ascii_case("localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| ((*name).parse().expect("a name"), value.parse().expect("a value")))
            .collect()
    }

    #[test]
    fn only_this_machines_names_are_answered() {
        for own in ["localhost:9320", "localhost", "127.0.0.1:9320", "[::1]:9320", "LOCALHOST:1", "127.1.2.3"]
        {
            assert!(is_own_name(&headers(&[("host", own)])), "{own}");
        }
        for other in ["evil.example:9320", "localhost.evil.example", "192.0.2.1", "[2001:db8::1]:9320", ""] {
            assert!(!is_own_name(&headers(&[("host", other)])), "{other}");
        }
        assert!(!is_own_name(&headers(&[])));
    }
}
