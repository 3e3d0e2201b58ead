//! The energy counters of processors.

use std::path::Path;

use fs_err as fs;

/// The energy counter of one processor package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Package {
    name: String,
    microjoules: u64,
    /// The value after which the counter starts again from 0.
    range: u64,
}

/// Reads the counters of all packages below a folder like `/sys/class/powercap`. On many machines only an administrator may
/// read them.
pub(crate) fn packages(folder: &Path) -> Vec<Package> {
    let zones = fs::read_dir(folder).into_iter().flatten().filter_map(|zone| Some(zone.ok()?.path()));
    let mut packages: Vec<Package> = zones.filter_map(|zone| package(&zone)).collect();
    packages.sort_unstable_by(|one, other| one.name.cmp(&other.name));
    // The same package has a second zone where the kernel reads it in two ways.
    packages.dedup_by(|one, other| one.name == other.name);
    packages
}

/// Reads a zone. Those inside of a package (cores, memory) and around it (the platform) would be counted twice.
fn package(zone: &Path) -> Option<Package> {
    let text = |name: &str| Some(fs::read_to_string(zone.join(name)).ok()?.trim().to_owned());
    let name = text("name").filter(|name| name.starts_with("package-"))?;
    let microjoules = text("energy_uj")?.parse().ok()?;
    let range = text("max_energy_range_uj").and_then(|range| range.parse().ok()).unwrap_or(u64::MAX);
    Some(Package { name, microjoules, range })
}

/// Returns the energy between two readings in joules; `None` where there are no counters, or other ones.
pub(crate) fn joules(before: &[Package], now: &[Package]) -> Option<f64> {
    let are_same =
        before.len() == now.len() && before.iter().zip(now).all(|(one, other)| one.name == other.name);
    if now.is_empty() || !are_same {
        return None;
    }
    let taken =
        before.iter().zip(now).map(|(before, now)| match now.microjoules.checked_sub(before.microjoules) {
            Some(taken) => taken,
            None => now.range.saturating_sub(before.microjoules).saturating_add(now.microjoules),
        });
    Some(taken.map(|microjoules| microjoules as f64 / 1e6).sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(folder: &Path, zone: &str, name: &str, energy: &str) {
        let zone = folder.join(zone);
        fs::create_dir_all(&zone).unwrap();
        for (file, text) in [("name", name), ("energy_uj", energy), ("max_energy_range_uj", "9000000")] {
            fs::write(zone.join(file), format!("{text}\n")).unwrap();
        }
    }

    #[test]
    fn packages_are_summed_each_once_and_a_counter_may_start_again() {
        let folder = tempfile::tempdir().unwrap();
        zone(folder.path(), "intel-rapl:0", "package-0", "8500000");
        zone(folder.path(), "intel-rapl:0:0", "core", "1");
        zone(folder.path(), "intel-rapl:1", "package-1", "1000000");
        zone(folder.path(), "intel-rapl:2", "psys", "1");
        zone(folder.path(), "intel-rapl-mmio:0", "package-0", "8500000");
        let before = packages(folder.path());
        assert_eq!(before.len(), 2);
        zone(folder.path(), "intel-rapl:0", "package-0", "250000");
        zone(folder.path(), "intel-rapl-mmio:0", "package-0", "250000");
        zone(folder.path(), "intel-rapl:1", "package-1", "3000000");
        assert_eq!(joules(&before, &packages(folder.path())), Some(2.75));
    }

    #[test]
    fn no_counters_and_other_counters_tell_nothing() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(packages(&folder.path().join("none")), []);
        assert_eq!(joules(&[], &[]), None);
        zone(folder.path(), "intel-rapl:0", "package-0", "5");
        let one = packages(folder.path());
        assert_eq!(joules(&[], &one), None);
        assert_eq!(joules(&one, &[]), None);
        fs::write(folder.path().join("intel-rapl:0/energy_uj"), "no number").unwrap();
        assert_eq!(packages(folder.path()), []);
    }
}
