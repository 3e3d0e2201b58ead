//! What a run used of its machine, in words.

use std::time::Duration;

use cliptune_store::{TimeSplit, Usage};
use cliptune_terminal::format;

/// Describes the time of a run, and what it was spent on where that is known.
pub(crate) fn time(seconds: f64, split: Option<TimeSplit>) -> String {
    let parts: Vec<String> = split
        .iter()
        .flat_map(TimeSplit::parts)
        .map(|(part, seconds)| format!("{part} {}", duration(seconds)))
        .collect();
    match parts.is_empty() {
        true => duration(seconds),
        false => format!("{}: {}", duration(seconds), parts.join(", ")),
    }
}

fn duration(seconds: f64) -> String {
    format::duration(Duration::try_from_secs_f64(seconds).unwrap_or_default())
}

/// Describes what a run used, as far as its machine told it. `peak` is the most memory of its processes, where the kernel
/// counted it.
pub(crate) fn facts(peak: Option<u64>, usage: Option<&Usage>) -> Vec<(&'static str, String)> {
    let usage = usage.cloned().unwrap_or_default();
    let facts = [
        ("memory", memory(peak.or(usage.memory_peak).or(usage.memory), usage.memory_limit)),
        ("CPU", processors(&usage)),
        ("disk", disk(&usage)),
        ("GPU", gpu(&usage)),
        ("energy", energy(&usage)),
    ];
    facts.into_iter().filter(|(_, words)| !words.is_empty()).collect()
}

/// Joins what is known.
fn known(words: impl IntoIterator<Item = Option<String>>) -> String {
    words.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn memory(peak: Option<u64>, limit: Option<u64>) -> String {
    let limit = limit.map(|limit| format!(" of {}", format::bytes(limit))).unwrap_or_default();
    known([peak.map(|peak| format!("at most {}{limit}", format::bytes(peak)))])
}

fn processors(usage: &Usage) -> String {
    let limit = usage.processors_limit.map(|limit| format!(" of {limit}")).unwrap_or_default();
    known([
        usage.processors.map(|busy| format!("{busy:.1}{limit} processors busy on average")),
        usage.cpu.map(|cpu| format!("{} of the machine in use", format::percent(cpu))),
    ])
}

fn disk(usage: &Usage) -> String {
    known([
        usage.read.map(|bytes| format!("{} read", format::bytes(bytes))),
        usage.written.map(|bytes| format!("{} written", format::bytes(bytes))),
        usage.disk.map(|bytes| format!("{} free at the least", format::bytes(bytes))),
    ])
}

fn gpu(usage: &Usage) -> String {
    let limit =
        usage.gpu_memory_limit.map(|limit| format!(" of {}", format::bytes(limit))).unwrap_or_default();
    known([
        usage.gpu.map(|share| format!("{} of the time in use", format::percent(share))),
        usage.gpu_memory.map(|bytes| format!("at most {}{limit}", format::bytes(bytes))),
        usage.watts.map(|watts| format!("{watts:.0} W on average")),
        usage.gpu_temperature.map(|degrees| format!("{degrees:.0} °C at the most")),
    ])
}

fn energy(usage: &Usage) -> String {
    known([
        usage.joules.map(|joules| format!("{} by the machine's processors", cliptune_store::energy(joules))),
        usage.gpu_joules.map(|joules| format!("{} by the GPU", cliptune_store::energy(joules))),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(peak: Option<u64>, usage: Option<&Usage>) -> Vec<String> {
        facts(peak, usage).into_iter().map(|(name, words)| format!("{name}: {words}")).collect()
    }

    #[test]
    fn all_that_a_machine_can_tell_is_told() {
        let usage = Usage {
            cpu: Some(0.925),
            processors: Some(1.83),
            processors_limit: Some(2.0),
            memory: Some(700 << 20),
            memory_limit: Some(16 << 30),
            disk: Some(40 << 30),
            read: Some(1 << 20),
            written: Some(338 << 20),
            joules: Some(912.0),
            gpu: Some(0.87),
            gpu_memory: Some(12 << 30),
            gpu_memory_limit: Some(80 << 30),
            watts: Some(310.4),
            gpu_joules: Some(4_560_000.0),
            gpu_temperature: Some(71.0),
            ..Usage::default()
        };
        assert_eq!(
            text(Some(812 << 20), Some(&usage)),
            [
                "memory: at most 812 MiB of 16 GiB",
                "CPU: 1.8 of 2 processors busy on average, 92.5% of the machine in use",
                "disk: 1.0 MiB read, 338 MiB written, 40 GiB free at the least",
                "GPU: 87.0% of the time in use, at most 12 GiB of 80 GiB, 310 W on average, 71 °C at the most",
                "energy: 912 J by the machine's processors, 4.56 MJ by the GPU",
            ]
        );
    }

    #[test]
    fn what_is_unknown_is_not_spoken_of() {
        assert!(text(None, None).is_empty());
        assert_eq!(text(Some(1 << 30), None), ["memory: at most 1.0 GiB"]);
        assert_eq!(
            text(None, Some(&Usage { cpu: Some(0.5), ..Usage::default() })),
            ["CPU: 50.0% of the machine in use"]
        );
    }

    #[test]
    fn the_time_is_told_with_its_parts() {
        let split = TimeSplit { preparation: 2.0, steps: 600.0, validation: 0.0, export: 21.0 };
        assert_eq!(time(623.0, Some(split)), "10 min 23 s: preparation 2.0 s, steps 10 min 0 s, export 21 s");
        assert_eq!(time(623.0, None), "10 min 23 s");
    }
}
