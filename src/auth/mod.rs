//! What cameras ask for with 401, in RTSP as in HTTP, and what they are answered: Basic (RFC 7617)
//! and Digest (RFC 7616, RFC 2069).
//!
//! [`strongest`] chooses among a camera's challenges; an [`Authenticator`] answers the one chosen,
//! for each request anew. Nothing here does I/O, and [`Credentials`] are never printed.

mod authenticator;
mod challenge;
mod credentials;

pub use authenticator::Authenticator;
pub use challenge::{Challenge, Scheme, strongest};
pub use credentials::Credentials;
