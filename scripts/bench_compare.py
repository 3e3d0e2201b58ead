"""Times the intervals and the test of a comparison beside numpy and scipy: 10,000 resamples of the paired differences of two
sides, in one metric of 0 and 1 and three of other numbers, and a permutation test of the first. Both sides draw data of the same
shape; scipy gets the sums of each group, and its fastest settings that fit into memory.
"""

import argparse
import subprocess
import time

import numpy
from scipy import stats

import benchmark

PROGRAM = benchmark.TARGET / "examples/time-compare"
RESAMPLES = 10_000


def drawn(items: int, size: int) -> tuple[list[numpy.ndarray], numpy.ndarray]:
    """The sums of the differences in each group, for every metric, and the number of its items."""
    random = numpy.random.default_rng(0)
    right = [(random.random(items) < 0.6).astype(float) for _ in range(2)]
    others = [random.random(items) - random.random(items) for _ in range(3)]
    group = numpy.arange(items) // size
    sums = [numpy.bincount(group, values) for values in [right[0] - right[1], *others]]
    return sums, numpy.bincount(group).astype(float)


def ratio(sums: numpy.ndarray, sizes: numpy.ndarray, axis: int = -1) -> numpy.ndarray:
    return sums.sum(axis=axis) / sizes.sum(axis=axis)


def peers(items: int, size: int) -> tuple[float, float]:
    sums, sizes = drawn(items, size)
    batch = max(1, 20_000_000 // len(sizes))
    begun = time.monotonic()
    for own in sums:
        data = (own, sizes)
        stats.bootstrap(data, ratio, n_resamples=RESAMPLES, batch=batch, paired=True, vectorized=True, method="percentile")
    intervals = time.monotonic() - begun
    begun = time.monotonic()
    stats.permutation_test(
        (sums[0],), numpy.sum, permutation_type="samples", n_resamples=RESAMPLES, batch=batch, vectorized=True
    )
    return intervals, time.monotonic() - begun


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/bench compare", description=__doc__)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--groups-of", type=int, nargs="+", default=[5, 1], help="the items in a group")
    options = parser.parse_args()
    print(f"{options.items} items, {benchmark.cores()} cores, numpy {numpy.__version__}", flush=True)
    for size in options.groups_of:
        subprocess.run([PROGRAM, str(options.items), str(size)], check=True)
        intervals, test = peers(options.items, size)
        print(f"scipy, in groups of {size}: 4 intervals {intervals:.3f} s, permutation test {test:.3f} s", flush=True)


if __name__ == "__main__":
    main()
