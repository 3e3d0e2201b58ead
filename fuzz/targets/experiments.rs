//! Experiments in YAML: everything that is wrong is told with its place, and a plan that is read can be written and read again.

#![no_main]

use cliptune_experiment::load;
use cliptune_fuzz::write;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let path = write("experiment.yaml", data);
    match load(&[path], &[]) {
        Err(error) => assert!(!error.to_string().trim().is_empty()),
        Ok(experiments) => {
            for plan in experiments.iter().flat_map(|experiment| &experiment.plans).take(4) {
                let Ok(yaml) = plan.to_yaml() else { continue };
                let again = load(&[write("again.yaml", yaml.as_bytes())], &[]);
                assert!(again.is_ok(), "{yaml}\n{again:?}");
            }
        }
    }
});
