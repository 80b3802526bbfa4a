//! Encoding of pictures that an operator wants turned or cropped.

use super::JpegEncoder;
use super::alter::AlterError;
use super::convert::Input;
use super::transform::transform_jpeg;
use crate::frame::FrameBuffer;
use crate::picture::orientation::Orientation;
use crate::picture::{Planes, RawPicture};

/// A JPEG, and its width and height in pixels.
pub type Encoded = (FrameBuffer, (usize, usize));

impl JpegEncoder {
    /// Like [`encode`](Self::encode), turned and cropped; returns width and height of the JPEG.
    ///
    /// # Errors
    /// Where the picture is impossible or does not hold the crop; `out` is empty then.
    pub fn encode_oriented(
        &mut self,
        picture: &RawPicture<'_>,
        orientation: &Orientation,
        out: &mut FrameBuffer,
    ) -> Result<(usize, usize), AlterError> {
        if *orientation == Orientation::NONE {
            self.encode(picture, out)?;
            return Ok((picture.width, picture.height));
        }
        out.clear();
        let Self { compressor, converter, chroma, stretch, transformer } = self;
        let Input::Planes(planes) = converter.convert(picture, *chroma)? else {
            return self.encode_whole(picture, orientation, out);
        };
        let planes = match stretch {
            Some(stretch) => stretch.planes(&planes),
            None => planes,
        };
        let planes = transformer.transform(&planes, orientation)?;
        compressor.compress_planes(&planes, out)?;
        Ok((planes.width, planes.height))
    }

    /// Pixels are brought to planes by the library, while it encodes them: it is the JPEG that is turned.
    fn encode_whole(
        &mut self,
        picture: &RawPicture<'_>,
        orientation: &Orientation,
        out: &mut FrameBuffer,
    ) -> Result<(usize, usize), AlterError> {
        let mut whole = out.another();
        self.encode(picture, &mut whole)?;
        transform_jpeg(&whole, orientation, out)
    }

    /// Like [`encode_planes`](Self::encode_planes), turned and cropped; returns width and height of the JPEG.
    ///
    /// # Errors
    /// Where the planes are impossible or do not hold the crop; `out` is empty then.
    pub fn encode_planes_oriented(
        &mut self,
        planes: &Planes<'_>,
        orientation: &Orientation,
        out: &mut FrameBuffer,
    ) -> Result<(usize, usize), AlterError> {
        out.clear();
        if *orientation == Orientation::NONE {
            self.encode_planes(planes, out)?;
            return Ok((planes.width, planes.height));
        }
        let planes = self.transformer.transform(planes, orientation)?;
        self.compressor.compress_planes(&planes, out)?;
        Ok((planes.width, planes.height))
    }
}
