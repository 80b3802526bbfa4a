//! A camera's controls, such as brightness or focus, as values.

use serde::Serialize;
use serde_json::Value;

use super::lost::Lost;

/// The kind of a control's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A 32-bit number.
    Integer,
    /// 0 or 1.
    Boolean,
    /// One item of its menu.
    Menu,
    /// An action, triggered by setting it.
    Button,
    /// A 64-bit number.
    Integer64,
    /// Independent bits.
    Bitmask,
    /// One item of its menu of numbers.
    IntegerMenu,
}

impl Kind {
    /// Whether its values are items of a menu.
    pub const fn has_menu(self) -> bool {
        matches!(self, Self::Menu | Self::IntegerMenu)
    }
}

/// One control.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Control {
    /// The driver's id for it.
    #[serde(skip)]
    pub id: u32,
    /// Its name in requests.
    pub name: String,
    /// The driver's label.
    pub label: String,
    /// The kind of its value.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// The minimum.
    pub min: i64,
    /// The maximum.
    pub max: i64,
    /// The step between values.
    pub step: u64,
    /// The driver's default.
    pub default: i64,
    /// `None` for buttons and write-only controls.
    pub value: Option<i64>,
    /// The items of a menu.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub menu: Vec<MenuItem>,
    /// It cannot be set.
    pub read_only: bool,
    /// It has no effect at the moment, because an automatic mode overrides it.
    pub inactive: bool,
}

impl Control {
    /// Checks a requested value and converts it: a number, `true` or `false`, or the label of an item of its
    /// menu.
    ///
    /// # Errors
    /// Which values are allowed.
    pub fn check(&self, wanted: &Value) -> Result<i64, String> {
        let Self { name, min, max, step, .. } = self;
        if self.read_only {
            return Err(format!("{name} can only be read"));
        }
        let by_label = |label: &str| self.menu.iter().find(|item| item.label.eq_ignore_ascii_case(label));
        let value = match wanted {
            Value::Bool(value) => Some(i64::from(*value)),
            Value::Number(number) => number.as_i64(),
            Value::String(label) => by_label(label).map(|item| item.value),
            _ => None,
        };
        let in_steps = |value: i64| {
            let from_min = value.wrapping_sub(*min) as u64;
            self.kind == Kind::Bitmask || *step <= 1 || from_min.is_multiple_of(*step)
        };
        let fits = |value: &i64| match self.kind {
            Kind::Button => true,
            kind if kind.has_menu() => self.menu.iter().any(|item| item.value == *value),
            Kind::Bitmask => *value & !*max == 0,
            _ => (*min..=*max).contains(value) && in_steps(*value),
        };
        value.filter(fits).ok_or_else(|| match self.kind {
            kind if kind.has_menu() => {
                let items: Vec<_> =
                    self.menu.iter().map(|item| format!("{} ({})", item.value, item.label)).collect();
                format!("{name} must be one of {}, got {wanted}", items.join(", "))
            }
            Kind::Boolean => format!("{name} must be true or false, got {wanted}"),
            Kind::Bitmask => format!("{name} must have no bits but those of {max}, got {wanted}"),
            _ => format!("{name} must be {min} to {max} in steps of {step}, got {wanted}"),
        })
    }
}

/// One item of a menu.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MenuItem {
    /// The control's value for this item.
    pub value: i64,
    /// The driver's label.
    pub label: String,
}

/// Why controls were not set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// The request is invalid. Nothing was set.
    Wrong(String),
    /// The device refused.
    Device(String),
    /// The device cannot be opened.
    Lost(Lost),
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn control(kind: Kind) -> Control {
        let menu = [(1, "Manual Mode"), (3, "Aperture Priority Mode")];
        let menu = menu.map(|(value, label)| MenuItem { value, label: label.to_owned() }).to_vec();
        Control {
            id: 1,
            name: "x".to_owned(),
            label: "X".to_owned(),
            kind,
            min: -64,
            max: 64,
            step: 2,
            default: 0,
            value: Some(0),
            menu: if kind.has_menu() { menu } else { Vec::new() },
            read_only: false,
            inactive: false,
        }
    }

    #[test]
    fn values_are_checked_before_they_reach_the_device() {
        let integer = control(Kind::Integer);
        for good in [-64, 0, 64] {
            assert_eq!(integer.check(&json!(good)), Ok(good));
        }
        for wrong in
            [json!(65), json!(1), json!(-66), json!(0.5), json!("0"), json!(null), json!([0]), json!(1e30)]
        {
            let words = integer.check(&wrong).unwrap_err();
            assert!(words.starts_with("x must be -64 to 64 in steps of 2, got "), "{words}");
        }
        let menu = control(Kind::Menu);
        assert_eq!((menu.check(&json!(3)), menu.check(&json!("manual mode"))), (Ok(3), Ok(1)));
        assert!(menu.check(&json!(2)).unwrap_err().contains("one of 1 (Manual Mode), 3 (Aperture"));
        let switch = Control { min: 0, max: 1, step: 1, ..control(Kind::Boolean) };
        assert_eq!((switch.check(&json!(true)), switch.check(&json!(0))), (Ok(1), Ok(0)));
        assert!(switch.check(&json!(2)).unwrap_err().contains("true or false"));
        let bits = Control { min: 0, max: 0b101, step: 0, ..control(Kind::Bitmask) };
        assert_eq!(bits.check(&json!(4)), Ok(4));
        assert!(bits.check(&json!(2)).is_err() && bits.check(&json!(-1)).is_err());
        let fixed = Control { read_only: true, ..integer };
        assert!(fixed.check(&json!(0)).unwrap_err().contains("only be read"));
    }
}
