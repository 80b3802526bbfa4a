//! Reads `pinhole.toml` from the boot partition and sets the system up from it, at every boot, before network
//! and service start.

use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use rustix::mount::{MountFlags, mount_remount};

use super::read::{Reading, read};
use super::settings::Wifi;
use super::{MISTAKES_FILE, files, text, words};
use crate::config::Mistake;
use crate::config::{DEFAULT_FILE, PasswordHash};

/// The boot partition.
pub const BOOT: &str = "/boot";
/// The list of mistakes beside `pinhole.toml`.
pub const ERRORS_NAME: &str = "pinhole-errors.txt";

/// The user and the group that the service runs as (`systemd/pinhole.service`).
const SERVICE_GROUP: &str = "pinhole";

/// Files beside `pinhole.toml` to search for a password.
const OTHERS_MAX: usize = 8;

const ZONES: &str = "/usr/share/zoneinfo";

/// Applies the file. A failure is reported as a mistake, and the boot goes on.
pub fn apply() -> Vec<Mistake> {
    let mut reading = read_card();
    let hash = reading.settings.password.as_ref().map(|password| PasswordHash::of(&password.0));
    let hash = match hash.transpose() {
        Ok(hash) => hash.map(|hash| hash.to_string()),
        Err(what) => {
            reading.close(format!("system.password: {what}"));
            None
        }
    };
    let Reading { settings, mut mistakes } = reading;
    for file in files::files(&settings, hash.as_deref()) {
        note(&mut mistakes, file.path, write(Path::new(file.path), &file.content, file.mode));
    }
    note(&mut mistakes, DEFAULT_FILE, give_to_service(Path::new(DEFAULT_FILE)));
    if let Some(name) = &settings.name {
        note(
            &mut mistakes,
            "the host name",
            rustix::system::sethostname(name.as_bytes()).map_err(Into::into),
        );
    }
    if let Some(zone) = &settings.time_zone {
        let link = || {
            fs::remove_file("/etc/localtime")?;
            symlink(Path::new(ZONES).join(zone), "/etc/localtime")
        };
        note(&mut mistakes, "the time zone", link());
    }
    let lines = mistakes.iter().fold(String::new(), |lines, mistake| lines + &words(mistake) + "\n");
    note(&mut mistakes, MISTAKES_FILE, write(Path::new(MISTAKES_FILE), &lines, 0o644));
    mistakes
}

/// The wireless networks that the system was set up for, in order of preference. The card's file does not
/// change while the machine runs.
pub fn applied_wifi() -> Vec<Wifi> {
    // The configuration is missing, too, if it could not be written.
    if Path::new(files::WIFI).exists() { read_card().settings.wifi } else { Vec::new() }
}

fn note(mistakes: &mut Vec<Mistake>, what: &str, result: io::Result<()>) {
    if let Err(error) = result {
        mistakes.push(Mistake::of_file(format!("{what}: {error}")));
    }
}

fn write(path: &Path, content: &str, mode: u32) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    // Created with its final permissions and renamed when complete: half a configuration may lack the
    // password.
    let beside = path.with_extension("new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(&beside)?;
    file.set_permissions(Permissions::from_mode(mode))?;
    file.write_all(content.as_bytes())?;
    fs::rename(&beside, path)
}

/// The service runs as its own user; no other user may read cameras' passwords.
fn give_to_service(path: &Path) -> io::Result<()> {
    let groups = fs::read_to_string("/etc/group")?;
    let id =
        groups.lines().find_map(|line| line.strip_prefix(SERVICE_GROUP)?.split(':').nth(2)?.parse().ok());
    let id = id.ok_or_else(|| io::Error::other(format!("there is no group {SERVICE_GROUP}")))?;
    std::os::unix::fs::chown(path, None, Some(id))
}

/// Whether a file system is mounted there: a damaged partition leaves the empty folder below.
fn is_mounted(folder: &Path) -> bool {
    let device = |path: &Path| fs::metadata(path).map(|metadata| metadata.dev());
    folder.parent().is_some_and(|parent| match (device(folder), device(parent)) {
        (Ok(inside), Ok(outside)) => inside != outside,
        _ => false,
    })
}

fn read_card() -> Reading {
    let boot = Path::new(BOOT);
    if is_mounted(boot) {
        read_boot(boot)
    } else {
        Reading::of_trouble("the card's boot partition cannot be read, so pinhole.toml is not applied; write the image anew, or try another card".into())
    }
}

fn read_boot(boot: &Path) -> Reading {
    let entries = match fs::read_dir(boot).and_then(Iterator::collect::<io::Result<Vec<_>>>) {
        Ok(entries) => entries,
        Err(error) => return Reading::of_trouble(format!("the boot partition cannot be read: {error}")),
    };
    let names: Vec<String> =
        entries.into_iter().filter_map(|entry| entry.file_name().into_string().ok()).collect();
    let (name, both) = text::choose(names.iter().map(String::as_str));
    let zone_exists = |zone: &str| Path::new(ZONES).join(zone).is_file();
    // Without the file, defaults apply.
    let mut reading = match name.map(|name| (name, read_start(&boot.join(name)))) {
        None => Reading::default(),
        Some((_, Ok(bytes))) => read(&bytes, &zone_exists),
        Some((name, Err(error))) => return Reading::of_trouble(format!("{name} cannot be read: {error}")),
    };
    reading.mistakes.extend(both);
    if reading.settings.closed.is_none() && !reading.has_password() {
        close_for_another(boot, &names, name, &mut reading);
    }
    reading
}

/// Closes for a password in a file that was meant to be `pinhole.toml`: one with another name, or beside it.
fn close_for_another(boot: &Path, names: &[String], chosen: Option<&str>, reading: &mut Reading) {
    let others = names.iter().filter(|name| Some(name.as_str()) != chosen);
    for other in others.filter(|name| text::is_like(name, chosen.is_some())).take(OTHERS_MAX) {
        let path = boot.join(other);
        let other = other.escape_debug();
        let meant = match read_start(&path) {
            Ok(bytes) => read(&bytes, &|_| true),
            Err(_) if path.is_dir() => continue,
            Err(error) => Reading::of_trouble(format!("{other} cannot be read: {error}")),
        };
        if meant.has_password() || meant.settings.closed.is_some() {
            let read = chosen
                .map_or("there is no pinhole.toml".into(), |name| format!("{name} is read, without one"));
            reading.close(format!(
                "{other} has a password, but {read}; name the file that you mean pinhole.toml, and remove the other"
            ));
            return;
        }
    }
}

/// Reads only as much as may be used, and one byte more to detect a longer file: a damaged folder may give a
/// file gigabytes.
fn read_start(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(text::FILE_MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Writes the mistakes beside `pinhole.toml`, or removes the list. The boot partition becomes writable only
/// for that moment, and only if something changes: a power cut could damage it.
///
/// # Errors
/// The card's or the file system's error, with the path.
pub fn tell_on_card(mistakes: &[String]) -> Result<(), String> {
    let path = PathBuf::from(BOOT).join(ERRORS_NAME);
    if !is_mounted(Path::new(BOOT)) {
        return Err(format!("{}: the boot partition is not mounted", path.display()));
    }
    let text = (!mistakes.is_empty()).then(|| errors_text(mistakes));
    if fs::read_to_string(&path).ok() == text {
        return Ok(());
    }
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC | MountFlags::NOATIME;
    let remount = |flags| mount_remount(BOOT, flags, "").map_err(|error| format!("{BOOT}: {error}"));
    remount(flags)?;
    let written = match &text {
        Some(text) => write_through(&path, text),
        None => fs::remove_file(&path),
    };
    // Remounting read-only flushes all writes.
    let closed = remount(flags | MountFlags::RDONLY);
    written.map_err(|error| format!("{}: {error}", path.display())).and(closed)
}

fn write_through(path: &Path, text: &str) -> io::Result<()> {
    let mut file = fs::File::create(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// The text in a form that every editor shows, including those of Windows.
fn errors_text(mistakes: &[String]) -> String {
    let mut text =
        String::from("Something in pinhole.toml is to be corrected. The rest was applied.\r\n\r\n");
    for mistake in mistakes {
        text.push_str(mistake);
        text.push_str("\r\n");
    }
    text.push_str("\r\nThis file goes away by itself at the next start without mistakes.\r\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_is_searched_and_missing_settings_are_not_mistakes() {
        let folder = std::env::temp_dir().join(format!("pinhole-boot-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        assert_eq!(read_boot(&folder).mistakes, []);
        fs::write(folder.join("Pinhole.TOML.txt"), "\u{feff}[system]\r\nname = \"Shed\"\r\n").unwrap();
        assert_eq!(read_boot(&folder).settings.name.as_deref(), Some("shed"));
        fs::remove_dir_all(&folder).unwrap();
        let gone = read_boot(&folder);
        assert!(gone.mistakes[0].what.contains("boot partition"), "{:?}", gone.mistakes);
        assert!(gone.settings.closed.is_some());
    }

    #[test]
    fn a_password_in_an_unused_file_closes_too() {
        let folder = std::env::temp_dir().join(format!("pinhole-other-names-{}", std::process::id()));
        let closed = |files: &[(&str, &str)]| {
            fs::create_dir_all(&folder).unwrap();
            for (name, text) in files {
                fs::write(folder.join(name), text).unwrap();
            }
            let reading = read_boot(&folder);
            fs::remove_dir_all(&folder).unwrap();
            reading.settings.closed
        };
        let (with, without) = ("[system]\npassword = \"x\"\n", "[system]\nname = \"shed\"\n");
        for name in ["pinhole.toml.toml", "pinhole (1).toml", "pinhole.ini", "Pinhole"] {
            let why = closed(&[(name, with)]).unwrap_or_else(|| panic!("{name} is open"));
            assert!(why.contains(name) && why.contains("name the file"), "{why}");
            assert_eq!(closed(&[(name, without)]), None);
        }
        // The file that counts has none, the other has.
        assert!(closed(&[("pinhole.toml", with), ("pinhole.toml.txt", without)]).is_some());
        assert_eq!(closed(&[("pinhole.toml", without), ("pinhole.toml.txt", with)]), None);
        assert_eq!(closed(&[("pinhole.toml", without), ("pinhole.toml.old", with)]), None);
        assert_eq!(closed(&[("pinhole-errors.txt", "line 3: password is not understood")]), None);
        assert_eq!(closed(&[("pinhole.toml", without)]), None);
    }

    #[test]
    fn a_folder_and_an_endless_file_are_reported() {
        let folder = std::env::temp_dir().join(format!("pinhole-damaged-boot-{}", std::process::id()));
        let file = folder.join("pinhole.toml");
        fs::create_dir_all(&file).unwrap();
        let mistakes = read_boot(&folder).mistakes;
        assert!(mistakes[0].what.contains("pinhole.toml cannot be read: "), "{mistakes:?}");
        assert!(read_boot(&folder).settings.closed.is_some(), "it may have held a password");

        fs::remove_dir(&file).unwrap();
        let head = "[system]\nname = \"shed\"\n#";
        fs::write(&file, head).unwrap();
        // A damaged folder may show a file far longer than memory.
        OpenOptions::new().write(true).open(&file).unwrap().set_len(1 << 40).unwrap();
        let reading = read_boot(&folder);
        assert!(reading.settings.closed.is_some(), "the password may be in the rest");
        assert_eq!(read_start(&file).unwrap().len(), text::FILE_MAX_BYTES + 1);
        assert_eq!(reading.settings.name.as_deref(), Some("shed"));
        assert!(reading.mistakes.iter().any(|mistake| mistake.what.contains("longer than")), "{reading:?}");

        // Random bytes.
        let noise: Vec<u8> =
            (0..text::FILE_MAX_BYTES as u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        fs::write(&file, noise).unwrap();
        let mistakes = read_boot(&folder).mistakes;
        assert!(read_boot(&folder).settings.closed.is_some(), "noise");
        assert!((1..=super::super::MISTAKES_MAX + 3).contains(&mistakes.len()), "{mistakes:?}");
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_folder_is_not_a_partition() {
        assert!(is_mounted(Path::new("/proc")));
        assert!(!is_mounted(Path::new("/proc/sys")) && !is_mounted(Path::new("/nowhere")));
    }

    #[test]
    fn the_list_of_mistakes_suits_any_editor() {
        let text = errors_text(&["line 3: x".into()]);
        assert!(text.contains("\r\nline 3: x\r\n") && !text.replace("\r\n", "").contains('\n'));
    }
}
