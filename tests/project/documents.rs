//! Checks README.md and `docs/` against the code: examples, keys, fields, metrics, links, commands.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use pinhole::config::Config;

/// Words in README.md, so that it is read to its end. Anything more belongs in `docs/`.
const README_WORDS_MAX: usize = 1400;

const CONFIGURATION: &str = include_str!("../../docs/configuration.md");
const HEALTH: &str = include_str!("../../docs/health.md");

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every Markdown document of the project, by its path from the root.
fn documents() -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    for folder in ["", "docs", "image-build", "fuzz", "tests/rtsp/transcripts"] {
        for entry in std::fs::read_dir(root().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "md") {
                let text = std::fs::read_to_string(&path).unwrap();
                found.insert(path.strip_prefix(root()).unwrap().to_owned(), text);
            }
        }
    }
    assert!(found.len() > 10, "{:?}", found.keys());
    found
}

/// The blocks of a language in a Markdown text.
fn blocks<'a>(text: &'a str, language: &str) -> Vec<&'a str> {
    let opening = format!("```{language}\n");
    text.split(&opening).skip(1).filter_map(|rest| rest.split_once("\n```").map(|(block, _)| block)).collect()
}

/// The text without its fenced blocks, which may contain apparent links and headings.
fn prose(text: &str) -> String {
    let outside = text.split("```").step_by(2);
    outside.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_readme_is_short() {
    let words = include_str!("../../README.md").split_whitespace().count();
    assert!(words <= README_WORDS_MAX, "README.md has {words} words, more than {README_WORDS_MAX}");
}

#[test]
fn every_configuration_in_the_documents_is_valid() {
    let mut count = 0;
    for (path, text) in documents() {
        // The card's settings differ from the service's.
        if path.ends_with("card.md") || path.starts_with("image-build") {
            continue;
        }
        for block in blocks(&text, "toml") {
            Config::parse(block, path.to_str().unwrap()).unwrap_or_else(|error| panic!("{error}"));
            count += 1;
        }
    }
    assert!(count >= 2, "{count} blocks of TOML");
}

/// The names in the first cells of a document's tables, as in `` | `http.listen` | ``. A name that begins
/// with a dot shares all but the last part of the name before it.
fn named_in_tables(text: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for row in text.lines().filter(|line| line.starts_with("| `")) {
        let cell = row.split(" | ").next().unwrap();
        let mut stem = String::new();
        for name in cell.split('`').skip(1).step_by(2) {
            let name = if let Some(last) = name.strip_prefix('.') {
                format!("{stem}{last}")
            } else {
                name.to_owned()
            };
            stem = name.rfind('.').map_or_else(String::new, |dot| name[..=dot].to_owned());
            names.insert(name);
        }
    }
    names
}

/// The text below a heading, up to the next one of the same or a higher level.
fn section<'a>(text: &'a str, heading: &str) -> &'a str {
    let (_, rest) = text.split_once(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("no {heading}"));
    let level = heading.split(' ').next().unwrap();
    (1..=level.len())
        .filter_map(|level| rest.find(&format!("\n{} ", "#".repeat(level))))
        .min()
        .map_or(rest, |end| &rest[..end])
}

/// The fields of the structs in Rust sources, each with its type; those that serde skips are left out.
fn structs(sources: &[&str]) -> BTreeMap<String, Vec<(String, String)>> {
    let mut found: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    for source in sources {
        let mut inside: Option<&str> = None;
        let mut is_skipped = false;
        for line in source.lines() {
            let line = line.trim().trim_start_matches("pub ").trim_start_matches("pub(super) ");
            if let Some(name) = line.strip_prefix("struct ").and_then(|rest| rest.strip_suffix(" {")) {
                inside = Some(name);
                found.entry(name.to_owned()).or_default();
            } else if line == "}" {
                inside = None;
            } else if line == "#[serde(skip)]" {
                is_skipped = true;
            } else if let (Some(name), Some((field, kind))) = (inside, line.split_once(": "))
                && !line.starts_with(['/', '#'])
                && !std::mem::take(&mut is_skipped)
            {
                let entry = (field.to_owned(), kind.trim_end_matches(',').to_owned());
                found.get_mut(name).unwrap().push(entry);
            }
        }
    }
    found
}

/// The full names of all values below a struct: `http.listen`, or `cameras[].name` with `lists`.
fn paths(
    structs: &BTreeMap<String, Vec<(String, String)>>,
    of: &str,
    prefix: &str,
    lists: bool,
    into: &mut BTreeSet<String>,
) {
    for (field, kind) in &structs[of] {
        let inner = kind.split(['<', '>']).rfind(|part| !part.is_empty()).unwrap();
        if structs.contains_key(inner) {
            let mark = if lists && kind.starts_with("Vec<") { "[]" } else { "" };
            paths(structs, inner, &format!("{prefix}{field}{mark}."), lists, into);
        } else {
            into.insert(format!("{prefix}{field}"));
        }
    }
}

/// Fails if the two differ, and names both sides.
fn same(document: &str, documented: &BTreeSet<String>, code: &BTreeSet<String>) {
    let missing: Vec<_> = code.difference(documented).collect();
    let unknown: Vec<_> = documented.difference(code).collect();
    assert!(
        missing.is_empty() && unknown.is_empty(),
        "{document} lacks {missing:?}; it names {unknown:?}, which the code does not have"
    );
}

#[test]
fn the_configuration_document_has_every_key() {
    let structs = structs(&[include_str!("../../src/config/written.rs")]);
    let mut code = BTreeSet::new();
    paths(&structs, "File", "", false, &mut code);
    assert!(code.len() > 10, "{code:?}");
    // Sources and commands have separate tables, with names without a dot.
    let mut documented = named_in_tables(section(CONFIGURATION, "## `[http]`"));
    documented.append(&mut named_in_tables(section(CONFIGURATION, "## `[[camera]]`")));
    same("docs/configuration.md", &documented, &code);
}

#[test]
fn the_health_document_has_every_field() {
    let structs =
        structs(&[include_str!("../../src/health/mod.rs"), include_str!("../../src/health/system.rs")]);
    let mut code = BTreeSet::new();
    paths(&structs, "Report", "", true, &mut code);
    assert!(code.len() > 20, "{code:?}");
    let fields = HEALTH.split("\n## Reasons\n").next().unwrap();
    same("docs/health.md", &named_in_tables(fields), &code);
}

#[test]
fn the_health_document_has_every_metric() {
    let source = include_str!("../../src/health/metrics.rs").split("#[cfg(test)]").next().unwrap();
    // The word that creates a metric, and the suffix of its name.
    let mut code = BTreeSet::new();
    for (maker, suffix) in [("gauge(", ""), ("one(", ""), ("counter(", "_total"), ("let name = ", "")] {
        for rest in source.split(maker).skip(1) {
            if let Some(name) = rest.trim_start().strip_prefix('"') {
                code.insert(format!("pinhole_{}{suffix}", name.split('"').next().unwrap()));
            }
        }
    }
    assert!(code.len() > 20, "{code:?}");
    same("docs/health.md", &named_in_tables(section(HEALTH, "## Metrics")), &code);
}

/// The anchor of a heading on GitHub.
fn anchor(heading: &str) -> String {
    let kept = heading.to_lowercase().replace(' ', "-");
    kept.chars().filter(|it| it.is_alphanumeric() || matches!(it, '-' | '_')).collect()
}

#[test]
fn every_link_in_the_documents_leads_somewhere() {
    let documents = documents();
    let anchors: BTreeMap<&Path, BTreeSet<String>> = documents
        .iter()
        .map(|(path, text)| {
            let prose = prose(text);
            let headings = prose.lines().filter(|line| line.starts_with('#'));
            (path.as_path(), headings.map(|line| anchor(line.trim_start_matches('#').trim())).collect())
        })
        .collect();
    let mut count = 0;
    for (path, text) in &documents {
        for rest in prose(text).split("](").skip(1) {
            let link = rest.split(')').next().unwrap();
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            count += 1;
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target =
                if file.is_empty() { path.clone() } else { plain(&path.parent().unwrap().join(file)) };
            assert!(root().join(&target).exists(), "{}: {link} leads nowhere", path.display());
            if !anchor.is_empty() {
                let has_it = anchors.get(target.as_path()).is_some_and(|anchors| anchors.contains(anchor));
                assert!(has_it, "{}: {link}: {} has no such heading", path.display(), target.display());
            }
        }
    }
    assert!(count > 30, "{count} links");
}

/// A path without `..`.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        if part.as_os_str() == ".." {
            assert!(plain.pop(), "{} leads out of the project", path.display());
        } else {
            plain.push(part);
        }
    }
    plain
}

/// References to documents in the package's files (deb/build installs `docs/` there).
#[test]
fn every_document_that_the_package_names_exists() {
    let mut count = 0;
    for text in [
        include_str!("../../deb/pinhole.toml"),
        include_str!("../../tools/manual/src/main.rs"),
        include_str!("../../deb/copyright"),
    ] {
        for rest in text.split("/usr/share/doc/pinhole/").skip(1) {
            let path: String = rest
                .chars()
                .take_while(|it| it.is_ascii_alphanumeric() || matches!(it, '-' | '/' | '.'))
                .collect();
            let path = path.trim_end_matches('.');
            assert!(root().join(path).exists(), "the package has no {path}");
            count += 1;
        }
    }
    assert!(count >= 3, "{count} documents");
}

/// Every `make TARGET` and every script mentioned in a document.
#[test]
fn every_command_in_the_documents_exists() {
    let makefile = include_str!("../../Makefile");
    let targets: BTreeSet<&str> = makefile
        .lines()
        .filter(|line| !line.starts_with(['\t', '#', '.']))
        .filter_map(|line| line.split_once(':'))
        .map(|(target, _)| target)
        .collect();
    let mut count = 0;
    for (path, text) in documents() {
        let code = text.split('`').filter(|part| !part.is_empty());
        for command in code.flat_map(str::lines).filter_map(|line| line.strip_prefix("make ")) {
            let named = command.split('#').next().unwrap().split_whitespace();
            for target in named.take_while(|word| {
                word.chars().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '-')
            }) {
                assert!(targets.contains(target), "{}: make {target}: no such target", path.display());
                count += 1;
            }
        }
    }
    assert!(count > 5, "{count} commands");
}
