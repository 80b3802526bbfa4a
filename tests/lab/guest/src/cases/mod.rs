//! All cases, in the order in which they run: first the lab itself, then the service.

mod controls;
mod frames;
mod lab;
mod lifecycle;
mod listing;
mod presence;
mod reload;
mod vivid;

use crate::Case;

/// All cases.
pub fn all() -> Vec<Case> {
    let mut cases = lab::cases();
    cases.extend(listing::cases());
    cases.extend(vivid::cases());
    cases.extend(controls::cases());
    cases.extend(frames::cases());
    cases.extend(presence::cases());
    cases.extend(reload::cases());
    cases.extend(lifecycle::cases());
    cases
}
