//! The password of the HTTP server; only its hash is kept.
//!
//! The only module that names `argon2`.

use std::fmt;
use std::str::FromStr;

use argon2::password_hash::phc;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};

/// Bytes of a password.
pub const PASSWORD_MAX_BYTES: usize = 512;

/// Memory of one verification in KiB, passes, and lanes. OWASP's password storage sheet lists several
/// settings of equal strength; this one needs little memory, for machines with 512 MB.
const COST: (u32, u32, u32) = (12 << 10, 3, 1);

/// Maximum cost of a hash made elsewhere: beyond it, each first request of a browser would take a small
/// machine seconds, or all its memory.
const MEMORY_MAX_KIB: u32 = 64 << 10;
const PASSES_MAX: u32 = 10;
const LANES_MAX: u32 = 4;

/// Bytes of salt. RFC 9106 section 3.1 recommends 16.
const SALT_BYTES: usize = 16;

/// The hash of a password: Argon2 (RFC 9106) as a PHC string, `$argon2id$v=19$m=...`.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(phc::PasswordHash);

impl PasswordHash {
    /// Hashes a password with fresh salt. Takes a tenth of a second; longer on a small machine.
    ///
    /// # Errors
    /// Why the password is not allowed.
    pub fn of(password: &str) -> Result<Self, String> {
        if password.is_empty() || password.len() > PASSWORD_MAX_BYTES {
            return Err(format!(
                "a password of {} bytes; 1 to {PASSWORD_MAX_BYTES} are allowed",
                password.len()
            ));
        }
        if password.contains(char::is_control) {
            return Err("the password has a control character, which no browser can send".to_owned());
        }
        let mut salt = [0; SALT_BYTES];
        let filled = rustix::rand::getrandom(&mut salt, rustix::rand::GetRandomFlags::empty());
        if filled != Ok(SALT_BYTES) {
            return Err("this machine gives no random numbers".to_owned());
        }
        let (memory, passes, lanes) = COST;
        let failed = |error: &dyn fmt::Display| format!("the password could not be hashed: {error}");
        let params = Params::new(memory, passes, lanes, None).map_err(|error| failed(&error))?;
        let hash = Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_with_salt(password.as_bytes(), &salt)
            .map_err(|error| failed(&error))?;
        Ok(Self(hash))
    }

    /// As `of`, at Argon2's lowest cost: for tests of the code that uses the hash.
    #[cfg(test)]
    #[allow(clippy::unwrap_used)]
    pub fn of_cheaply(password: &str) -> Self {
        let params = Params::new(Params::MIN_M_COST, 1, 1, None).unwrap();
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        Self(argon2.hash_password_with_salt(password.as_bytes(), &[7; SALT_BYTES]).unwrap())
    }

    /// Whether this is the password. Compares in constant time, and takes as long as hashing: not for the
    /// main thread.
    pub fn is_of(&self, password: &str) -> bool {
        password.len() <= PASSWORD_MAX_BYTES
            && Argon2::default().verify_password(password.as_bytes(), &self.0).is_ok()
    }
}

impl FromStr for PasswordHash {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // If the password itself was written here, it must not appear in an error message.
        let how = "write the line that `pinhole hash-password` prints, which begins with $argon2id$";
        let hash = phc::PasswordHash::new(text).map_err(|_| format!("not a password hash; {how}"))?;
        if Algorithm::try_from(hash.algorithm.as_str()).is_err() || hash.salt.is_none() || hash.hash.is_none()
        {
            return Err(format!("a password hash of another kind than Argon2, or not a whole one; {how}"));
        }
        let params =
            Params::try_from(&hash).map_err(|_| format!("a password hash with wrong parameters; {how}"))?;
        if params.m_cost() > MEMORY_MAX_KIB || params.t_cost() > PASSES_MAX || params.p_cost() > LANES_MAX {
            return Err(format!(
                "a password hash that costs too much to check; m up to {MEMORY_MAX_KIB}, t up to {PASSES_MAX} and p up to {LANES_MAX} are allowed"
            ));
        }
        Ok(Self(hash))
    }
}

impl fmt::Display for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_password_matches_its_hash() {
        let hash = PasswordHash::of("größer als 8").unwrap();
        let written = hash.to_string();
        assert!(written.starts_with("$argon2id$v=19$m=12288,t=3,p=1$"), "{written}");
        let read: PasswordHash = written.parse().unwrap();
        assert!(read.is_of("größer als 8"));
        assert!(!read.is_of("größer als 9") && !read.is_of(""));
        assert_ne!(PasswordHash::of("größer als 8").unwrap(), hash, "salted");
        assert_eq!(format!("{hash:?}"), "PasswordHash");
    }

    /// RFC 9106 section 5.3 uses a secret, which Pinhole does not; these come from the reference program,
    /// `echo -n password | argon2 somesalt -id -t 2 -m 12 -p 1 -e`.
    #[test]
    fn hashes_made_elsewhere() {
        let hash = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
        assert!(hash.parse::<PasswordHash>().unwrap().is_of("password"));
    }

    #[test]
    fn an_invalid_hash_is_refused_and_not_shown() {
        for (text, words) in [
            ("hunter2", "not a password hash"),
            ("", "not a password hash"),
            ("$2b$12$abcdefghijklmnopqrstuv", "hash"),
            ("$scrypt$ln=16,r=8,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc", "another kind"),
            ("$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ", "not a whole one"),
            (
                "$argon2id$v=19$m=4194304,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
                "costs too much",
            ),
        ] {
            let error = text.parse::<PasswordHash>().unwrap_err();
            assert!(error.contains(words) && !error.contains("hunter2"), "{text}: {error}");
        }
        for wrong in ["", "a\nb", &"x".repeat(PASSWORD_MAX_BYTES + 1)] {
            assert!(PasswordHash::of(wrong).is_err(), "{wrong:?}");
        }
    }
}
