#!/usr/bin/env python3
"""How long it takes to publish a firewall of many rules, against printing its rules and reading the result.

    sudo tests/bench/publish.py [--build DIR] [--rules N] [--runs N]

In a network namespace of its own: iptables-legacy-save prints the rules, flowspec-fetcher publishes them from the kernel, bird -p
reads what it wrote; in turn, each as often as asked, and of each the median counts. The figure is the fetcher's time over
that of the two others together. Needs root; build with the preset `release`.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile
import time

PROJECT = pathlib.Path(__file__).parents[2]
MAIN = 'router id 192.0.2.1;\nflow4 table flowtab4;\nflow6 table flowtab6;\ninclude "{}";\n'


def rules(count: int) -> str:
    """A firewall between client networks and servers: addresses, protocols, ports, port lists."""
    source = random.Random(1)
    lines = ["*filter", ":INPUT ACCEPT [0:0]", ":FORWARD DROP [0:0]", ":OUTPUT ACCEPT [0:0]"]
    for _ in range(count):
        words = [
            f"-s 10.{source.randrange(256)}.{source.randrange(256)}.0/24",
            f"-d 172.{16 + source.randrange(16)}.{source.randrange(256)}.{source.randrange(256)}/32",
            source.choice(
                [
                    "",
                    f"-p tcp -m tcp --dport {source.randrange(65536)}",
                    f"-p udp -m udp --dport {source.randrange(65536)}",
                    "-p tcp -m multiport --dports 80,443,8000:8080",
                ]
            ),
        ]
        lines.append(" ".join(["-A FORWARD", *filter(None, words), "-j", source.choice(["ACCEPT", "DROP"])]))
    return "\n".join([*lines, "COMMIT", ""])


def seconds(command: list[str], output: pathlib.Path) -> float:
    with output.open("w") as out:
        start = time.perf_counter()
        subprocess.run(command, stdout=out, stderr=subprocess.DEVNULL, check=True)
        return time.perf_counter() - start


def measure(options: argparse.Namespace, folder: pathlib.Path) -> dict[str, list[float]]:
    """Runs inside of the namespace."""
    subprocess.run(["iptables-legacy-restore"], input=rules(options.rules), text=True, check=True)
    config, main = folder / "flowspec.conf", folder / "bird.conf"
    main.write_text(MAIN.format(config))
    fetcher = [str(options.build / "fetcher/flowspec-fetcher"), "generate", "--family", "ipv4"]
    steps = {
        "iptables-legacy-save": (["iptables-legacy-save"], folder / "rules"),
        "flowspec-fetcher": ([*fetcher, "--max-routes", str(10 * options.rules)], config),
        "bird -p": (["bird", "-p", "-c", str(main)], folder / "nothing"),
    }
    times: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(options.runs):
        for name, (command, output) in steps.items():
            times[name].append(seconds(command, output))
    routes = config.read_text().count("  route flow4")
    if routes < options.rules:
        raise SystemExit(f"{routes} routes of {options.rules} rules: this measures something else")
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=PROJECT / "build/release", metavar="DIR")
    parser.add_argument("--rules", type=int, default=10_000, metavar="N")
    parser.add_argument("--runs", type=int, default=7, metavar="N")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if not options.inside:
        raise SystemExit(subprocess.run(["unshare", "--net", sys.executable, "-B", *sys.argv, "--inside"]).returncode)
    with tempfile.TemporaryDirectory() as folder:
        times = measure(options, pathlib.Path(folder))
    medians = {name: statistics.median(runs) for name, runs in times.items()}
    ratio = medians["flowspec-fetcher"] / (medians["iptables-legacy-save"] + medians["bird -p"])
    if options.json:
        print(json.dumps({"rules": options.rules, "runs": options.runs, "seconds": times, "ratio": ratio}))
        return
    for name, median in medians.items():
        print(f"{name:<22} {median * 1000:7.1f} ms  ({min(times[name]) * 1000:.1f} to {max(times[name]) * 1000:.1f})")
    print(f"{options.rules} rules, medians of {options.runs}: {ratio:.2f} of printing the rules and reading the result")


if __name__ == "__main__":
    main()
