//! How long a statement may take.

use std::cell::Cell;
use std::time::Duration;

use cliptune_store::more_time_for_sql;
use cliptune_terminal::format::counted;
use cliptune_terminal::{Failure, fail_now};

/// The microseconds that a statement may take for each row of the table that it goes over, beyond the time that any may take.
/// They are two minutes for a million rows, as slow as disks and expressions are that do end.
const FOR_A_ROW: u64 = 120;
/// The microseconds that reading a table may take for each byte of its files, which a slow disk needs.
const FOR_A_BYTE: u64 = 1;

/// The time that a statement may take. SQL of an experiment that takes longer is assumed never to end.
#[derive(Clone, Debug)]
pub(super) struct Patience {
    /// That of any statement.
    least: Duration,
    /// What is added for the bytes of the files that it reads.
    bytes: Cell<Duration>,
    /// What is added for the rows of the table.
    rows: Cell<Duration>,
}

impl Patience {
    /// Takes the time that any statement may take.
    pub(super) fn new(least: Duration) -> Self {
        Self { least, bytes: Cell::default(), rows: Cell::default() }
    }

    /// Adds the time that reading so many bytes takes, in place of that for others.
    pub(super) fn set_bytes(&self, bytes: u64) {
        self.bytes.set(Duration::from_micros(bytes.saturating_mul(FOR_A_BYTE)));
    }

    /// Adds the time that so many rows take, in place of that for others.
    pub(super) fn set_rows(&self, rows: u64) {
        self.rows.set(Duration::from_micros(rows.saturating_mul(FOR_A_ROW)));
    }

    /// Returns the time that a statement may take now.
    pub(super) fn total(&self) -> Duration {
        self.least.saturating_add(self.bytes.get()).saturating_add(self.rows.get())
    }

    /// Returns what ends the process when the database heeds no interrupt.
    pub(super) fn give_up(&self) -> impl Fn() + Send + use<> {
        let patience = self.total();
        move || {
            let after = counted(patience.as_secs(), "second");
            let said = format!("a table or an SQL expression was given up after {after}");
            fail_now(&Failure::usage(said).with_hint(more_time_for_sql(patience)));
        }
    }
}
