//! What runs used of their machines.

use cliptune_store::{Sample, Usage, read_system};

use crate::cell::Cell;
use crate::events::Log;
use crate::views::View;

/// What each run used of its machine.
pub(crate) const SYSTEM: Log = Log {
    view: View::System,
    file: "system.jsonl",
    read: |run, log, rows| {
        let read = read_system(log)?;
        read.samples.iter().for_each(|sample| rows.push(row(run, sample)));
        Ok(read.damaged_lines)
    },
};

fn row<'a>(run: &'a str, sample: &Sample) -> [Cell<'a>; 22] {
    let Sample { time, seconds, over, step, usage } = sample;
    let Usage { cpu, processors, processors_limit, joules, gpu, watts, gpu_joules, gpu_temperature, .. } =
        *usage;
    let number = |value: Option<f64>| Cell::maybe(value, Cell::measured);
    let bytes = |value: Option<u64>| Cell::maybe(value, Cell::count);
    [
        Cell::text(run),
        Cell::Number(*time),
        Cell::measured(*seconds),
        Cell::measured(*over),
        Cell::count(*step as u64),
        number(cpu),
        number(processors),
        number(processors_limit),
        bytes(usage.memory),
        bytes(usage.memory_peak),
        bytes(usage.memory_used),
        bytes(usage.memory_limit),
        bytes(usage.disk),
        bytes(usage.read),
        bytes(usage.written),
        number(joules),
        number(gpu),
        bytes(usage.gpu_memory),
        bytes(usage.gpu_memory_limit),
        number(watts),
        number(gpu_joules),
        number(gpu_temperature),
    ]
}
