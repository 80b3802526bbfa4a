//! The memory budget of all decoders: a share of what this machine, or the service's cgroup, has.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// The share of the memory for decoders, in hundredths: beyond it the kernel would run short, and the
/// service's unit is killed at 75 % of the machine's (`MemoryMax`).
const SHARE_PERCENT: u64 = 50;

/// The share of the available memory that another decoder may take, in hundredths.
const AVAILABLE_SHARE_PERCENT: u64 = 75;

/// The memory to assume if neither the machine nor a cgroup reports any.
const UNKNOWN_BYTES: u64 = 512 << 20;

/// The budget of all decoders. Each takes a [`Reservation`] before it decodes.
#[derive(Debug)]
pub struct Budget {
    /// `None` reads the machine's each time: cgroup limits change while the service runs.
    bytes: Option<u64>,
    taken: Mutex<u64>,
}

impl Budget {
    /// The budget of this process.
    pub fn of_machine() -> Arc<Self> {
        static BUDGET: OnceLock<Arc<Budget>> = OnceLock::new();
        BUDGET.get_or_init(|| Arc::new(Self { bytes: None, taken: Mutex::default() })).clone()
    }

    /// A budget of so many bytes.
    pub fn of_bytes(bytes: u64) -> Arc<Self> {
        Arc::new(Self { bytes: Some(bytes), taken: Mutex::default() })
    }

    /// Reserved bytes.
    pub fn taken(&self) -> u64 {
        *self.lock()
    }

    fn lock(&self) -> MutexGuard<'_, u64> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The total that may be reserved while `taken` is.
    fn allowed(&self, taken: u64) -> u64 {
        self.bytes.unwrap_or_else(|| Memory::read(Path::new("/")).allowed(taken))
    }
}

/// Bytes of a budget, returned on drop.
#[derive(Debug)]
pub struct Reservation {
    budget: Arc<Budget>,
    bytes: u64,
}

/// Why a reservation was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused {
    /// The bytes requested.
    pub wanted: u64,
    /// The bytes of the whole budget.
    pub allowed: u64,
    /// The bytes that other decoders hold.
    pub others: u64,
}

impl Reservation {
    /// An empty reservation.
    pub fn new(budget: Arc<Budget>) -> Self {
        Self { budget, bytes: 0 }
    }

    /// Reserved bytes.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Changes the reservation.
    ///
    /// # Errors
    /// If it grows beyond the budget; nothing has changed then.
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

/// Bytes, shown in megabytes.
struct Megabytes(u64);

impl fmt::Display for Megabytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} MB", self.0.div_ceil(1_000_000))
    }
}

/// The memory that there is, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Memory {
    /// All that this process may use.
    total: u64,
    /// The free and reclaimable memory; `None` if unknown.
    available: Option<u64>,
}

impl Memory {
    /// The machine's memory (proc(5), meminfo), limited by the process's cgroup and its ancestors (kernel:
    /// Documentation/admin-guide/cgroup-v2.rst, memory.max, memory.high). `root` is `/` outside of tests.
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

    /// The total that may be reserved while `taken` is.
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
    fn decoders_share_a_budget_and_return_what_they_took() {
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
    fn a_refusal_names_the_figures() {
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
    fn the_least_of_machine_cgroup_and_its_ancestors_counts() {
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
