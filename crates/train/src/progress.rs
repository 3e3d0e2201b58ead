//! Shows the progress of a training in one line.

use std::fmt::Write;

use cliptune_experiment::spelled_number;
use cliptune_store::Event;
use cliptune_terminal::{Printer, Progress, format};

/// The share of a new step in the loss and the speed that are shown; it averages over about twenty steps. Single steps
/// vary too much to be read, and the log has them all.
const SHARE: f64 = 0.05;

/// Shows the steps and evaluations of one run.
#[derive(Debug)]
pub struct TrainingProgress<'a> {
    shown: Option<Shown<'a>>,
}

#[derive(Debug)]
struct Shown<'a> {
    progress: Progress,
    printer: &'a Printer,
    label: String,
    epochs: usize,
    loss: Average,
    speed: Average,
}

impl<'a> TrainingProgress<'a> {
    /// Creates a display that shows nothing.
    pub fn hidden() -> Self {
        Self { shown: None }
    }

    /// Creates a display for a training of so many epochs and steps.
    pub fn new(printer: &'a Printer, label: &str, epochs: usize, steps: usize) -> Self {
        let progress = printer.progress(label, steps as u64, "step");
        let (loss, speed) = (Average::default(), Average::default());
        let label = label.to_owned();
        Self { shown: Some(Shown { progress, printer, label, epochs, loss, speed }) }
    }

    /// Takes note of an event.
    pub fn show(&mut self, event: &Event) {
        if let Some(shown) = &mut self.shown {
            shown.show(event);
        }
    }

    /// Ends the line.
    pub fn finish(&mut self) {
        if let Some(shown) = self.shown.take() {
            shown.progress.finish();
        }
    }
}

impl Shown<'_> {
    fn show(&mut self, event: &Event) {
        match event {
            Event::Step { step, epoch, loss, learning_rate, items_per_second, .. } => {
                self.loss.add(*loss);
                self.speed.add(*items_per_second);
                // The message has to be set before the position, because setting the position prints the line.
                self.progress.message(&self.message(*epoch, *learning_rate));
                self.progress.set(*step as u64);
            }
            Event::Epoch { epoch, validation_loss, validation_accuracy, best, .. } => {
                let reached = reached((*validation_loss, *validation_accuracy), *best, *epoch);
                if let Some(reached) = reached {
                    let epochs = self.epochs;
                    self.printer.status(&format!("{}: epoch {epoch}/{epochs}: {reached}", self.label));
                }
            }
            Event::Interpolated { alpha, validation_loss, validation_accuracy } => {
                let reached = validation(*validation_loss, *validation_accuracy);
                self.printer.status(&format!("{}: alpha {}: {reached}", self.label, spelled_number(*alpha)));
            }
            Event::Finished { alpha: Some(alpha), .. } => {
                self.printer.status(&format!("{}: kept alpha {}", self.label, spelled_number(*alpha)));
            }
            _ => {}
        }
    }

    fn message(&self, epoch: usize, learning_rate: f64) -> String {
        let mut text = format!("epoch {epoch}/{}", self.epochs);
        // Writing to a String cannot fail.
        let _ = write!(text, "  loss {}  lr {learning_rate:.1e}", format::number(self.loss.value()));
        let _ = write!(text, "  {}", format::rate(self.speed.value(), "items"));
        text
    }
}

/// An average in which older values count less and less, corrected for the small number of values at the start.
#[derive(Debug, Default)]
struct Average {
    sum: f64,
    weight: f64,
}

impl Average {
    fn add(&mut self, value: f64) {
        // A single value that is not a number would never leave the average.
        if value.is_finite() {
            self.sum += SHARE * (value - self.sum);
            self.weight += SHARE * (1.0 - self.weight);
        }
    }

    /// Returns the average, or NaN before there is a value.
    fn value(&self) -> f64 {
        self.sum / self.weight
    }
}

/// Describes what an epoch has reached on the validation split. Nothing is shown for the start when that split is
/// empty.
fn reached((loss, accuracy): (f64, f64), best: bool, epoch: usize) -> Option<String> {
    let best = if best && epoch > 0 { ", the best so far" } else { "" };
    match accuracy.is_nan() {
        true if epoch == 0 => None,
        true => Some("done".to_owned()),
        false => Some(validation(loss, accuracy) + best),
    }
}

fn validation(loss: f64, accuracy: f64) -> String {
    format!("validation loss {}, accuracy {}", format::number(loss), format::percent(accuracy))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_average_follows_its_values_and_begins_at_the_first() {
        let mut average = Average::default();
        assert!(average.value().is_nan());
        average.add(4.0);
        assert!((average.value() - 4.0).abs() < 1e-12);
        average.add(f64::NAN);
        assert!((average.value() - 4.0).abs() < 1e-12);
        // (0.05 · 4 · 0.95 + 0.05 · 2) / (1 − 0.95²)
        average.add(2.0);
        assert!((average.value() - 0.29 / 0.0975).abs() < 1e-12);
        (0..200).for_each(|_| average.add(1.0));
        assert!((average.value() - 1.0).abs() < 1e-3);
    }

    #[test]
    fn the_line_has_epoch_loss_learning_rate_and_speed() {
        let printer = Printer::new(true, false);
        let mut progress = TrainingProgress::new(&printer, "tuned s0", 3, 30);
        progress.show(&Event::Step {
            step: 11,
            epoch: 2,
            loss: 1.25,
            learning_rate: 5e-4,
            grad_norm: 1.0,
            logit_scale: 100.0,
            items_per_second: 41.6,
        });
        let shown = progress.shown.unwrap();
        assert_eq!(shown.message(2, 5e-4), "epoch 2/3  loss 1.250  lr 5.0e-4  42 items/s");
    }

    #[test]
    fn an_epoch_without_validation_items_is_done_and_nothing_more() {
        let unknown = (f64::NAN, f64::NAN);
        assert_eq!(reached(unknown, true, 0), None);
        assert_eq!(reached(unknown, true, 1).as_deref(), Some("done"));
        let known = reached((1.25, 0.5), true, 1);
        assert_eq!(known.as_deref(), Some("validation loss 1.250, accuracy 50.0%, the best so far"));
    }
}
