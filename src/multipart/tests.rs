use super::*;

/// A picture whose comment contains a boundary and an EOI.
const JPEG: &[u8] =
    b"\xff\xd8\xff\xfe\x00\x11\r\n--frame\r\n\xff\xd9ab\xff\xda\x00\x03xdata\xff\x00more\xff\xd9";
/// Another picture.
const OTHER: &[u8] = b"\xff\xd8\xff\xda\x00\x02other\xff\xd9";

/// The pictures and counters from these pieces.
fn read_pieces<'a>(
    boundary: Option<&str>,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> (Vec<Vec<u8>>, Counters) {
    let mut reader = Reader::new(boundary);
    let mut pictures = Vec::new();
    for mut piece in pieces {
        while !piece.is_empty() {
            piece = &piece[reader.push(piece)..];
            while let Some(picture) = reader.pull() {
                pictures.push(picture.to_vec());
            }
        }
    }
    (pictures, reader.counters())
}

/// Reads a body whole, split at every place, and byte by byte: all give the same result.
fn read(boundary: Option<&str>, body: &[u8]) -> (Vec<Vec<u8>>, Counters) {
    let whole = read_pieces(boundary, [body]);
    for split in 1..body.len() {
        let (first, second) = body.split_at(split);
        assert_eq!(read_pieces(boundary, [first, second]), whole, "split at {split}");
    }
    assert_eq!(read_pieces(boundary, body.chunks(1)), whole, "byte by byte");
    whole
}

fn part(delimiter: &str, headers: &str, content: &[u8]) -> Vec<u8> {
    [delimiter.as_bytes(), b"\r\n", headers.as_bytes(), b"\r\n", content, b"\r\n"].concat()
}

fn sized(content: &[u8]) -> String {
    format!("Content-Type: image/jpeg\r\nContent-Length: {}\r\n", content.len())
}

fn pictures(boundary: Option<&str>, body: &[u8]) -> Vec<Vec<u8>> {
    read(boundary, body).0
}

#[test]
fn parts_with_lengths() {
    let body = [part("--frame", &sized(JPEG), JPEG), part("--frame", &sized(OTHER), OTHER)].concat();
    let (pictures, counters) = read(Some("frame"), &body);
    assert_eq!(pictures, [JPEG, OTHER]);
    assert_eq!(counters, Counters { pictures: 2, ..Counters::default() });
}

#[test]
fn a_picture_is_available_with_its_last_byte() {
    for headers in [sized(JPEG), "Content-Type: image/jpeg\r\n".to_owned()] {
        let mut body = part("--frame", &headers, JPEG);
        body.truncate(body.len() - 2);
        assert_eq!(pictures(Some("frame"), &body), [JPEG], "{headers}");
    }
}

#[test]
fn parts_without_lengths() {
    let headers = "Content-Type: image/jpeg\r\n";
    let body = [part("--frame", headers, JPEG), part("--frame", headers, OTHER), b"--frame--\r\n".to_vec()];
    assert_eq!(pictures(Some("frame"), &body.concat()), [JPEG, OTHER]);
}

#[test]
fn dashes_before_the_name_are_not_compared() {
    for declared in ["frame", "--frame", "----frame"] {
        for sent in ["--frame", "----frame", "------frame", "frame", "--frame  "] {
            let body = [part(sent, &sized(JPEG), JPEG), part(sent, "", OTHER)].concat();
            assert_eq!(pictures(Some(declared), &body), [JPEG, OTHER], "{declared} {sent}");
        }
    }
}

#[test]
fn an_undeclared_or_different_boundary_is_learned() {
    for declared in [None, Some(""), Some("--"), Some("another")] {
        let body =
            [part("--frame", &sized(JPEG), JPEG), part("--frame", "Content-Type: image/jpeg\r\n", OTHER)];
        assert_eq!(pictures(declared, &body.concat()), [JPEG, OTHER], "{declared:?}");
    }
    let truncated = b"\xff\xd8\xff\xda\x00\x02cut";
    let body =
        [part("--frame", "Content-Type: image/jpeg\r\n", truncated), part("--frame", "", OTHER)].concat();
    assert_eq!(pictures(None, &body), [&truncated[..], OTHER]);
}

#[test]
fn a_preamble_is_skipped() {
    let preamble = "An old browser shows this.\r\n--rule-of-dashes\r\n\r\nIt does.\r\n".as_bytes();
    let body = [preamble, &part("--frame", &sized(JPEG), JPEG), &part("--frame", "", OTHER)].concat();
    let (pictures, counters) = read(Some("frame"), &body);
    assert_eq!(pictures, [JPEG, OTHER]);
    assert!(counters.garbage_bytes > 20, "{counters:?}");
}

#[test]
fn the_first_delimiter_may_be_missing() {
    let body =
        [&b"\r\n"[..], sized(JPEG).as_bytes(), b"\r\n", JPEG, b"\r\n", &part("--frame", "", OTHER)].concat();
    assert_eq!(pictures(Some("frame"), &body), [JPEG, OTHER]);
}

#[test]
fn pictures_without_any_delimiter() {
    assert_eq!(pictures(None, &[JPEG, OTHER, b"\r\n", JPEG].concat()), [JPEG, OTHER, JPEG]);
}

#[test]
fn lines_may_end_in_lf_and_a_delimiter_may_directly_follow_the_picture() {
    let lf =
        [b"--frame\nContent-Type: image/jpeg\n\n", JPEG, b"\n--frame\n\n", OTHER, b"\n--frame--\n"].concat();
    assert_eq!(pictures(Some("frame"), &lf), [JPEG, OTHER]);
    let tight = [b"--frame\r\n\r\n", JPEG, b"--frame\r\n\r\n", OTHER, b"--frame\r\n"].concat();
    assert_eq!(pictures(Some("frame"), &tight), [JPEG, OTHER]);
    let no_empty_line =
        [b"--frame\r\nContent-Type: image/jpeg\r\n", JPEG, b"\r\n--frame\r\n", OTHER].concat();
    assert_eq!(pictures(Some("frame"), &no_empty_line), [JPEG, OTHER]);
}

#[test]
fn wrong_lengths() {
    for wrong in
        [0, 1, 5, JPEG.len() - 1, JPEG.len() + 1, JPEG.len() + 2, JPEG.len() + 40, 100_000, usize::MAX]
    {
        let headers = format!("Content-Length: {wrong}\r\n");
        let body =
            [part("--frame", &headers, JPEG), part("--frame", &headers, OTHER), part("--frame", "", JPEG)];
        let pictures = pictures(Some("frame"), &body.concat());
        let without_padding: Vec<_> = pictures.iter().map(|it| it.trim_ascii_end()).collect();
        assert_eq!(without_padding, [JPEG, OTHER, JPEG], "{wrong}");
    }
    let nonsense = "Content-Length: many\r\n";
    assert_eq!(pictures(Some("frame"), &part("--frame", nonsense, JPEG)), [JPEG]);
}

#[test]
fn parts_that_are_not_pictures_are_skipped_and_counted() {
    let text = b"temperature: 20\r\n--frame-like but not\r\n";
    let other = format!("Content-Type: text/plain\r\nContent-Length: {}\r\n", text.len());
    let body = [
        part("--frame", &other, text),
        part("--frame", &sized(JPEG), JPEG),
        part("--frame", "Content-Type: text/plain\r\n", text),
        part("--frame", "Content-Length: 0\r\nContent-Type: image/jpeg\r\n", b""),
        part("--frame", "Content-Type: image/jpeg; charset=binary\r\n", OTHER),
    ];
    let (pictures, counters) = read(Some("frame"), &body.concat());
    assert_eq!(pictures, [JPEG, OTHER]);
    assert_eq!((counters.pictures, counters.skipped), (2, 3));
}

#[test]
fn a_truncated_picture_ends_at_the_delimiter() {
    let truncated = &OTHER[..OTHER.len() - 2];
    for headers in [sized(truncated), String::new(), sized(OTHER), sized(&OTHER[..6])] {
        let body =
            [part("--frame", &headers, truncated), part("--frame", "", JPEG), part("--frame", "", OTHER)];
        let pictures = pictures(Some("frame"), &body.concat());
        let without_padding: Vec<_> = pictures.iter().map(|it| it.trim_ascii_end()).collect();
        assert_eq!(without_padding, [truncated, JPEG, OTHER], "{headers}");
    }
    let nothing_in_it = [part("--frame", "", b"\xff\xd8\xff\xd9"), part("--frame", "", JPEG)].concat();
    assert_eq!(pictures(Some("frame"), &nothing_in_it), [&b"\xff\xd8\xff\xd9"[..], JPEG]);
    let not_a_jpeg = [part("--frame", "", b"GIF89a, and more"), part("--frame", "", JPEG)].concat();
    assert_eq!(pictures(Some("frame"), &not_a_jpeg), [&b"GIF89a, and more"[..], JPEG]);
}

/// Bytes between a picture's segments belong to it; a delimiter there does not.
#[test]
fn bytes_between_segments_and_a_truncated_head() {
    for stray in
        [&b"\0"[..], b"ab\r\n", b"\xff\0", b"\xff\xd1", b"a\xff\xd1b", b"\xff\xfe\0\0", b"\xff\xff\0"]
    {
        let dirty = [&OTHER[..2], stray, b"\xff\xfe\0\x05abc", stray, &OTHER[2..]].concat();
        for headers in [sized(&dirty), String::new(), "Content-Length: 9\r\n".to_owned()] {
            let body = [part("--frame", &headers, &dirty), part("--frame", "", OTHER)].concat();
            assert_eq!(pictures(Some("frame"), &body), [&dirty[..], OTHER], "{stray:x?} {headers}");
        }
    }
    for cut in [2, 21] {
        let body = [part("--frame", "", &JPEG[..cut]), part("--frame", "", OTHER), part("--frame", "", JPEG)];
        let pictures = pictures(Some("frame"), &body.concat());
        let without_padding: Vec<_> = pictures.iter().map(|it| it.trim_ascii_end()).collect();
        assert_eq!(without_padding, [&JPEG[..cut], OTHER, JPEG], "{cut}");
        let mut reader = Reader::new(Some("frame"));
        reader.push(&body[0]);
        reader.push(b"--frame\r\n");
        assert!(reader.pull().is_some(), "as soon as the delimiter is there");
    }
}

#[test]
fn padding_within_the_length_belongs_to_the_part() {
    let padded = [JPEG, &[0; 10]].concat();
    let body = [part("--frame", &sized(&padded), &padded), part("--frame", "", OTHER)].concat();
    assert_eq!(pictures(Some("frame"), &body), [&padded[..], OTHER]);
}

#[test]
fn memory_is_bounded() {
    let mut reader = Reader::new(Some("frame"));
    let endless =
        [&b"--frame\r\nContent-Type: image/jpeg\r\n\r\n\xff\xd8\xff\xda\x00\x02"[..], &vec![b'x'; 1 << 20]]
            .concat();
    let feed = |reader: &mut Reader, bytes: &[u8]| {
        let mut rest = bytes;
        while !rest.is_empty() {
            let taken = reader.push(rest);
            assert!(taken > 0 && reader.buffer.len() <= BUFFER_MAX_BYTES);
            rest = &rest[taken..];
            while reader.pull().is_some() {}
        }
    };
    feed(&mut reader, &endless);
    for _ in 0..40 {
        feed(&mut reader, &vec![b'x'; 1 << 20]);
    }
    assert_eq!(reader.counters().too_long, 1);
    feed(&mut reader, &[b"\r\n", &part("--frame", "", JPEG)[..], &part("--frame", "", OTHER)].concat());
    assert_eq!(reader.counters().pictures, 2);
    assert!(reader.buffer.capacity() <= 2 * KEPT_MAX_BYTES, "{}", reader.buffer.capacity());
    feed(&mut reader, b"--frame\r\nX: y\r\n");
    feed(&mut reader, &b"X: y\r\n".repeat(HEAD_MAX_BYTES));
    feed(&mut reader, &part("--frame", "", JPEG));
    assert_eq!(reader.counters().pictures, 3);
}

/// Issue 10, number 20.
#[test]
fn empty_lines_between_the_delimiter_and_the_head() {
    for empty in ["\r\n", "\n", "\r\n\r\n\r\n"] {
        for headers in [sized(JPEG), "X-Time: 1\r\nContent-Type: image/jpeg\r\n".to_owned()] {
            let body = [part("--frame", &format!("{empty}{headers}"), JPEG), part("--frame", "", OTHER)];
            assert_eq!(pictures(Some("frame"), &body.concat()), [JPEG, OTHER], "{empty:?} {headers}");
        }
    }
    // No empty line, and content that only resembles a head.
    for content in [&b"Content"[..], b"a b: c", b"-: x", b"1234567890"] {
        let body = [part("--frame", "", content), part("--frame", "", OTHER)].concat();
        assert_eq!(pictures(Some("frame"), &body).last().unwrap(), OTHER);
    }
}

/// Issue 10, number 20.
#[test]
fn content_sent_in_place_of_pictures_is_named() {
    let other = |headers: &str, content: &[u8]| {
        let mut reader = Reader::new(Some("frame"));
        let body = [part("--frame", headers, content), part("--frame", &sized(JPEG), JPEG)].concat();
        reader.push(&body);
        assert_eq!(reader.pull(), Some(JPEG), "{headers}");
        reader.other().map(str::to_owned)
    };
    let h264 = "Content-Type: video/x-h264\r\nContent-Length: 6\r\nX-FrameType: 0\r\n";
    assert_eq!(other(h264, b"\0\0\0\x01ab").as_deref(), Some("video/x-h264"));
    let busy = other("Content-Type: text/plain; charset=x\r\n", b"Channel busy\r\nsecond line");
    assert_eq!(busy.as_deref(), Some("text/plain; charset=x (Channel busy)"));
    let gzip = other("Content-Type: image/jpeg\r\nContent-Encoding: gzip\r\n", b"\x1f\x8bxx");
    assert_eq!(gzip.as_deref(), Some("parts that are compressed (gzip)"));
    assert_eq!(other("Content-Type: image/jpeg\r\nContent-Encoding: identity\r\n", JPEG), None);
    assert_eq!(of_content(b"\0\0\0\x01\x67"), Some("H.264 or H.265 video"));
    assert_eq!(of_content(b"\0\0\0\x18ftypmp42"), Some("MP4 video or HEIF pictures"));
    assert_eq!((of_content(JPEG), of_content(b"")), (None, None));
}

/// Issue 10, number 25.
#[test]
fn content_that_is_too_long_is_named_with_its_limit() {
    let mut reader = Reader::new(Some("frame"));
    let mut read = |bytes: &[u8]| {
        let mut rest = bytes;
        while !rest.is_empty() {
            rest = &rest[reader.push(rest)..];
            while reader.pull().is_some() {}
        }
        reader.too_long()
    };
    assert_eq!(read(b"--frame\r\n"), None);
    assert_eq!(
        read(&b"X: y\r\n".repeat(HEAD_MAX_BYTES / 6 + 2)),
        Some(("the head of a part", HEAD_MAX_BYTES))
    );
    read(b"\r\n--frame\r\nX: ");
    assert_eq!(read(&[b'y'; 5000]), Some(("a line in the head of a part", boundary::LINE_MAX_BYTES)));
}

/// Found by mutation: another picture begins in the place of a marker.
#[test]
fn a_picture_that_breaks_off_after_a_comment_that_contains_a_boundary() {
    let cut = [&JPEG[..JPEG.len() - 17], b"ge/jpeg\n\n"].concat();
    let body = [&part("--frame", "", &cut)[..], JPEG, b"\r\n", &part("--frame", "", OTHER)].concat();
    let (pictures, _) = read(Some("frame"), &body);
    assert_eq!(pictures.last().unwrap(), OTHER);
}

/// Found by mutation: a comment that contains a boundary, followed by one byte too many.
#[test]
fn a_stray_byte_after_a_comment_that_contains_a_boundary() {
    let scan = JPEG.len() - 17;
    assert_eq!(JPEG[scan..scan + 2], *b"\xff\xda");
    let stray = [&JPEG[..scan], b"x", &JPEG[scan..]].concat();
    let body = [part("--frame", "", &stray), part("--frame", "", OTHER)].concat();
    assert_eq!(pictures(Some("frame"), &body), [&stray[..], OTHER]);
}
