//! Everything a person sees in the terminal: messages, errors with cause and hint, progress, exit codes.
//!
//! Every cliptune tool starts with [`main`], takes [`CommonArgs`] and writes through a [`Printer`]: data goes to
//! stdout, and messages for a person go to stderr. Nothing else in the workspace writes to either stream.

mod args;
mod diagnostic;
mod entry;
mod exit;
mod foreign;
pub mod format;
mod interrupt;
mod output;
mod panic;
mod printer;
mod progress;
mod relay;
mod shell;
mod style;
mod suggest;
mod table;

pub use args::{CommonArgs, STORE_VARIABLE, positive, whole};
pub use diagnostic::{Diagnostic, ErrorDocument, Failure, render};
pub use entry::{end_now, fail_now, main};
pub use exit::Exit;
pub use interrupt::{
    Stopping, ask_to_stop, interrupt_flag, is_asked_to_stop, silent_interrupt_flag, stop_signals,
};
pub use printer::Printer;
pub use progress::Progress;
pub use relay::{Message, Position, RELAY};
pub use shell::shell_word;
pub use style::STYLES;
pub use suggest::did_you_mean;
pub use table::{Align, Column, Table};
