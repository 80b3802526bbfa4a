//! Addresses from which the right password came, remembered over a restart.
//!
//! Nothing of the password is written down. A fast digest of it, whatever the key beside it, would let
//! whoever reads the file try a thousand million passwords a second, where Argon2 lets them try ten; and
//! Argon2's own hash is in the configuration already. What a restart must not forget is who may go first:
//! an address says that, proves nothing, and is worth nothing to whoever reads it. It opens no door: the
//! password is checked all the same.

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

/// Bytes of the file that are read: an address has at most 45.
const FILE_MAX_BYTES: u64 = 64 * 46;

/// Where the service keeps what it remembers, as systemd says it (systemd.exec(5), `StateDirectory=`).
const DIRECTORY: &str = "STATE_DIRECTORY";

/// One writer at a time. A card may take long, and the main thread must not wait for it.
static WRITES: BlockingPool = BlockingPool::new("remember", 1);

/// Known addresses, the newest first.
#[derive(Debug, Default)]
pub struct Known {
    addresses: VecDeque<IpAddr>,
    file: Option<PathBuf>,
    /// The file was read, or there is none yet.
    is_read: bool,
}

impl Known {
    /// Those in the state directory of the environment; without one, they are forgotten with the process.
    pub fn of_environment() -> Self {
        let directory = std::env::var_os(DIRECTORY);
        // Several are separated by colons.
        let first = directory.as_ref().and_then(|all| all.to_str()?.split(':').next());
        Self::at(first.filter(|it| it.starts_with('/')).map(Path::new))
    }

    /// Those in a directory, which may come later: the card mounts its own when the service runs already.
    pub fn at(directory: Option<&Path>) -> Self {
        Self { file: directory.map(|it| it.join(NAME)), ..Self::default() }
    }

    /// Whether the right password came from an address.
    pub fn has(&mut self, address: IpAddr) -> bool {
        self.read();
        self.addresses.contains(&address)
    }

    /// Remembers an address; what is to be written then, if it is news.
    pub fn add(&mut self, address: IpAddr) -> Option<Save> {
        self.read();
        if self.addresses.front() == Some(&address) {
            return None;
        }
        let is_news = !self.addresses.contains(&address);
        self.addresses.retain(|it| *it != address);
        self.addresses.push_front(address);
        self.addresses.truncate(KNOWN_ADDRESSES_MAX);
        // The order alone is not worth a write: two viewers would wear a card out.
        let file = self.file.clone().filter(|_| is_news)?;
        Some(Save {
            file,
            text: self.addresses.iter().fold(String::new(), |text, it| text + &it.to_string() + "\n"),
        })
    }

    /// Reads the file once. Lines that are no addresses are passed over, and so is a file that cannot be
    /// read: all that is lost is who may go first.
    fn read(&mut self) {
        let Some(file) = self.file.as_deref().filter(|_| !self.is_read) else { return };
        let mut text = Vec::new();
        match fs::File::open(file).and_then(|it| it.take(FILE_MAX_BYTES).read_to_end(&mut text)) {
            Ok(_) => {}
            // Not there yet: looked for again.
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

/// A list that is to be written.
#[derive(Debug)]
pub struct Save {
    file: PathBuf,
    text: String,
}

impl Save {
    /// Writes it. That it cannot be written (no such directory, read-only, full) is no failure.
    pub async fn run(self) {
        let file = self.file.display().to_string();
        match WRITES.run(move || self.write()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) | Err(error) => log::debug!("{file}: {error}"),
        }
    }

    /// Whole or not at all, and for the service's user alone.
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
    fn addresses_outlive_the_process_and_nothing_else_is_written() {
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
    fn a_damaged_file_and_a_directory_that_is_not_there_are_no_failure() {
        let folder = folder("known-damaged");
        let file = folder.join(NAME);
        fs::write(&file, b"192.0.2.1\n\xff\xfe\0nonsense\n192.0.2.2 \n192.0.2.1\n").unwrap();
        let mut known = Known::at(Some(&folder));
        assert!(known.has("192.0.2.1".parse().unwrap()) && known.has("192.0.2.2".parse().unwrap()));
        assert_eq!(known.addresses.len(), 2);
        // Gigabytes.
        fs::OpenOptions::new().write(true).open(&file).unwrap().set_len(1 << 40).unwrap();
        assert!(Known::at(Some(&folder)).has("192.0.2.1".parse().unwrap()));
        // Not a file.
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
        // It comes later.
        let mut late = Known::at(Some(&folder));
        assert!(!late.has(address(7)));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(NAME), "0.0.0.7\n").unwrap();
        assert!(late.has(address(7)));
        fs::remove_dir_all(&folder).unwrap();
    }
}
