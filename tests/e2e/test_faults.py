"""The fault table: what happens to an enforcement point when something fails, seen by its packets."""

from __future__ import annotations

import collections
import concurrent.futures
import functools
import operator
import os
import re
from collections.abc import Callable, Iterator

import faults
import frr_faults
import host_faults
import lab as net
import pytest
from conftest import make_loop
from faults import Fault, Observed

README = net.PROJECT / "README.md"
BEGIN, END = "<!-- fault table: written by tests/e2e/test_faults.py, FLOWSPEC_BLESS=1 -->\n", "<!-- end -->"
FAULTS = {fault.name: fault for fault in frr_faults.FAULTS + host_faults.FAULTS}
TRIALS = [(fault.name, source) for fault in FAULTS.values() for source in fault.sources]
AT_ONCE = 3  # mostly they wait

Results = Callable[[str, str], Observed]


@pytest.fixture(scope="module")
def observed(request: pytest.FixtureRequest) -> Iterator[Results]:
    """What was seen in a trial. All that are wanted are under way from the beginning, each in a network of its own."""
    here = [item for item in request.session.items if item.module is request.module]
    chosen = [(item.callspec.params["name"], item.callspec.params["source"]) for item in here if hasattr(item, "callspec")]
    wanted = TRIALS if len(chosen) < len(here) else chosen
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        longest_first = sorted(wanted, key=lambda trial: -FAULTS[trial[0]].lasts)
        futures = {trial: pool.submit(observe, *trial) for trial in longest_first}
        yield lambda name, source: futures[name, source].result()  # each wait within has its bound
        pool.shutdown(cancel_futures=True)


def observe(name: str, source: str) -> Observed:
    with net.Lab() as lab:
        return faults.suffer(make_loop(lab), source, FAULTS[name])


@pytest.mark.parametrize(("name", "source"), TRIALS)
def test_the_enforcement_point_keeps_what_it_has_and_goes_on(observed: Results, name: str, source: str) -> None:
    """That the change was enforced, and that the log said what it should, is in the observation."""
    fault, seen = FAULTS[name], observed(name, source)
    counts = seen.then if fault.leaks else seen.counts
    assert (counts.leaked, counts.lost) == (0, 0), (seen.counts, seen.log)
    assert counts.to_drop > 0 and counts.to_pass > 0
    assert len(seen.log) <= fault.most_lines, seen.log
    failures = collections.Counter(re.sub(r"\d+", "N", line["message"]) for line in seen.log if line["event"] == "failed")
    assert set(failures.values()) <= {1}, seen.log
    assert not fault.memory or seen.peak < fault.memory, seen.peak
    fault.check(seen)


def row(fault: Fault, observed: Results) -> str:
    seen = [observed(fault.name, source) for source in fault.sources]
    counts = functools.reduce(operator.add, (one.counts for one in seen))
    log = "; ".join(map(str, [*fault.said, *fault.said_then])) or "only the change"
    cells = (
        fault.name,
        f"{counts.leaked} of {counts.to_drop}",
        f"{counts.lost} of {counts.to_pass}",
        f"{max(one.repaired for one in seen):.1f} s{', while it lasted' if fault.enforces else ''}",
        log + (f" (with AddressSanitizer the daemon took {max(one.peak for one in seen) >> 20} MiB)" if fault.memory else ""),
    )
    return f"| {' | '.join(cells)} |\n"


def stable(table: str) -> str:
    """Without what differs from run to run."""
    return re.sub(r"of \d+|\d+\.\d s|\d+ MiB", "N", re.sub(r"\b[1-9]\d* of", "some of", table))


def test_the_table_in_the_readme_says_what_was_seen(observed: Results) -> None:
    heads = ("fault", "to be dropped, and came", "to be passed, and lost", "change enforced after", "the log")
    table = f"| {' | '.join(heads)} |\n|{' --- |' * len(heads)}\n" + "".join(row(fault, observed) for fault in FAULTS.values())
    before, begin, rest = README.read_text().partition(BEGIN)
    written, end, after = rest.partition(END)
    assert begin and end, "README.md has no place for the table"
    if os.environ.get("FLOWSPEC_BLESS"):
        README.write_text(before + begin + table + end + after)
    else:
        assert stable(written) == stable(table), "FLOWSPEC_BLESS=1 writes it anew"
