//! What runs used of their machines.

use cliptune_store::{LeftOut, Sample, read_system};

use crate::events::Log;
use crate::table_file::Row;
use crate::views::View;

/// What each run used of its machine.
pub(crate) const SYSTEM: Log = Log {
    view: View::System,
    file: "system.jsonl",
    read: |run, log, _, rows| {
        let read = read_system(log)?;
        read.samples.iter().for_each(|sample| add(rows.row(), run, sample));
        Ok(LeftOut { damaged: read.damaged_lines, newer: 0 })
    },
};

fn add(mut row: Row<'_>, run: &str, sample: &Sample) {
    let Sample { time, seconds, over, step, usage } = sample;
    row.text(Some(run));
    row.number(Some(*time));
    row.number(Some(*seconds));
    row.number(Some(*over));
    row.count(Some(*step as u64));
    row.number(usage.cpu);
    row.number(usage.processors);
    row.number(usage.processors_limit);
    row.count(usage.memory);
    row.count(usage.memory_peak);
    row.count(usage.memory_used);
    row.count(usage.memory_limit);
    row.count(usage.disk);
    row.count(usage.read);
    row.count(usage.written);
    row.number(usage.joules);
    row.number(usage.gpu);
    row.count(usage.gpu_memory);
    row.count(usage.gpu_memory_limit);
    row.number(usage.watts);
    row.number(usage.gpu_joules);
    row.number(usage.gpu_temperature);
}
