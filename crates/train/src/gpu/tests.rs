//! Which GPU is looked at, and what is seen of it.

use std::process::Command;

use nvml_wrapper::error::NvmlError;

use super::*;

/// A driver that knows some GPUs, with the processes on each.
struct Drawn(Vec<(&'static str, Option<Vec<u32>>)>);

impl Driver for Drawn {
    fn count(&self) -> Option<u32> {
        u32::try_from(self.0.len()).ok().filter(|count| *count > 0)
    }

    fn uuid(&self, index: u32) -> Option<String> {
        Some(self.0.get(index as usize)?.0.to_owned())
    }

    fn processes(&self, index: u32) -> Option<Vec<u32>> {
        self.0.get(index as usize)?.1.clone()
    }

    fn look(&self, index: u32) -> GpuLook {
        GpuLook { memory: Some(u64::from(index)), ..GpuLook::default() }
    }
}

fn selection(visible: Option<&str>, is_in_order: bool) -> Selection {
    Selection { visible: visible.map(str::to_owned), is_in_order, process: 7 }
}

fn two(first: Option<Vec<u32>>, second: Option<Vec<u32>>) -> Drawn {
    Drawn(vec![("GPU-aa11", first), ("GPU-ab22", second)])
}

#[test]
fn the_only_gpu_is_the_one() {
    let mut gpu = opened(Drawn(vec![("GPU-aa", None)]), &selection(Some("3"), false)).unwrap();
    assert_eq!(gpu.look().memory, Some(0));
}

#[test]
fn of_several_gpus_it_is_the_one_that_the_process_is_on() {
    let found =
        |first: Vec<u32>, second: Vec<u32>| selection(None, false).find(&two(Some(first), Some(second)));
    assert_eq!(found(vec![1], vec![2, 7]), Some(1));
    // In a container the driver may tell the numbers that processes have outside.
    assert_eq!(found(vec![1], vec![2]), None);
    assert_eq!(found(vec![7], vec![7]), None);
}

#[test]
fn of_several_gpus_it_is_the_one_that_was_asked_for_where_that_is_beyond_doubt() {
    let asked = |visible, is_in_order| selection(visible, is_in_order).find(&two(None, None));
    assert_eq!(asked(Some("GPU-ab"), false), Some(1));
    assert_eq!(asked(Some("GPU-a"), false), None);
    assert_eq!(asked(Some("1,0"), true), Some(1));
    assert_eq!(asked(None, true), Some(0));
    assert_eq!(asked(Some("1"), false), None);
    assert_eq!(asked(Some("9"), true), None);
    assert_eq!(asked(Some("MIG-ab"), true), None);
}

/// A library that says what NVML says of one GPU in C, as far as it is asked.
const NVML: &str = r#"
#include <stdio.h>
#include <string.h>
typedef struct { unsigned version; unsigned long long total, reserved, free, used; } memory_t;
typedef struct { unsigned gpu, memory; } rates_t;
int nvmlInit_v2(void) { return INIT; }
int nvmlShutdown(void) { return 0; }
int nvmlDeviceGetCount_v2(unsigned *count) { *count = 1; return 0; }
int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **device) { *device = (void *)1; return index ? 2 : 0; }
int nvmlDeviceGetMemoryInfo_v2(void *device, memory_t *memory) { memory->total = 1000; memory->used = 300; return 0; }
int nvmlDeviceGetUtilizationRates(void *device, rates_t *rates) { rates->gpu = 75; rates->memory = 5; return 0; }
int nvmlDeviceGetPowerUsage(void *device, unsigned *milliwatts) { *milliwatts = 310500; return 0; }
#ifndef OLD
int nvmlDeviceGetTotalEnergyConsumption(void *device, unsigned long long *millijoules) { *millijoules = 2500; return 0; }
int nvmlDeviceGetTemperature(void *device, int sensor, unsigned *degrees) { *degrees = 71; return 0; }
#endif
"#;

/// Compiles the library with some definitions and loads it.
fn load(definitions: &[&str]) -> Result<Nvml, NvmlError> {
    let folder = tempfile::tempdir().unwrap();
    let (source, library) = (folder.path().join("nvml.c"), folder.path().join("libnvidia-ml.so.1"));
    fs_err::write(&source, NVML).unwrap();
    let compiled = Command::new("cc")
        .args(["-shared", "-fPIC", "-w"])
        .args(definitions)
        .arg(&source)
        .arg("-o")
        .arg(&library)
        .status()
        .unwrap();
    assert!(compiled.success());
    Nvml::builder().lib_path(library.as_os_str()).init()
}

#[test]
fn what_the_library_says_is_in_units_without_prefixes() {
    let mut gpu = opened(load(&["-DINIT=0"]).unwrap(), &selection(None, false)).unwrap();
    let expected = GpuLook {
        usage: Some(0.75),
        memory: Some(300),
        memory_limit: Some(1000),
        watts: Some(310.5),
        joules: Some(2.5),
        temperature: Some(71.0),
    };
    assert_eq!(gpu.look(), expected);
}

#[test]
fn what_an_old_library_does_not_know_is_missing() {
    let mut gpu = opened(load(&["-DINIT=0", "-DOLD"]).unwrap(), &selection(None, false)).unwrap();
    let look = gpu.look();
    assert_eq!((look.usage, look.joules, look.temperature), (Some(0.75), None, None));
}

#[test]
fn a_library_that_is_absent_or_fails_is_no_gpu() {
    let absent = Nvml::builder().lib_path("/nowhere/libnvidia-ml.so.1".as_ref()).init();
    assert!(absent.is_err());
    // 18: the library and the driver's module are of different versions, as after an update without a restart.
    assert!(load(&["-DINIT=18"]).is_err());
    assert!(opened(Drawn(Vec::new()), &selection(None, true)).is_none());
}
