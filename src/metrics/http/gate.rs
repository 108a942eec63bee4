//! Owns who may read the figures and in which format: host, origin, token, path. Pure.

use std::hint::black_box;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::reply::Refusal;
use super::request::{Method, Request};
use crate::metrics::Format;

/// What a request gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    Metrics(Format),
    /// A link to the metrics.
    Index,
}

/// The rules of one server.
pub struct Gate {
    pub token: Option<String>,
    /// Whether other names than those of this machine may be asked for.
    pub is_any_host_good: bool,
}

impl Gate {
    /// What a well-formed request gets.
    ///
    /// # Errors
    /// The first rule that it breaks. Those that keep strangers out come first, so that they learn nothing more.
    pub fn admit(&self, request: &Request<'_>) -> Result<Page, Refusal> {
        // A browser that was led here under another name (DNS rebinding) says so in its Host.
        if !self.is_any_host_good && !request.host.is_none_or(is_loopback_host) {
            return Err(Refusal::MISDIRECTED);
        }
        if request.is_cross_origin {
            return Err(Refusal::CROSS_ORIGIN);
        }
        if !self.knows(request.authorization) {
            return Err(Refusal::UNAUTHORIZED);
        }
        if request.method == Method::Other {
            return Err(Refusal::METHOD);
        }
        match request.path {
            "/metrics" => Ok(Page::Metrics(wanted_format(&request.accept))),
            "/" => Ok(Page::Index),
            _ => Err(Refusal::NOT_FOUND),
        }
    }

    fn knows(&self, authorization: Option<&str>) -> bool {
        let Some(token) = &self.token else { return true };
        let Some((scheme, given)) = authorization.and_then(|value| value.split_once(' ')) else {
            return false;
        };
        scheme.eq_ignore_ascii_case("bearer") && is_same(given.trim_start_matches(' '), token)
    }
}

/// Takes the same time wherever the texts differ.
fn is_same(given: &str, wanted: &str) -> bool {
    let given = given.as_bytes();
    let mut difference = u8::from(given.len() != wanted.len());
    for (at, byte) in wanted.bytes().enumerate() {
        difference = black_box(difference | (byte ^ given.get(at).copied().unwrap_or(0)));
    }
    difference == 0
}

/// Whether a `Host` names this machine, with any port.
fn is_loopback_host(host: &str) -> bool {
    let before = host.trim_end_matches(|c: char| c.is_ascii_digit());
    let is_port = host[before.len()..].parse::<u16>().is_ok();
    let name = before.strip_suffix(':').filter(|_| is_port).unwrap_or(host);
    if let Some(bare) = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return bare.parse() == Ok(Ipv6Addr::LOCALHOST);
    }
    name.eq_ignore_ascii_case("localhost")
        || name.parse().is_ok_and(|address: Ipv4Addr| address.is_loopback())
}

/// OpenMetrics where it is asked for by name and liked no less than plain text.
fn wanted_format(accept: &[&str]) -> Format {
    let (mut open, mut plain) = (0.0_f32, 0.0_f32);
    for range in accept.iter().flat_map(|value| value.split(',')) {
        let mut parts = range.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default().to_ascii_lowercase();
        let quality = match name.as_str() {
            "application/openmetrics-text" => &mut open,
            "text/plain" | "text/*" => &mut plain,
            _ => continue,
        };
        let mut weight = 1.0;
        for (key, value) in parts.filter_map(|part| part.split_once('=')) {
            match key.trim().to_ascii_lowercase().as_str() {
                "q" => weight = value.trim().parse().unwrap_or(0.0),
                // Versions before 1.0.0 are close enough for those that want them; later ones are not written.
                "version" if name.starts_with("application") && !is_our_version(value) => weight = 0.0,
                _ => {}
            }
        }
        *quality = quality.max(weight);
    }
    if open > 0.0 && open >= plain { Format::OpenMetrics } else { Format::Plain }
}

fn is_our_version(value: &str) -> bool {
    let value = value.trim().trim_matches('"');
    value.starts_with("0.") || value.starts_with("1.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_are_loopback_hosts() {
        for host in ["localhost", "LOCALHOST:9", "127.0.0.1", "127.9.8.7:65535", "[::1]", "[::1]:80"] {
            assert!(is_loopback_host(host), "{host}");
        }
        let foreign = "evil.com|localhost:|localhost.evil.com|127.0.0.1.evil.com|evil.com:80|localhost:99999|localhost:+1|\
            localhost:80:80|[::1|[::1]80|[::1]:|[::2]|[::ffff:127.0.0.1]|::1|0.0.0.0|127.1|0x7f.0.0.1|128.0.0.1|\
            localhost.||@localhost|localhost@evil.com|[localhost]|127.0.0.1 |localhost/";
        for host in foreign.split('|') {
            assert!(!is_loopback_host(host), "{host}");
        }
    }

    #[test]
    fn the_format_follows_the_accept_header() {
        let open = [
            "application/openmetrics-text",
            "application/openmetrics-text;version=1.0.0;q=0.5,*/*;q=0.1",
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=0.0.4;q=0.4",
            "text/plain;q=0.2, Application/OpenMetrics-Text ; Version=0.0.1 ; Q=0.3",
        ];
        for accept in open {
            assert_eq!(wanted_format(&[accept]), Format::OpenMetrics, "{accept}");
        }
        let plain = [
            "",
            "*/*",
            "text/plain",
            "text/html,application/xhtml+xml,*/*;q=0.8",
            "application/openmetrics",
            "application/openmetrics-text;q=0",
            "application/openmetrics-text;version=2.0.0,text/plain;q=0.1",
            "application/openmetrics-text;q=0.3,text/plain;q=0.4",
            "application/openmetrics-text;q=NaN",
            "application/openmetrics-text;q=x",
        ];
        for accept in plain {
            assert_eq!(wanted_format(&[accept]), Format::Plain, "{accept}");
        }
        assert_eq!(wanted_format(&["text/plain;q=0.1", "application/openmetrics-text"]), Format::OpenMetrics);
    }

    #[test]
    fn only_the_whole_token_opens() {
        let gate = Gate { token: Some("abc-DEF".into()), is_any_host_good: true };
        for good in ["Bearer abc-DEF", "bearer abc-DEF", "BEARER  abc-DEF"] {
            assert!(gate.knows(Some(good)), "{good}");
        }
        for bad in [
            "",
            "Bearer",
            "Bearer ",
            "abc-DEF",
            "Bearer abc-DE",
            "Bearer abc-DEFG",
            "Bearer Abc-DEF",
            "Basic abc-DEF",
            "Bearer abc-DEF x",
            "Bearerabc-DEF",
        ] {
            assert!(!gate.knows(Some(bad)), "{bad}");
        }
        assert!(!gate.knows(None));
        assert!(Gate { token: None, is_any_host_good: false }.knows(None));
    }
}
