//! The terminal that progress bars are drawn on.

use std::io::{self, IsTerminal, stderr};

use console::Term;
use indicatif::{MultiProgress, ProgressDrawTarget, TermLike};

/// How often the bars are drawn, in Hz.
const REFRESH: u8 = 10;

/// Checks whether stderr is a terminal on which a line can be redrawn.
pub(crate) fn is_live() -> bool {
    stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|name| name != "dumb")
}

/// Creates an empty set of bars on stderr, which draws nothing where stderr cannot show live bars.
pub(super) fn bars() -> MultiProgress {
    let target = match is_live() {
        true => ProgressDrawTarget::term_like_with_hz(Box::new(Forgiving(Term::buffered_stderr())), REFRESH),
        false => ProgressDrawTarget::hidden(),
    };
    MultiProgress::with_draw_target(target)
}

/// A terminal that ignores its errors.
///
/// indicatif panics when the terminal fails under a suspended bar. A training run that was disowned must outlive the
/// terminal it was started from.
#[derive(Debug)]
struct Forgiving<T>(T);

impl<T> Forgiving<T> {
    fn attempt(&self, draw: impl FnOnce(&T) -> io::Result<()>) -> io::Result<()> {
        let _ = draw(&self.0);
        Ok(())
    }
}

impl<T: TermLike> TermLike for Forgiving<T> {
    fn width(&self) -> u16 {
        self.0.width()
    }

    fn height(&self) -> u16 {
        self.0.height()
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.attempt(|term| term.move_cursor_up(n))
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.attempt(|term| term.move_cursor_down(n))
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.attempt(|term| term.move_cursor_right(n))
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.attempt(|term| term.move_cursor_left(n))
    }

    fn write_line(&self, s: &str) -> io::Result<()> {
        self.attempt(|term| term.write_line(s))
    }

    fn write_str(&self, s: &str) -> io::Result<()> {
        self.attempt(|term| term.write_str(s))
    }

    fn clear_line(&self) -> io::Result<()> {
        self.attempt(TermLike::clear_line)
    }

    fn flush(&self) -> io::Result<()> {
        self.attempt(TermLike::flush)
    }
}
