"""The soak test; `tests/soak --help` says what it does."""

from __future__ import annotations

import argparse
import dataclasses
import fcntl
import ipaddress
import json
import os
import pathlib
import random
import re
import select
import shutil
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator

sys.dont_write_bytecode = True
import lab as net  # noqa: E402

LEAF, FIREWALL = net.Peer("192.168.254.10", 65105), net.Peer("192.168.254.9", 65309)
COMMENT = '-m comment --comment "flowspec [0-9a-f]{16}"'
VERDICTS = {"discard": "DROP", "accept": "ACCEPT"}
FLAT = 2 * 1024  # KiB
MOST_AT_WORK = 16  # descriptors, besides those of a daemon at rest: vtysh's pipes, files, the kernel's socket
EVERY = {"sample": 0.1, "look": 1.0, "compare": 15.0}  # seconds

USAGE = """\
Runs the daemon for a while on live FRR, while a controller announces, withdraws and changes flowspec routes one after
another, 100 a second on average, and judges:

  memory       after a warm-up, neither the level nor the peak of resident memory rises by more than 2 MiB
  descriptors  a daemon at rest has no more of them at the end than after the warm-up
  changes      every second a change is picked and followed until the kernel has it; every 15 seconds the controller rests
               until the kernel's rules are exactly those of the announced routes, and so it does at the end
  log          no pass failed, and nobody is taken for a tamperer

Two daemons run at once, one that asks through vtysh and one that asks bgpd itself. Everything happens in network namespaces.
Needs root. Exit: 0 all held; 1 something did not, and it says what; 2 usage, or the build failed."""


class Failed(Exception):
    pass


# The controller


class Speaker:
    """ExaBGP, told what to do route by route."""

    def __init__(self, host: net.Namespace) -> None:
        directory = host.lab.directory
        fifo, file = directory / "commands", directory / "exabgp.conf"
        os.mkfifo(fifo)
        self.commands = os.open(fifo, os.O_RDWR | os.O_NONBLOCK)
        file.write_text(f"""
process controller {{ run /bin/cat {fifo}; encoder text; }}
neighbor {LEAF.address} {{
  router-id {FIREWALL.address}; local-address {FIREWALL.address};
  local-as {FIREWALL.asn}; peer-as {LEAF.asn};
  family {{ ipv4 flow; }}
  api {{ processes [ controller ]; }}
}}
""")
        settings = ("daemon.user=root", "api.ack=false", "api.respawn=false", "api.cli=false", "log.destination=stdout", "log.level=ERR")
        self.process = host.start("env", *(f"exabgp.{each}" for each in settings), "exabgp", file, log="exabgp.log")

    def say(self, verb: str, destination: str, action: str) -> None:
        match = f"destination {destination}/32; protocol tcp; destination-port =80;"
        command = f"{verb} flow route {{ match {{ {match} }} then {{ {action}; }} }}\n".encode()
        if self.process.poll() is not None:
            raise Failed(f"ExaBGP ended with status {self.process.returncode}")
        if not select.select([], [self.commands], [], 10)[1]:
            raise Failed("ExaBGP takes no more routes")
        os.write(self.commands, command)  # whole: it is shorter than PIPE_BUF


class Controller:
    """Some `size` routes are announced at any time; what is done with them is random, and the same in each run."""

    def __init__(self, speaker: Speaker, size: int) -> None:
        self.speaker, self.choose = speaker, random.Random(1)
        self.announced: dict[str, str] = {}  # destination -> action
        self.changes = 0
        self.spare = [f"10.{number >> 8}.{number & 255}.1" for number in range(2 * size)]
        self.choose.shuffle(self.spare)
        for _ in range(size):
            self.announce()

    def announce(self) -> str:
        destination = self.spare.pop()
        return self.say("announce", destination, self.choose.choice(list(VERDICTS)))

    def withdraw(self) -> str:
        destination = self.pick()
        self.say("withdraw", destination, self.announced[destination])
        self.spare.insert(self.choose.randrange(len(self.spare) + 1), destination)
        return destination

    def turn(self) -> str:
        """Another action for a route that is announced."""
        destination = self.pick()
        return self.say("announce", destination, "accept" if self.announced[destination] == "discard" else "discard")

    def pick(self) -> str:
        return self.choose.choice(list(self.announced))

    def say(self, verb: str, destination: str, action: str) -> str:
        self.speaker.say(verb, destination, action)
        self.announced.pop(destination, None)
        if verb == "announce":
            self.announced[destination] = action
        self.changes += 1
        return destination

    def change(self) -> str:
        """The next one; its destination."""
        return (self.announce, self.turn, self.withdraw)[self.changes % 3]()


# A daemon, and what is known of it


@dataclasses.dataclass
class Sample:
    when: float
    resident: int  # KiB
    peak: int  # KiB
    descriptors: int


@dataclasses.dataclass
class Followed:
    """A change that is to arrive."""

    destination: str
    action: str | None
    since: float


class Watched:
    def __init__(self, injector: pathlib.Path, frr: net.Frr, name: str, chain: str, parent: str, interval: float) -> None:
        self.name, self.chain, self.host = name, chain, frr.host
        directory = frr.host.lab.directory
        self.log, self.metrics = directory / f"{name}.log", directory / f"{name}.prom"
        self.process = frr.host.start(
            injector, "run", "--pathspace", frr.pathspace, "--source", name, "--chain", chain, "--parent", parent,
            "--state-dir", directory / "state", "--metrics-file", self.metrics, "--interval", str(interval),
            "--log-format", "json",
            log=self.log.name,
        )  # fmt: skip
        self.samples: list[Sample] = []
        self.followed: list[Followed] = []
        self.delays: list[float] = []
        self.compared = 0

    def sample(self) -> None:
        if self.process.poll() is not None:
            raise Failed(f"{self.name}: the daemon ended with status {self.process.returncode}: {self.last_words()}")
        process = pathlib.Path("/proc", str(self.process.pid))
        status = dict(re.findall(r"^(VmHWM|VmRSS):\s+(\d+) kB$", (process / "status").read_text(), re.MULTILINE))
        descriptors = len(os.listdir(process / "fd"))
        self.samples.append(Sample(time.monotonic(), int(status["VmRSS"]), int(status["VmHWM"]), descriptors))

    def rules(self) -> dict[str, str]:
        """What the kernel does with each destination."""
        chains: dict[str, list[str]] = {}
        for line in self.host.save(table="filter").splitlines():
            if declared := re.match(rf":({self.chain}(?:-\S+)?) ", line):
                chains[declared[1]] = []
            elif added := re.match(r"-A (\S+) (.*)", line):
                chains.get(added[1], []).append(added[2])
        rules: dict[str, str] = {}
        self.walk(chains, self.chain, ipaddress.IPv4Network("0.0.0.0/0"), rules)
        if chains:
            raise Failed(f"{self.name}: chains that no packet gets to: {', '.join(chains)}")
        return rules

    def walk(self, chains: dict[str, list[str]], chain: str, inside: ipaddress.IPv4Network, rules: dict[str, str]) -> None:
        """Adds the rules that decide packets to `inside`, which come to `chain`; takes away the chains that it has been in."""
        gone: list[ipaddress.IPv4Network] = []  # to branches, from which nothing comes back
        for rule in chains.pop(chain, []):
            match = re.fullmatch(rf"-d (\S+) (?:-g ({self.chain}-\S+)|-p tcp -m tcp --dport 80 {COMMENT} -j (\w+))", rule)
            destination = ipaddress.IPv4Network(match[1]) if match else None
            if not match or not destination.subnet_of(inside) or any(destination.overlaps(branch) for branch in gone):
                raise Failed(f"{self.name}: a rule that no route asked for, in {chain} ({inside}): {rule}")
            if match[2]:
                gone.append(destination)
                self.walk(chains, match[2], destination, rules)
            elif destination.prefixlen < 32 or str(destination.network_address) in rules:
                raise Failed(f"{self.name}: a rule that no route asked for, or twice, in {chain}: {rule}")
            else:
                rules[str(destination.network_address)] = match[3]

    def look(self, patience: float) -> None:
        """Which of the followed changes have arrived."""
        rules, now, waiting = self.rules(), time.monotonic(), []
        for each in self.followed:
            if rules.get(each.destination) == VERDICTS.get(each.action or ""):
                self.delays.append(now - each.since)
            elif now - each.since > patience:
                said = each.action or "withdrawn"
                raise Failed(f"{self.name}: {each.destination}, {said} {now - each.since:.0f} s ago, is not so in the kernel")
            else:
                waiting.append(each)
        self.followed = waiting

    def difference(self, announced: dict[str, str]) -> str:
        """What the kernel has, against what is announced; empty when that is the same."""
        rules = self.rules()
        wanted = {destination: VERDICTS[action] for destination, action in announced.items()}
        wrong = [each for each in wanted if each in rules and rules[each] != wanted[each]]
        counts = {
            "missing": len(wanted.keys() - rules.keys()),
            "too many": len(rules.keys() - wanted.keys()),
            "with another action": len(wrong),
        }
        return ", ".join(f"{count} {what}" for what, count in counts.items() if count)

    def last_words(self) -> str:
        return (self.log.read_text().splitlines() or ["not a word"])[-1]

    def complaints(self) -> list[str]:
        """What the log says that should not be there."""
        events = [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]
        return [event["message"] for event in events if event["level"] in ("warning", "error")]

    def passes(self) -> int:
        counts = re.findall(r"^flowspec_passes_total\{.*\} (\S+)$", self.metrics.read_text(), re.MULTILINE)
        return sum(int(float(count)) for count in counts)


# The test


def soak(options: argparse.Namespace, lab: net.Lab, injector: pathlib.Path) -> list[str]:
    """What did not hold."""
    leaf, firewall = lab.namespace("leaf"), lab.namespace("firewall")
    lab.link(firewall, f"{FIREWALL.address}/30", leaf, f"{LEAF.address}/30")
    frr = net.Frr(leaf, LEAF, FIREWALL)
    controller = Controller(Speaker(firewall), options.routes)
    net.wait_until(lambda: frr.peer_state().get("pfxRcd") == options.routes, f"{options.routes} routes in FRR", 60)
    # What vanishes while a session is young may be what FRR is still clearing of the one before: it is held.
    net.wait_until(lambda: frr.peer_state().get("peerUptimeMsec", 0) > 8000, "a session that is not young")

    places = {"vtysh": ("FLOWSPEC", "FORWARD"), "socket": ("EDGE", "INPUT")}
    sources = list(places) if options.source == "both" else [options.source]
    daemons = [Watched(injector, frr, source, *places[source], options.interval) for source in sources]
    agree(daemons, controller, options.patience)

    controller.changes = 0
    start = time.monotonic()
    warm = start + options.warm_up
    for now, due in clock(start, options.seconds):
        # After a rest it makes up for what it has left out, at twice the rate.
        owed = int((now - start) * options.rate) - controller.changes
        busy = {each.destination for daemon in daemons for each in daemon.followed}
        for _ in range(min(owed, int(options.rate * 2 * TICK) + 1)):
            destination = controller.change()
            if destination in busy:  # it has come to something else
                for daemon in daemons:
                    daemon.followed = [each for each in daemon.followed if each.destination != destination]
        for daemon in daemons:
            if "sample" in due:
                daemon.sample()
            if "look" in due:
                daemon.look(options.patience)
                if owed > 0:
                    daemon.followed.append(Followed(destination, controller.announced.get(destination), time.monotonic()))
        if "compare" in due:
            agree(daemons, controller, options.patience)
    took = time.monotonic() - start
    agree(daemons, controller, options.patience)

    rate = controller.changes / took
    print(f"{took:.0f} s besides the start, {controller.changes} changes of {options.routes} routes: {rate:.1f} a second")
    failures = [] if rate >= 0.98 * options.rate else ["the controller was too slow for this machine"]
    for daemon in daemons:
        failures += [f"{daemon.name}: {words}" for words in judge(daemon, warm)]
    return failures


TICK = 0.02


def clock(start: float, seconds: float) -> Iterator[tuple[float, set[str]]]:
    """The time, and what has come due, tick by tick."""
    last = dict.fromkeys(EVERY, start)
    while (now := time.monotonic()) < start + seconds:
        due = {what for what, period in EVERY.items() if now - last[what] >= period}
        last |= dict.fromkeys(due, now)
        yield now, due
        time.sleep(max(0.0, now + TICK - time.monotonic()))


def agree(daemons: list[Watched], controller: Controller, patience: float) -> None:
    """Waits, while the controller rests, until the kernel has exactly what is announced."""
    for daemon in daemons:
        end = time.monotonic() + patience
        while words := daemon.difference(controller.announced):
            daemon.sample()
            if time.monotonic() > end:
                when = f"{patience:.0f} s after the last change"
                raise Failed(f"{daemon.name}: {when}, of {len(controller.announced)} routes {words}; the log ends with {daemon.last_words()}")
            time.sleep(EVERY["sample"])
        daemon.compared += 1
        daemon.look(patience)


def judge(daemon: Watched, warm: float) -> list[str]:
    """Prints the figures; what is wrong with them."""
    samples = [sample for sample in daemon.samples if sample.when >= warm]
    quarter = len(samples) // 4
    if quarter == 0 or not daemon.delays:
        return [f"only {len(samples)} samples were taken and {len(daemon.delays)} changes followed"]
    first, last = samples[:quarter], samples[-quarter:]
    level = [statistics.median(sample.resident for sample in part) for part in (first, last)]
    peak = [samples[0].peak, samples[-1].peak]
    rest = [min(sample.descriptors for sample in part) for part in (first, last)]
    most = max(sample.descriptors for sample in samples)
    median, longest = statistics.median(daemon.delays), max(daemon.delays)
    print(
        f"{daemon.name}: {daemon.passes()} passes\n"
        f"  resident     {mib(level[0])}, at the end {mib(level[1])}; peak {mib(peak[0])}, at the end {mib(peak[1])}\n"
        f"  descriptors  {rest[0]} at rest, at the end {rest[1]}; {most} at most\n"
        f"  changes      {len(daemon.delays)} followed, in the kernel after {median:.1f} s (median), {longest:.1f} s at most; "
        f"{daemon.compared} times all compared"
    )
    wrong = []
    if level[1] - level[0] > FLAT:
        wrong.append(f"resident memory rose from {mib(level[0])} to {mib(level[1])}")
    if peak[1] - peak[0] > FLAT:
        wrong.append(f"the peak of resident memory rose from {mib(peak[0])} to {mib(peak[1])}")
    if rest[1] > rest[0] or most > rest[0] + MOST_AT_WORK:
        wrong.append(f"at rest it had {rest[0]} descriptors and at the end {rest[1]}; at most {most}")
    complaints = daemon.complaints()
    if complaints:
        wrong.append(f"the log has {len(complaints)} complaints, the first: {complaints[0]}")
    return wrong


def mib(kib: float) -> str:
    return f"{kib / 1024:.1f} MiB"


# The program


def without_sanitizers(build: pathlib.Path | None) -> pathlib.Path:
    """The injector of `build`, or of build/soak, which is brought up to date. Ends the program when there is none."""
    if build is not None:
        given = build / "injector/flowspec-injector"
        if not given.exists():
            sys.exit(usage_error(f"{given} is not there: build it first"))
        if b"__asan_init" not in given.read_bytes():
            return given
        print(f"{build} has sanitizers, under which memory means nothing: build/soak takes its place")
    made = net.PROJECT / "build/soak"
    made.mkdir(parents=True, exist_ok=True)
    with made.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another run may be building it
        configure = ("cmake", "--preset", "release", "-B", made, "-D", "CMAKE_CXX_FLAGS_RELWITHDEBINFO=-O1")
        for command in (configure, ("cmake", "--build", made, "--target", "flowspec-injector", "--", "--quiet")):
            done = as_a_group(*command)
            if done.returncode:
                print(done.stdout, file=sys.stderr)
                sys.exit(usage_error("the build failed"))
    return made / "injector/flowspec-injector"


def as_a_group(*command: str | os.PathLike[str]) -> subprocess.CompletedProcess[str]:
    """Runs it to its end. When that is not waited for, it ends with all its children."""
    started = subprocess.Popen(
        command, cwd=net.PROJECT, start_new_session=True, text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        out, _ = started.communicate()
    except BaseException:
        os.killpg(started.pid, signal.SIGTERM)
        started.wait()
        raise
    return subprocess.CompletedProcess(command, started.returncode, out)


def usage_error(words: str) -> int:
    print(f"tests/soak: {words}", file=sys.stderr)
    return 2


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests/soak", description=USAGE, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60, help="how long (60; by hand, an hour)")
    parser.add_argument("--rate", type=float, default=100, help="changes a second (100)")
    parser.add_argument("--routes", type=int, default=1000, help="how many are announced at any time (1000)")
    parser.add_argument("--interval", type=float, default=1, help="seconds between two passes (1)")
    parser.add_argument("--warm-up", type=float, help="seconds before memory is judged (a quarter, at most 60)")
    parser.add_argument("--patience", type=float, default=20, help="seconds after which a change is missed (20)")
    parser.add_argument("--source", choices=("vtysh", "socket", "both"), default="both", help="both: a daemon each (both)")
    parser.add_argument("--build", metavar="DIR", type=pathlib.Path, help="one without sanitizers (build/soak, made when needed)")
    options = parser.parse_args()
    if options.warm_up is None:
        options.warm_up = min(60, options.seconds / 4)
    if not 10 <= options.seconds or not 0 <= options.warm_up <= options.seconds / 2:
        parser.error("--seconds is 10 at least, --warm-up half of it at most")
    if not 30 <= options.routes <= 16_000 or not 0 < options.rate <= 1000 or options.interval <= 0 or options.patience <= 0:
        parser.error("--routes is between 30 and 16000, --rate at most 1000, all numbers positive")
    return options


def main() -> int:
    options = parse()
    if os.geteuid() != 0:
        return usage_error("must run as root: it makes network namespaces")
    for number in (signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        injector = without_sanitizers(options.build)
        with net.Lab() as lab:
            # A copy: a build may replace it meanwhile.
            failures = soak(options, lab, pathlib.Path(shutil.copy(injector, lab.directory)))
    except (Failed, AssertionError) as error:
        failures = [str(error)]
    except KeyboardInterrupt:
        failures = ["interrupted"]
    for words in failures:
        print(f"FAILED: {words}")
    if not failures:
        print("All held.")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
