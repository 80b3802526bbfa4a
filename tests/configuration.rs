//! Mistakes in a configuration file, each with the exact message for the operator.

use std::fmt::Write as _;

use pinhole::config::Config;

/// Each case begins with `=== DESCRIPTION`; the lines of the file follow, then each mistake after `> `.
const CASES: &str = include_str!("config/mistakes.txt");

/// Texts that no message may contain.
const SECRETS: [&str; 2] = ["hush", "admin:"];

#[test]
fn every_mistake_gives_its_line_its_key_and_the_correction() {
    let (mut actual, mut count) = (String::new(), 0);
    for case in CASES.split("=== ").filter(|case| !case.trim().is_empty()) {
        let (title, rest) = case.split_once('\n').expect("a title");
        let file: String =
            rest.lines().filter(|line| !line.starts_with("> ")).map(|line| line.to_owned() + "\n").collect();
        let errors = Config::parse(&file, "f").err().map_or("none".to_owned(), |errors| errors.to_string());
        let shown = SECRETS.iter().find(|secret| errors.contains(**secret));
        assert_eq!(shown, None, "{title}: {errors}");
        let _ = write!(actual, "=== {title}\n{file}");
        for error in errors.lines() {
            let _ = writeln!(actual, "> {error}");
        }
        count += 1;
    }
    assert!(count >= 120, "{count} cases");
    if actual != CASES {
        let path = std::env::temp_dir().join(format!("pinhole-mistakes-{}.txt", std::process::id()));
        std::fs::write(&path, &actual).expect("a scratch file");
        let differs = actual.lines().zip(CASES.lines()).find(|(actual, expected)| actual != expected);
        panic!("(what it says, what it should say): {differs:#?}\nall of it: {}", path.display());
    }
}

#[test]
fn files_of_every_editor_are_read_and_others_refused_with_a_reason() {
    let path = std::env::temp_dir().join(format!("pinhole-editors-{}.toml", std::process::id()));
    let name = path.display().to_string();
    let said = |bytes: &[u8]| {
        std::fs::write(&path, bytes).expect("a scratch file");
        let errors = Config::read(&path).err().map_or(String::new(), |errors| errors.to_string());
        errors.replace(&name, "f")
    };
    let text = "[[camera]]\r\nsource = \"test:\"\r\n\tfps = 15\r\n";
    let utf16 = |unit: fn(u16) -> [u8; 2]| {
        "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(unit).collect::<Vec<u8>>()
    };
    let with_mark = [b"\xef\xbb\xbf", text.as_bytes()].concat();
    let mac = text.replace("\r\n", "\r").into_bytes();
    let readable =
        [text.as_bytes().to_vec(), with_mark, mac, utf16(u16::to_le_bytes), utf16(u16::to_be_bytes)];
    for bytes in readable {
        assert_eq!(said(&bytes), "", "{bytes:?}");
    }
    assert_eq!(
        said(b"[[camera]]\nname = \"K\xfcche\"\n"),
        "f:2: a character that is not UTF-8; save the file as UTF-8"
    );
    let zero = "a zero byte: this is not a text file, or was damaged (or it is UTF-16 without a mark; save it as UTF-8)";
    assert_eq!(said(b"[[camera]]\nsource = \"te\0st:\"\n"), format!("f:2: {zero}"));
    assert_eq!(said(b"[\0h\0t\0t\0p\0]\0"), format!("f:1: {zero}"));
    assert_eq!(said(b"fps = 1\x1b[31m\n"), "f:1: a control character; take it out");
    assert_eq!(said(&vec![b'#'; 2 << 20]), "f: is longer than 1048576 bytes; is this the right file?");
    let cameras = "[[camera]]\nsource = \"test:\"\n".repeat(1000);
    let errors = said(cameras.as_bytes());
    assert_eq!(errors.lines().count(), 51, "{errors}");
    assert!(errors.ends_with("f: and 14 more mistakes"), "{errors}");
    let mut keys = String::new();
    for number in 0..100_000 {
        writeln!(keys, "a{number}=1").unwrap();
    }
    let errors = said(format!("[http]\n{keys}").as_bytes());
    assert!(errors.ends_with("f: and 99950 more mistakes"), "{} lines", errors.lines().count());
    std::fs::remove_file(&path).expect("it is there");
    let missing = Config::read(&path).expect_err("it is gone").to_string();
    assert_eq!(missing, format!("{name}: cannot be read: No such file or directory (os error 2)"));
    let folder = Config::read(&std::env::temp_dir()).expect_err("a folder").to_string();
    assert!(folder.contains("cannot be read: Is a directory"), "{folder}");
}
