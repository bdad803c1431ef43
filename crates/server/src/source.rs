//! Where a request truly comes from: the peer, or what a configured proxy says about it.

use axum::http::HeaderMap;
use postern_mail::transport::Network;
use std::net::{IpAddr, Ipv6Addr};

/// The address at the other end of the connection.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub IpAddr);

/// Unfolds an IPv4 address that is written as an IPv6 one.
pub fn unfolded(address: IpAddr) -> IpAddr {
    address.to_canonical()
}

/// The address a request comes from. `X-Forwarded-For` is read from its end, as far as trusted proxies wrote it.
pub fn of(peer: IpAddr, headers: &HeaderMap, trusted: &[Network]) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
    let mut source = unfolded(peer);
    if !is_trusted(source) {
        return source;
    }
    let mut hops = Vec::new();
    for header in headers.get_all("x-forwarded-for") {
        hops.extend(header.to_str().unwrap_or_default().split(','));
    }
    for hop in hops.iter().rev() {
        let Ok(address) = hop.trim().parse() else { return source };
        source = unfolded(address);
        if !is_trusted(source) {
            break;
        }
    }
    source
}

/// The host that the client asked for, where a trusted proxy names it.
pub fn forwarded_host<'a>(peer: IpAddr, headers: &'a HeaderMap, trusted: &[Network]) -> Option<&'a str> {
    let peer = unfolded(peer);
    if !trusted.iter().any(|network| network.contains(peer)) {
        return None;
    }
    headers.get("x-forwarded-host")?.to_str().ok()
}

/// Whether a request reached a trusted proxy by HTTPS: as it says, or else as the server is known by.
pub fn forwarded_proto(peer: IpAddr, headers: &HeaderMap, trusted: &[Network], known_https: bool) -> bool {
    let peer = unfolded(peer);
    if !trusted.iter().any(|network| network.contains(peer)) {
        return false;
    }
    match headers.get("x-forwarded-proto").and_then(|said| said.to_str().ok()) {
        Some(said) => said.eq_ignore_ascii_case("https"),
        None => known_https,
    }
}

/// What limits count by: an IPv4 address, or the /64 around an IPv6 one.
pub fn bucket(source: IpAddr) -> IpAddr {
    match unfolded(source) {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from(u128::from(address) & !u128::from(u64::MAX))),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().expect("the table has addresses")
    }

    fn forwarded(values: &[&'static str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append("x-forwarded-for", (*value).parse().expect("a header value"));
        }
        headers
    }

    #[test]
    fn only_configured_proxies_are_believed() {
        let trusted = ["10.0.0.0/8", "::1"].map(|text| Network::parse(text).expect("a network"));
        let table: [(&str, &[&'static str], &str); 8] = [
            ("192.0.2.1", &["203.0.113.9"], "192.0.2.1"),
            ("10.1.1.1", &["203.0.113.9"], "203.0.113.9"),
            ("::ffff:10.1.1.1", &["203.0.113.9"], "203.0.113.9"),
            ("10.1.1.1", &["1.1.1.1, 203.0.113.9, 10.2.2.2"], "203.0.113.9"),
            ("10.1.1.1", &["1.1.1.1", "203.0.113.9"], "203.0.113.9"),
            ("10.1.1.1", &["nonsense"], "10.1.1.1"),
            ("10.1.1.1", &[], "10.1.1.1"),
            ("::1", &["::ffff:192.0.2.7"], "192.0.2.7"),
        ];
        for (peer, headers, source) in table {
            assert_eq!(
                of(address(peer), &forwarded(headers), &trusted),
                address(source),
                "{peer} {headers:?}"
            );
        }
        assert_eq!(of(address("10.1.1.1"), &forwarded(&["203.0.113.9"]), &[]), address("10.1.1.1"));
    }

    #[test]
    fn a_request_is_encrypted_where_a_trusted_proxy_took_it_so() {
        let trusted = [Network::parse("10.0.0.0/8").expect("a network")];
        for (peer, said, known_https, answer) in [
            ("10.1.1.1", Some("https"), false, true),
            ("10.1.1.1", Some("http"), true, false),
            ("10.1.1.1", None, true, true),
            ("10.1.1.1", None, false, false),
            ("192.0.2.1", Some("https"), true, false),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(said) = said {
                headers.insert("x-forwarded-proto", said.parse().expect("a header value"));
            }
            assert_eq!(
                forwarded_proto(address(peer), &headers, &trusted, known_https),
                answer,
                "{peer} {said:?}"
            );
        }
    }

    #[test]
    fn networks_contain_their_own_and_nothing_else() {
        let table = [
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("0.0.0.0/0", "8.8.8.8", true),
            ("0.0.0.0/0", "::1", false),
            ("2001:db8::/32", "2001:db8:1::5", true),
            ("2001:db8::/32", "2001:db9::5", false),
            ("192.0.2.1", "192.0.2.1", true),
            ("192.0.2.1", "192.0.2.2", false),
            ("::/0", "2001:db8::1", true),
        ];
        for (network, inside, answer) in table {
            let network = Network::parse(network).expect("a network");
            assert_eq!(network.contains(address(inside)), answer, "{network:?} {inside}");
        }
        for wrong in ["", "10.0.0.0/33", "10.0.0.0/-1", "host/8", "::/129"] {
            assert!(Network::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_ipv6_source_is_its_network() {
        assert_eq!(bucket(address("2001:db8:1:2:3:4:5:6")), address("2001:db8:1:2::"));
        assert_eq!(bucket(address("::ffff:192.0.2.1")), address("192.0.2.1"));
    }
}
