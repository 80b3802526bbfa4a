//! How the C library's allocator is to treat this program's memory.

/// Allocations from this size on get pages of their own, which go back to the kernel when they are
/// freed. Pictures and scratch planes are larger, everything else is smaller.
const OWN_PAGES_MIN_BYTES: libc::c_int = 128 << 10;

/// Heaps beside the main one; each thread that finds its heap in use would get another.
const ARENAS_MAX: libc::c_int = 2;

/// Keeps resident memory at what is in use. By itself glibc raises the first limit to the largest
/// block that was ever freed: then cards and pictures, which many threads make, stay behind as
/// holes in many heaps (measured: 2.9 MB over 20 rounds of unplugging and replugging a camera).
/// To be called before the first thread is started.
#[cfg(target_env = "gnu")]
#[allow(unsafe_code)]
pub fn set_up() {
    // SAFETY: mallopt only sets parameters of the allocator, and no other thread runs yet.
    let is_set = unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, OWN_PAGES_MIN_BYTES) == 1
            && libc::mallopt(libc::M_ARENA_MAX, ARENAS_MAX) == 1
    };
    if !is_set {
        log::debug!("the allocator does not take its settings");
    }
}

/// Other C libraries' allocators have no such settings.
#[cfg(not(target_env = "gnu"))]
pub fn set_up() {}
