//! The machine's health. The only module that names `sysinfo`.

use std::cell::RefCell;
use std::fs;

use serde::Serialize;
use sysinfo::{Components, MemoryRefreshKind, Pid, ProcessRefreshKind, ProcessesToUpdate};

use crate::appliance;
use crate::clock::Monotonic;
use crate::limits;

/// The section `system` of the health report. Unknown values are `None`.
#[derive(Debug, Clone, Serialize)]
pub struct SystemHealth {
    pub(super) model: Option<String>,
    pub(super) cpu_percent: Option<f64>,
    pub(super) load_1m: Option<f64>,
    pub(super) memory_total_bytes: Option<u64>,
    pub(super) memory_available_bytes: Option<u64>,
    pub(super) resident_bytes: Option<u64>,
    pub(super) temperature_celsius: Option<f64>,
    pub(super) under_voltage: Option<bool>,
    pub(super) clock_synchronised: Option<bool>,
    pub(super) image_version: Option<String>,
    pub(super) boot_slot: Option<String>,
    /// Mistakes in the image's `pinhole.toml`; `None` without such a file.
    pub(super) configuration_errors: Option<Vec<String>>,
}

/// Reads the machine's state.
#[derive(Debug)]
pub struct System {
    inner: RefCell<Inner>,
    model: Option<String>,
    image_version: Option<String>,
    boot_slot: Option<String>,
}

#[derive(Debug)]
struct Inner {
    system: Option<sysinfo::System>,
    components: Option<Components>,
    has_cpu_baseline: bool,
    last: Option<(Monotonic, SystemHealth)>,
}

impl SystemHealth {
    /// Adds the mistakes of a configuration that was not applied.
    pub(super) fn with_mistakes(mut self, mistakes: &[String]) -> Self {
        if !mistakes.is_empty() {
            self.configuration_errors.get_or_insert_default().extend_from_slice(mistakes);
        }
        self
    }
}

impl System {
    /// Reads what does not change.
    pub fn new() -> Self {
        Self {
            inner: RefCell::new(Inner {
                system: sysinfo::System::new().ok(),
                components: Components::new_with_refreshed_list().ok(),
                has_cpu_baseline: false,
                last: None,
            }),
            model: model(),
            image_version: os_release("IMAGE_VERSION"),
            boot_slot: kernel_parameter("pinhole.slot"),
        }
    }

    /// The machine's state, at most [`limits::SYSTEM_HEALTH_AGE_MAX`] old. CPU usage is since the previous
    /// reading, so the first has none.
    pub fn health(&self, now: Monotonic) -> SystemHealth {
        let inner = &mut *self.inner.borrow_mut();
        if let Some((at, last)) = &inner.last
            && now.since(*at) < limits::SYSTEM_HEALTH_AGE_MAX
        {
            return last.clone();
        }
        let health = self.ask(inner);
        inner.last = Some((now, health.clone()));
        health
    }

    fn ask(&self, inner: &mut Inner) -> SystemHealth {
        let pid = Pid::from_u32(std::process::id());
        if let Some(system) = &mut inner.system {
            system.refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram());
            system.refresh_cpu_usage();
            let memory = ProcessRefreshKind::nothing().with_memory();
            system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), true, memory);
        }
        if let Some(components) = &mut inner.components {
            components.refresh(false);
        }
        let has_cpu_baseline = std::mem::replace(&mut inner.has_cpu_baseline, true);
        let system = inner.system.as_ref();
        SystemHealth {
            model: self.model.clone(),
            cpu_percent: system.filter(|_| has_cpu_baseline).map(|system| tenths(system.global_cpu_usage())),
            load_1m: sysinfo::System::load_average().ok().map(|load| load.one),
            memory_total_bytes: system.map(sysinfo::System::total_memory),
            memory_available_bytes: system.map(sysinfo::System::available_memory),
            resident_bytes: system.and_then(|system| system.process(pid)).map(sysinfo::Process::memory),
            temperature_celsius: inner.components.as_ref().and_then(temperature),
            under_voltage: under_voltage(),
            clock_synchronised: clock_synchronised(),
            image_version: self.image_version.clone(),
            boot_slot: self.boot_slot.clone(),
            configuration_errors: configuration_errors(),
        }
    }
}

fn tenths(value: f32) -> f64 {
    (f64::from(value) * 10.0).round() / 10.0
}

/// The processor's temperature, else the hottest sensor's.
fn temperature(components: &Components) -> Option<f64> {
    let is_cpu = |component: &&sysinfo::Component| {
        let name = name(component).to_lowercase();
        ["cpu", "package", "tctl", "soc"].iter().any(|part| name.contains(part))
    };
    let hottest = |only_cpu: bool| {
        let of_interest = components.iter().filter(|component| !only_cpu || is_cpu(component));
        of_interest
            .filter_map(sysinfo::Component::temperature)
            .filter(|it| it.is_finite())
            .fold(None, |hottest, it| Some(hottest.map_or(it, |hottest: f32| hottest.max(it))))
    };
    hottest(true).or_else(|| hottest(false)).map(tenths)
}

/// A sensor's name. Thermal zones without hwmon have a type instead of a label; some on a Jetson always read
/// 100 degrees, so they must be distinguished.
fn name(component: &sysinfo::Component) -> String {
    let zone_type = |id| read(&format!("/sys/class/thermal/{id}/type"));
    match component.label() {
        "" => component.id().and_then(zone_type).unwrap_or_default(),
        label => label.to_owned(),
    }
}

fn read(file: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let text = text.trim_matches(|c: char| c == '\0' || c.is_whitespace());
    (!text.is_empty()).then(|| text.to_owned())
}

/// The board's name from its device tree, or a PC's from its firmware.
fn model() -> Option<String> {
    read("/proc/device-tree/model").or_else(|| read("/sys/class/dmi/id/product_name"))
}

/// The Raspberry Pi's own alarm, where its driver (`rpi_volt`) is loaded.
fn under_voltage() -> Option<bool> {
    let folders = fs::read_dir("/sys/class/hwmon").ok()?.flatten();
    folders.map(|folder| folder.path()).find_map(|folder| {
        let name = fs::read_to_string(folder.join("name")).ok()?;
        let alarm = fs::read_to_string(folder.join("in0_lcrit_alarm")).ok()?;
        (name.trim() == "rpi_volt").then(|| alarm.trim() == "1")
    })
}

/// Whether systemd-timesyncd has set the clock since boot; unknown if it does not run.
fn clock_synchronised() -> Option<bool> {
    let exists = |path| rustix::fs::access(path, rustix::fs::Access::EXISTS).is_ok();
    exists("/run/systemd/timesync").then(|| exists("/run/systemd/timesync/synchronized"))
}

/// Lines of the image's configuration that could not be applied, and why Wi-Fi is down.
fn configuration_errors() -> Option<Vec<String>> {
    let mut text = fs::read_to_string(appliance::MISTAKES_FILE).ok()?;
    text += &fs::read_to_string(appliance::WIFI_TROUBLE_FILE).unwrap_or_default();
    Some(text.lines().map(str::to_owned).collect())
}

/// A field of os-release(5).
fn os_release(key: &str) -> Option<String> {
    let text = read("/etc/os-release").or_else(|| read("/usr/lib/os-release"))?;
    text.lines()
        .find_map(|line| line.strip_prefix(key)?.strip_prefix('='))
        .map(|value| value.trim_matches('"').to_owned())
}

/// A parameter of the kernel's command line.
fn kernel_parameter(key: &str) -> Option<String> {
    let line = read("/proc/cmdline")?;
    line.split_whitespace().find_map(|word| word.strip_prefix(key)?.strip_prefix('=')).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock::Clock;

    #[test]
    fn this_machines_values_are_plausible() {
        let (clock, hand) = Clock::manual();
        let system = System::new();
        let first = system.health(clock.now());
        assert_eq!(first.cpu_percent, None, "no CPU share without a time to take it over");
        hand.advance(limits::SYSTEM_HEALTH_AGE_MAX.checked_sub(Duration::from_millis(1)).unwrap());
        assert_eq!(system.health(clock.now()).cpu_percent, None, "the machine is not asked that often");
        hand.advance(Duration::from_millis(1));
        let health = system.health(clock.now());
        assert!(health.memory_total_bytes > health.memory_available_bytes);
        assert!(health.resident_bytes.is_some_and(|bytes| bytes > 100_000));
        assert!(health.cpu_percent.is_some_and(|percent| (0.0..=100.0).contains(&percent)));
    }
}
