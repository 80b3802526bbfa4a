//! Formats the time of day in UTC.

use std::time::Duration;

/// `HH:MM:SS` of the time since 1970.
pub(super) fn seconds(unix_time: Duration) -> String {
    let second_of_day = unix_time.as_secs() % 86_400;
    let (hour, minute, second) = (second_of_day / 3600, second_of_day / 60 % 60, second_of_day % 60);
    format!("{hour:02}:{minute:02}:{second:02}")
}

/// `HH:MM:SS.mmm` of the time since 1970.
pub(super) fn milliseconds(unix_time: Duration) -> String {
    format!("{}.{:03}", seconds(unix_time), unix_time.subsec_millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_runs_from_midnight_to_midnight() {
        let text = |millis| milliseconds(Duration::from_millis(millis));
        assert_eq!(text(0), "00:00:00.000");
        assert_eq!(text(86_399_999), "23:59:59.999");
        assert_eq!(text(86_400_000), "00:00:00.000");
        // 2009-02-13T23:31:30.050Z
        assert_eq!(text(1_234_567_890_050), "23:31:30.050");
        assert_eq!(seconds(Duration::from_millis(1_234_567_890_999)), "23:31:30");
        assert_eq!(milliseconds(Duration::MAX), "07:00:15.999");
    }
}
