use super::*;

fn status(head: &[u8]) -> u16 {
    match Head::parse(head) {
        Ok(_) => 200,
        Err(NoRequest::Refused(status, _)) => status.into(),
        Err(NoRequest::UnknownMethod { .. }) => 405,
        Err(NoRequest::Closed) => 0,
    }
}

/// The status of a request with these lines after its Host.
fn with(lines: &str) -> u16 {
    status(format!("GET / HTTP/1.1\r\nHost: pi\r\n{lines}\r\n").as_bytes())
}

fn line(line: &str) -> u16 {
    status(format!("{line}\r\nHost: pi\r\n\r\n").as_bytes())
}

#[test]
fn issue_10_number_6_a_body_length_is_one_number() {
    for value in ["0", "5", "05", " 5\t", "99999999999999999999999"] {
        assert_eq!(with(&format!("Content-Length:{value}\r\n")), 200, "{value:?}");
    }
    for value in
        ["", "+5", "-5", "5, 5", "5,", "5 5", "0x10", "5;", "five", "5.0", "\u{b5}", "1_0", "5\x0c", "\x0b5"]
    {
        assert_eq!(with(&format!("Content-Length: {value}\r\n")), 400, "{value:?}");
    }
    assert_eq!(status(b"GET / HTTP/1.1\r\nHost: pi\r\nContent-Length: 0\xff\r\n\r\n"), 400);
    for (one, other) in [("5", "5"), ("5", "6"), ("0", "0")] {
        assert_eq!(with(&format!("Content-Length: {one}\r\ncontent-length: {other}\r\n")), 400);
    }
}

#[test]
fn issue_10_number_6_transfer_encoding_is_chunked_or_refused() {
    assert_eq!(with("Transfer-Encoding: Chunked\r\n"), 200);
    for value in [
        "",
        "identity",
        "xchunked",
        "chunked, chunked",
        "gzip, chunked",
        "chunked;q=1",
        "chunk ed",
        "\"chunked\"",
    ] {
        assert_eq!(with(&format!("Transfer-Encoding: {value}\r\n")), 400, "{value:?}");
    }
    assert_eq!(with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 400);
    assert_eq!(with("Transfer-Encoding: chunked\r\nContent-Length: 0\r\n"), 400);
    assert_eq!(status(b"GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), 400);
}

#[test]
fn issue_10_number_6_header_lines() {
    for lines in [
        "X: a\0b\r\n",
        "X: a\rb\r\n",
        "X: a\r\r\n",
        "\rX: a\r\n",
        "X\0: a\r\n",
        "X : a\r\n",
        "X\t: a\r\n",
        ": a\r\n",
        " X: a\r\n",
        "X: a\r\n b\r\n",
        "X: a\r\n\tb: c\r\n",
        "no colon\r\n",
        "X\u{e9}: a\r\n",
        "X: \u{1b}[2J\r\n",
        "X: a\x7f\r\n",
        "(X): a\r\n",
    ] {
        assert_eq!(with(lines), 400, "{lines:?}");
    }
    assert_eq!(with("X:\r\nY: a\tb\r\nCookie: gr\u{f6}\u{df}e=\u{20ac}\r\n"), 200);
    assert_eq!(status(b"GET / HTTP/1.1\nHost: pi\nX: a\n\n"), 200);
    assert_eq!(status(b"GET /\r HTTP/1.1\r\nHost: pi\r\n\r\n"), 400);
    assert_eq!(status(b"GET /\0 HTTP/1.1\r\nHost: pi\r\n\r\n"), 400);
    assert_eq!(status(b"GET / HTTP/1.1\0\r\nHost: pi\r\n\r\n"), 400);
}

#[test]
fn issue_10_number_6_the_request_line() {
    for good in ["GET / HTTP/1.1", "PATCH /a?b=c%20d HTTP/1.1", "GET //a HTTP/1.0", "GET /%00 HTTP/1.1"] {
        assert_eq!(line(good), 200, "{good}");
    }
    for wrong in [
        "get / HTTP/1.1",
        "Get / HTTP/1.1",
        "G\u{cb}T / HTTP/1.1",
        "G(T / HTTP/1.1",
        " GET / HTTP/1.1",
        "GET  / HTTP/1.1",
        "GET /  HTTP/1.1",
        "GET / HTTP/1.1 ",
        "GET\t/\tHTTP/1.1",
        "GET / http/1.1",
        "GET / HTTP/1",
        "GET / HTTP/1.10",
        "GET / HTTP/01.1",
        "GET / HTTPS/1.1",
        "GET /",
        "GET",
        "",
        "GET a HTTP/1.1",
        "GET * HTTP/1.1",
        "GET /a b HTTP/1.1",
        "GET /\u{e9} HTTP/1.1",
        "GET pi:80 HTTP/1.1",
    ] {
        assert_eq!(line(wrong), 400, "{wrong}");
    }
    for other in ["FROB / HTTP/1.1", "OPTIONS * HTTP/1.1", "CONNECT pi:80 HTTP/1.1", "M-X / HTTP/1.1"] {
        assert_eq!(line(other), 405, "{other}");
    }
    for newer in ["GET / HTTP/2.0", "GET / HTTP/1.2", "GET / HTTP/0.9", "PRI * HTTP/2.0"] {
        assert_eq!(line(newer), 505, "{newer}");
    }
    let long = limits::REQUEST_LINE_MAX_BYTES - "GET / HTTP/1.1".len();
    assert_eq!(line(&format!("GET /{} HTTP/1.1", "a".repeat(long))), 200);
    assert_eq!(line(&format!("GET /{} HTTP/1.1", "a".repeat(long + 1))), 414);
}

#[test]
fn issue_10_number_6_one_host() {
    assert_eq!(status(b"GET / HTTP/1.1\r\n\r\n"), 400);
    assert_eq!(status(b"GET / HTTP/1.0\r\n\r\n"), 200);
    assert_eq!(with("Host: pi\r\n"), 400, "a second one, though it is the same");
    assert_eq!(status(b"GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n"), 400);
    assert_eq!(status(b"GET / HTTP/1.1\r\nHost:\r\n\r\n"), 400);
    assert_eq!(status(b"GET / HTTP/1.1\r\nHost: \xf6\r\n\r\n"), 400);
    for target in ["http://pi/", "http://PI:80/a", "HTTP://pi", "http://pi./"] {
        assert_eq!(line(&format!("GET {target} HTTP/1.1")), 200, "{target}");
    }
    for target in [
        "http://evil/",
        "http://pi:81/",
        "https://pi.example/",
        "http://joe@pi/",
        "http://joe:hush@pi/",
        "http:///",
        "http://",
        "http:/pi/",
        "ftp://pi/",
        "http://pi?a",
        "http://pi#a",
        "http://p i/",
    ] {
        assert_eq!(line(&format!("GET {target} HTTP/1.1")), 400, "{target}");
    }
    let head = Head::parse(b"GET http://pi:8080/a?b HTTP/1.0\r\n\r\n").unwrap();
    assert_eq!((head.target.as_str(), head.host), ("/a?b", Host::parse("pi:8080")));
}

#[test]
fn the_number_of_headers_is_bounded() {
    let more = limits::REQUEST_HEADERS_MAX - 1;
    assert_eq!(with(&"X: a\r\n".repeat(more)), 200);
    assert_eq!(with(&"X: a\r\n".repeat(more + 1)), 431);
}

#[test]
fn credentials_are_named_once_and_lists_are_joined() {
    assert_eq!(with("Authorization: Basic YQ==\r\nAuthorization: Basic Yg==\r\n"), 400);
    let mut head = Head::parse(
        b"GET / HTTP/1.1\r\nHost: pi\r\nAccept: a\r\nX-Forwarded-For: 1\r\naccept: b\r\nX-FORWARDED-FOR: 2,3\r\n\r\n",
    )
    .unwrap();
    assert_eq!((head.take("accept"), head.take("x-forwarded-for")), ("a, b".into(), "1, 2,3".into()));
    assert_eq!(head.take("accept"), "", "it is taken");
}
