"""Every captured answer of FRR, whole and broken, through `plan`."""

from __future__ import annotations

import json
import pathlib

import lab as net
import pytest
from conftest import Segment

CAPTURES = net.PROJECT / "tests/data/captures"
DETAIL = {"basic", "ops", "communities", "multipath", "empty", "v6", "t1.detail", "t2.detail", "t3.detail"}
FILES = sorted(CAPTURES.glob("frr-*/*.txt"))
ANSWERS = [file for file in FILES if file.stem in DETAIL]
OTHERS = [file for file in FILES if file.stem not in DETAIL]


def name(file: pathlib.Path) -> str:
    return f"{file.parent.name}/{file.stem}"


def option(file: pathlib.Path) -> str:
    return "--routes6" if file.stem == "v6" else "--routes"


def test_the_captures_are_here() -> None:
    assert len(ANSWERS) >= 13 and len(OTHERS) >= 10


@pytest.mark.parametrize("file", ANSWERS, ids=name)
def test_an_answer_gives_a_plan_and_a_reason_for_each_route_left_out(segment: Segment, file: pathlib.Path) -> None:
    segment.leaf.restore("*filter\nCOMMIT\n")
    before = segment.leaf.save(counters=True)
    done = segment.injector("plan", option(file), file)
    plan = json.loads(segment.injector("plan", option(file), file, "--json").stdout)
    assert segment.leaf.save(counters=True) == before
    for rejected in plan["rejected"]:
        assert rejected["reason"] in done.stdout + done.stderr
    assert segment.injector("plan", option(file), file, "--strict", check=False).returncode == (3 if plan["rejected"] else 0)


@pytest.mark.parametrize("file", OTHERS, ids=name)
def test_the_answer_to_another_command_is_refused(segment: Segment, file: pathlib.Path) -> None:
    for flag in ("--routes", "--routes6"):
        done = segment.injector("sync", flag, file, check=False)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "FLOWSPEC" not in segment.leaf.save()


@pytest.mark.parametrize("file", [file for file in ANSWERS if file.stat().st_size], ids=name)
def test_a_cut_answer_is_refused(segment: Segment, file: pathlib.Path) -> None:
    """Cut at some bytes of every capture, among them all around the ends of arrays. Between two arrays nobody can tell."""
    text = file.read_bytes()
    ends = [at for at in range(len(text)) if text[at : at + 1] == b"]"]
    cuts = sorted({*range(1, len(text), max(1, len(text) // 12)), *(end + by for end in ends[:3] for by in (0, 1, 2))})
    for cut in cuts:
        part = text[:cut]
        done = segment.injector("plan", option(file), "-", input=part.decode(errors="surrogateescape"), check=False)
        assert done.returncode == (0 if whole(part) else 1), f"cut at {cut}: {done.stdout}{done.stderr}"
        assert done.returncode == 0 or done.stderr.count("\n") == 1


@pytest.mark.parametrize("tail", ["x", "{}", "[", "]", "null", "% Unknown command", "vtysh: error reading from bgpd"])
def test_text_after_the_last_array_is_refused(segment: Segment, tail: str) -> None:
    text = (CAPTURES / "frr-8.4.4/basic.txt").read_text()
    done = segment.injector("sync", "--routes", "-", input=text + tail, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "FLOWSPEC" not in segment.leaf.save()


def whole(part: bytes) -> bool:
    try:
        return all(isinstance(value, list) for value in net.json_values(part.decode()))
    except ValueError:
        return False
