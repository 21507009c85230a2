"""The benchmark, in small: that its scripts work, and that its checks can fail. Nothing here is about being quick."""

from __future__ import annotations

import dataclasses
import itertools
import json
import os
import pathlib
import subprocess
import sys
import xml.etree.ElementTree as tree

import lab as net
import pytest

sys.path.append(str(net.PROJECT / "tests/bench"))
from speed import classbench, forwarding, passes, readme, report, routes, sets, traffic  # noqa: E402
from speed.timing import Cost, Failed  # noqa: E402

SIZE = 100
SMALL = ("--sizes", str(SIZE), "--repetitions", "1", "--seconds", "0.05", "--changes", "4")


def bench(build: pathlib.Path, out: pathlib.Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [net.PROJECT / "tests/bench/run.sh", "--build", build, "--out", out, *SMALL, *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, env=net.ENVIRONMENT)


def test_a_small_run(tmp_path: pathlib.Path) -> None:
    done = bench(net.BUILD, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    document = json.loads((tmp_path / "speed.json").read_text())
    assert [each["set"] for each in document["passes"]] == list(sets.SETS)
    first = document["passes"][0]
    assert first["costs"].keys() == {"restore", "nft", "iptables"} | {
        f"{layout} {what}" for layout in ("linear", "tree") for what in ("first", "unchanged", "changed")
    }
    assert all(len(costs) == 1 and costs[0]["seconds"] > 0 and costs[0]["peak"] > 0 for costs in first["costs"].values())
    kinds = {(each["set"], each["kind"], each["different"]) for each in document["packets"]}
    assert kinds == set(itertools.product(sets.SETS, traffic.KINDS, (forwarding.FEW, forwarding.MANY)))
    for each in document["packets"]:
        ways = set(forwarding.ALTERNATIVES[each["different"]]) - ({"drop"} if each["forwarded"] else set())
        assert each["packets_per_second"].keys() == ways
    delays = document["latency"]
    assert len(delays["kernel"]) == 4 and all(0 < frr <= kernel for frr, kernel in zip(delays["frr"], delays["kernel"]))
    assert tree.parse(tmp_path / "speed.svg").getroot().tag.endswith("svg")
    assert "one iptables process a rule" in done.stdout


# An injector that does something else is found out.


def build_with(directory: pathlib.Path, script: str) -> pathlib.Path:
    """A build whose injector is a shell script; $REAL is the true one."""
    for folder in ("injector", "tests/bench"):
        (directory / folder).mkdir(parents=True)
    os.symlink(net.BUILD / "tests/bench/packet_flood", directory / "tests/bench/packet_flood")
    injector = directory / "injector/flowspec-injector"
    injector.write_text(f"#!/bin/sh\nREAL={net.INJECTOR}\n{script}\n")
    injector.chmod(0o755)
    return directory


WRONG = {
    "rules that are not there": (
        "packets",
        '$REAL "$@" && case "$*" in *tree*) iptables-legacy -F FLOWSPEC;; esac',
        "destinations, 100 routes, hit, tree: ",
    ),
    "a refused route": ("passes", '$REAL "$@" | sed "s/100 of 100 routes/99 of 100 routes/"', "1 of 100 routes were refused"),
    "a pass that changes nothing": ("passes", "echo 'filter: nothing to do; 100 of 100 routes in 100 rules'", "the injector did something else"),
    "an injector that fails": ("passes", "echo no >&2; exit 1", "exit 1\nno"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_wrong_rules_are_no_measurement(tmp_path: pathlib.Path, wrong: str) -> None:
    part, script, words = WRONG[wrong]
    done = bench(build_with(tmp_path / "build", script), tmp_path / "out", "--only", part, "--sets", "destinations")
    assert done.returncode == 1, done.stdout + done.stderr
    assert words in done.stderr
    assert not (tmp_path / "out/speed.json").exists()


# Limits


def some_passes(size: int, **seconds: float) -> passes.Passes:
    """Where restore takes a second, and ours what the limits just allow, unless it says otherwise."""
    allowed = {
        "restore": 1.0,
        "linear first": 1.0, "linear unchanged": 0.6, "linear changed": 0.9,
        "tree first": 1.5, "tree unchanged": 0.6, "tree changed": 0.9,
    }  # fmt: skip
    costs = {what: [Cost(took, took, 0, 200 * 1024)] for what, took in (allowed | {k.replace("_", " "): v for k, v in seconds.items()}).items()}
    return passes.Passes("destinations", size, {"linear": size, "tree": size}, costs)


def missed(*measured: passes.Passes) -> list[str]:
    return [each.what for each in report.verdicts(report.Results({}, list(measured), [], None)) if not each.held]


def test_limits_of_passes() -> None:
    assert missed(some_passes(100_000)) == []
    for what, took, words in (
        ("linear_first", 1.01, "linear, first pass of restore"),
        ("tree_first", 1.51, "tree, first pass of restore"),
        ("tree_changed", 0.91, "tree, one route changed of unchanged"),
    ):
        assert missed(some_passes(100_000, **{what: took})) == [f"destinations, 100000 routes: {words}"]
    assert missed(some_passes(1000, iptables=99.0)) == ["destinations, 1000 routes: one process a rule, of a linear first pass"]
    assert missed(some_passes(1000, iptables=100.0)) == []
    half, whole = some_passes(100_000), some_passes(200_000, linear_first=2.31)
    assert missed(half, whole) == ["destinations: linear, first pass, 200000 routes of 100000"]
    greedy = dataclasses.replace(half, costs=half.costs | {"tree changed": [Cost(0.9, 0, 0, 201 * 1024)]})
    assert missed(greedy) == ["destinations, 100000 routes: tree, peak memory in MiB"]


def test_limits_of_packets() -> None:
    def judged(tree_rate: float) -> list[bool]:
        rates = report.Rates("acl", 100_000, "hit", 16, False, {"empty": [100.0], "drop": [150.0], "tree": [tree_rate]})
        return [each.held for each in report.verdicts(report.Results({}, [], [rates], None))]

    assert judged(90.0) == [True] and judged(89.0) == [False]


# Route sets


@pytest.mark.parametrize("name", sets.SETS)
def test_route_sets_are_the_same_every_time(name: str) -> None:
    once = sets.make(name, 500)
    sets.make.cache_clear()
    assert sets.make(name, 500) == once and sets.make(name, 500).routes is not once.routes


def test_a_set_with_a_route_twice_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    twice = routes.Route((1 << 24, 32))
    monkeypatch.setitem(sets.SETS, "twice", lambda count: sets.RouteSet("twice", [twice] * count, True, None))
    with pytest.raises(ValueError, match="not 2 routes"):
        sets.make("twice", 2)


def test_classbench_sets_have_the_published_shares() -> None:
    made = classbench.acl(2000)
    tcp = sum(route.protocol == routes.TCP for route in made) / len(made)
    hosts = sum((route.destination or (0, 0))[1] == 32 for route in made) / len(made)
    assert 0.83 < tcp < 0.91 and hosts > 0.7  # acl1: 0.873 TCP
    assert all(route.source is None or route.destination is None for route in classbench.firewall(2000) if route.protocol == routes.GRE)


def test_the_tables_need_their_place(tmp_path: pathlib.Path) -> None:
    file = tmp_path / "README.md"
    results = report.Results({"processors": 2, "model": "a", "kernel": "b", "time": "c"}, [some_passes(1000)], [], None)
    file.write_text("before\n<!-- speed: written by tests/bench/run.sh --readme -->\nold\n<!-- end -->\nafter\n")
    readme.write(file, results)
    assert "old" not in file.read_text() and "| destinations | 1,000 | linear |" in file.read_text() and file.read_text().endswith("after\n")
    file.write_text("no place\n")
    with pytest.raises(Failed):
        readme.write(file, results)
