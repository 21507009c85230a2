"""What tests/bench/run.sh runs when everything is built."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import pathlib
import signal
import sys
import time

import lab as net

from . import forwarding, latency, passes, plot, readme, report
from .sets import SETS
from .timing import Failed

PARTS = ("passes", "packets", "latency")


@dataclasses.dataclass(frozen=True)
class Extent:
    """How much is measured."""

    sizes: tuple[int, ...]  # of the first set
    other_sizes: tuple[int, ...]  # of the others; packets meet the largest
    repetitions: int
    seconds: float  # of each flood
    routes: int  # behind which changes are followed
    changes: int


FULL = Extent((1000, 10_000, 100_000, 200_000), (10_000, 100_000), 5, 0.3, 10_000, 200)
QUICK = Extent((1000, 10_000), (10_000,), 3, 0.1, 1000, 30)


def main() -> int:
    options = parse()
    for number in (signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        results = measure(options, extent(options))
    except (Failed, AssertionError, ValueError) as error:
        print(f"FAILED: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("FAILED: interrupted", file=sys.stderr)
        return 1
    print(report.text(results))
    document = options.out / "speed.json"
    document.write_text(json.dumps(results.document(), indent=1) + "\n")
    drawn = options.out / "speed.svg"
    drawn.write_text(plot.svg(results))
    print(f"\nWritten: {document} and {drawn}")
    if options.readme:
        readme.write(net.PROJECT / "README.md", results)
    judged = [each.held for each in report.verdicts(results)]
    print(f"{judged.count(True)} limits held, {judged.count(False)} missed")
    return 1 if options.check and not all(judged) else 0


def measure(options: argparse.Namespace, extent: Extent) -> report.Results:
    results = report.Results(machine(), [], [], None)
    for name in options.sets:
        first = name == options.sets[0]
        for size in (extent.sizes if first else extent.other_sizes) if "passes" in options.only else ():
            progress(f"passes: {name}, {size} routes")
            results.passes.append(passes.measure(name, size, extent.repetitions, first))
        if "packets" in options.only:
            progress(f"packets: {name}, {extent.other_sizes[-1]} routes")
            results.rates += forwarding.measure(name, extent.other_sizes[-1], extent.repetitions, extent.seconds)
    if "latency" in options.only:
        progress(f"latency: {extent.changes} changes, {extent.routes} routes")
        results.delays = latency.measure("destinations", extent.routes, extent.changes, "tree")
    return results


def extent(options: argparse.Namespace) -> Extent:
    chosen = QUICK if options.quick else FULL
    given = {name: getattr(options, name) for name in ("repetitions", "seconds", "changes") if getattr(options, name) is not None}
    if options.sizes:
        given |= {"sizes": options.sizes, "other_sizes": options.sizes[-1:], "routes": options.sizes[0]}
    return dataclasses.replace(chosen, **given)


def progress(words: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {words}", file=sys.stderr, flush=True)


def machine() -> dict[str, object]:
    models = [line.split(":")[1].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return {
        "processors": os.cpu_count(),
        "model": models[0] if models else os.uname().machine,
        "kernel": os.uname().release,
        "load": os.getloadavg()[0],
        "time": time.strftime("%Y-%m-%d %H:%M", time.gmtime()),
    }


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="run.sh")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", type=lambda text: text.split(","), default=list(PARTS))
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--readme", action="store_true")
    parser.add_argument("--sets", type=lambda text: text.split(","), default=list(SETS))
    parser.add_argument("--sizes", type=lambda text: tuple(map(int, text.split(","))))
    parser.add_argument("--repetitions", type=int)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--changes", type=int)
    options = parser.parse_args()
    if unknown := [*(set(options.only) - set(PARTS)), *(set(options.sets) - set(SETS))]:
        parser.error(f"unknown: {', '.join(unknown)}; there are {', '.join(PARTS)}, and the sets {', '.join(SETS)}")
    if options.sizes and min(options.sizes) < 50:
        parser.error("--sizes are 50 at least")
    return options


if __name__ == "__main__":
    sys.exit(main())
