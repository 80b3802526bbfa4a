//! Authentication to cameras that answer 401, for RTSP and HTTP: Basic (RFC 7617) and Digest (RFC 7616, RFC
//! 2069).
//!
//! [`strongest`] selects one of a camera's challenges; an [`Authenticator`] answers it, for each request
//! anew. Nothing here does I/O, and [`Credentials`] are never printed.

mod authenticator;
mod challenge;
mod credentials;

pub use authenticator::Authenticator;
pub use challenge::{Challenge, Scheme, strongest};
pub use credentials::Credentials;
