use super::*;

const SPROP: &str = "Z2QAKKzZQHgCJ+XARAAAAwAEAAADAMg8YMZY,aOvjyyLA";

fn video(description: &str) -> Media {
    Description::parse(description.as_bytes()).video().expect("a video").clone()
}

#[test]
fn an_ordinary_description() {
    let text = format!(
        "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=Session\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\na=control:*\r\n\
         m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n\
         a=fmtp:96 packetization-mode=1;profile-level-id=640028; sprop-parameter-sets={SPROP}\r\n\
         a=control:trackID=0\r\n\
         m=audio 0 RTP/AVP 97\r\na=rtpmap:97 MPEG4-GENERIC/16000/1\r\na=control:trackID=1\r\n"
    );
    let description = Description::parse(text.as_bytes());
    assert_eq!(description.control.as_deref(), Some("*"));
    assert_eq!(description.offered(), "video H264, audio MPEG4-GENERIC");
    let video = description.video().unwrap();
    assert_eq!((video.payload_type, video.control.as_deref()), (96, Some("trackID=0")));
    let format = video.depacketizer().unwrap().format().unwrap();
    assert_eq!(format.size(), (1920, 1080));
}

#[test]
fn broken_session_lines_do_not_matter() {
    let text = "v=0\no=- -1 1.5 IN IP4\ns=a\ns=b\nc=IN\nt=now-\nb=AS:x\nz=\nm=video 0 RTP/AVP 96\nc=IN\n\
                a=rtpmap:96 H264/90000\na=control:1\n";
    assert_eq!(video(text).control.as_deref(), Some("1"));
    assert_eq!(video("m=video 0 RTP/AVP 96\na=rtpmap:96 H264/90000").clock_rate, 90_000);
}

#[test]
fn odd_ends_of_lines() {
    for text in [
        "v=0\rm=video 0 RTP/AVP 96\ra=rtpmap:96 H264/90000\ra=control:1\r",
        "v=0\r\n\r\nm=video 0 RTP/AVP 96 \r\n a=rtpmap:96 h264/90000\r\na=control:1\0\0",
    ] {
        let video = video(text);
        assert_eq!(
            (video.pictures, video.control.as_deref()),
            (Some(Encoding::Video(Codec::H264)), Some("1")),
            "{text:?}"
        );
    }
}

#[test]
fn media_that_do_not_parse_are_skipped() {
    let text = "v=0\nm=\nm=video\nm=metadata x y z\nm=application 0 RTP/AVP 107\n\
                m=video  99999 RTP/AVP  96 \na=rtpmap:96 h265/x\n";
    let description = Description::parse(text.as_bytes());
    assert_eq!(description.media_skipped, 2);
    assert_eq!(description.offered(), "metadata z, application 107, video h265");
    let video = description.video().unwrap();
    assert_eq!((video.pictures, video.clock_rate), (Some(Encoding::Video(Codec::H265)), 90_000));
}

#[test]
fn jpeg_needs_no_rtpmap() {
    let media = video("v=0\nm=video 0 RTP/AVP 26\na=framesize:26 2560-1440\n");
    assert_eq!((media.pictures, media.payload_type), (Some(Encoding::Jpeg), 26));
    assert_eq!(media.announced_size, Some((2560, 1440)));
    let media = video("v=0\nm=video 0 RTP/AVP 26\na=x-dimensions: 1920, 1080\n");
    assert_eq!(media.announced_size, Some((1920, 1080)));
}

#[test]
fn parameters_that_are_empty_or_on_another_track() {
    let text = format!(
        "v=0\nm=video 0 RTP/AVP 96\na=fmtp:96\na=rtpmap:96 H264/90000\na=control:v\n\
         m=audio 0 RTP/AVP 0\na=fmtp:96 sprop-parameter-sets={SPROP}\n"
    );
    assert!(video(&text).depacketizer().unwrap().format().is_some());
    let text = "v=0\nm=video 0 RTP/AVP 96\na=rtpmap:96 H264/90000\na=fmtp:96 sprop-parameter-sets=!!,,AA\n";
    assert_eq!(video(text).depacketizer().unwrap().format(), None);
}

#[test]
fn the_first_format_that_can_be_shown() {
    let media = video("v=0\nm=video 0 RTP/AVP 98 99\na=rtpmap:98 VP8/90000\na=rtpmap:99 H264/90000\n");
    assert_eq!(media.payload_type, 99);
    let none = Description::parse(b"v=0\nm=audio 0 RTP/AVP 0\nm=audio 0 RTP/AVP 26\n");
    assert_eq!(none.video(), None);
    assert_eq!(Description::parse(b"").offered(), "no media");
}

#[test]
fn absurd_descriptions_are_bounded() {
    let text = "m=video 0 RTP/AVP 96\n".repeat(1000);
    let description = Description::parse(text.as_bytes());
    assert_eq!((description.media.len(), description.media_skipped), (MEDIA_MAX, 1000 - MEDIA_MAX as u64));
}
