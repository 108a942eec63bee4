//! Owns the reading of a request's head: what is well formed, and nothing doubtful is. Pure; looks at bytes that
//! came so far and keeps none.

use super::reply::{Refusal, bad_request};

/// How long the head of a request may be.
pub const MAX_HEAD_BYTES: usize = 8 * 1024;
const MAX_HEADERS: usize = 64;
const END: &[u8] = b"\r\n\r\n";

/// What a request wants done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    Get,
    Head,
    Other,
}

/// A well-formed head. What comes behind it, a body or another request, is never looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request<'a> {
    pub method: Method,
    /// Begins with `/`; a query is cut off.
    pub path: &'a str,
    pub host: Option<&'a str>,
    pub authorization: Option<&'a str>,
    /// Every value of `Accept`.
    pub accept: Vec<&'a str>,
    /// Whether a browser says that a page of another origin asks.
    pub is_cross_origin: bool,
}

/// The request in `bytes`; none as long as its head is not whole.
///
/// # Errors
/// What is wrong with the head, as soon as it can be seen.
pub fn parse(bytes: &[u8]) -> Result<Option<Request<'_>>, Refusal> {
    let end = bytes.windows(END.len()).position(|window| window == END);
    let head = &bytes[..end.map_or(bytes.len(), |end| end + 2)];
    if end.map_or(bytes.len(), |end| end + END.len()) > MAX_HEAD_BYTES {
        return Err(Refusal::TOO_LARGE);
    }
    let text = check_bytes(head)?;
    let Some((first, rest)) = text.split_once("\r\n") else { return Ok(None) };
    let line = RequestLine::parse(first)?;
    match end {
        Some(_) => parse_headers(&line, rest).map(Some),
        None => Ok(None),
    }
}

/// The head as text: ASCII, every line ended by CR LF, no other control characters than tabs.
fn check_bytes(head: &[u8]) -> Result<&str, Refusal> {
    let mut before = 0;
    for (at, &byte) in head.iter().enumerate() {
        match byte {
            b'\n' if before != b'\r' => return Err(bad_request("a line does not end in CR LF")),
            b'\r' if head.get(at + 1).is_some_and(|next| *next != b'\n') => {
                return Err(bad_request("a CR stands alone"));
            }
            b'\r' | b'\n' | b'\t' | b' '..=b'~' => before = byte,
            _ => return Err(bad_request("the head has bytes that are no printable ASCII")),
        }
    }
    str::from_utf8(head).map_err(|_| bad_request("the head is no ASCII"))
}

struct RequestLine<'a> {
    method: Method,
    path: &'a str,
    needs_host: bool,
}

impl<'a> RequestLine<'a> {
    fn parse(line: &'a str) -> Result<Self, Refusal> {
        const SHAPE: Refusal = bad_request("the first line is not METHOD /path HTTP/1.1");
        let parts: Vec<&str> = line.split(' ').collect();
        let [method, target, version] = parts[..] else { return Err(SHAPE) };
        if !is_token(method) || target.is_empty() || target.contains('\t') {
            return Err(SHAPE);
        }
        let needs_host = match version {
            "HTTP/1.1" => true,
            "HTTP/1.0" => false,
            _ if is_version(version) => return Err(Refusal::VERSION),
            _ => return Err(SHAPE),
        };
        let method = match method {
            "GET" => Method::Get,
            "HEAD" => Method::Head,
            _ => Method::Other,
        };
        // Other methods have other targets; they are refused for the method.
        if !target.starts_with('/') && method != Method::Other {
            return Err(bad_request("the target does not begin with /"));
        }
        Ok(Self { method, path: target.split('?').next().unwrap_or(target), needs_host })
    }
}

fn is_version(version: &str) -> bool {
    matches!(version.strip_prefix("HTTP/").map(str::as_bytes), Some([b'0'..=b'9', b'.', b'0'..=b'9']))
}

fn parse_headers<'a>(line: &RequestLine<'a>, text: &'a str) -> Result<Request<'a>, Refusal> {
    let mut request = Request {
        method: line.method,
        path: line.path,
        host: None,
        authorization: None,
        accept: Vec::new(),
        is_cross_origin: false,
    };
    for (count, header) in text.split_terminator("\r\n").enumerate() {
        if count == MAX_HEADERS {
            return Err(Refusal::TOO_LARGE);
        }
        take_header(&mut request, header)?;
    }
    if line.needs_host && request.host.is_none() {
        return Err(bad_request("HTTP/1.1 needs a Host"));
    }
    Ok(request)
}

fn take_header<'a>(request: &mut Request<'a>, header: &'a str) -> Result<(), Refusal> {
    if header.starts_with([' ', '\t']) {
        return Err(bad_request("a header is folded over two lines"));
    }
    let (name, value) = header.split_once(':').ok_or(bad_request("a header has no colon"))?;
    if !is_token(name) {
        return Err(bad_request("a header's name is no name"));
    }
    let value = value.trim_matches([' ', '\t']);
    match name.to_ascii_lowercase().as_str() {
        "host" => set_once(&mut request.host, value, bad_request("there are two Hosts")),
        "authorization" => {
            set_once(&mut request.authorization, value, bad_request("there are two Authorizations"))
        }
        "accept" => {
            request.accept.push(value);
            Ok(())
        }
        "origin" => {
            request.is_cross_origin = true;
            Ok(())
        }
        "sec-fetch-site" => {
            request.is_cross_origin |= !["none", "same-origin"].contains(&value);
            Ok(())
        }
        _ => Ok(()),
    }
}

fn set_once<'a>(place: &mut Option<&'a str>, value: &'a str, twice: Refusal) -> Result<(), Refusal> {
    match place.replace(value) {
        Some(_) => Err(twice),
        None => Ok(()),
    }
}

/// RFC 9110, 5.6.2.
fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}
