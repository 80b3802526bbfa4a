//! Memory that decoders may take together: a share of what this machine, or the service's cgroup, has.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// The share of the memory that decoders may take, in hundredths: what they take beyond it would be
/// missed by the kernel, and the service's unit is killed at 75 % of the machine's (`MemoryMax`).
const SHARE_PERCENT: u64 = 50;

/// The share of what is available at this moment that one more decoder may take, in hundredths.
const AVAILABLE_SHARE_PERCENT: u64 = 75;

/// Where neither the machine nor a cgroup says what there is.
const UNKNOWN_BYTES: u64 = 512 << 20;

/// What decoders may take together. Each takes a [`Reservation`] before it decodes.
#[derive(Debug)]
pub struct Budget {
    /// `None` asks the machine each time: cgroups' limits change while the service runs.
    bytes: Option<u64>,
    taken: Mutex<u64>,
}

impl Budget {
    /// That of this process.
    pub fn of_machine() -> Arc<Self> {
        static BUDGET: OnceLock<Arc<Budget>> = OnceLock::new();
        BUDGET.get_or_init(|| Arc::new(Self { bytes: None, taken: Mutex::default() })).clone()
    }

    /// One of so many bytes.
    pub fn of_bytes(bytes: u64) -> Arc<Self> {
        Arc::new(Self { bytes: Some(bytes), taken: Mutex::default() })
    }

    /// Bytes that are reserved.
    pub fn taken(&self) -> u64 {
        *self.lock()
    }

    fn lock(&self) -> MutexGuard<'_, u64> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes that may be reserved in all, while so many are.
    fn allowed(&self, taken: u64) -> u64 {
        self.bytes.unwrap_or_else(|| Memory::read(Path::new("/")).allowed(taken))
    }
}

/// Bytes of a budget; they go back when this is dropped.
#[derive(Debug)]
pub struct Reservation {
    budget: Arc<Budget>,
    bytes: u64,
}

/// Why bytes were not reserved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused {
    /// How many were asked for.
    pub wanted: u64,
    /// What decoders may take together.
    pub allowed: u64,
    /// What others of them have taken.
    pub others: u64,
}

impl Reservation {
    /// Of nothing yet.
    pub fn new(budget: Arc<Budget>) -> Self {
        Self { budget, bytes: 0 }
    }

    /// How many bytes are reserved.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Changes what is reserved.
    ///
    /// # Errors
    /// Where it is more than before, and more than there is; nothing has changed then.
    pub fn set(&mut self, bytes: u64) -> Result<(), Refused> {
        let mut taken = self.budget.lock();
        let others = taken.saturating_sub(self.bytes);
        if bytes > self.bytes {
            let allowed = self.budget.allowed(*taken);
            if bytes > allowed.saturating_sub(others) {
                return Err(Refused { wanted: bytes, allowed, others });
            }
        }
        *taken = others + bytes;
        self.bytes = bytes;
        Ok(())
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let mut taken = self.budget.lock();
        *taken = taken.saturating_sub(self.bytes);
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { wanted, allowed, others } = *self;
        write!(f, "about {} of memory", Megabytes(wanted))?;
        write!(f, "; on this machine decoders may use {}", Megabytes(allowed))?;
        if others > 0 {
            write!(f, ", of which other cameras have {}", Megabytes(others))?;
        }
        Ok(())
    }
}

/// A number of bytes as people read it.
struct Megabytes(u64);

impl fmt::Display for Megabytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} MB", self.0.div_ceil(1_000_000))
    }
}

/// What memory there is, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Memory {
    /// All that this process may have.
    total: u64,
    /// What is free, or would be if it were needed; `None` where nobody says so.
    available: Option<u64>,
}

impl Memory {
    /// The machine's (proc(5), meminfo), and that of the process's cgroup and those above it (kernel:
    /// Documentation/admin-guide/cgroup-v2.rst, memory.max, memory.high). `root` is `/`, but in tests.
    fn read(root: &Path) -> Self {
        let text = |path: &str| std::fs::read_to_string(root.join(path)).unwrap_or_default();
        let meminfo = text("proc/meminfo");
        let field = |name: &str| {
            let line = meminfo.lines().find_map(|line| line.strip_prefix(name))?;
            line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
        };
        let mut total = field("MemTotal:").unwrap_or(UNKNOWN_BYTES);
        let cgroups = text("proc/self/cgroup");
        let own = cgroups.lines().find_map(|line| line.strip_prefix("0::/")).unwrap_or_default();
        for group in Path::new(own).ancestors() {
            let folder = Path::new("sys/fs/cgroup").join(group);
            for limit in ["memory.max", "memory.high"] {
                let bytes = folder.join(limit).to_str().map(text).unwrap_or_default();
                total = bytes.trim().parse().map_or(total, |bytes: u64| total.min(bytes));
            }
        }
        Self { total, available: field("MemAvailable:") }
    }

    /// What may be reserved in all, while so many bytes are.
    fn allowed(self, taken: u64) -> u64 {
        let share = self.total / 100 * SHARE_PERCENT;
        let now = self.available.map(|bytes| taken.saturating_add(bytes / 100 * AVAILABLE_SHARE_PERCENT));
        share.min(now.unwrap_or(share))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clips::Folder;

    #[test]
    fn decoders_share_a_budget_and_give_back_what_they_took() {
        let budget = Budget::of_bytes(1000);
        let mut one = Reservation::new(budget.clone());
        let mut other = Reservation::new(budget.clone());
        assert_eq!(one.set(600), Ok(()));
        assert_eq!(other.set(401), Err(Refused { wanted: 401, allowed: 1000, others: 600 }));
        assert_eq!((other.set(400), budget.taken()), (Ok(()), 1000));
        assert!(one.set(601).is_err());
        assert_eq!((one.set(100), budget.taken()), (Ok(()), 500));
        assert_eq!(other.set(900), Ok(()));
        drop(other);
        assert_eq!((one.set(1000), budget.taken()), (Ok(()), 1000));
        drop(one);
        assert_eq!(budget.taken(), 0);
    }

    #[test]
    fn the_words_say_what_there_is() {
        let refused = Refused { wanted: 1_100_000_000, allowed: 480_000_000, others: 0 };
        assert_eq!(refused.to_string(), "about 1100 MB of memory; on this machine decoders may use 480 MB");
        let refused = Refused { others: 120_000_000, ..refused };
        assert!(refused.to_string().ends_with("480 MB, of which other cameras have 120 MB"));
    }

    fn machine(files: &[(&str, &str)]) -> Memory {
        static NUMBER: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let root = Folder::new(&format!("budget-{number}"));
        for (path, text) in files {
            let path = root.file(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        Memory::read(&root.0)
    }

    #[test]
    fn the_least_of_machine_cgroup_and_those_above_it_counts() {
        const MEMINFO: (&str, &str) =
            ("proc/meminfo", "MemTotal:        1000000 kB\nMemFree:  5 kB\nMemAvailable:   800000 kB\n");
        const CGROUP: (&str, &str) = ("proc/self/cgroup", "0::/system.slice/pinhole.service\n");
        let all = machine(&[MEMINFO]);
        assert_eq!(all, Memory { total: 1_024_000_000, available: Some(819_200_000) });
        assert_eq!((all.allowed(0), all.allowed(200_000_000)), (512_000_000, 512_000_000));
        let unlimited = ("sys/fs/cgroup/system.slice/pinhole.service/memory.max", "max\n");
        assert_eq!(machine(&[MEMINFO, CGROUP, unlimited]), all);
        for limit in [
            "sys/fs/cgroup/system.slice/pinhole.service/memory.max",
            "sys/fs/cgroup/system.slice/pinhole.service/memory.high",
            "sys/fs/cgroup/system.slice/memory.max",
            "sys/fs/cgroup/memory.max",
        ] {
            let limited = machine(&[MEMINFO, CGROUP, (limit, "400000000\n")]);
            assert_eq!((limited.total, limited.allowed(0)), (400_000_000, 200_000_000), "{limit}");
        }
        let busy = Memory { available: Some(100_000_000), ..all };
        assert_eq!((busy.allowed(0), busy.allowed(50_000_000)), (75_000_000, 125_000_000));
        assert_eq!(machine(&[]), Memory { total: UNKNOWN_BYTES, available: None });
        assert_eq!(machine(&[("proc/meminfo", "MemTotal: 99999999999999999999 kB")]).total, UNKNOWN_BYTES);
    }
}
