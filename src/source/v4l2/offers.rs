//! Asks a device which formats, sizes and rates it offers.

use std::io;

use v4l::frameinterval::FrameIntervalEnum;
use v4l::framesize::FrameSizeEnum;
use v4l::video::Capture as _;
use v4l::{Device, FourCC};

use super::modes::{Offer, Size, Sizes};

/// Everything that the device offers, in its own order.
pub fn offers(device: &Device) -> io::Result<Vec<Offer>> {
    let formats = device.enum_formats()?;
    Ok(formats
        .iter()
        .map(|format| Offer { fourcc: format.fourcc.repr, sizes: sizes(device, format.fourcc) })
        .collect())
}

fn sizes(device: &Device, fourcc: FourCC) -> Sizes {
    // Where the driver cannot list its sizes, the one that it is set to is known at least.
    let Ok(listed) = device.enum_framesizes(fourcc) else {
        let present = device.format().map_or((640, 480), |format| (format.width, format.height));
        return Sizes::Discrete(vec![Size { width: present.0, height: present.1, fps: Vec::new() }]);
    };
    let mut discrete = Vec::new();
    for size in listed {
        match size.size {
            FrameSizeEnum::Discrete(size) => discrete.push(Size {
                width: size.width,
                height: size.height,
                fps: rates(device, fourcc, size.width, size.height),
            }),
            FrameSizeEnum::Stepwise(range) => {
                return Sizes::Range {
                    min: (range.min_width, range.min_height),
                    max: (range.max_width, range.max_height),
                    step: (range.step_width.max(1), range.step_height.max(1)),
                };
            }
        }
    }
    Sizes::Discrete(discrete)
}

fn rates(device: &Device, fourcc: FourCC, width: u32, height: u32) -> Vec<f64> {
    let per_second =
        |interval: &v4l::Fraction| f64::from(interval.denominator) / f64::from(interval.numerator.max(1));
    let intervals = device.enum_frameintervals(fourcc, width, height).unwrap_or_default();
    intervals
        .iter()
        .flat_map(|interval| match &interval.interval {
            FrameIntervalEnum::Discrete(interval) => vec![per_second(interval)],
            // The shortest interval is the fastest rate.
            FrameIntervalEnum::Stepwise(range) => vec![per_second(&range.min), per_second(&range.max)],
        })
        .collect()
}
