"""The rules as a tree of chains: what packets, the kernel and an operator see of it."""

from __future__ import annotations

import json
import re

import pytest
from conftest import Segment
from test_kernel_state import DEFAULT_DROP, WEB, route

# The web server, and 599 other addresses of which nothing may come through.
OTHERS = [route(to=f"10.{number // 200 + 8}.{number % 200}.1/32", sequence=1000 + number, discard=True) for number in range(599)]
ROUTES = WEB + "".join(OTHERS) + DEFAULT_DROP
COUNTS = re.compile(r"(\d+) rules? added, (\d+) removed")


def tree_chains(segment: Segment) -> set[str]:
    return set(re.findall(r"^:(FLOWSPEC-T[A-Z2-7]{13}) ", segment.leaf.save(), re.M))


def rules(segment: Segment) -> set[str]:
    return {line for line in segment.leaf.save().splitlines() if line.startswith("-A FLOWSPEC")}


def entry_rules(segment: Segment) -> list[str]:
    """In no order, and without their chains."""
    return sorted(line.split(" ", 2)[2] for line in rules(segment) if " -g FLOWSPEC-T" not in line)


@pytest.mark.parametrize("layout", ["tree", "auto"])
def test_a_tree_decides_as_the_list_does(segment: Segment, layout: str) -> None:
    segment.sync_text(ROUTES, "--layout", "linear")
    straight = entry_rules(segment)
    assert not tree_chains(segment)
    assert segment.connects(80) and not segment.connects(81)
    segment.sync_text(ROUTES, "--layout", layout)
    assert len(tree_chains(segment)) > 20
    assert entry_rules(segment) == straight
    assert segment.connects(80) and not segment.connects(81)
    assert "nothing to do" in segment.sync_text(ROUTES, "--layout", layout).stdout
    # An established connection's packets pass the default drop, which stands behind all branches.
    assert len([rule for rule in rules(segment) if "flowspec established" in rule]) == 1


def test_one_route_is_one_rule_mostly_and_never_many(segment: Segment) -> None:
    """More than one where a branch gets another weight, and so another place among the others, or is none any more."""
    chain_and_branch = 24 + 16  # as many branches as a chain has at most, and entries as a leaf
    segment.sync_text(ROUTES, "--layout", "tree")
    before = rules(segment)
    changed = []
    for number in range(0, 599, 60):
        without = WEB + "".join(OTHERS[:number] + OTHERS[number + 1 :]) + DEFAULT_DROP
        added, removed = map(int, COUNTS.search(segment.sync_text(without, "--layout", "tree").stdout).groups())  # type: ignore[union-attr]
        gone = {rule for rule in before - rules(segment) if " -g FLOWSPEC-T" not in rule}
        assert len(gone) >= 1 and any(f"-d 10.{number // 200 + 8}.{number % 200}.1/32" in rule for rule in gone)
        changed.append(added + removed)
        segment.sync_text(ROUTES, "--layout", "tree")
        assert rules(segment) == before
    assert changed.count(1) > len(changed) / 2 and max(changed) <= chain_and_branch, changed


def test_counters_stay_where_nothing_changes(segment: Segment) -> None:
    segment.sync_text(ROUTES, "--layout", "tree")
    assert segment.connects(80)
    packets = re.compile(r"^\[(\d+):.*-d 10\.0\.2\.10/32 .*--dport 80", re.M)
    counted = packets.search(segment.leaf.save(counters=True))[1]  # type: ignore[index]
    assert int(counted) > 0
    segment.sync_text(WEB + "".join(OTHERS[:-1]) + DEFAULT_DROP, "--layout", "tree")
    assert packets.search(segment.leaf.save(counters=True))[1] == counted  # type: ignore[index]


def test_linear_and_tree_change_places_in_one_commit(segment: Segment) -> None:
    segment.sync_text(ROUTES, "--layout", "tree")
    assert tree_chains(segment)
    segment.sync_text(ROUTES, "--layout", "linear")
    assert not tree_chains(segment)
    assert len(segment.leaf.chain("FLOWSPEC")) == 602  # with the rule that lets tracked connections pass
    segment.sync_text(ROUTES, "--layout", "tree")
    assert tree_chains(segment)


def test_status_and_explain_show_entries_in_their_order(segment: Segment) -> None:
    segment.sync_text(ROUTES, "--layout", "tree")
    assert segment.connects(80)
    status = json.loads(segment.injector("status", "--layout", "tree", "--json").stdout)
    assert [entry["number"] for entry in status["entries"]] == list(range(1, 602))
    assert [entry.get("sequence") for entry in status["entries"]] == [80, *range(1000, 1599), None]
    assert {entry["state"] for entry in status["entries"]} == {"active"}
    told = segment.injector("explain", "--src", "10.0.1.10", "--dst", "10.0.2.10", "--proto", "tcp", "--dport", "80", "--routes", "-",
                            "--layout", "tree", input=ROUTES).stdout
    assert told.startswith("accepted by entry 1 (sequence 80)"), told
    plan = segment.injector("plan", "--routes", "-", "--layout", "tree", "--json", input=ROUTES).stdout
    assert [entry.get("sequence") for entry in json.loads(plan)["entries"]] == [80, *range(1000, 1599), None]


def test_what_tampers_with_a_tree_is_put_right(segment: Segment) -> None:
    segment.sync_text(ROUTES, "--layout", "tree")
    before = rules(segment)
    lead = next(rule for rule in segment.leaf.chain("FLOWSPEC") if "-g FLOWSPEC-T" in rule)
    segment.leaf.run("iptables-legacy", "-D", "FLOWSPEC", *lead.split())
    segment.sync_text(ROUTES, "--layout", "tree")
    assert rules(segment) == before


def test_another_injector_knows_a_tree(segment: Segment) -> None:
    """Each of two would move its own jump to the head for ever."""
    segment.sync_text(ROUTES, "--layout", "tree")
    segment.sync_text(WEB, "--chain", "PEERS")
    for chain, routes in [("FLOWSPEC", ROUTES), ("PEERS", WEB)] * 2:
        assert "nothing to do" in segment.sync_text(routes, "--chain", chain, "--layout", "tree").stdout


def test_flush_removes_every_chain_of_a_tree(segment: Segment) -> None:
    segment.sync_text(ROUTES, "--layout", "tree")
    assert tree_chains(segment)
    segment.injector("flush")
    assert "FLOWSPEC" not in segment.leaf.save()


def test_what_is_saved_can_be_restored(segment: Segment) -> None:
    segment.sync_text(ROUTES, "--layout", "tree")
    segment.leaf.restore(segment.leaf.save())
    assert "nothing to do" in segment.sync_text(ROUTES, "--layout", "tree").stdout
    arguments = ("plan", "--routes", "-", "--layout", "tree", "--format", "iptables-restore")
    segment.leaf.restore(segment.injector(*arguments, input=ROUTES).stdout, "--noflush")
    assert "nothing to do" in segment.sync_text(ROUTES, "--layout", "tree").stdout
