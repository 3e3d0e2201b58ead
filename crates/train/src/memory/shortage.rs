//! Tells the person what to do when there is not enough memory.

use std::fmt;

use cliptune_experiment::BatchSize;
use cliptune_terminal::format;

/// The phrases by which libtorch reports a shortage: of a tensor on the CPU, on a GPU, and of anything else that C++ allocates.
const MESSAGES: [&str; 3] = ["DefaultCPUAllocator: can't allocate memory", "out of memory", "std::bad_alloc"];
/// The share of the memory that is counted on; the rest is for the system and for what an estimate misses.
const USABLE: f64 = 0.9;

/// A shortage of memory that libtorch reported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemoryShortage {
    /// The number of bytes that libtorch wanted, if its message says so.
    pub wanted: Option<u64>,
    /// The number of bytes that the GPU has, if libtorch's message says so.
    pub gpu: Option<u64>,
    /// The setting that could be smaller; `None` outside of a step.
    pub size: Option<TooLarge>,
}

/// A setting for which there is not enough memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLarge {
    /// The key of the setting: `train.batch_size` or `train.gradient_cache`.
    pub key: &'static str,
    /// The current value of the setting.
    pub now: BatchSize,
    /// The value for which there is probably enough memory; `None` when even 1 is too large.
    pub fits: Option<BatchSize>,
}

impl MemoryShortage {
    /// Reads the shortage from libtorch's error message, or returns `None` if the message is about something else.
    pub fn of_libtorch(message: &str) -> Option<Self> {
        MESSAGES.iter().any(|known| message.contains(known)).then(|| Self {
            wanted: size_after(message, "ried to allocate "),
            gpu: size_after(message, "total capacity of "),
            size: None,
        })
    }

    /// Looks for a size that fits into the GPU's memory, or else the host's. `needed` returns the bytes of memory that
    /// a training with a given size needs.
    pub fn look_for_size(
        &mut self,
        (key, now): (&'static str, BatchSize),
        host: Option<u64>,
        needed: impl Fn(BatchSize) -> u64,
    ) {
        // The current size did not fit, however much memory there is: another process or a limit may take the rest.
        let there_is = self.gpu.or(host).unwrap_or(u64::MAX).min(needed(now));
        let usable = (there_is as f64 * USABLE) as u64;
        let smaller = (0..now.get().ilog2() + 1).rev().map(|power| 1_usize << power);
        let mut smaller =
            smaller.filter(|&size| size < now.get()).filter_map(|size| BatchSize::try_from(size).ok());
        let fits = |size: &BatchSize| needed(*size) <= usable;
        self.size = Some(TooLarge { key, now, fits: smaller.find(fits) });
    }

    /// Returns what the person can do about it.
    pub fn advice(&self) -> String {
        match self.size {
            Some(TooLarge { key, now, fits: Some(fits) }) => format!(
                "`{key}: {}` would fit, by the estimate of `cliptune train --dry-run`; it was {}",
                fits.get(),
                now.get()
            ),
            Some(TooLarge { fits: None, .. }) => {
                "not even a batch of one fits: tune less (`train.tune: locked-image`), or take a smaller model"
                    .to_owned()
            }
            None => "close what else uses memory, or take a smaller model".to_owned(),
        }
    }
}

impl fmt::Display for MemoryShortage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("out of memory")?;
        if let Some(wanted) = self.wanted {
            write!(f, ": no room for {} more", format::bytes(wanted))?;
        }
        self.gpu.map_or(Ok(()), |gpu| write!(f, ", and the GPU has {}", format::bytes(gpu)))
    }
}

/// Returns the size in bytes that follows a phrase, written as `1024 bytes` or `2.00 GiB`.
fn size_after(message: &str, phrase: &str) -> Option<u64> {
    let (_, rest) = message.split_once(phrase)?;
    let (number, unit) = rest.split_once(' ')?;
    let unit: String = unit.chars().take_while(char::is_ascii_alphabetic).collect();
    let factor = match unit.as_str() {
        "bytes" => 1.0,
        "KiB" => 1024.0,
        "MiB" => 1024.0 * 1024.0,
        "GiB" => 1024.0 * 1024.0 * 1024.0,
        "TiB" => 1024.0 * 1024.0 * 1024.0 * 1024.0,
        _ => return None,
    };
    Some((number.parse::<f64>().ok()? * factor) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TrainError;

    fn size(size: usize) -> BatchSize {
        BatchSize::try_from(size).unwrap()
    }

    fn on_the_cpu() -> MemoryShortage {
        let refused = tch::Tensor::f_zeros([1_i64 << 48], (tch::Kind::Float, tch::Device::Cpu)).unwrap_err();
        match TrainError::from(refused) {
            TrainError::OutOfMemory(shortage) => *shortage,
            other => panic!("{other}"),
        }
    }

    #[test]
    fn libtorchs_own_refusal_is_understood() {
        let shortage = on_the_cpu();
        assert_eq!((shortage.wanted, shortage.gpu), (Some(1 << 50), None));
        assert_eq!(shortage.to_string(), "out of memory: no room for 1.0 PiB more");
    }

    /// The messages are those of libtorch 2.11.
    #[test]
    fn a_gpus_refusal_is_understood() {
        let message = "CUDA out of memory. Tried to allocate 2.50 GiB. GPU 0 has a total capacity of 79.11 GiB of \
                       which 1.11 GiB is free. Including non-PyTorch memory, this process has 77.99 GiB in use.";
        let shortage = MemoryShortage::of_libtorch(message).unwrap();
        insta::assert_snapshot!(shortage, @"out of memory: no room for 2.5 GiB more, and the GPU has 79 GiB");
        assert_eq!(MemoryShortage::of_libtorch("expected a matrix"), None);
    }

    #[test]
    fn what_cpp_says_when_it_has_no_memory_is_understood() {
        // A tensor may have its memory, and what describes it none.
        let shortage = MemoryShortage::of_libtorch("std::bad_alloc").unwrap();
        assert_eq!(shortage.to_string(), "out of memory");
    }

    #[test]
    fn the_largest_power_of_two_that_fits_is_offered() {
        let offered = |now: usize, host: Option<u64>| {
            let mut shortage = on_the_cpu();
            // Each item takes ten bytes, and the rest takes a hundred.
            let setting = ("train.batch_size", size(now));
            shortage.look_for_size(setting, host, |size| 100 + 10 * size.get() as u64);
            shortage.size.unwrap().fits.map(BatchSize::get)
        };
        assert_eq!(offered(64, Some(500)), Some(32));
        assert_eq!(offered(64, Some(300)), Some(16));
        assert_eq!(offered(48, None), Some(32));
        // The size that just failed needed more memory than there is, whatever the machine has.
        assert_eq!(offered(32, Some(1_000_000)), Some(16));
        assert_eq!(offered(33, Some(1_000_000)), Some(16));
        assert_eq!(offered(32, Some(100)), None);
        assert_eq!(offered(1, Some(1_000_000)), None);
    }

    #[test]
    fn the_advice_names_the_batch_size() {
        let advice = |size| MemoryShortage { size, ..on_the_cpu() }.advice();
        let too_large =
            |key, now, fits: Option<usize>| Some(TooLarge { key, now: size(now), fits: fits.map(size) });
        let read = [
            None,
            too_large("train.batch_size", 64, Some(16)),
            too_large("train.gradient_cache", 32, Some(8)),
            too_large("train.batch_size", 1, None),
        ]
        .map(advice)
        .join("\n");
        insta::assert_snapshot!(read, @r"
        close what else uses memory, or take a smaller model
        `train.batch_size: 16` would fit, by the estimate of `cliptune train --dry-run`; it was 64
        `train.gradient_cache: 8` would fit, by the estimate of `cliptune train --dry-run`; it was 32
        not even a batch of one fits: tune less (`train.tune: locked-image`), or take a smaller model
        ");
    }
}
