//! Looks at the GPU of a run through NVML, the library that comes with NVIDIA's driver.

use std::{env, process};

use cliptune_machine::{Gpu, GpuLook};
use nvml_wrapper::Nvml;
use nvml_wrapper::enum_wrappers::device::TemperatureSensor;

/// What a driver tells of the GPUs that it knows. Whatever it does not tell is missing.
trait Driver {
    /// Returns the number of GPUs. They are numbered in the order of their places on the bus.
    fn count(&self) -> Option<u32>;
    /// Returns the identifier of a GPU, such as `GPU-8f1c…`.
    fn uuid(&self, index: u32) -> Option<String>;
    /// Returns the processes that compute on a GPU.
    fn processes(&self, index: u32) -> Option<Vec<u32>>;
    /// Looks at a GPU.
    fn look(&self, index: u32) -> GpuLook;
}

impl Driver for Nvml {
    fn count(&self) -> Option<u32> {
        self.device_count().ok()
    }

    fn uuid(&self, index: u32) -> Option<String> {
        self.device_by_index(index).ok()?.uuid().ok()
    }

    fn processes(&self, index: u32) -> Option<Vec<u32>> {
        let processes = self.device_by_index(index).ok()?.running_compute_processes().ok()?;
        Some(processes.into_iter().map(|process| process.pid).collect())
    }

    fn look(&self, index: u32) -> GpuLook {
        let Ok(gpu) = self.device_by_index(index) else { return GpuLook::default() };
        let memory = gpu.memory_info().ok();
        GpuLook {
            usage: gpu.utilization_rates().ok().map(|rates| f64::from(rates.gpu) / 100.0),
            memory: memory.as_ref().map(|memory| memory.used),
            memory_limit: memory.as_ref().map(|memory| memory.total),
            watts: gpu.power_usage().ok().map(|milliwatts| f64::from(milliwatts) / 1e3),
            joules: gpu.total_energy_consumption().ok().map(|millijoules| millijoules as f64 / 1e3),
            temperature: gpu.temperature(TemperatureSensor::Gpu).ok().map(f64::from),
        }
    }
}

/// The one GPU that a run computes on.
struct Chosen<D> {
    driver: D,
    index: u32,
}

impl<D: Driver> Gpu for Chosen<D> {
    fn look(&mut self) -> GpuLook {
        self.driver.look(self.index)
    }
}

/// What says which of several GPUs CUDA calls its first.
struct Selection {
    /// The value of `CUDA_VISIBLE_DEVICES`.
    visible: Option<String>,
    /// Whether CUDA numbers GPUs as the driver does, by their places on the bus.
    is_in_order: bool,
    /// This process.
    process: u32,
}

impl Selection {
    fn of_this_process() -> Self {
        Self {
            visible: env::var("CUDA_VISIBLE_DEVICES").ok(),
            is_in_order: env::var("CUDA_DEVICE_ORDER").is_ok_and(|order| order == "PCI_BUS_ID"),
            process: process::id(),
        }
    }

    /// Returns the number by which the driver knows the GPU; `None` where there is no telling, because the numbers of another
    /// GPU are worse than none.
    fn find(&self, driver: &impl Driver) -> Option<u32> {
        let count = driver.count()?;
        let all = 0..count;
        if count == 1 {
            return Some(0);
        }
        let first =
            self.visible.as_deref().map(|visible| visible.split(',').next().unwrap_or_default().trim());
        if let Some(id) = first.filter(|first| first.starts_with("GPU-")) {
            return only(all.filter(|index| driver.uuid(*index).is_some_and(|uuid| uuid.starts_with(id))));
        }
        let is_ours =
            |index: &u32| driver.processes(*index).is_some_and(|processes| processes.contains(&self.process));
        only(all.clone().filter(is_ours)).or_else(|| {
            let number = first.map_or(Some(0), |first| first.parse().ok());
            number.filter(|number| self.is_in_order && all.contains(number))
        })
    }
}

/// Returns the only one of some numbers.
fn only(mut numbers: impl Iterator<Item = u32>) -> Option<u32> {
    numbers.next().filter(|_| numbers.next().is_none())
}

/// Loads NVML and finds the GPU that this process computes on. It is `None` where there is no library, where the library does
/// not work, and where there is no telling which GPU it is.
pub(crate) fn open() -> Option<Box<dyn Gpu>> {
    opened(Nvml::init().ok()?, &Selection::of_this_process())
}

fn opened(driver: impl Driver + 'static, selection: &Selection) -> Option<Box<dyn Gpu>> {
    let index = selection.find(&driver)?;
    Some(Box::new(Chosen { driver, index }))
}

#[cfg(test)]
mod tests;
