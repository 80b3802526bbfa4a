//! FFmpeg's messages while it decodes: for our log, and as the only sign of some damage.

#![allow(unsafe_code, reason = "FFmpeg hands its messages to a C function")]

use std::ffi::{CStr, c_char, c_int, c_void};
use std::sync::Once;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use ffmpeg_next::ffi;

use super::account::Account;

/// Log lines for one access unit: a broken one can cause a line for each of its blocks.
const LINES_PER_UNIT_MAX: u32 = 2;

/// Bytes of a log line.
const LINE_MAX_BYTES: usize = 256;

/// The beginnings of messages that report damage, and what it is. FFmpeg conceals missing data. Its mark on
/// the picture comes too late if others that refer to it are shown before it, or never. A test checks these
/// against the linked version.
const DAMAGE: [(&[u8], &str); 6] = [
    (b"Could not find ref with POC", MISSING_REFERENCE),
    (b"Missing reference picture", MISSING_REFERENCE),
    (b"reference picture missing", MISSING_REFERENCE),
    (b"concealing ", UNDECODABLE),
    (b"error while decoding MB", UNDECODABLE),
    (b"decode_slice_header error", UNDECODABLE),
];
const MISSING_REFERENCE: &str = "it refers to a picture that is missing";
const UNDECODABLE: &str = "parts of it could not be decoded";

/// Messages about a decoder's current unit, and its memory: the state behind FFmpeg's callbacks.
#[derive(Debug)]
pub(super) struct Complaints {
    /// The memory.
    pub account: Account,
    /// One more than the index in [`DAMAGE`]; 0 for none.
    damage: AtomicUsize,
    lines: AtomicU32,
}

impl Complaints {
    pub fn new(account: Account) -> Self {
        Self { account, damage: AtomicUsize::new(0), lines: AtomicU32::new(0) }
    }

    /// Messages from now on are about the next unit.
    pub fn begin_unit(&self) {
        self.damage.store(0, Ordering::Relaxed);
        self.lines.store(0, Ordering::Relaxed);
    }

    /// Takes what is wrong with the unit.
    pub fn take(&self) -> Option<&'static str> {
        let place = self.damage.swap(0, Ordering::Relaxed).checked_sub(1)?;
        Some(DAMAGE[place].1)
    }
}

#[cfg(target_arch = "x86_64")]
type VaList = *mut ffi::__va_list_tag;
#[cfg(not(target_arch = "x86_64"))]
type VaList = ffi::va_list;

/// Bytes of one allocation of FFmpeg. Its own ceiling is 2 GiB; a plane of the largest picture at 12
/// bits has 34 MB, the index of a long film less.
const ALLOCATION_MAX_BYTES: usize = 128 << 20;

/// Routes FFmpeg's messages here, from the first decoder on, and limits its allocations.
pub(super) fn install() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        // SAFETY: the callback is a function of this program, so it lives as long as FFmpeg does.
        // The ceiling is set before anything is allocated.
        unsafe {
            ffi::av_max_alloc(ALLOCATION_MAX_BYTES);
            ffi::av_log_set_callback(Some(take_message));
        }
    });
}

/// Called by FFmpeg on any decoding thread. It must not unwind.
unsafe extern "C" fn take_message(about: *mut c_void, level: c_int, format: *const c_char, values: VaList) {
    if level > ffi::AV_LOG_INFO || about.is_null() || format.is_null() {
        return;
    }
    // SAFETY: what FFmpeg logs about is a struct whose first field is its AVClass, and it hands over
    // a string that ends in zero.
    let (class, text) = unsafe { (*about.cast::<*const ffi::AVClass>(), CStr::from_ptr(format).to_bytes()) };
    // SAFETY: without arguments and without a condition.
    if class != unsafe { ffi::avcodec_get_class() } {
        return;
    }
    // SAFETY: a struct of this class is an AVCodecContext; `set_up` put our complaints into those that
    // we open, and they live longer. Others have null there.
    let complaints = unsafe { (*about.cast::<ffi::AVCodecContext>()).opaque.cast::<Complaints>().as_ref() };
    let Some(complaints) = complaints else { return };
    if let Some(place) = DAMAGE.iter().position(|(begin, _)| text.starts_with(begin)) {
        complaints.damage.store(place + 1, Ordering::Relaxed);
    }
    if ::log::log_enabled!(::log::Level::Debug)
        && complaints.lines.fetch_add(1, Ordering::Relaxed) < LINES_PER_UNIT_MAX
    {
        let mut line = [0; LINE_MAX_BYTES];
        let mut with_prefix = 0;
        // SAFETY: `values` belongs to `format`; the line is no longer than its buffer.
        unsafe {
            let length = LINE_MAX_BYTES as c_int;
            ffi::av_log_format_line2(
                about,
                level,
                format,
                values,
                line.as_mut_ptr(),
                length,
                &raw mut with_prefix,
            );
        }
        // SAFETY: FFmpeg ends the line with zero.
        let line = unsafe { CStr::from_ptr(line.as_ptr()) };
        ::log::debug!("ffmpeg: {}", line.to_string_lossy().trim_end());
    }
}
