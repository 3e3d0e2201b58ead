//! Ctrl-C and SIGTERM: the first asks, the second insists.

use std::io;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};
use std::thread;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use signal_hook::iterator::Signals;

use crate::exit::Exit;
use crate::output;

/// The signals that ask a tool to stop. SIGHUP is left alone: catching it would undo `nohup`.
const SIGNALS: [i32; 2] = [SIGINT, SIGTERM];

/// What a tool that saves its work says after the first signal.
const FINISHING: &str = "finishing this step, then saving (press Ctrl-C again to stop at once)";

/// The flag of this process; the signal handlers are installed with it, once.
static FLAG: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// The flag that Ctrl-C and SIGTERM set, for work that can stop between two steps and be continued.
///
/// The first signal sets the flag and says what happens next. A second one ends the process at once with 130. The
/// signals are caught from the first call on; every call returns the same flag.
pub fn interrupt_flag() -> Arc<AtomicBool> {
    interrupt_flag_saying(Some(FINISHING))
}

/// [`interrupt_flag`] with another announcement, or none: a command that only waits for a sibling tool lets the
/// sibling speak, because Ctrl-C reaches both. The first call decides.
pub fn interrupt_flag_saying(announcement: Option<&'static str>) -> Arc<AtomicBool> {
    Arc::clone(FLAG.get_or_init(|| {
        let flag = Arc::new(AtomicBool::new(false));
        // Uncaught, a signal still ends the process; work is lost, nothing is damaged. Not worth failing for.
        let _ = catch(&flag, announcement);
        flag
    }))
}

fn catch(flag: &Arc<AtomicBool>, announcement: Option<&'static str>) -> io::Result<()> {
    for signal in SIGNALS {
        // This order makes the second signal the one that finds the flag set. It ends the process from within the
        // signal handler: whatever hangs cannot hold it up, and no destructor of libtorch runs under live threads.
        flag::register_conditional_shutdown(signal, i32::from(Exit::Interrupted.code()), Arc::clone(flag))?;
        flag::register(signal, Arc::clone(flag))?;
    }
    let Some(text) = announcement else { return Ok(()) };
    let mut signals = Signals::new(SIGNALS)?;
    let announce = move || {
        if signals.forever().next().is_some() {
            output::stderr(&format!("{text}\n"));
        }
    };
    thread::Builder::new().name("signals".to_owned()).spawn(announce).map(drop)
}
