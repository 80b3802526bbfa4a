//! Addresses that gave the right password, remembered across restarts.
//!
//! Nothing about the password is written. With a fast digest of it, whatever its key, a thief of the file
//! could try a billion passwords per second, where Argon2 allows ten; and Argon2's own hash is in the
//! configuration already. A restart must only remember who may go first: an address is enough for that,
//! proves nothing, and is worthless to a thief. It opens no door: the password is checked all the same.

use std::collections::VecDeque;
use std::fs;
use std::io::{self, Read as _, Write as _};
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use crate::limits::KNOWN_ADDRESSES_MAX;
use crate::offload::BlockingPool;

/// The file in the state directory.
const NAME: &str = "known-addresses";

/// Bytes of the file to read: an address has at most 45.
const FILE_MAX_BYTES: u64 = 64 * 46;

/// The variable with the service's state directory, set by systemd (systemd.exec(5), `StateDirectory=`).
const DIRECTORY: &str = "STATE_DIRECTORY";

/// One writer at a time. An SD card may be slow, and the main thread must not wait for it.
static WRITES: BlockingPool = BlockingPool::new("remember", 1);

/// Known addresses, the newest first.
#[derive(Debug, Default)]
pub struct Known {
    addresses: VecDeque<IpAddr>,
    file: Option<PathBuf>,
    /// The file was read, or does not exist yet.
    is_read: bool,
}

impl Known {
    /// The list in the environment's state directory; without one, it lasts as long as the process.
    pub fn of_environment() -> Self {
        let directory = std::env::var_os(DIRECTORY);
        // Several are separated by colons.
        let first = directory.as_ref().and_then(|all| all.to_str()?.split(':').next());
        Self::at(first.filter(|it| it.starts_with('/')).map(Path::new))
    }

    /// The list in a directory, which may appear later: the card mounts its own after the service has
    /// started.
    pub fn at(directory: Option<&Path>) -> Self {
        Self { file: directory.map(|it| it.join(NAME)), ..Self::default() }
    }

    /// Whether the right password came from an address.
    pub fn has(&mut self, address: IpAddr) -> bool {
        self.read();
        self.addresses.contains(&address)
    }

    /// Remembers an address; returns what to write if it is new.
    pub fn add(&mut self, address: IpAddr) -> Option<Save> {
        self.read();
        if self.addresses.front() == Some(&address) {
            return None;
        }
        let is_news = !self.addresses.contains(&address);
        self.addresses.retain(|it| *it != address);
        self.addresses.push_front(address);
        self.addresses.truncate(KNOWN_ADDRESSES_MAX);
        // A new order alone is not worth a write: two viewers would wear out a card.
        let file = self.file.clone().filter(|_| is_news)?;
        Some(Save {
            file,
            text: self.addresses.iter().fold(String::new(), |text, it| text + &it.to_string() + "\n"),
        })
    }

    /// Reads the file once. Skips lines that are not addresses, and an unreadable file: all that is lost is
    /// who may go first.
    fn read(&mut self) {
        let Some(file) = self.file.as_deref().filter(|_| !self.is_read) else { return };
        let mut text = Vec::new();
        match fs::File::open(file).and_then(|it| it.take(FILE_MAX_BYTES).read_to_end(&mut text)) {
            Ok(_) => {}
            // Not there yet: retry later.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return,
            Err(error) => {
                log::warn!("{}: {error}; which addresses logged in before is not known", file.display());
            }
        }
        self.is_read = true;
        for line in String::from_utf8_lossy(&text).lines() {
            if let Ok(address) = line.trim().parse()
                && !self.addresses.contains(&address)
                && self.addresses.len() < KNOWN_ADDRESSES_MAX
            {
                self.addresses.push_back(address);
            }
        }
    }
}

/// A list to write.
#[derive(Debug)]
pub struct Save {
    file: PathBuf,
    text: String,
}

impl Save {
    /// Writes it. Failure (no such directory, read-only, full) does no harm.
    pub async fn run(self) {
        let file = self.file.display().to_string();
        match WRITES.run(move || self.write()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) | Err(error) => log::debug!("{file}: {error}"),
        }
    }

    /// Atomically, and readable by the service's user alone.
    fn write(&self) -> io::Result<()> {
        let beside = self.file.with_extension("new");
        let _ = fs::remove_file(&beside);
        let written = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside).and_then(
            |mut file| {
                file.write_all(self.text.as_bytes())?;
                file.sync_all()
            },
        );
        written.and_then(|()| fs::rename(&beside, &self.file)).inspect_err(|_| {
            let _ = fs::remove_file(&beside);
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn address(number: u32) -> IpAddr {
        std::net::Ipv4Addr::from_bits(number).into()
    }

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("pinhole-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    #[test]
    fn addresses_survive_the_process_and_nothing_else_is_written() {
        let folder = folder("known");
        let mut known = Known::at(Some(&folder));
        assert!(!known.has(address(1)));
        for number in 0..100 {
            if let Some(save) = known.add(address(number)) {
                smol::block_on(save.run());
            }
        }
        assert!(known.add(address(99)).is_none() && known.add(address(98)).is_none(), "no news");
        let file = folder.join(NAME);
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        let text = fs::read_to_string(&file).unwrap();
        assert_eq!(text.lines().count(), KNOWN_ADDRESSES_MAX);
        assert!(text.lines().all(|line| line.parse::<IpAddr>().is_ok()), "{text}");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        let mut again = Known::at(Some(&folder));
        assert!(again.has(address(99)) && !again.has(address(1)));
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_damaged_file_or_missing_directory_does_no_harm() {
        let folder = folder("known-damaged");
        let file = folder.join(NAME);
        fs::write(&file, b"192.0.2.1\n\xff\xfe\0nonsense\n192.0.2.2 \n192.0.2.1\n").unwrap();
        let mut known = Known::at(Some(&folder));
        assert!(known.has("192.0.2.1".parse().unwrap()) && known.has("192.0.2.2".parse().unwrap()));
        assert_eq!(known.addresses.len(), 2);
        // Gigabytes.
        fs::OpenOptions::new().write(true).open(&file).unwrap().set_len(1 << 40).unwrap();
        assert!(Known::at(Some(&folder)).has("192.0.2.1".parse().unwrap()));
        // A directory.
        fs::remove_file(&file).unwrap();
        fs::create_dir(&file).unwrap();
        let mut known = Known::at(Some(&folder));
        assert!(!known.has(address(1)));
        smol::block_on(known.add(address(1)).unwrap().run());
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "nothing is left beside it");
        fs::remove_dir_all(&folder).unwrap();
        let mut known = Known::at(Some(&folder));
        smol::block_on(known.add(address(1)).unwrap().run());
        assert!(known.has(address(1)) && !folder.exists());
        // The directory appears later.
        let mut late = Known::at(Some(&folder));
        assert!(!late.has(address(7)));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(NAME), "0.0.0.7\n").unwrap();
        assert!(late.has(address(7)));
        fs::remove_dir_all(&folder).unwrap();
    }
}
