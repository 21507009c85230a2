"""--metrics-file: what Prometheus learns of a live injector, and that nobody ever reads half of it."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import pathlib
import re
import signal
import stat
import subprocess
import time

import lab as net
import pytest
from conftest import Loop
from test_failures import IPT_SO_GET_INFO, script
from test_monitoring import METRICS, promtool

DROPPED = net.route("dst 10.0.2.10/32; proto 17; dport 9;", net.DISCARD)
WEB = net.route("dst 10.0.2.10/32; proto 6; dport 80;")
NEVER_MATCHES = net.route("dst 10.0.2.10/32; proto 1; dport 80;", net.DISCARD)


class Measured(dict[str, float]):
    """The samples of a file, by metric and labels but for the chain. AssertionError when promtool finds fault with it."""

    def __init__(self, text: str, chain: str = "FLOWSPEC") -> None:
        done = promtool("check", "metrics", input=text)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), f"{done}\n{text}"
        for line in text.splitlines():
            if not line.startswith("#"):
                name, labels, value = re.fullmatch(rf'(\w+)\{{chain="{chain}",?(.*)\}} (\S+)', line).groups()
                self[f"{name}{{{labels}}}" if labels else name] = float(value)

    def count(self, name: str, **labels: str) -> float:
        """The sum over all samples of the metric with these labels."""
        wanted = [f'{label}="{value}"' for label, value in labels.items()]
        found = [value for key, value in self.items() if key.split("{")[0] == name and all(each in key for each in wanted)]
        assert found, f"no {name} with {labels} in {self}"
        return sum(found)


def risen(earlier: Measured, later: Measured, name: str) -> set[str]:
    """The labels of the samples of a metric that have risen."""
    return {key[len(name) + 1 : -1] for key, value in later.items() if key.startswith(f"{name}{{") and value > earlier.get(key, 0)}


class Injector:
    """sync and run with a state and metrics of their own."""

    def __init__(self, loop: Loop, directory: pathlib.Path, chain: str = "FLOWSPEC") -> None:
        self.loop, self.chain = loop, chain
        self.file, self.state = directory / f"{chain}.prom", directory / "state"
        self.options = ["--pathspace", loop.frr.pathspace, "--chain", chain, "--state-dir", str(self.state)]
        self.options += ["--metrics-file", str(self.file)]

    def sync(self, *options: str, **rest: object) -> Measured:
        self.done = self.loop.injector("sync", *self.options, *options, **rest)
        return self.read()

    def read(self) -> Measured:
        return Measured(self.file.read_text(), self.chain)

    def start(self, *options: str) -> subprocess.Popen[bytes]:
        """The daemon, by a parent that lets nobody else read its files."""
        command = [str(net.INJECTOR), "run", *self.options, *options]
        return self.loop.leaf.start("sh", "-c", 'umask 077; exec "$@"', "sh", *command, log="injector.log")


@pytest.fixture
def injector(loop: Loop, tmp_path: pathlib.Path) -> Injector:
    loop.publish_routes(DROPPED, WEB, NEVER_MATCHES)
    return Injector(loop, tmp_path)


def test_a_pass_leaves_metrics_that_say_what_it_found_and_did(injector: Injector) -> None:
    start = int(time.time())
    first = injector.sync()
    version = injector.loop.injector("--version").stdout.split()[-1]
    expected = {
        f'flowspec_build_info{{version="{version}"}}': 1,
        "flowspec_last_pass_success": 1,
        'flowspec_routes{family="ipv4",state="active"}': 2,
        'flowspec_routes{family="ipv4",state="stale"}': 0,
        'flowspec_routes{family="ipv4",state="unconfirmed"}': 0,
        'flowspec_routes_shown{family="ipv4"}': 3,
        'flowspec_rejected_routes{reason="never-matches"}': 1,
        'flowspec_rules{family="ipv4",table="filter"}': len(injector.loop.leaf.chain("FLOWSPEC")),
        f'flowspec_peer_up{{family="ipv4",peer="{injector.loop.frr.peer.address}"}}': 1,
        f'flowspec_peer_routes_received{{family="ipv4",peer="{injector.loop.frr.peer.address}"}}': 3,
        'flowspec_passes_total{result="changed"}': 1,
        'flowspec_passes_total{result="unchanged"}': 0,
        'flowspec_commits_total{family="ipv4",table="filter"}': 1,
    }
    assert {sample: first.get(sample) for sample in expected} == expected
    assert first.count("flowspec_rejected_routes") == 1
    assert first.count("flowspec_failures_total") == first.count("flowspec_tamper_repairs_total") == 0
    for moment in ("flowspec_last_pass_timestamp_seconds", "flowspec_last_success_timestamp_seconds"):
        assert start <= first[moment] <= time.time()
    assert first['flowspec_pass_stage_duration_seconds{stage="ask"}'] > 0
    # Nothing is missing that alerts and dashboards are tested with, but for what a live lab cannot have.
    assert {name.split("{")[0] for name in Measured((METRICS / "full.prom").read_text()) if "_entr" not in name} == {
        name.split("{")[0] for name in first
    }


def test_counters_go_on_from_run_to_run_and_begin_anew_without_the_state(injector: Injector) -> None:
    injector.sync()
    second = injector.sync()
    assert (second['flowspec_passes_total{result="changed"}'], second['flowspec_passes_total{result="unchanged"}']) == (1, 1)
    for file in sorted(injector.state.rglob("*")):
        if file.is_file():
            file.unlink()
    third = injector.sync()
    assert (third['flowspec_passes_total{result="changed"}'], third['flowspec_passes_total{result="unchanged"}']) == (0, 1)
    assert third["flowspec_last_pass_success"] == 1


def test_failures_are_counted_by_cause_and_the_last_good_pass_stays_known(injector: Injector, tmp_path: pathlib.Path) -> None:
    before = latest = injector.sync()

    def fails(cause: str, *options: str, **rest: object) -> None:
        nonlocal latest
        earlier, latest = latest, injector.sync(*options, check=False, **rest)
        assert injector.done.returncode == 1, injector.done
        assert risen(earlier, latest, "flowspec_failures_total") == {f'cause="{cause}"'}, injector.done
        assert latest["flowspec_last_pass_success"] == 0

    process = injector.loop.frr.process
    process.send_signal(signal.SIGSTOP)
    try:
        fails("no-answer", "--timeout", "1")
    finally:
        process.send_signal(signal.SIGCONT)
    fails("bad-answer", "--vtysh", str(script(tmp_path / "vtysh", "echo garbage")))
    fails("refused", "--max-routes", "2")
    fails("kernel", "--metrics-per-entry", "10", before_exec=net.Deny("getsockopt", IPT_SO_GET_INFO, errno.ENOPROTOOPT))

    for sample, value in before.items():  # what the last good pass found is still there
        if sample.startswith(("flowspec_routes{", "flowspec_rules{", "flowspec_peer", "flowspec_last_success")):
            assert latest[sample] == value, sample
    again = injector.sync()
    assert again["flowspec_last_pass_success"] == 1
    assert again["flowspec_last_success_timestamp_seconds"] >= before["flowspec_last_success_timestamp_seconds"]
    assert not risen(latest, again, "flowspec_failures_total")


def test_waiting_for_the_xtables_lock_is_counted(injector: Injector, tmp_path: pathlib.Path) -> None:
    first = injector.sync()
    assert (first["flowspec_lock_waits_total"], first["flowspec_lock_wait_seconds_total"]) == (0, 0)
    injector.loop.publish_routes(DROPPED, WEB, NEVER_MATCHES, net.route("dst 10.0.3.0/24;"))
    sync = ["env", f"XTABLES_LOCKFILE={tmp_path}/lock", str(net.INJECTOR), "sync", *injector.options, "--wait", "1"]
    with (tmp_path / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert injector.loop.leaf.run(*sync, check=False).returncode == 1
    waited = injector.read()
    assert waited['flowspec_failures_total{cause="lock"}'] == 1
    assert waited["flowspec_lock_waits_total"] == 1 and waited["flowspec_lock_wait_seconds_total"] >= 0.9


IPTABLES = "iptables-legacy"


@pytest.mark.parametrize(
    ("commands", "kinds"),
    [
        ([f"{IPTABLES} -F FLOWSPEC"], {"rules-changed"}),
        ([f"{IPTABLES} -D FORWARD -j FLOWSPEC"], {"jump-gone"}),
        ([f"{IPTABLES} -I FORWARD -s 192.0.2.1 -j ACCEPT"], {"jump-moved"}),
        ([f"{IPTABLES} -F", f"{IPTABLES} -X"], {"chain-gone", "jump-gone"}),
    ],
    ids=["flushed", "jump deleted", "rule before the jump", "all of it deleted"],
)
def test_tampering_is_counted_by_kind_and_only_once(injector: Injector, commands: list[str], kinds: set[str]) -> None:
    injector.sync()
    rules = injector.loop.leaf.chain("FLOWSPEC")
    for command in commands:
        injector.loop.leaf.run(*command.split())
    injector.sync()
    after = injector.sync()
    repaired = {sample: value for sample, value in after.items() if sample.startswith("flowspec_tamper_repairs_total") and value}
    assert repaired == {f'flowspec_tamper_repairs_total{{kind="{kind}"}}': 1 for kind in kinds}
    assert injector.loop.leaf.chain("FLOWSPEC") == rules
    assert injector.loop.leaf.chain("FORWARD")[0] == "-j FLOWSPEC"


def test_routes_of_a_session_that_ended_are_stale(injector: Injector) -> None:
    injector.sync()
    loop = injector.loop
    loop.session_lasts = False
    net.stop(loop.bird.process)
    net.wait_until(lambda: loop.frr.peer_state().get("state") != "Established", "the end of the session")
    after = injector.sync()
    assert after['flowspec_routes{family="ipv4",state="stale"}'] == 2
    assert after['flowspec_routes{family="ipv4",state="active"}'] == 0
    assert after['flowspec_routes_shown{family="ipv4"}'] == 0
    assert after.count("flowspec_peer_up") == 0


def test_hits_of_entries_rise_with_packets_and_are_bounded(injector: Injector) -> None:
    loop = injector.loop
    assert not any("_entr" in sample for sample in injector.sync())
    names = "flowspec_entry_packets_total", "flowspec_entry_bytes_total"

    for sent in (3, 6):
        for _ in range(3):
            assert not loop.datagram_arrives(9)
        every = injector.sync("--metrics-per-entry", "10")
        assert every.count(names[0], action="discard") == sent
        assert every.count(names[1], action="discard") == sent * (20 + 8 + len(b"hello"))
        assert every.count(names[0], action="accept") == 0
        assert every["flowspec_entries_without_samples"] == 0

    busiest = injector.sync("--metrics-per-entry", "1")
    (sample,) = (sample for sample in busiest if sample.startswith(names[0]))
    assert re.search(r'family="ipv4",id="[0-9a-f]{16}",sequence="",match="dst 10\.0\.2\.10/32 proto 17 dport 9"', sample)
    assert busiest["flowspec_entries_without_samples"] == 1


def test_two_injectors_on_a_host_say_nothing_of_the_same_name(injector: Injector, tmp_path: pathlib.Path) -> None:
    """node_exporter takes both files, unless a sample is in both."""
    other = Injector(injector.loop, tmp_path, "EDGE")
    injector.sync(), other.sync()
    samples = [
        {line.rsplit(" ", 1)[0] for line in file.read_text().splitlines() if not line.startswith("#")}
        for file in (injector.file, other.file)
    ]
    assert len(samples[0]) == len(samples[1]) and not samples[0] & samples[1]


def test_metrics_that_cannot_be_written_do_not_hold_up_the_rules(injector: Injector, tmp_path: pathlib.Path) -> None:
    injector.loop.sync("--state-dir", tmp_path, "--metrics-file", tmp_path / "nowhere" / "flowspec.prom", check=False)
    assert len(injector.loop.leaf.chain("FLOWSPEC")) == 2


def test_a_reader_never_sees_half_of_it_and_counters_never_fall(injector: Injector) -> None:
    """Each is a file of its own, whole, may be read by everybody, and is the only one of its kind in the directory."""
    daemon = injector.start()
    net.wait_until(injector.file.exists, "the first metrics")
    routes, texts, opened = [DROPPED, WEB, NEVER_MATCHES], [], []
    end = time.monotonic() + 120
    with contextlib.ExitStack() as readers:
        while len(texts) < 12:
            assert time.monotonic() < end and daemon.poll() is None, f"{len(texts)} different files in two minutes"
            file = injector.file.open()
            text = file.read()
            assert stat.S_IMODE(os.fstat(file.fileno()).st_mode) == 0o644
            assert [each.name for each in injector.file.parent.glob("*.prom")] == [injector.file.name]
            if text in texts:
                file.close()
                continue
            texts.append(text)
            opened.append(readers.enter_context(file))
            routes.append(net.route(f"dst 10.0.3.{len(texts)}/32;", net.DISCARD))
            injector.loop.publish_routes(*routes)
            daemon.send_signal(signal.SIGUSR1)
        for file, text in zip(opened, texts):  # who was reading the old one reads the old one to its end
            file.seek(0)
            assert file.read() == text
    measured = [Measured(text) for text in texts]
    for earlier, later in zip(measured, measured[1:]):
        assert earlier.keys() == later.keys()
        assert all(later[sample] >= value for sample, value in earlier.items() if sample.split("{")[0].endswith("_total"))
    first, last = measured[0], measured[-1]
    assert last.count("flowspec_passes_total") > first.count("flowspec_passes_total")
    assert last.count("flowspec_commits_total") > first.count("flowspec_commits_total")
    assert last.count("flowspec_failures_total") == 0


def test_a_daemon_whose_frr_is_gone_says_so_and_when_it_is_back(injector: Injector) -> None:
    injector.start("--interval", "0.1", "--timeout", "1")
    net.wait_until(injector.file.exists, "the first metrics")
    before, rules = injector.read(), injector.loop.leaf.chain("FLOWSPEC")
    injector.loop.frr.process.send_signal(signal.SIGSTOP)
    try:
        net.wait_until(lambda: injector.read()["flowspec_last_pass_success"] == 0, "a failed pass")
        assert injector.read()['flowspec_failures_total{cause="no-answer"}'] > 0
        assert injector.loop.leaf.chain("FLOWSPEC") == rules
    finally:
        injector.loop.frr.process.send_signal(signal.SIGCONT)
    net.wait_until(lambda: injector.read()["flowspec_last_pass_success"] == 1, "a good pass")
    after = injector.read()
    assert after.count("flowspec_passes_total") > before.count("flowspec_passes_total")
