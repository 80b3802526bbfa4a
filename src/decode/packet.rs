//! Access units as the library's packets, without a copy.

#![allow(unsafe_code, reason = "the binding makes packets by copying alone")]

use std::ffi::c_void;
use std::sync::Arc;

use ffmpeg_next::packet::Mut as _;
use ffmpeg_next::{Packet, ffi};

use crate::video::{PADDING_BYTES, UnitBytes};

const _: () = assert!(PADDING_BYTES >= ffi::AV_INPUT_BUFFER_PADDING_SIZE as usize);

/// A packet that shares the unit's memory, and never writes to it; `None` if the packet itself cannot be
/// allocated, or the unit has 2 GiB.
pub(super) fn of(unit: UnitBytes) -> Option<Packet> {
    let bytes = i32::try_from(unit.len()).ok()?;
    let memory = unit.into_padded();
    let (data, padded_bytes) = (memory.as_ptr().cast_mut(), memory.len());
    let opaque = Arc::into_raw(memory).cast_mut().cast::<c_void>();
    // SAFETY: `data` are `padded_bytes` initialised bytes, which stay where they are until `free` has been
    // called with `opaque`, once, by the last reference to the buffer. Nobody writes to a buffer with this
    // flag: the library copies it first.
    let buffer = unsafe {
        ffi::av_buffer_create(data, padded_bytes, Some(free), opaque, ffi::AV_BUFFER_FLAG_READONLY)
    };
    if buffer.is_null() {
        // SAFETY: there is no buffer that would free it.
        unsafe { free(opaque, data) };
        return None;
    }
    let mut packet = Packet::empty();
    // SAFETY: the packet is empty and ours. It takes over the only reference to the buffer, and its data
    // lie within that, with the padding behind them.
    unsafe {
        let packet = &mut *packet.as_mut_ptr();
        (packet.buf, packet.data, packet.size) = (buffer, data, bytes);
    }
    Some(packet)
}

/// # Safety
/// `opaque` is what [`of`] made of a share, which was not given up before.
unsafe extern "C" fn free(opaque: *mut c_void, _data: *mut u8) {
    // SAFETY: as the caller promises.
    drop(unsafe { Arc::from_raw(opaque.cast_const().cast::<Vec<u8>>()) });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_packet_shares_the_units_memory() {
        let unit = UnitBytes::from(vec![1, 2, 3]);
        let memory = unit.as_ptr();
        let packet = of(unit.clone()).unwrap();
        let data = packet.data().unwrap();
        assert_eq!((data, data.as_ptr()), (&[1, 2, 3][..], memory));
        // Another reference, as decoders take one, does not copy either.
        let again = packet.clone();
        drop(packet);
        assert_eq!(again.data().unwrap(), [1, 2, 3]);
        drop(again);
        assert_eq!(Arc::strong_count(&unit.into_padded()), 1);
    }
}
