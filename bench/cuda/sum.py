"""Sums what bench/cuda/trace.c recorded, over the last training steps.

    python3 bench/cuda/sum.py TRACE.tsv [--steps 10] [--mark copy]

A step begins where an event whose name begins with MARK moves the most bytes: by default the copy of a batch from the host.
Prints milliseconds a step: in all, idle, and by event.
"""
import argparse
from collections import defaultdict


def read(path):
    with open(path, errors="replace") as lines:
        rows = [line.rstrip("\n").split("\t") for line in lines]
    return sorted((int(start), int(end), name, size) for start, end, name, size in (row for row in rows if len(row) == 4))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("trace")
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--mark", default="copy from host")
    args = parser.parse_args()
    rows = read(args.trace)
    marked = [row for row in rows if row[2].startswith(args.mark)]
    largest = max((int(size) for *_, size in marked if size.isdigit()), default=None)
    begins = [start for start, _, _, size in marked if largest is None or size == str(largest)]
    if len(begins) <= args.steps:
        raise SystemExit(f"{args.trace}: {args.steps} steps need more than {args.steps} events {args.mark!r}, got {len(begins)}")
    first, last = begins[-args.steps - 1], begins[-1]
    events, busy, until = defaultdict(lambda: [0, 0]), 0, first
    for start, end, name, size in rows:
        if not first <= start < last:
            continue
        events[name, size][0] += 1
        events[name, size][1] += end - start
        busy += max(0, end - max(start, until))
        until = max(until, end)
    unit = 1e6 * args.steps
    print(f"{(last - first) / unit:.3f} ms a step, idle {(last - first - busy) / unit:.3f}")
    print("ms a step\tcalls\tname\tgrid or bytes")
    for (name, size), (calls, time) in sorted(events.items(), key=lambda item: -item[1][1]):
        print(f"{time / unit:.4f}\t{calls / args.steps:.1f}\t{name}\t{size}")


if __name__ == "__main__":
    main()
