//! A live progress bar on a terminal.

use std::borrow::Cow;
use std::fmt::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressState, ProgressStyle};

use super::log::amount;
use crate::{format, output};

/// The time between redraws while nothing is reported, so that a slow step does not look stuck.
const TICK: Duration = Duration::from_millis(250);

/// A bar among the live bars of this process. Dropping it removes it from the screen.
#[derive(Debug)]
pub(super) struct Bar {
    bar: ProgressBar,
    started: AtomicBool,
}

impl Bar {
    pub(super) fn start(label: &str, total: u64, unit: Cow<'static, str>) -> Self {
        let bar = match total {
            0 => ProgressBar::no_length(),
            _ => ProgressBar::new(total),
        };
        let bar = output::bars().add(bar.with_style(style(total, unit)).with_prefix(label.to_owned()));
        bar.enable_steady_tick(TICK);
        Self { bar, started: AtomicBool::new(false) }
    }

    pub(super) fn advance(&self, by: u64) {
        self.started.store(true, Ordering::Relaxed);
        self.bar.inc(by);
    }

    pub(super) fn set(&self, done: u64) {
        self.bar.set_position(done);
        // Work done before this process started says nothing about the present speed.
        if !self.started.swap(true, Ordering::Relaxed) {
            self.bar.reset_eta();
        }
    }

    pub(super) fn message(&self, text: &str) {
        self.bar.set_message(text.to_owned());
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
        output::bars().remove(&self.bar);
    }
}

/// Returns the layout of the bar: label, bar, amount, time left, message.
fn style(total: u64, unit: Cow<'static, str>) -> ProgressStyle {
    let template = match total {
        0 => "{prefix} {spinner} {amount}  {wide_msg}",
        _ => "{prefix} [{bar:20}] {amount}{left}  {wide_msg}",
    };
    // The templates are constant and correct. If one ever were not, the default layout would still be a progress bar.
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    style
        .progress_chars("=> ")
        .with_key("amount", move |state: &ProgressState, text: &mut dyn Write| {
            let _ = text.write_str(&amount(state.pos(), total, &unit));
        })
        .with_key("left", |state: &ProgressState, text: &mut dyn Write| {
            // Zero means either that the time left is not known yet, or that the step has ended.
            if !state.eta().is_zero() {
                let _ = write!(text, "  {} left", format::remaining(state.eta()));
            }
        })
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use indicatif::{ProgressDrawTarget, TermLike};

    use super::*;

    /// A terminal that remembers the last text drawn on it.
    #[derive(Clone, Debug, Default)]
    struct Paper(Arc<Mutex<String>>);

    impl TermLike for Paper {
        fn width(&self) -> u16 {
            100
        }

        fn write_line(&self, text: &str) -> io::Result<()> {
            self.write_str(text)
        }

        fn write_str(&self, text: &str) -> io::Result<()> {
            if !text.trim().is_empty() {
                text.clone_into(&mut self.0.lock().unwrap());
            }
            Ok(())
        }

        fn move_cursor_up(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn move_cursor_down(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn clear_line(&self) -> io::Result<()> {
            Ok(())
        }

        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

    fn drawn(total: u64, done: u64, unit: &'static str) -> String {
        let paper = Paper::default();
        let target = ProgressDrawTarget::term_like(Box::new(paper.clone()));
        let length = (total > 0).then_some(total);
        let bar = ProgressBar::with_draw_target(length, target).with_style(style(total, unit.into()));
        bar.set_prefix("train");
        bar.set_message("loss 2.31");
        bar.set_position(done);
        bar.force_draw();
        let text = paper.0.lock().unwrap().trim_end().to_owned();
        bar.abandon();
        text
    }

    #[test]
    fn a_bar_with_a_known_total() {
        insta::assert_snapshot!(drawn(1_024, 1_024, "item"), @"train [====================] 1,024/1,024 items  loss 2.31");
    }

    #[test]
    fn a_spinner_without_one() {
        insta::assert_snapshot!(drawn(0, 5_000_000, "bytes"), @"train ⠁ 4.8 MiB  loss 2.31");
    }
}
