"""What `status` says of a host, and what `flush` takes away: held against iptables-legacy and against what was there before."""

from __future__ import annotations

import json
import pathlib
import re
import shutil
import signal
import subprocess
import time

import lab as net
import pytest
from conftest import Loop, Segment
from test_kernel_state import DEFAULT_DROP, FURNITURE6, MAIL, SSH, WEB, everything, furnish, route

ID = re.compile(r'--comment "flowspec ([0-9a-f]{16})(?: seq \d+)?"')
UNREADABLE = '[{"to":"10.0.2.10/32","proto":"= 6 "},{"ecomlist":"UNK:128, 12"},{"time":"00:00:01"}]\n'
RATE = '[{"to":"10.0.2.0/24","dscp":"= 0 "},{"ecomlist":"65535:130 FS:rate 125000.000000"},{"time":"00:00:01"}]\n'
ROUTE6 = '[{"to":"2001:db8::/32/off 0"},{"ecomlist":"65535:5 FS:rate 0.000000"},{"time":"1d02h03m"}]\n'
MARKED = '[{"to":"10.0.2.0/24"},{"ecomlist":"FS:redirect VRF RT:65000:1 FS:marking 10"},{"time":"00:00:01"}]\n'


def status(segment: Segment, *arguments: object) -> dict[str, object]:
    return json.loads(segment.injector("status", "--json", *arguments).stdout)


def standings(found: dict[str, object]) -> list[str]:
    return [entry["state"] for entry in found["entries"]]


def state_directory(segment: Segment) -> pathlib.Path:
    return segment.leaf.lab.directory / "state"


def counted(segment: Segment) -> dict[str, tuple[int, int]]:
    """Packets and bytes of each entry's verdicts, by iptables-legacy -nvx."""
    found: dict[str, tuple[int, int]] = {}
    for line in segment.leaf.run("iptables-legacy", "-nvxL").stdout.splitlines():
        fields = re.match(r" *(\d+) +(\d+) (DROP|ACCEPT) .*/\* flowspec ([0-9a-f]{16})", line)
        if fields:
            packets, octets = found.get(fields[4], (0, 0))
            found[fields[4]] = packets + int(fields[1]), octets + int(fields[2])
    return found


def test_counters_rise_with_packets_and_are_those_of_iptables(segment: Segment) -> None:
    segment.sync_text(WEB + SSH + RATE + DEFAULT_DROP)
    before = status(segment)
    assert before["summary"]["packets"] == 0
    assert [segment.connects(80), segment.connects(122), segment.datagram_arrives(9), segment.pings_back()] == [True, True, True, False]
    found = status(segment)
    counters = {entry["id"]: (entry["packets"], entry["bytes"]) for entry in found["entries"]}
    assert counters == counted(segment)
    web, ssh, rate, drop = found["entries"]
    assert all(entry["packets"] > 0 for entry in (web, ssh, rate, drop))
    assert (web["dropped_packets"], drop["dropped_packets"]) == (0, drop["packets"])
    assert found["summary"]["tracked_packets"] > 0
    assert found["summary"]["packets"] == sum(packets for packets, _ in counters.values())


def test_the_order_is_that_of_the_chain(segment: Segment) -> None:
    many = "".join(
        route(to=f"10.{number}.0.0/16", dport=number + 1, sequence=1 + number * 37 % 50, discard=number % 3 == 0) for number in range(50)
    )
    segment.sync_text(many + DEFAULT_DROP)
    chain = [ID.search(rule)[1] for rule in segment.leaf.chain("FLOWSPEC") if ID.search(rule)]
    found = status(segment)
    assert [entry["id"] for entry in found["entries"]] == list(dict.fromkeys(chain))
    assert [entry["number"] for entry in found["entries"]] == list(range(1, 52))
    text = segment.injector("status").stdout
    rows = re.findall(r"^ +\d+ +(\d+|default) ", text, re.MULTILINE)
    assert rows == sorted(rows[:-1], key=int) + ["default"] and len(rows) == 51


def test_all_that_is_known_of_routes_given_as_a_file(segment: Segment) -> None:
    segment.sync_text(WEB + UNREADABLE + DEFAULT_DROP)
    segment.injector("sync", "--routes6", "-", input=ROUTE6)
    found = status(segment)
    assert standings(found) == ["active", "active", "active"]
    assert [reason["reason"] for reason in found["rejected"]] == ["unreadable-action"]
    assert [family["family"] for family in found["families"]] == ["ipv4", "ipv6"]
    assert found["entries"][2]["age_seconds"] >= 26 * 3600 + 180
    assert (found["last_failure"], found["not_known"]) == (None, None)
    assert abs(found["now"] - time.time()) < 60 and found["last_pass"] <= found["now"]
    text = segment.injector("status").stdout
    assert text.startswith("FLOWSPEC: 3 entries (3 active) in ")
    assert "\nrejected: dst 10.0.2.10/32 proto 6: unreadable-action: " in text
    assert "\033" not in text and text.endswith("\n")


def test_a_status_changes_nothing_and_waits_for_nobody(segment: Segment) -> None:
    """Tables that nobody uses stay unused; another pass may go on meanwhile."""
    tables = segment.leaf.run("cat", "/proc/net/ip_tables_names").stdout
    segment.injector("status")
    assert segment.leaf.run("cat", "/proc/net/ip_tables_names").stdout == tables
    assert not state_directory(segment).exists()

    segment.sync_text(WEB + DEFAULT_DROP)
    files = {path: path.read_bytes() for path in state_directory(segment).iterdir()}
    before = segment.leaf.save(counters=True)
    (lock,) = state_directory(segment).glob("*.lock")
    with_locks = ("flock", lock, "flock", "/run/xtables.lock")
    done = segment.leaf.run(*with_locks, net.INJECTOR, "status", "--state-dir", state_directory(segment), "--wait", "0")
    assert "2 entries" in done.stdout
    assert segment.leaf.save(counters=True) == before
    assert {path: path.read_bytes() for path in state_directory(segment).iterdir()} == files


def test_what_somebody_did_to_our_rules(segment: Segment) -> None:
    segment.sync_text(WEB + SSH + MAIL)
    iptables = lambda *arguments: segment.leaf.run("iptables-legacy", *arguments)  # noqa: E731
    iptables("-D", "FLOWSPEC", "2")
    iptables("-I", "FLOWSPEC", "1", "-s", "10.9.0.0/16", "-j", "ACCEPT")
    found = status(segment)
    assert standings(found) == ["foreign", "active", "missing", "active"]
    assert found["entries"][0]["rules"] == ["-A FLOWSPEC -s 10.9.0.0/16 -j ACCEPT"]

    iptables("-D", "FORWARD", "-j", "FLOWSPEC")
    assert "the jump from FORWARD to FLOWSPEC is not there" in segment.injector("status").stdout
    iptables("-A", "FORWARD", "-j", "LOG")
    iptables("-A", "FORWARD", "-j", "FLOWSPEC")
    assert "rule 2 of FORWARD, behind rules of others" in segment.injector("status").stdout
    iptables("-F", "FLOWSPEC")
    assert standings(status(segment)) == ["missing"] * 3
    iptables("-F")
    iptables("-X", "FLOWSPEC")
    assert standings(status(segment)) == ["missing"] * 3

    segment.sync_text(WEB + SSH + MAIL)
    found = status(segment)
    assert standings(found) == ["active"] * 3
    assert [table["complaints"] for table in found["tables"]] == [[]]


def test_without_a_state_it_shows_what_the_kernel_holds(segment: Segment) -> None:
    """/run is lost, or holds something else."""
    segment.sync_text(WEB + RATE + DEFAULT_DROP)
    assert segment.connects(80)
    known = [(entry["id"], entry["packets"]) for entry in status(segment)["entries"]]

    def unknown() -> None:
        found = status(segment)
        assert standings(found) == ["unknown"] * 3
        assert [(entry["id"], entry["packets"]) for entry in found["entries"]] == known
        text = segment.injector("status").stdout
        assert "not known until the next pass" in text and "--dport 80" in text

    for damage in (b"", b"{}", b"\x00\xff" * 100, b"[" * 10000):
        for file in state_directory(segment).glob("*.json"):
            file.write_bytes(damage)
        unknown()
    shutil.rmtree(state_directory(segment))
    unknown()
    segment.sync_text(WEB + RATE + DEFAULT_DROP)
    assert standings(status(segment)) == ["active"] * 3


def thousands(number: int) -> str:
    return "".join(route(to=f"10.{index >> 8}.{index & 255}.0/24", dport=80, sequence=index, discard=True) for index in range(number))


def test_thousands_of_entries_and_a_reader_that_has_seen_enough(segment: Segment) -> None:
    segment.sync_text(thousands(5000))
    found = status(segment)
    assert standings(found) == ["active"] * 5000
    for arguments in ("status", "status --json", "status --watch 0.1"):
        piped = f"set -o pipefail; {net.INJECTOR} {arguments} --state-dir {state_directory(segment)} | head -n 1"
        done = segment.leaf.run("timeout", "60", "bash", "-c", piped, check=False)
        assert done.returncode in (0, 1, 128 + signal.SIGPIPE) and done.stdout.count("\n") == 1, done
        assert re.fullmatch(r"([^\n]*\n)?", done.stderr), done.stderr


def test_watch_goes_on_until_it_is_stopped(segment: Segment) -> None:
    segment.sync_text(WEB)
    watch = (net.INJECTOR, "status", "--watch", "0.2", "--state-dir", state_directory(segment))
    done = segment.leaf.run("timeout", "-s", "INT", "2", *watch, check=False)
    assert done.stdout.count("FLOWSPEC: 1 entry (1 active)") >= 3, done
    assert done.stderr == "" and "\033" not in done.stdout


def test_routes_of_a_session_that_ended_are_stale(loop: Loop) -> None:
    loop.publish_routes(
        net.route("dst 10.0.2.10/32; proto 6; dport 80;", net.sequence(1)),
        net.route("dst 10.0.2.10/32; proto 6; dport 81;", net.sequence(2), net.DISCARD),
    )
    loop.sync()
    found = status(loop)
    controller = loop.frr.peer.address
    assert standings(found) == ["active", "active"]
    assert [entry["from"] for entry in found["entries"]] == [[controller]] * 2
    (peer,) = found["families"][0]["peers"]
    assert (peer["address"], peer["state"], peer["received"], peer["held"]) == (controller, "Established", 2, 0)
    assert found["entries"][0]["age_seconds"] <= peer["uptime"] + 60

    loop.session_lasts = False
    net.stop(loop.bird.process)
    net.wait_until(lambda: loop.frr.routes_text() == "", "FRR without routes")
    loop.sync(check=False)
    found = status(loop)
    assert standings(found) == ["stale", "stale"]
    assert [entry["from"] for entry in found["entries"]] == [[controller]] * 2
    (peer,) = found["families"][0]["peers"]
    assert peer["state"] != "Established" and (peer["uptime"], peer["held"]) == (None, 2)
    assert re.search(rf" stale \d.* {re.escape(controller)} .* dport 80", loop.injector("status").stdout)


# flush


def test_flush_takes_what_is_ours_and_leaves_everything_else_byte_for_byte(segment: Segment) -> None:
    furnish(segment)
    before = everything(segment)
    whole = segment.leaf.save(counters=True)
    mangle = segment.leaf.save(counters=True, table="mangle")
    segment.sync_text(WEB + RATE + MARKED + DEFAULT_DROP, "--redirect", "65000:1=5")
    assert segment.leaf.save(counters=True, table="mangle") != mangle
    done = segment.injector("flush")
    assert re.search(r"^filter: removed \d+ rules, \d+ chains? \(FLOWSPEC.*\) and the jump from FORWARD$", done.stdout, re.MULTILINE)
    assert re.search(r"^mangle: removed .*and the jumps from PREROUTING, POSTROUTING$", done.stdout, re.MULTILINE)
    assert segment.leaf.save(counters=True) == whole
    assert everything(segment) == before
    assert segment.injector("flush").stdout == "nothing to remove: there are no rules of FLOWSPEC\n"
    assert everything(segment) == before


def test_flush_takes_ipv6_too_and_tells_a_machine_the_same(segment: Segment) -> None:
    segment.leaf.run("ip6tables-legacy-restore", "--counters", input=FURNITURE6)
    before = segment.leaf.save(6)
    segment.sync_text(WEB)
    segment.injector("sync", "--routes6", "-", input=ROUTE6)
    tables = json.loads(segment.injector("flush", "--json").stdout)["tables"]
    of_filter = [(table["family"], table["rules"], table["chains"], table["jumps"]) for table in tables if table["table"] == "filter"]
    assert of_filter == [("ipv4", 1, ["FLOWSPEC"], ["FORWARD"]), ("ipv6", 1, ["FLOWSPEC"], ["FORWARD"])]
    assert segment.leaf.save(6) == before
    assert "FLOWSPEC" not in segment.leaf.save()
    again = json.loads(segment.injector("flush", "--json").stdout)["tables"]
    assert all(table["rules"] == 0 and table["chains"] == table["jumps"] == table["kept"] == [] for table in again)


def test_flush_leaves_a_second_instance_and_its_state(segment: Segment) -> None:
    segment.sync_text(WEB, "--chain", "PEERS", "--parent", "FORWARD,INPUT")
    only_peers = segment.leaf.save()
    segment.sync_text(SSH + DEFAULT_DROP)
    of_peers = {path for path in state_directory(segment).iterdir() if path.name.startswith("PEERS")}
    segment.injector("flush")
    assert segment.leaf.save() == only_peers
    left = {path for path in state_directory(segment).iterdir() if path.suffix != ".lock"}
    assert left == {path for path in of_peers if path.suffix != ".lock"}
    assert standings(status(segment, "--chain", "PEERS", "--parent", "FORWARD,INPUT")) == ["active"]
    assert standings(status(segment)) == []
    said = segment.injector("flush", "--chain", "PEERS").stdout
    assert said == "filter: removed 1 rule, 1 chain (PEERS) and the jumps from INPUT, FORWARD\n"
    assert "PEERS" not in segment.leaf.save()


def test_a_chain_that_somebody_refers_to_stays_empty(segment: Segment) -> None:
    segment.sync_text(WEB)
    segment.leaf.run("iptables-legacy", "-A", "FORWARD", "-i", "client", "-j", "FLOWSPEC")
    said = segment.injector("flush").stdout
    stays = "filter: chain FLOWSPEC stays, empty: rules of FORWARD refer to it\n"
    assert said == "filter: removed 1 rule and the jump from FORWARD\n" + stays
    assert segment.leaf.chain("FORWARD") == ["-i client -j FLOWSPEC"]
    assert segment.leaf.chain("FLOWSPEC") == []
    assert segment.injector("flush").stdout == stays


def test_flush_where_nothing_is_changes_nothing(segment: Segment) -> None:
    tables = segment.leaf.run("cat", "/proc/net/ip_tables_names").stdout
    assert "nothing to remove" in segment.injector("flush").stdout
    assert segment.leaf.run("cat", "/proc/net/ip_tables_names").stdout == tables
