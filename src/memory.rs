//! What of this program stays in memory: how the C library's allocator is to treat it, and which parts
//! of its file stay mapped.

use std::ops::Range;

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

/// Unmaps what of the program's file has been used so far; what is used on comes back by itself, from
/// the page cache.
///
/// The kernel maps 64 KiB around each place that is touched, Linux 6.18 whole blocks of up to 2 MiB, so
/// that options, configuration and negotiation keep most of the program resident. Measured with ten
/// viewers of a camera that has settled: 5.3 MB before, 3.2 MB after.
#[allow(unsafe_code)]
pub fn unmap_unused_code() {
    for range in read_only_parts() {
        // SAFETY: these are whole pages of a private mapping of the program's file that nobody may
        // write to; the next access brings the same bytes back. Linkers put what is written to once,
        // at the start (relocations), into segments that count as writable.
        let result =
            unsafe { libc::madvise(range.start as *mut libc::c_void, range.len(), libc::MADV_DONTNEED) };
        if result != 0 {
            log::debug!("the program's file stays mapped: {}", std::io::Error::last_os_error());
        }
    }
}

/// The pages of this program's code and constants, by address.
#[allow(unsafe_code)]
fn read_only_parts() -> Vec<Range<usize>> {
    /// The program comes first; the libraries after it are not looked at: others use them, too.
    unsafe extern "C" fn first(
        object: *mut libc::dl_phdr_info,
        _size: libc::size_t,
        parts: *mut libc::c_void,
    ) -> libc::c_int {
        // SAFETY: the C library lends a record with this many headers for the time of the call, and
        // `parts` is what was given to dl_iterate_phdr below.
        let (object, parts) = unsafe { (&*object, &mut *parts.cast::<Vec<Range<usize>>>()) };
        // SAFETY: as above.
        let headers = unsafe { std::slice::from_raw_parts(object.dlpi_phdr, usize::from(object.dlpi_phnum)) };
        let page = rustix::param::page_size();
        let read_only =
            headers.iter().filter(|it| it.p_type == libc::PT_LOAD && it.p_flags & libc::PF_W == 0);
        parts.extend(read_only.filter_map(|header| {
            let begin = (object.dlpi_addr + header.p_vaddr) as usize;
            // Whole pages only: the next segment may begin in the last one.
            let end = (begin + header.p_memsz as usize) / page * page;
            let begin = begin.next_multiple_of(page);
            (begin < end).then_some(begin..end)
        }));
        1
    }
    let mut parts: Vec<Range<usize>> = Vec::new();
    // SAFETY: `first` does not keep what it is given, and `parts` outlives the call.
    unsafe { libc::dl_iterate_phdr(Some(first), (&raw mut parts).cast()) };
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_and_constants_are_found_and_survive() {
        static CONSTANT: [u8; 1 << 16] = [7; 1 << 16];
        let parts = read_only_parts();
        let holds = |address: usize| parts.iter().any(|part| part.contains(&address));
        assert!(holds(unmap_unused_code as fn() as usize), "{parts:x?}");
        assert!(holds(&raw const CONSTANT[1 << 15] as usize), "{parts:x?}");
        let written = Box::new(1);
        assert!(!holds(&raw const *written as usize), "{parts:x?}");
        unmap_unused_code();
        assert!(CONSTANT.iter().all(|byte| *byte == 7));
    }
}
