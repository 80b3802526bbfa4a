//! Mistakes in a configuration file, each with the exact words that an operator reads.

use std::fmt::Write as _;

use pinhole::config::Config;

/// Each case begins with `=== WHAT IT IS`; the lines of the file follow, then each mistake behind `> `.
const CASES: &str = include_str!("config/mistakes.txt");

/// What no message may show.
const SECRETS: [&str; 2] = ["hush", "admin:"];

#[test]
fn every_mistake_says_its_line_its_key_and_what_to_write() {
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
