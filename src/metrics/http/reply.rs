//! Owns what a reply looks like on the wire, and the replies that refuse. Pure. No reply ever allows another origin.

use std::fmt::Write;

/// Why a request is not served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// Status code and phrase.
    pub status: &'static str,
    /// One line for people.
    pub why: &'static str,
    /// A header line that the status asks for, or nothing.
    pub header: &'static str,
}

const fn refusal(status: &'static str, why: &'static str) -> Refusal {
    Refusal { status, why, header: "" }
}

/// A request that is no HTTP, or doubtful HTTP.
pub const fn bad_request(why: &'static str) -> Refusal {
    refusal("400 Bad Request", why)
}

impl Refusal {
    pub const UNAUTHORIZED: Self = Self {
        status: "401 Unauthorized",
        why: "send «Authorization: Bearer TOKEN» with the token of --metrics-token",
        header: "WWW-Authenticate: Bearer realm=\"rushes\"\r\n",
    };
    pub const CROSS_ORIGIN: Self = refusal("403 Forbidden", "pages of other sites may not read the figures");
    pub const NOT_FOUND: Self = refusal("404 Not Found", "there is only /metrics");
    pub const METHOD: Self = Self {
        status: "405 Method Not Allowed",
        why: "only GET and HEAD are served",
        header: "Allow: GET, HEAD\r\n",
    };
    pub const TOO_SLOW: Self =
        refusal("408 Request Timeout", "the head of the request did not come in 2 seconds");
    pub const MISDIRECTED: Self = refusal(
        "421 Misdirected Request",
        "the Host is not this machine; ask for localhost, 127.0.0.1 or [::1]",
    );
    pub const TOO_MANY: Self = Self {
        status: "429 Too Many Requests",
        why: "more than 200 requests a second",
        header: "Retry-After: 1\r\n",
    };
    pub const TOO_LARGE: Self =
        refusal("431 Request Header Fields Too Large", "the head of a request may have 8 KiB and 64 lines");
    pub const BUSY: Self = Self {
        status: "503 Service Unavailable",
        why: "too many connections; come back later",
        header: "Retry-After: 1\r\n",
    };
    pub const NOTHING_YET: Self = Self {
        status: "503 Service Unavailable",
        why: "the player has not published any figures yet",
        header: "Retry-After: 1\r\n",
    };
    pub const VERSION: Self =
        refusal("505 HTTP Version Not Supported", "only HTTP/1.0 and HTTP/1.1 are spoken");

    /// The bytes of the reply.
    pub fn reply(self, has_body: bool) -> Vec<u8> {
        let body = format!("{}\n", self.why);
        reply(self.status, "text/plain; charset=utf-8", self.header, &body, has_body)
    }
}

/// The bytes of a reply that serves something. Without a body the head still tells the body's length, as `HEAD` asks.
pub fn served(content_type: &str, body: &str, has_body: bool) -> Vec<u8> {
    reply("200 OK", content_type, "Vary: Accept\r\n", body, has_body)
}

fn reply(status: &str, content_type: &str, header: &str, body: &str, has_body: bool) -> Vec<u8> {
    let mut out = String::with_capacity(body.len() + 256);
    let length = body.len();
    write!(
        out,
        "HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\nConnection: close\r\n\
         Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n{header}\r\n"
    )
    .expect("writing to a String cannot fail");
    if has_body {
        out.push_str(body);
    }
    out.into_bytes()
}
