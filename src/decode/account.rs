//! Counts the memory of decoded pictures while they exist.
//!
//! An estimate trusts what a stream declares; H.265 may refer to more pictures than that. So each picture's
//! memory is counted when the library takes it, and when the last holder returns it. Memory beyond the
//! reservation must be requested, and may be refused.

#![allow(unsafe_code, reason = "FFmpeg asks a C function for the memory of pictures")]

use std::ffi::{c_int, c_void};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use ffmpeg_next::error::ENOMEM;
use ffmpeg_next::ffi;

use super::budget::{Refused, Reservation};
use super::log::Complaints;

/// The memory of one decoder and the pictures that came out of it.
#[derive(Debug)]
pub(super) struct Account {
    pictures: Arc<Pictures>,
    reservation: Mutex<Reserved>,
}

#[derive(Debug)]
struct Reserved {
    reservation: Reservation,
    /// The part of the reservation that is not for pictures.
    other: u64,
    /// The last refusal, until it is taken.
    refused: Option<Refused>,
}

/// Bytes of existing pictures.
#[derive(Debug, Default)]
struct Pictures(AtomicU64);

/// The memory of one picture, counted until it is dropped.
struct Counted {
    pictures: Arc<Pictures>,
    bytes: u64,
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.pictures.0.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl Account {
    pub fn new(reservation: Reservation) -> Self {
        let reserved = Reserved { reservation, other: 0, refused: None };
        Self { pictures: Arc::default(), reservation: Mutex::new(reserved) }
    }

    /// Reserves `bytes`, of which `other` are not for pictures.
    pub fn reserve(&self, bytes: u64, other: u64) -> Result<(), Refused> {
        self.with(|reserved| {
            reserved.reservation.set(bytes)?;
            reserved.other = other;
            Ok(())
        })
    }

    /// Reserved bytes.
    pub fn reserved(&self) -> u64 {
        self.with(|reserved| reserved.reservation.bytes())
    }

    /// Takes the reason why the library got no memory for a picture.
    pub fn take_refusal(&self) -> Option<Refused> {
        self.with(|reserved| reserved.refused.take())
    }

    fn with<T>(&self, change: impl FnOnce(&mut Reserved) -> T) -> T {
        change(&mut self.reservation.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Counts a picture of this size.
    fn count(&self, bytes: u64) -> Option<Counted> {
        let counted = Counted { pictures: self.pictures.clone(), bytes };
        let pictures = self.pictures.0.fetch_add(bytes, Ordering::Relaxed) + bytes;
        self.with(|reserved| {
            let needed = pictures + reserved.other;
            if needed > reserved.reservation.bytes()
                && let Err(refused) = reserved.reservation.set(needed)
            {
                reserved.refused = Some(refused);
                return None;
            }
            Some(counted)
        })
    }
}

/// Called by FFmpeg for the memory of a picture. It must not unwind.
///
/// # Safety
/// FFmpeg hands over a context that [`super::picture::set_up`] prepared, and its frame.
pub(super) unsafe extern "C" fn get_buffer(
    context: *mut ffi::AVCodecContext,
    frame: *mut ffi::AVFrame,
    flags: c_int,
) -> c_int {
    // SAFETY: the arguments are FFmpeg's own. `opaque` points to the decoder's complaints, which live
    // longer than the context.
    let (result, complaints) = unsafe {
        let result = ffi::avcodec_default_get_buffer2(context, frame, flags);
        (result, (*context).opaque.cast::<Complaints>().as_ref())
    };
    let Some(complaints) = complaints.filter(|_| result >= 0) else { return result };
    // SAFETY: the frame has just been given its buffers.
    let buffers = unsafe { &mut (*frame).buf };
    // SAFETY: each is null or a buffer with its size.
    let bytes = buffers.iter().filter_map(|buffer| unsafe { buffer.as_ref() }).map(|it| it.size as u64).sum();
    let place = buffers.iter_mut().find(|buffer| buffer.is_null());
    let (Some(place), Some(counted)) = (place, complaints.account.count(bytes)) else {
        return -ENOMEM;
    };
    let counted = Box::into_raw(Box::new(counted));
    // SAFETY: the buffer owns the box, and passes it to `release` once it is no longer referenced. Its one
    // byte is never read.
    unsafe {
        *place = ffi::av_buffer_create(counted.cast(), 1, Some(release), counted.cast(), 0);
        if place.is_null() {
            release(counted.cast(), std::ptr::null_mut());
            return -ENOMEM;
        }
    }
    0
}

/// Called by FFmpeg when the last reference to a picture is gone, on any thread.
unsafe extern "C" fn release(counted: *mut c_void, _data: *mut u8) {
    // SAFETY: it is the box that `get_buffer` gave away, once.
    drop(unsafe { Box::from_raw(counted.cast::<Counted>()) });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::budget::Budget;

    #[test]
    fn pictures_beyond_the_estimate_are_requested_and_counted_until_they_are_gone() {
        let budget = Budget::of_bytes(1000);
        let account = Account::new(Reservation::new(budget.clone()));
        account.reserve(500, 100).unwrap();
        let mut pictures: Vec<_> = (0..4).map(|_| account.count(100).unwrap()).collect();
        assert_eq!((account.reserved(), budget.taken()), (500, 500), "as estimated");
        pictures.extend((0..5).map(|_| account.count(100).unwrap()));
        assert_eq!(budget.taken(), 1000, "more than it said, and there is room");
        assert!(account.count(1).is_none());
        assert_eq!(account.take_refusal(), Some(Refused { wanted: 1001, allowed: 1000, others: 0 }));
        assert_eq!(account.take_refusal(), None);
        pictures.pop();
        pictures.push(account.count(100).unwrap());
        // Pictures outlive their decoder; the reservation does not.
        drop(account);
        assert_eq!(budget.taken(), 0);
        drop(pictures);
    }
}
