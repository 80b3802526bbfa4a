//! A picture like a camera's, for every benchmark.

use pinhole::picture::{Chroma, PixelFormat, Plane, Planes};

/// A planar 4:2:0 picture.
pub struct Scene {
    width: usize,
    height: usize,
    y: Vec<u8>,
    u: Vec<u8>,
    v: Vec<u8>,
}

impl Scene {
    /// Gradients, hard edges and the noise of an ordinary sensor indoors.
    pub fn new(width: usize, height: usize) -> Self {
        let mut state = 0x9e37_79b9_u32;
        let mut noise = move |amplitude: i32| {
            // The sum of four bytes approximates a normal distribution. xorshift32.
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            let sum: i32 = state.to_le_bytes().into_iter().map(i32::from).sum();
            (sum - 510) * amplitude / 512
        };
        let shapes = |x: usize, y: usize| (x / 64 * 31 + y / 48 * 57) % 90 + (x + y) * 90 / (width + height);
        let pixels = |w: usize, h: usize| (0..h).flat_map(move |y| (0..w).map(move |x| (x, y)));
        let y =
            pixels(width, height).map(|(x, y)| (shapes(x, y) as i32 + 35 + noise(21)).clamp(0, 255) as u8);
        let y = y.collect();
        let mut chroma = |scale: usize| {
            pixels(width / 2, height / 2)
                .map(|(x, y)| {
                    (100 + (shapes(2 * x, 2 * y) * scale / 8) as i32 + noise(10)).clamp(0, 255) as u8
                })
                .collect()
        };
        Self { width, height, y, u: chroma(3), v: chroma(2) }
    }

    pub fn planes(&self) -> Planes<'_> {
        let plane = |stride, data| Plane { stride, data };
        Planes {
            width: self.width,
            height: self.height,
            chroma: Chroma::Yuv420,
            y: plane(self.width, &self.y),
            u: plane(self.width / 2, &self.u),
            v: plane(self.width / 2, &self.v),
        }
    }

    fn chroma_at(&self, x: usize, y: usize) -> (u8, u8) {
        let at = y / 2 * (self.width / 2) + x / 2;
        (self.u[at], self.v[at])
    }

    fn rgb(&self, x: usize, y: usize) -> [u8; 3] {
        let (u, v) = self.chroma_at(x, y);
        let (y, u, v) = (f32::from(self.y[y * self.width + x]), f32::from(u) - 128.0, f32::from(v) - 128.0);
        [y + 1.402 * v, y - 0.344 * u - 0.714 * v, y + 1.772 * u].map(|level| level as u8)
    }

    /// Packs each group of pixels of a row in turn.
    fn packed<const BYTES: usize>(
        &self,
        step: usize,
        group: impl Fn(usize, usize) -> [u8; BYTES],
    ) -> Vec<u8> {
        let group = &group;
        (0..self.height).flat_map(|y| (0..self.width).step_by(step).flat_map(move |x| group(x, y))).collect()
    }

    fn pairs(&self, group: impl Fn(u8, u8, u8, u8) -> [u8; 4]) -> Vec<u8> {
        self.packed(2, |x, y| {
            let (u, v) = self.chroma_at(x, y);
            let luma = &self.y[y * self.width + x..];
            group(luma[0], luma[1], u, v)
        })
    }

    fn interleaved(&self, first: &[u8], second: &[u8]) -> Vec<u8> {
        let pairs = first.iter().zip(second).flat_map(|(first, second)| [*first, *second]);
        self.y.iter().copied().chain(pairs).collect()
    }

    /// Stride in bytes, and the bytes.
    pub fn bytes(&self, format: PixelFormat) -> (usize, Vec<u8>) {
        let width = self.width;
        match format {
            PixelFormat::Yuyv => (2 * width, self.pairs(|y0, y1, u, v| [y0, u, y1, v])),
            PixelFormat::Uyvy => (2 * width, self.pairs(|y0, y1, u, v| [u, y0, v, y1])),
            PixelFormat::Yvyu => (2 * width, self.pairs(|y0, y1, u, v| [y0, v, y1, u])),
            PixelFormat::Vyuy => (2 * width, self.pairs(|y0, y1, u, v| [v, y0, u, y1])),
            PixelFormat::Nv12 => (width, self.interleaved(&self.u, &self.v)),
            PixelFormat::Nv21 => (width, self.interleaved(&self.v, &self.u)),
            PixelFormat::Nv16 => {
                let chroma = self.packed(2, |x, y| <[u8; 2]>::from(self.chroma_at(x, y)));
                (width, [&self.y[..], &chroma].concat())
            }
            PixelFormat::Yu12 => (width, [&self.y[..], &self.u, &self.v].concat()),
            PixelFormat::Yv12 => (width, [&self.y[..], &self.v, &self.u].concat()),
            PixelFormat::Yuv422p => {
                let u = self.packed(2, |x, y| [self.chroma_at(x, y).0]);
                let v = self.packed(2, |x, y| [self.chroma_at(x, y).1]);
                (width, [&self.y[..], &u, &v].concat())
            }
            PixelFormat::Rgb24 => (3 * width, self.packed(1, |x, y| self.rgb(x, y))),
            PixelFormat::Bgr24 => (3 * width, {
                self.packed(1, |x, y| {
                    let [r, g, b] = self.rgb(x, y);
                    [b, g, r]
                })
            }),
            PixelFormat::Rgb565 => (2 * width, {
                self.packed(1, |x, y| {
                    let [r, g, b] = self.rgb(x, y).map(u16::from);
                    ((r >> 3) << 11 | (g >> 2) << 5 | b >> 3).to_le_bytes()
                })
            }),
            PixelFormat::Grey => (width, self.y.clone()),
        }
    }
}
