#!/usr/bin/env python3
"""What a training on many GPUs would take, on paper: prints the table of docs/distributed.md.

No GPU is involved. The work of a step is counted, the rate of a GPU and its links are assumptions, and every term is a formula:

    compute    products of all pairs of a rank / (peak rate × utilisation); a third of it is the forward pass
    gather     the embeddings of the global batch, all-gathered: (N - 1) / N × bytes / bandwidth + (N - 1) × latency
    leaf       their gradient, all-reduced: twice that
    gradients  all weights, all-reduced in a ring: 2 (N - 1) / N × bytes / bandwidth + 2 (N - 1) × latency for each bucket,
               while the backward pass goes on; what is longer than it, and the last bucket, are waited for

A ring of N ranks has the bandwidth of its slowest link. Waiting for the slowest rank, for data and for disks counts for nothing.
"""

import argparse

IMAGE = {"width": 768, "layers": 12, "rows": 50}
PATCHES, KERNEL, PROJECTION, BUCKET = 49, 3 * 32**2, 512, 25 << 20
WEIGHTS = 151_277_313


def tower(width, layers, rows):
    """Multiplications and additions of a forward pass: all blocks, of the last one only what the pooled row needs."""
    linear = 4 * width**2 + 2 * width * 4 * width
    block = linear * rows + 2 * width * rows**2
    last = 2 * width**2 * rows + 2 * width**2 + 2 * width * 4 * width + 2 * width * rows
    return (layers - 1) * block + last + width * PROJECTION


def work(tokens):
    """Floating-point operations of a pair of ViT-B/32: forward, and twice that backward, without gradients of pixels and ids."""
    image = 3 * tower(**IMAGE) + 2 * KERNEL * IMAGE["width"] * PATCHES
    return 2 * (image + 3 * tower(512, 12, tokens))


def step(ranks, pairs, options):
    """Seconds of a step, and of its parts, for so many pairs on each rank."""
    bandwidth, latency = options.bandwidth * 1e9 / 8, options.latency * 1e-6
    ring = lambda size: (ranks - 1) / ranks * size / bandwidth + (ranks - 1) * latency
    compute = pairs * work(options.tokens) / (options.tflops * 1e12 * options.utilisation)
    embeddings = 2 * ranks * pairs * PROJECTION * 4
    gather, leaf = ring(embeddings), 2 * ring(embeddings)
    gradients = 4 * WEIGHTS
    reduce = 2 * ((ranks - 1) / ranks * gradients / bandwidth + gradients / BUCKET * (ranks - 1) * latency)
    exposed = max(0, reduce - compute * 2 / 3) + min(reduce, 2 * ring(BUCKET)) if ranks > 1 else 0
    return {"compute": compute, "embeddings": gather + leaf, "gradients": exposed, "total": compute + gather + leaf + exposed}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tflops", type=float, default=989, help="the peak rate of a GPU in bf16 (H100)")
    parser.add_argument("--utilisation", type=float, default=0.35, help="the share of it that is reached")
    parser.add_argument("--bandwidth", type=float, nargs="*", default=[25, 400], help="Gbit/s that each rank can send, with rows for each number")
    parser.add_argument("--latency", type=float, default=10, help="microseconds between two ranks")
    parser.add_argument("--tokens", type=int, default=20, help="of a text")
    parser.add_argument("--ranks", type=int, nargs="*", default=[1, 8, 64, 512])
    parser.add_argument("--pairs", type=int, nargs="*", default=[64, 512], help="of each rank")
    options = parser.parse_args()
    print(f"{work(options.tokens) / 1e9:.1f} GFLOP a pair; gradients {4 * WEIGHTS / 1e6:.0f} MB")
    print("\n| link of a rank | pairs of a rank | GPUs | global batch | compute | embeddings | gradients, not hidden | a step | pairs/s | of N times one |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
    links = options.bandwidth
    for options.bandwidth in links:
        for pairs in options.pairs:
            for ranks in options.ranks:
                parts = step(ranks, pairs, options)
                times = " | ".join(f"{1e3 * parts[name]:.1f} ms" for name in ("compute", "embeddings", "gradients", "total"))
                speed, share = ranks * pairs / parts["total"], parts["compute"] / parts["total"]
                print(f"| {options.bandwidth:g} Gbit/s | {pairs} | {ranks} | {ranks * pairs:,} | {times} | {speed:,.0f} | {share:.0%} |")


if __name__ == "__main__":
    main()
