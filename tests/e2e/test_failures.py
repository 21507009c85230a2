"""A bad environment: one clear line, the exit code of the manual, and what is installed stays."""

from __future__ import annotations

import errno
import fcntl
import pathlib
import re
import shutil
import signal
import stat
import subprocess
import time

import lab as net
import pytest
from conftest import Loop, Segment
from test_kernel_state import DEFAULT_DROP, WEB

IPT_SO_GET_INFO = 64  # the first thing that anybody asks ip_tables


@pytest.fixture
def synced(loop: Loop) -> Loop:
    """A loop with a rule installed and the default policy behind it."""
    loop.publish_routes(
        net.route("dst 10.0.2.10/32; proto 6; dport 80;"), net.route("dst 0.0.0.0/0; src 0.0.0.0/0;", net.DISCARD)
    )
    loop.sync()
    return loop


def refuses(done: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    """Nothing on stdout, one line on stderr with the words in it."""
    assert (done.returncode, done.stdout) == (code, ""), done
    assert re.fullmatch(r"[^\n]+\n", done.stderr), done.stderr
    for word in words:
        assert word.lower() in done.stderr.lower()


def test_frr_is_dead(synced: Loop) -> None:
    before = synced.leaf.save()
    synced.session_lasts = False
    net.stop(synced.frr.process)
    refuses(synced.sync(check=False), 1, "vtysh")
    assert synced.leaf.save() == before


def test_frr_hangs(synced: Loop) -> None:
    before = synced.leaf.save()
    synced.frr.process.send_signal(signal.SIGSTOP)
    start = time.monotonic()
    done = synced.sync("--timeout", "1", check=False)
    assert time.monotonic() - start < 5
    synced.frr.process.send_signal(signal.SIGCONT)
    refuses(done, 1, "vtysh", "1")
    assert synced.leaf.save() == before


def test_frr_has_no_bgp_instance(synced: Loop) -> None:
    """FRR says so in a JSON object, and vtysh exits 0."""
    before = synced.leaf.save()
    synced.session_lasts = False
    net.stop(synced.frr.process)
    synced.frr.configuration.joinpath("bgpd.conf").write_text("hostname empty\n")
    synced.frr.start()
    net.wait_until(lambda: "not found" in synced.frr.routes_text(), "bgpd without an instance")
    refuses(synced.sync(check=False), 1)
    assert synced.leaf.save() == before


def test_frr_answers_and_has_no_routes_because_its_peer_is_gone(synced: Loop) -> None:
    """That is not a controller that withdrew everything."""
    before = synced.leaf.save()
    synced.session_lasts = False
    net.stop(synced.bird.process)
    net.wait_until(lambda: synced.frr.routes_text() == "", "FRR without routes")
    done = synced.sync()
    assert synced.frr.peer.address in done.stderr and "2 ipv4 routes" in done.stderr, done
    assert synced.leaf.save() == before
    # Nobody knows any more whose they were.
    refuses(synced.sync("--state-dir", synced.leaf.lab.directory / "other", check=False), 1, synced.frr.peer.address)
    assert synced.leaf.save() == before
    # The operator decided for how long.
    assert "0 of 0 routes" in synced.sync("--hold-time", "0").stdout
    assert synced.leaf.chain("FLOWSPEC") == []


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("exit 1", ()),
        ("echo '% Unknown command'; exit 1", ("unknown command",)),
        ("echo 'Exiting: failed to connect to any daemons.' >&2; exit 1", ("failed to connect",)),
        ("kill -9 $$", ()),
        # bgpd died within its answer
        ("printf '[ { \"to\":\"10.0.0.0/8\" }, { \"ecomlistvtysh: error reading from bgpd: Unknown error -2\\n'", ()),
        ("echo '[{\"to\":\"10.0.0.0/8\"},{\"time\":\"never\"}]'; echo Warning: closing connection", ()),
        ("echo '{\"warning\":\"View/Vrf is unknown\"}'", ("View/Vrf is unknown",)),
    ],
)
def test_a_vtysh_that_fails(segment: Segment, tmp_path: pathlib.Path, body: str, words: tuple[str, ...]) -> None:
    segment.sync_text(WEB + DEFAULT_DROP)
    before = segment.leaf.save(counters=True)
    refuses(segment.injector("sync", "--vtysh", script(tmp_path / "vtysh", body), check=False), 1, *words)
    assert segment.leaf.save(counters=True) == before


SUMMARY = '{"tableVersion":%d,"peers":{"10.0.0.1":{"state":"%s","pfxRcd":%d,"peerUptimeMsec":%d}}}'


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ((7, "Established", 2, 90000), (9, "Active", 0, 0), "went down"),  # FRR dropped the routes with the session
        ((7, "Established", 2, 90000), (9, "Established", 0, 100), "went down"),  # and the session is back already
        ((7, "Established", 2, 90000), (7, "Established", 2, 90000), "shows none"),
        ((7, "Established", 0, 1000), (7, "Established", 0, 1000), "End-of-RIB"),
    ],
)
def test_an_empty_table_that_says_nothing(
    segment: Segment, tmp_path: pathlib.Path, before: tuple[object, ...], after: tuple[object, ...], words: str
) -> None:
    segment.sync_text(WEB + DEFAULT_DROP)
    saved = segment.leaf.save(counters=True)
    body = f"""case "$*" in
    *summary*) if [ -e {tmp_path}/asked ]; then echo '{SUMMARY % after}'; else echo '{SUMMARY % before}'; fi ;;
    *detail*) touch {tmp_path}/asked ;;
    *) echo '{{}}' ;;
    esac"""
    refuses(segment.injector("sync", "--vtysh", script(tmp_path / "vtysh", body), check=False), 1, words)
    assert segment.leaf.save(counters=True) == saved


@pytest.mark.parametrize(
    ("ipv6", "code", "words"),
    [
        ("echo '{}'", 0, "no ipv6 flowspec peer"),  # what FRR prints when no neighbor is activated for the family
        ("echo 'bgpd is not running' >&2; exit 1", 1, "bgpd is not running"),
    ],
)
def test_a_family_that_was_not_read_keeps_its_rules_and_holds_up_no_other(
    segment: Segment, tmp_path: pathlib.Path, ipv6: str, code: int, words: str
) -> None:
    ipv6_routes = tmp_path / "routes6"
    ipv6_routes.write_text('[{"to":"2001:db8::/32/off 0"},{"ecomlist":"FS:rate 0.000000"},{"time":"00:00:01"}]')
    segment.injector("sync", "--routes6", ipv6_routes)
    saved = segment.leaf.save(family=6)
    body = f"""case "$*" in
    *ipv6*) {ipv6} ;;
    *summary*) echo '{SUMMARY % (7, "Established", 1, 90000)}' ;;
    *detail*) echo '{WEB.strip()}' ;;
    esac"""
    for _ in range(2):
        done = segment.injector("sync", "--vtysh", script(tmp_path / "vtysh", body), check=False)
        assert (done.returncode, done.stderr.count("\n")) == (code, 1), done
        assert words in done.stderr and "stay as they are" in done.stderr
        assert len(segment.leaf.chain("FLOWSPEC")) == 1
        assert segment.leaf.save(family=6) == saved


def test_what_was_not_read_is_not_empty(segment: Segment, tmp_path: pathlib.Path) -> None:
    segment.sync_text(WEB + DEFAULT_DROP)
    saved = segment.leaf.save(counters=True)
    refuses(segment.injector("sync", "--routes", "-", input=" \n", check=False), 1, "standard input")
    ipv6 = tmp_path / "routes6"
    ipv6.write_text('[{"to":"2001:db8::/32/off 0"},{"time":"00:00:01"}]')
    assert segment.injector("sync", "--routes6", ipv6).stdout == "IPv6 filter: 2 rules added, 0 removed; 1 of 1 route in 1 rule\n"
    assert segment.leaf.save(counters=True) == saved
    assert "-A FLOWSPEC -d 2001:db8::/32 " in segment.leaf.save(family=6)


def test_no_vtysh(segment: Segment) -> None:
    refuses(segment.injector("sync", "--vtysh", "/nowhere/vtysh", check=False), 1, "/nowhere/vtysh", "no such file")


def test_a_vtysh_that_leaves_a_child_behind_does_not_hold_the_injector(segment: Segment, tmp_path: pathlib.Path) -> None:
    start = time.monotonic()
    vtysh = script(tmp_path / "vtysh", "sleep 20 & sleep 20")
    done = segment.injector("sync", "--timeout", "1", "--vtysh", vtysh, check=False)
    assert time.monotonic() - start < 5
    refuses(done, 1)


@pytest.mark.parametrize("verb", ["sync", "plan"])
def test_not_root(segment: Segment, verb: str, tmp_path: pathlib.Path) -> None:
    before = segment.leaf.save()
    tool = shutil.copy(net.INJECTOR, segment.leaf.lab.directory)
    refuses(segment.leaf.run(*as_nobody(segment, tool), verb, "--routes", "-", input=WEB, check=False), 1, "root")
    assert segment.leaf.save() == before


def test_the_fetcher_is_not_root(segment: Segment) -> None:
    tool = shutil.copy(net.FETCHER, segment.leaf.lab.directory)
    refuses(segment.leaf.run(*as_nobody(segment, tool), "generate", check=False), 1, "permi")
    rules = "*filter\n:FORWARD DROP [0:0]\nCOMMIT\n"
    done = segment.leaf.run(*as_nobody(segment, tool), "generate", "--rules", "-", input=rules)
    assert "route flow4" in done.stdout


def as_nobody(segment: Segment, tool: str) -> list[str]:
    segment.leaf.lab.directory.chmod(0o755)
    return ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--", tool]


def test_a_kernel_without_iptables_legacy(segment: Segment) -> None:
    without = net.Deny("getsockopt", IPT_SO_GET_INFO, errno.ENOPROTOOPT)
    refuses(segment.sync_text(WEB, check=False, before_exec=without), 1, "iptables-legacy")
    refuses(segment.fetch(check=False, before_exec=without), 1, "iptables-legacy")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("this is no JSON\n", ()),
        ("{}\n", ()),
        ("[]\n", ()),
        ("[1]\n", ()),
        ('[{"to":"10.0.0.0/8"}]\n', ("time",)),
        ('[{"to":"10.0.0.0/8","shoe":"= 1 "},{"time":"never"}]\n', ("shoe",)),
        ('[{"to":"10.0.0.0/33"},{"time":"never"}]\n', ("10.0.0.0/33",)),
        ('[{"dstp":"80"},{"time":"never"}]\n', ("dstp",)),
        ('[{"to":7},{"time":"never"}]\n', ("to",)),
        ('[{"to":"10.0.0.0/8"},{"time":"never"}]\n\x00', ()),
    ],
)
def test_bad_text(segment: Segment, text: str, words: tuple[str, ...]) -> None:
    segment.sync_text(WEB + DEFAULT_DROP)
    before = segment.leaf.save(counters=True)
    refuses(segment.sync_text(WEB + text, check=False), 1, *words)
    assert segment.leaf.save(counters=True) == before


def test_bad_files(segment: Segment, tmp_path: pathlib.Path) -> None:
    refuses(segment.injector("sync", "--routes", tmp_path / "none", check=False), 1, str(tmp_path / "none"), "no such file")
    refuses(segment.injector("sync", "--routes", tmp_path, check=False), 1, str(tmp_path), "directory")
    refuses(segment.fetch("--rules", tmp_path / "none", check=False), 1, str(tmp_path / "none"), "no such file")
    refuses(segment.fetch("--rules", tmp_path, check=False), 1, str(tmp_path), "directory")
    refuses(segment.fetch("--rules", "-", input="*filter\n-A FORWARD\n", check=False), 1)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["dance"],
        ["sync", "--shoe"],
        ["sync", "--sequence", "rt:"],
        ["sync", "--sequence", "rt:65536"],
        ["sync", "--stateful", "perhaps"],
        ["sync", "--timeout", "soon"],
        ["sync", "--operator-table", "rfc1"],
        ["sync", "--accept-target", "DROP"],
        ["sync", "--chain", "a-name-of-more-than-28-characters"],
        ["sync", "--chain", "FORWARD"],
        ["sync", "--exit-code"],
        ["plan", "--format", "cobol"],
    ],
    ids=" ".join,
)
def test_usage(segment: Segment, arguments: list[str]) -> None:
    done = segment.injector(*arguments, check=False)
    assert (done.returncode, done.stdout) == (2, "") and done.stderr, done
    assert "FLOWSPEC" not in segment.leaf.save()


def test_somebody_holds_the_xtables_lock(segment: Segment, tmp_path: pathlib.Path) -> None:
    """The injector waits its --wait seconds for the lock, and then goes without having changed anything."""
    sync = ["env", f"XTABLES_LOCKFILE={tmp_path}/lock", net.INJECTOR, "sync", "--routes", "-", "--wait", "1", "--state-dir", tmp_path]
    with (tmp_path / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        refuses(segment.leaf.run(*sync, input=WEB, check=False), 1, "lock")
    assert "FLOWSPEC" not in segment.leaf.save()
    segment.leaf.run(*sync, input=WEB)
    assert len(segment.leaf.chain("FLOWSPEC")) == 1


def test_exit_code_1_means_that_nothing_changed_even_when_nobody_takes_the_report(segment: Segment) -> None:
    before = segment.leaf.save()
    done = segment.leaf.run("sh", "-c", f"{net.INJECTOR} sync --routes - --state-dir {segment.leaf.lab.directory} >/dev/full", input=WEB, check=False)
    assert done.returncode != 1 or segment.leaf.save() == before, done


@pytest.mark.parametrize("program", (net.INJECTOR, net.FETCHER))
@pytest.mark.parametrize("nowhere", ("2>/dev/full", "2>&-"))
def test_the_exit_status_does_not_need_standard_error(program: pathlib.Path, nowhere: str) -> None:
    assert subprocess.run(["sh", "-c", f"{program} nonsense {nowhere}"], timeout=10, check=False).returncode == 2
    config = "--config /nonexistent/file"
    command = "plan" if program == net.INJECTOR else "generate"
    assert subprocess.run(["sh", "-c", f"{program} {command} {config} {nowhere}"], timeout=10, check=False).returncode == 2


def script(path: pathlib.Path, body: str) -> pathlib.Path:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path
