//! What the processor is, and what it can do.

use fs_err as fs;

/// The features, in the kernel's words, that make the libraries of cliptune fast: wide registers, and products of small numbers.
const FEATURES: [&str; 10] = [
    "avx2",
    "fma",
    "f16c",
    "avx512f",
    "avx512_vnni",
    "avx512_bf16",
    "avx512_fp16",
    "avx_vnni",
    "amx_bf16",
    "amx_int8",
];

/// What the kernel tells of the processors, which are taken to be alike.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Processor {
    /// The name that the maker has given it.
    pub model: Option<String>,
    /// Those of its features that matter here, in the kernel's words.
    pub features: Vec<&'static str>,
}

impl Processor {
    /// Looks at the processors of this machine. Whatever cannot be read is missing.
    pub fn of_this_machine() -> Self {
        Self::read(&fs::read_to_string("/proc/cpuinfo").unwrap_or_default())
    }

    fn read(cpuinfo: &str) -> Self {
        let value = |name: &str| {
            let mut pairs = cpuinfo.lines().filter_map(|line| line.split_once(':'));
            pairs.find_map(|(key, value)| (key.trim() == name).then(|| value.trim()))
        };
        let flags: Vec<&str> = value("flags").unwrap_or_default().split_whitespace().collect();
        let features = FEATURES.into_iter().filter(|feature| flags.contains(feature)).collect();
        Self { model: value("model name").map(str::to_owned), features }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_features_that_matter_are_told() {
        let text = "processor\t: 0\nmodel name\t: Some CPU @ 2.00GHz\nflags\t\t: fpu avx avx2 fma avx512f amx_bf16\n\n\
                    processor\t: 1\nmodel name\t: Some CPU @ 2.00GHz\n";
        let processor = Processor::read(text);
        assert_eq!(processor.model.as_deref(), Some("Some CPU @ 2.00GHz"));
        assert_eq!(processor.features, ["avx2", "fma", "avx512f", "amx_bf16"]);
    }

    #[test]
    fn a_machine_that_tells_nothing_is_no_error() {
        assert_eq!(Processor::read(""), Processor::default());
        assert_eq!(Processor::read("flags"), Processor::default());
    }
}
