//! A picture to encode, as bytes of every format.

use crate::picture::PixelFormat;

/// Padding between rows and planes, which must not show in the picture.
const FILLER: u8 = 0xb5;

/// A planar 4:4:4 picture: the camera's scene before conversion to a format.
pub struct Scene {
    pub width: usize,
    pub height: usize,
    /// Y, Cb, Cr of each pixel.
    pub ycbcr: Vec<[f64; 3]>,
}

/// Red, green, blue and grey quadrants, each with a diagonal gradient of brightness, and a dark bar with hard
/// edges.
fn rgb_of_scene(width: usize, height: usize, x: usize, y: usize) -> [u8; 3] {
    let light = 90 + 120 * (x + y) / (width + height);
    let bar = (width / 4..width / 4 + 8).contains(&x);
    let light = if bar { 30 } else { light } as u8;
    match (x < width / 2, y < height / 2) {
        (true, true) => [light, 20, 20],
        (false, true) => [20, light, 20],
        (true, false) => [20, 20, light],
        (false, false) => [light, light, light],
    }
}

/// JFIF 1.02, section "Color Space": Rec. 601, all 256 levels.
fn ycbcr([r, g, b]: [u8; 3]) -> [f64; 3] {
    let (r, g, b) = (f64::from(r), f64::from(g), f64::from(b));
    let y = 0.299 * r + 0.587 * g + 0.114 * b;
    [y, 128.0 + (b - y) / 1.772, 128.0 + (r - y) / 1.402]
}

impl Scene {
    pub fn new(width: usize, height: usize) -> Self {
        let pixels = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        let ycbcr = pixels.map(|(x, y)| ycbcr(rgb_of_scene(width, height, x, y))).collect();
        Self { width, height, ycbcr }
    }

    /// The mean of a component over a block; blocks at the edge are clipped.
    pub fn mean(&self, component: usize, x: usize, y: usize, block: (usize, usize)) -> f64 {
        let (mut sum, mut count) = (0.0, 0.0);
        for y in y * block.1..((y + 1) * block.1).min(self.height) {
            for x in x * block.0..((x + 1) * block.0).min(self.width) {
                sum += self.ycbcr[y * self.width + x][component];
                count += 1.0;
            }
        }
        sum / count
    }

    /// One component, subsampled by `block`.
    pub fn component(&self, component: usize, block: (usize, usize)) -> Vec<f64> {
        let (width, height) = (self.width.div_ceil(block.0), self.height.div_ceil(block.1));
        let cells = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        cells.map(|(x, y)| self.mean(component, x, y, block)).collect()
    }

    fn sample(&self, component: usize, x: usize, y: usize, block: (usize, usize)) -> u8 {
        self.mean(component, x, y, block).round() as u8
    }

    /// The scene as the bytes of a camera with this stride.
    pub fn bytes(&self, format: PixelFormat, stride: usize) -> Vec<u8> {
        let (width, height) = (self.width, self.height);
        let half_width = width.div_ceil(2);
        let mut bytes = Vec::new();
        let luma = |x: usize, y| self.sample(0, x.min(width - 1), y, (1, 1));
        let chroma = |component, x, y| self.sample(component, x, y, (2, 1));
        let rgb = |x, y| rgb_of_scene(width, height, x, y);
        match format {
            PixelFormat::Yuyv | PixelFormat::Yvyu | PixelFormat::Uyvy | PixelFormat::Vyuy => {
                plane(&mut bytes, stride, half_width, height, |x, y| {
                    let (y0, y1) = (luma(2 * x, y), luma(2 * x + 1, y));
                    let (u, v) = (chroma(1, x, y), chroma(2, x, y));
                    match format {
                        PixelFormat::Yuyv => vec![y0, u, y1, v],
                        PixelFormat::Yvyu => vec![y0, v, y1, u],
                        PixelFormat::Uyvy => vec![u, y0, v, y1],
                        _ => vec![v, y0, u, y1],
                    }
                });
            }
            PixelFormat::Rgb24 => plane(&mut bytes, stride, width, height, |x, y| rgb(x, y).to_vec()),
            PixelFormat::Bgr24 => {
                plane(&mut bytes, stride, width, height, |x, y| rgb(x, y).into_iter().rev().collect());
            }
            PixelFormat::Rgb565 => plane(&mut bytes, stride, width, height, |x, y| {
                let [r, g, b] = rgb(x, y).map(u16::from);
                ((r >> 3) << 11 | (g >> 2) << 5 | b >> 3).to_le_bytes().to_vec()
            }),
            _ => plane(&mut bytes, stride, width, height, |x, y| vec![luma(x, y)]),
        }
        self.append_chroma_planes(&mut bytes, format, stride);
        bytes
    }

    fn append_chroma_planes(&self, bytes: &mut Vec<u8>, format: PixelFormat, stride: usize) {
        let height = self.height;
        let (half_width, half_height) = (self.width.div_ceil(2), height.div_ceil(2));
        let chroma = |component, x, y| self.sample(component, x, y, (2, 1));
        let quarter = |component, x, y| self.sample(component, x, y, (2, 2));
        let half = stride / 2;
        match format {
            PixelFormat::Nv12 => {
                plane(bytes, stride, half_width, half_height, |x, y| {
                    vec![quarter(1, x, y), quarter(2, x, y)]
                });
            }
            PixelFormat::Nv21 => {
                plane(bytes, stride, half_width, half_height, |x, y| {
                    vec![quarter(2, x, y), quarter(1, x, y)]
                });
            }
            PixelFormat::Nv16 => {
                plane(bytes, stride, half_width, height, |x, y| vec![chroma(1, x, y), chroma(2, x, y)]);
            }
            PixelFormat::Yu12 | PixelFormat::Yv12 => {
                let order = if format == PixelFormat::Yu12 { [1, 2] } else { [2, 1] };
                for component in order {
                    plane(bytes, half, half_width, half_height, |x, y| vec![quarter(component, x, y)]);
                }
            }
            PixelFormat::Yuv422p => {
                for component in [1, 2] {
                    plane(bytes, half, half_width, height, |x, y| vec![chroma(component, x, y)]);
                }
            }
            _ => {}
        }
    }
}

/// Appends a plane of `stride * height` bytes.
fn plane(
    bytes: &mut Vec<u8>,
    stride: usize,
    width: usize,
    height: usize,
    group: impl Fn(usize, usize) -> Vec<u8>,
) {
    for y in 0..height {
        let start = bytes.len();
        bytes.extend((0..width).flat_map(|x| group(x, y)));
        assert!(bytes.len() <= start + stride, "the test's own stride is too short");
        bytes.resize(start + stride, FILLER);
    }
}

/// An even stride, longer than the row.
pub fn stride_of(format: PixelFormat, width: usize) -> usize {
    let bytes_per_pixel = match format {
        PixelFormat::Rgb24 | PixelFormat::Bgr24 => 3,
        PixelFormat::Yuyv
        | PixelFormat::Uyvy
        | PixelFormat::Yvyu
        | PixelFormat::Vyuy
        | PixelFormat::Rgb565 => 2,
        _ => 1,
    };
    (bytes_per_pixel * width).next_multiple_of(2) + 26
}
