//! How many connections there may be, in all and from one address.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::rc::Rc;

/// Counts connections against their ceilings.
#[derive(Debug)]
pub struct Ceiling {
    max: usize,
    per_address_max: usize,
    count: Cell<usize>,
    by_address: RefCell<HashMap<IpAddr, usize>>,
}

/// A connection's place below the ceiling; dropped with it.
#[derive(Debug)]
pub struct Place {
    ceiling: Rc<Ceiling>,
    address: IpAddr,
}

impl Ceiling {
    /// A ceiling of so many connections, and so many from one address.
    pub fn new(max: usize, per_address_max: usize) -> Rc<Self> {
        Rc::new(Self { max, per_address_max, count: Cell::new(0), by_address: RefCell::default() })
    }

    /// Connections at present.
    pub fn count(&self) -> usize {
        self.count.get()
    }

    /// A place for a connection from this address.
    ///
    /// # Errors
    /// Which ceiling is reached.
    pub fn enter(self: &Rc<Self>, address: IpAddr) -> Result<Place, String> {
        if self.count() >= self.max {
            return Err(format!("all {} connections are taken", self.max));
        }
        let address = counted_as(address);
        let mut by_address = self.by_address.borrow_mut();
        let count = by_address.entry(address).or_insert(0);
        if *count >= self.per_address_max && !address.is_loopback() {
            return Err(format!("all {} connections for one address are taken", self.per_address_max));
        }
        *count += 1;
        self.count.set(self.count() + 1);
        Ok(Place { ceiling: self.clone(), address })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.ceiling.count.set(self.ceiling.count() - 1);
        let mut by_address = self.ceiling.by_address.borrow_mut();
        if let Some(count) = by_address.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                by_address.remove(&self.address);
            }
        }
    }
}

/// One host has a whole /64 of IPv6 addresses to itself, and an IPv4 address in two notations.
pub(super) fn counted_as(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) if !address.is_loopback() => {
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)))
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_bounded_in_all_and_by_address() {
        let ceiling = Ceiling::new(4, 2);
        let from = |text: &str| ceiling.enter(text.parse().unwrap());
        let first = from("192.0.2.1").unwrap();
        let _second = from("::ffff:192.0.2.1").unwrap();
        assert!(from("192.0.2.1").unwrap_err().contains("one address"));
        drop(first);
        let _third = from("192.0.2.1").unwrap();
        let _v6 = from("2001:db8::1").unwrap();
        let _other_of_the_64 = from("2001:db8::2").unwrap();
        assert_eq!(ceiling.count(), 4);
        assert!(from("198.51.100.1").unwrap_err().contains("all 4"));
    }

    #[test]
    fn this_machine_has_no_ceiling_of_its_own() {
        let ceiling = Ceiling::new(9, 1);
        let places: Vec<_> = (0..9).map(|_| ceiling.enter("127.0.0.1".parse().unwrap())).collect();
        assert!(places.iter().all(Result::is_ok));
        drop(places);
        assert_eq!((ceiling.count(), ceiling.by_address.borrow().len()), (0, 0));
    }
}
