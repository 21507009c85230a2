"""examples/clos-lab: the paper's whole network. Four spines, six leaves, nine servers, packets from each to each."""

from __future__ import annotations

import dataclasses
import os
import pathlib
import re
import signal
import subprocess
import time
from collections.abc import Iterator

import lab as net
import pytest

LAB = net.PROJECT / "examples/clos-lab"
SPINES = [f"spine0{number}" for number in range(1, 5)]
LEAVES = ["leaf01", "leaf02", "leaf03", "leaf04", "svc01", "svc02"]
SWITCHES = SPINES + LEAVES


@dataclasses.dataclass
class Clos:
    name: str
    took: float = 0  # seconds to come up

    def __call__(self, *arguments: str, check: bool = True, timeout: float = 300) -> subprocess.CompletedProcess[str]:
        """lab.sh, to its end; what it says goes into the test's output."""
        done = subprocess.run(
            [LAB / "lab.sh", "--name", self.name, *arguments],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout, env=net.ENVIRONMENT,
        )  # fmt: skip
        print(f"lab.sh {' '.join(arguments)}\n{done.stdout}{done.stderr}")
        assert not check or done.returncode == 0, f"{arguments}: exit {done.returncode}\n{done.stdout}{done.stderr}"
        return done

    def rules(self, switch: str) -> str:
        return self("in", switch, "iptables-legacy-save", "-c", "-t", "filter").stdout

    def left(self) -> list[str]:
        """What of it is on this machine."""
        trees = ("/run", "/run/netns", "/etc/frr", "/var/run/frr")
        return [str(path) for tree in trees for path in pathlib.Path(tree).glob(f"clos-lab-{self.name}*")] + self.processes()

    def processes(self) -> list[str]:
        mark, found = f"FLOWSPEC_LAB=clos-lab-{self.name}".encode(), []
        for process in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                if mark in (process / "environ").read_bytes().split(b"\0"):
                    found.append((process / "comm").read_text().strip())
            except OSError:
                continue  # it has ended
        return found


def closed_cells() -> int:
    grid = (LAB / "network").read_text().split("\n[verdicts]\n")[1]
    rows = [line.split() for line in grid.splitlines() if re.match(r"server|fw", line)]
    assert len(rows) == 9
    return sum(cell in "dta!" for row in rows for cell in row[1:])


@pytest.fixture(scope="module")
def clos() -> Iterator[Clos]:
    """It is up, with the time that took; afterwards nothing of it is left, and no sanitizer had a word to say."""
    made = Clos(f"e2e{os.getpid()}")
    start = time.monotonic()
    try:
        made("up", "--build", str(net.BUILD))
        made.took = time.monotonic() - start
        yield made
        logs = list(pathlib.Path(f"/run/clos-lab-{made.name}").glob("*.log"))
        assert len(logs) > 3 * len(SWITCHES) and not [log for log in logs if "Sanitizer" in log.read_text()]
    finally:
        made("down", check=False)
    assert made.left() == []


def test_it_is_up_and_takes_little_memory(clos: Clos, capsys: pytest.CaptureFixture[str]) -> None:
    said = clos("status").stdout
    for switch in SWITCHES:
        sessions = {"s": 6, "l": 4}[switch[0]] if not switch.startswith("svc") else 5
        assert re.search(rf"^{switch} .* {sessions}/{sessions} .* as published$", said, re.MULTILINE), switch
    memory = int(re.search(r"(\d+) MiB \(PSS\)", said)[1])
    with capsys.disabled():
        print(f"\nmeasured: clos-lab: up in {clos.took:.0f} s; {memory} MiB (PSS), all nodes together")
    assert 0 < memory < 6 * 1024


def test_the_story(clos: Clos) -> None:
    """The three groups of the paper, every closed door with its rule lifted, and a spine, two leaves and fw01 killed."""
    said = clos("demo").stdout
    tables = re.findall(r"^(\d+) verdicts, (\d+) wrong", said, re.MULTILINE)
    asked = int(tables[0][0])
    # As it is; without spine02; without leaf01 and svc01; without fw01, whose own verdicts are not asked; and mended.
    assert [int(wrong) for _, wrong in tables] == [0] * 5
    assert [int(number) for number, _ in tables] == [asked] * 3 + [int(tables[3][0]), asked]
    assert asked > 100 and 80 < int(tables[3][0]) < asked
    assert f"{closed_cells()} closed verdicts with their rules lifted: {closed_cells()} open, 0 not" in said
    # Every switch had its part in it, each leaf on both sides.
    for switch in SWITCHES:
        verdicts = {"ACCEPT": 0, "DROP": 0}
        for packets, rule in re.findall(r"^\[(\d+):\d+\] -A FLOWSPEC\S* (.*)$", clos.rules(switch), re.MULTILINE):
            target = rule.rsplit(" -j ", 1)[-1].replace("RETURN", "ACCEPT")
            if " seq " in rule or target == "DROP":
                verdicts[target if target in verdicts else "ACCEPT"] += int(packets)
        assert verdicts["ACCEPT"] > 0, switch
        assert verdicts["DROP"] > 0 or switch in SPINES or switch == "svc02", switch


def test_a_tenants_rules_are_at_its_interfaces(clos: Clos) -> None:
    """The discard that is green's alone: in green's chain of every leaf with servers, on no other switch at all."""
    pings = re.compile(r"-A (\S+) -p icmp .*--icmp-type 8 .*-j DROP")
    for switch in SWITCHES:
        assert pings.findall(clos.rules(switch)) == (["FLOWSPEC-green"] if switch.startswith("leaf") else []), switch


def test_a_changed_rule_reaches_all_ten_kernels(clos: Clos, capsys: pytest.CaptureFixture[str]) -> None:
    rule = ("FORWARD", "-s", "10.1.1.1/32", "-p", "tcp", "--dport", "7777", "-j", "DROP")
    said = clos("rule", "-I", *rule).stdout
    took = re.search(r"From the fetcher's start to the last of 10 kernels: (\d+) ms", said)
    with capsys.disabled():
        print(f"\nmeasured: clos-lab: {took[0]}")
    for switch in SWITCHES:
        assert " -s 10.1.1.1/32 -p tcp -m tcp --dport 7777 " in clos.rules(switch), switch
    clos("rule", "-D", *rule)
    for switch in SWITCHES:
        assert "7777" not in clos.rules(switch), switch


def test_a_rule_goes_while_a_spine_is_dead_and_the_spine_learns_of_it(clos: Clos) -> None:
    rule = ("FORWARD", "-s", "10.2.1.3/32", "-p", "tcp", "--dport", "7778", "-j", "DROP")
    clos("rule", "-I", *rule)
    clos("break", "spine03")
    time.sleep(8)  # what goes in the first five seconds after a session goes with it, and is held
    clos("rule", "-D", *rule)
    held = {switch for switch in SWITCHES if "7778" in clos.rules(switch)}
    assert held == {"spine03"}
    clos("mend", "spine03")
    assert "7778" not in clos.rules("spine03")


def test_wrong_verdicts_and_dead_listeners_are_seen(clos: Clos) -> None:
    """The matrix is wrong in exactly the cells whose rule was opened, and tells a listener that is gone from a closed door."""
    rule = ("FORWARD", "-s", "10.2.1.3/32", "-d", "10.2.3.7/32", "-p", "tcp", "--dport", "5432", "-j", "ACCEPT")
    clos("rule", "-I", *rule)
    for line in clos("in", "server02", "ss", "-Hltnp", "sport = :9000").stdout.splitlines():
        os.kill(int(re.search(r"pid=(\d+)", line)[1]), signal.SIGKILL)
    done = clos("verdicts", check=False)
    assert done.returncode == 1
    opened = {line for line in done.stdout.splitlines() if "WRONG: " in line and "server02 tcp/9000" not in line}
    assert opened == {"WRONG: server03 to server07 tcp/5432: expected silent, seen open"}
    dead = [line for line in done.stdout.splitlines() if "server02 tcp/9000" in line]
    assert len(dead) == 8 and all(line.endswith("seen dead") for line in dead)
    clos("rule", "-D", *rule)
    clos("break", "server02")
    clos("mend", "server02")
    answer = clos("in", "server01", "sh", "-c", "echo hello | socat -t 1 - tcp:10.1.2.2:9000,connect-timeout=5")
    assert answer.stdout == "hello\n"


def test_a_signal_while_doors_are_open_closes_them(clos: Clos) -> None:
    before = clos("in", "fw01", "iptables-legacy", "-S", "FORWARD").stdout
    command = [LAB / "lab.sh", "--name", clos.name, "verdicts", "--lift"]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        net.wait_until(lambda: clos("in", "fw01", "iptables-legacy", "-S", "FORWARD").stdout != before, "a door", 60)
        process.terminate()
        assert process.wait(timeout=120) == 128 + signal.SIGTERM
    finally:
        process.kill()
        process.wait()
    assert clos("in", "fw01", "iptables-legacy", "-S", "FORWARD").stdout == before
    assert "10.1.3.5/32" not in clos.rules("leaf03")


def test_another_beside_it_and_a_signal_while_it_comes_up(clos: Clos) -> None:
    """Two at once do not meet. One that is told to stop on its way up leaves nothing, and the first is as it was."""
    before = {switch: clos.rules(switch).count("-A") for switch in SWITCHES}
    other = Clos(f"{clos.name}b")
    command = [LAB / "lab.sh", "--name", other.name, "up", "--build", str(net.BUILD)]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        net.wait_until(lambda: "bgpd" in other.processes(), "its first daemons", 60)
        process.terminate()
        assert process.wait(timeout=60) == 128 + signal.SIGTERM
        assert other.left() == []
        other("up", "--build", str(net.BUILD))
        other("rule", "-P", "FORWARD", "ACCEPT")
        assert {switch: clos.rules(switch).count("-A") for switch in SWITCHES} == before
        assert other("up", "--build", str(net.BUILD), check=False).returncode == 1
        assert "as published" in other("status").stdout
    finally:
        process.kill()
        process.wait()
        if other.left():
            other("down")
    assert other.left() == []
    clos("status")


def test_usage() -> None:
    nobody = Clos(f"e2e{os.getpid()}x")
    for arguments in ((), ("up", "--nonsense"), ("break",), ("sing",)):
        done = nobody(*arguments, check=False)
        assert done.returncode == 2 and "--help" in done.stderr, arguments
    assert nobody("status", check=False).returncode == 1
    assert nobody.left() == []
