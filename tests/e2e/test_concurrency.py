"""Several at once: injectors with chains of their own, injectors of one chain, and everybody else who takes iptables' lock."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pathlib
import random
import re
import signal
import subprocess
import threading
from collections.abc import Iterator

import lab as net
import pytest
from conftest import Segment
from daemon import Daemon, metrics, total
from test_kernel_state import DEFAULT_DROP, MAIL, SSH, WEB, route


def replace(file: pathlib.Path, text: str) -> None:
    """At once: a daemon that reads it in between gets the one or the other."""
    new = file.with_suffix(".new")
    new.write_text(text)
    os.replace(new, file)


def ports(segment: Segment, chain: str) -> list[int]:
    """Of the rules of a chain, in their order."""
    return [int(port) for rule in segment.leaf.chain(chain) for port in re.findall(r"--dport (\d+)", rule)]


def routes_to(ports: list[int]) -> str:
    return "".join(route(to="10.0.2.10/32", dport=port, sequence=port) for port in ports)


@pytest.mark.parametrize("parents", [("FORWARD", "INPUT"), ("FORWARD", "FORWARD")], ids=["each its parent", "one parent"])
def test_two_injectors_with_chains_of_their_own(segment: Segment, tmp_path: pathlib.Path, parents: tuple[str, str]) -> None:
    """Both change their rules all the time. No commit of one loses what the other did, and neither takes the other for a tamperer."""
    chains = "FLOWSPEC", "EDGE"
    files = [tmp_path / chain / "routes" for chain in chains]
    daemons = []
    for chain, parent, file in zip(chains, parents, files):
        file.parent.mkdir()
        file.write_text("\n")
        options = ("--chain", chain, "--parent", parent, "--routes", file, "--interval", "0.05")
        daemons.append(Daemon(segment.leaf, file.parent, *options))
    choose = random.Random(1)
    wanted: list[list[int]] = [[], []]
    for _ in range(25):
        for which, file in enumerate(files):
            wanted[which] = sorted(choose.sample(range(1, 100), choose.randrange(10)))
            replace(file, routes_to(wanted[which]))
        threading.Event().wait(choose.uniform(0, 0.1))
    net.wait_until(lambda: [ports(segment, chain) for chain in chains] == wanted, "the last routes of both")

    before = segment.leaf.save()
    for daemon in daemons:
        daemon.pass_now()
    assert segment.leaf.save() == before
    for daemon, chain in zip(daemons, chains):
        daemon.stop()
        assert daemon.events("failed") == daemon.events("tampering") == []
        assert daemon.metrics()['flowspec_passes_total{result="changed"}'] > 5
    jumps = sorted((parent, f"-j {chain}") for parent, chain in zip(parents, chains))
    assert sorted((parent, rule) for parent in set(parents) for rule in segment.leaf.chain(parent)) == jumps


def test_injectors_of_one_chain_take_turns(segment: Segment, tmp_path: pathlib.Path) -> None:
    """Eight at once, each of another mind: all succeed, each sees what the one before it left, and the last has its way."""
    state, file = tmp_path / "state", tmp_path / "flowspec.prom"
    syncs = []
    for port in range(1, 9):
        routes = tmp_path / f"routes{port}"
        routes.write_text(routes_to([port]))
        command = segment.leaf.command(net.INJECTOR, "sync", "--routes", routes, "--state-dir", state, "--metrics-file", file)
        environment = net.ENVIRONMENT
        syncs.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment))
    for sync in syncs:
        out, words = sync.communicate(timeout=30)
        assert (sync.returncode, words) == (0, ""), words
        assert "1 of 1 route in 1 rule" in out
    (last,) = ports(segment, "FLOWSPEC")
    again = segment.injector("sync", "--routes", tmp_path / f"routes{last}", "--state-dir", state, "--metrics-file", file)
    assert "nothing to do" in again.stdout and again.stderr == ""
    samples = metrics(file)
    assert samples['flowspec_passes_total{result="changed"}'] == samples['flowspec_commits_total{family="ipv4",table="filter"}'] == 8
    assert samples['flowspec_passes_total{result="unchanged"}'] == 1
    assert [each.name for each in state.iterdir() if each.name.startswith(".")] == []  # half-written


def test_a_sync_by_hand_beside_the_daemon(segment: Segment, tmp_path: pathlib.Path) -> None:
    """With the daemon's configuration it is one more pass; with another it has its way until the daemon's next pass. No tampering."""
    routes = tmp_path / "routes"
    routes.write_text("\n")
    daemon = Daemon(segment.leaf, tmp_path, "--routes", routes, "--interval", "0.05")
    by_hand = ("sync", "--routes", routes, "--state-dir", tmp_path / "state")
    for ports_wanted in ([1], [1, 2], [3, 2], [], [4]):
        replace(routes, routes_to(ports_wanted))
        done = segment.injector(*by_hand)
        assert done.stderr == "" and ports(segment, "FLOWSPEC") == sorted(ports_wanted)
    known = segment.leaf.save()
    done = segment.injector(*by_hand, "--accept-target", "RETURN")
    assert done.stderr == "" and "1 rule added, 1 removed" in done.stdout
    net.wait_until(lambda: segment.leaf.save() == known, "the daemon's own rules")
    daemon.stop()
    assert daemon.events("failed") == daemon.events("tampering") == []


# The lock that iptables takes


@contextlib.contextmanager
def held(file: pathlib.Path) -> Iterator[None]:
    with file.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture
def daemon(segment: Segment, tmp_path: pathlib.Path) -> Iterator[Daemon]:
    """One that enforces WEB, wants SSH besides, and waits a second for its locks. Passes are the test's."""
    (tmp_path / "routes").write_text(WEB)
    made = Daemon(
        segment.leaf, tmp_path, "--routes", tmp_path / "routes", "--interval", "3600", "--wait", "1",
        command=("env", f"XTABLES_LOCKFILE={tmp_path}/xtables.lock", net.INJECTOR),
    )  # fmt: skip
    replace(tmp_path / "routes", WEB + SSH)
    yield made
    made.stop()


def test_a_lock_held_for_a_moment_is_waited_for(segment: Segment, tmp_path: pathlib.Path, daemon: Daemon) -> None:
    with contextlib.ExitStack() as lock:
        lock.enter_context(held(tmp_path / "xtables.lock"))
        threading.Timer(0.4, lock.pop_all().close).start()
        (changed,) = daemon.pass_now()
    assert changed["event"] == "changed" and ports(segment, "FLOWSPEC") == [80, 122]
    samples = daemon.metrics()
    assert samples["flowspec_lock_waits_total"] == 1
    assert 0.2 < samples["flowspec_lock_wait_seconds_total"] < 1
    assert samples['flowspec_pass_stage_duration_seconds{stage="lock"}'] == samples["flowspec_lock_wait_seconds_total"]
    assert total(samples, "flowspec_failures_total") == 0


def test_a_lock_held_for_long_fails_the_pass_and_is_over_with_it(segment: Segment, tmp_path: pathlib.Path, daemon: Daemon) -> None:
    with held(tmp_path / "xtables.lock"):
        (failed,) = daemon.pass_now()
        assert (failed["event"], failed["cause"]) == ("failed", "lock")
        assert f"lock {tmp_path}/xtables.lock: held for more than 1 s by another program" in failed["message"]
        assert ports(segment, "FLOWSPEC") == [80]
        samples = daemon.metrics()
        assert samples['flowspec_failures_total{cause="lock"}'] == 1
        assert samples["flowspec_lock_waits_total"] == 1 and samples["flowspec_lock_wait_seconds_total"] >= 0.9
        assert samples["flowspec_last_pass_success"] == 0
    assert [event["event"] for event in daemon.pass_now()] == ["recovered", "changed"]
    assert ports(segment, "FLOWSPEC") == [80, 122]
    assert daemon.metrics()["flowspec_last_pass_success"] == 1


def test_an_injector_of_the_same_chain_that_hangs(segment: Segment, tmp_path: pathlib.Path, daemon: Daemon) -> None:
    (turn,) = (tmp_path / "state").glob("FLOWSPEC@*.lock")
    with held(turn):
        daemon.process.send_signal(signal.SIGUSR1)
        net.wait_until(lambda: daemon.events("failed"), "a failure")
        (failed,) = daemon.events("failed")
        assert failed["cause"] == "lock" and "another injector of this chain" in failed["message"]
        assert ports(segment, "FLOWSPEC") == [80]
        by_hand = ("sync", "--routes", tmp_path / "routes", "--state-dir", tmp_path / "state", "--wait", "0.1")
        done = segment.injector(*by_hand, check=False)
        assert done.returncode == 1 and "another injector of this chain" in done.stderr
        assert ports(segment, "FLOWSPEC") == [80]
    daemon.pass_now()
    assert ports(segment, "FLOWSPEC") == [80, 122]
    assert daemon.events("recovered")


def test_iptables_itself_is_waited_for_and_waits(segment: Segment, tmp_path: pathlib.Path, daemon: Daemon) -> None:
    """Both change the table at once, many times: nothing of either is lost."""
    leaf = segment.leaf

    def append() -> None:
        for number in range(20):
            iptables = ("env", f"XTABLES_LOCKFILE={tmp_path}/xtables.lock", "iptables-legacy", "-w")
            leaf.run(*iptables, "-A", "INPUT", "-p", "tcp", "--dport", str(number))

    appending = threading.Thread(target=append)
    appending.start()
    for routes in [WEB, MAIL, WEB + SSH, DEFAULT_DROP, WEB + MAIL] * 2:
        replace(tmp_path / "routes", routes)
        daemon.pass_now()
    appending.join()
    assert ports(segment, "INPUT") == list(range(20))
    assert ports(segment, "FLOWSPEC") == [80, 125]
    assert daemon.events("failed") == daemon.events("tampering") == []


def test_a_user_without_rights_takes_no_lock_of_ours(segment: Segment) -> None:
    """To lock a file it is enough to open it for reading; whoever holds the lock holds up every pass."""
    directory = segment.leaf.lab.directory
    directory.chmod(0o755)
    segment.sync_text(WEB, "--state-dir", directory / "state")
    (turn,) = (directory / "state").glob("*.lock")
    nobody = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups")
    done = segment.leaf.run(*nobody, "flock", "--nonblock", turn, "true", check=False)
    assert done.returncode != 0 and "Permission denied" in done.stderr, done
