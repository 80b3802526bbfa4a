//! Tests of the scripts that check the shipped files.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A separate folder for a test.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn words(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn run(command: &mut Command) -> Output {
    command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

/// The program and its C code: every way of building uses the same flags.
#[test]
fn the_program_is_hardened() {
    let output = run(Command::new(root().join("tools/hardened")).arg(env!("CARGO_BIN_EXE_pinhole")));
    assert!(
        output.status.success(),
        "{}an older build has other flags: run tools/setup test, then build again",
        words(&output)
    );
}

#[test]
fn a_program_that_is_not_hardened_is_refused() {
    let folder = folder("not-hardened");
    let (source, program) = (folder.join("program.c"), folder.join("program"));
    std::fs::write(&source, "int main(void) { return 0; }\n").unwrap();
    let flags = ["-no-pie", "-fno-stack-protector", "-Wl,-z,norelro,-z,lazy,-z,execstack"];
    let built = run(Command::new("gcc").args(flags).arg("-o").arg(&program).arg(&source));
    assert!(built.status.success(), "{}", words(&built));
    let output = run(Command::new(root().join("tools/hardened")).arg(&program));
    assert!(!output.status.success());
    for part in ["(PIE)", "(RELRO)", "(-z now)", "the stack is executable", "no stack protector"] {
        assert!(words(&output).contains(part), "{part}: {}", words(&output));
    }
}

/// The last line of standard output.
fn sum(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).lines().last().unwrap_or_default().to_owned()
}

fn check_versions(arguments: &[&str], name: &str, value: &str) -> Output {
    // A folder without an image: the lists of packages differ between machines.
    let nowhere = folder(&format!("versions-{}", name.to_lowercase()));
    run(Command::new(root().join("tools/check-versions"))
        .args(arguments)
        .env("PINHOLE_IMAGE_DIR", nowhere)
        .env(name, value))
}

#[test]
fn a_version_with_a_known_fault_is_refused() {
    let folder = folder("known-good");
    let known = std::fs::read_to_string(root().join("tools/known-good")).unwrap();
    for library in ["ffmpeg", "libjpeg-turbo"] {
        let file = folder.join(library);
        std::fs::write(&file, format!("{known}{library} 99.1 2030-01-01 CVE-2030-1: made up\n")).unwrap();
        let output = check_versions(&[], "PINHOLE_KNOWN_GOOD", file.to_str().unwrap());
        assert!(!output.status.success(), "{}", words(&output));
        assert!(words(&output).contains("is older than 99.1"), "{}", words(&output));
        assert!(words(&output).contains("CVE-2030-1: made up"), "{}", words(&output));
        // A library that was never reviewed does not count as one without faults.
        let others: Vec<&str> = known.lines().filter(|line| !line.starts_with(library)).collect();
        std::fs::write(&file, others.join("\n")).unwrap();
        let output = check_versions(&[], "PINHOLE_KNOWN_GOOD", file.to_str().unwrap());
        assert!(words(&output).contains("has no line for it"), "{}", words(&output));
    }
}

/// An old review or missing lists of packages are skipped and counted; they stop a release.
#[test]
fn checks_that_cannot_run_are_skipped_and_stop_a_release() {
    let far = "4102444800"; // 2100
    let output = check_versions(&[], "PINHOLE_NOW", far);
    assert!(output.status.success(), "{}", words(&output));
    assert!(words(&output).contains("SKIPPED: versions: ffmpeg"), "{}", words(&output));
    assert_eq!(sum(&output), "versions checks: 2 passed, 0 failed, 3 skipped");
    let output = check_versions(&["--release"], "PINHOLE_NOW", far);
    assert!(!output.status.success(), "{}", words(&output));
    assert_eq!(sum(&output), "versions checks: 2 passed, 3 failed, 0 skipped");
}

/// A clone with the files that `tools/release --check` reads, committed.
struct Repository(PathBuf);

impl Repository {
    fn new(name: &str) -> Self {
        let clone = Self(folder(name));
        std::fs::create_dir_all(clone.0.join("tools")).unwrap();
        std::fs::create_dir_all(clone.0.join("docs")).unwrap();
        std::fs::copy(root().join("tools/release"), clone.0.join("tools/release")).unwrap();
        clone.write("Cargo.toml", "[package]\nname = \"pinhole\"\nversion = \"1.2.3\"\n");
        clone.write("Cargo.lock", "[[package]]\nname = \"pinhole\"\nversion = \"1.2.3\"\n");
        clone.write("README.md", "sudo apt install ./target/deb/pinhole_1.2.3_arm64.deb\n");
        clone.write("docs/a.md", "# A\n");
        clone.write(
            "CHANGELOG.md",
            "# Changelog\n\n## [1.2.3] - 2027-01-31\n\n### Added\n- More.\n\n## [1.2.2] - 2027-01-01\n\n- Old.\n",
        );
        clone.git(&["init", "--quiet"]);
        clone.commit();
        clone
    }

    fn write(&self, file: &str, text: &str) {
        std::fs::write(self.0.join(file), text).unwrap();
    }

    fn git(&self, arguments: &[&str]) {
        let identity = ["-c", "user.name=test", "-c", "user.email=test@localhost", "-c", "tag.gpgSign=false"];
        let output = run(Command::new("git").args(identity).args(arguments).current_dir(&self.0));
        assert!(output.status.success(), "git {arguments:?}: {}", words(&output));
    }

    fn commit(&self) {
        self.git(&["add", "--all"]);
        self.git(&[
            "-c",
            "commit.gpgSign=false",
            "commit",
            "--quiet",
            "--allow-empty",
            "--message",
            "a change",
        ]);
    }

    fn check(&self) -> Output {
        run(Command::new(self.0.join("tools/release")).arg("--check").env_remove("PINHOLE_IMAGE_UNLOCKED"))
    }

    /// Asserts a refusal with these words.
    fn refused(&self, part: &str) {
        let output = self.check();
        assert!(!output.status.success(), "not refused for: {part}");
        assert!(words(&output).contains(part), "{part} is not in: {}", words(&output));
    }
}

#[test]
fn a_release_needs_a_clean_tree_and_one_version() {
    let clone = Repository::new("release");
    let output = clone.check();
    assert!(output.status.success(), "{}", words(&output));
    assert!(words(&output).contains("1.2.3 can be released"));

    clone.write("left-over", "");
    clone.refused("the tree is not clean; commit or remove: left-over");
    clone.commit();
    clone.write("README.md", "pinhole_1.2.2_arm64.deb\n");
    clone.refused("the tree is not clean; commit or remove: README.md");
    clone.commit();
    clone.refused("packages of another version");
    clone.write("README.md", "pinhole_1.2.3_amd64.deb\n");
    clone.write("Cargo.lock", "[[package]]\nname = \"pinhole\"\nversion = \"1.2.2\"\n");
    clone.commit();
    clone.refused("Cargo.lock has version \"1.2.2\", Cargo.toml \"1.2.3\"");
}

#[test]
fn a_release_needs_a_dated_entry_in_the_changelog() {
    let clone = Repository::new("release-changelog");
    for (changelog, part) in [
        (
            "# Changelog\n\n## [1.2.2] - 2027-01-01\n\n- Old.\n",
            "CHANGELOG.md has no heading \"## [1.2.3] - DATE\"",
        ),
        ("# Changelog\n\n## [1.2.3] - unreleased\n\n- More.\n", "has no date"),
        ("# Changelog\n\n## [1.2.3] - soon\n\n- More.\n", "has no date"),
        (
            "# Changelog\n\n## [1.2.3] - 2027-01-31\n\n## [1.2.2] - 2027-01-01\n\n- Old.\n",
            "says nothing below",
        ),
    ] {
        clone.write("CHANGELOG.md", changelog);
        clone.commit();
        clone.refused(part);
    }
}

#[test]
fn a_version_is_released_once() {
    let clone = Repository::new("release-tag");
    clone.git(&["tag", "v1.2.3"]);
    assert!(clone.check().status.success(), "the tag may be there before the files are");
    clone.commit();
    clone.refused("the tag v1.2.3 is there already, at another commit");
    let unlocked =
        run(Command::new(clone.0.join("tools/release")).arg("--check").env("PINHOLE_IMAGE_UNLOCKED", "yes"));
    assert!(
        !unlocked.status.success() && words(&unlocked).contains("PINHOLE_IMAGE_UNLOCKED"),
        "{}",
        words(&unlocked)
    );
}
