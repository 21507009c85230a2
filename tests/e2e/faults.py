"""An enforcement point that something happens to: the loop with the daemon on its leaf, and packets that say what it does all
the while.

A `Fault` is what happens. `Point.suffer` lets it happen to a running daemon, changes the routes meanwhile, and gives back what
became of the packets, how long it took until the change was enforced, and what the log said.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import pathlib
import re
import selectors
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import lab as net
from conftest import Loop

INTERVAL = 0.2  # seconds from pass to pass
BOUND = 30.0  # by then everything has come true, on any machine
TICK = 0.01  # seconds between the packets of a flow
SURE = 20  # so many ticks of the same kind are no accident


@dataclasses.dataclass(frozen=True)
class Flow:
    """UDP datagrams from the client to the server, one a tick."""

    port: int
    passes: bool  # before the change
    passes_then: bool  # once the change is enforced


# The accepted range lets a flow through when its own drop is lost; the default drop alone keeps out what no route names.
FLOWS = {
    "dropped by a route": Flow(9001, False, False),
    "dropped by default": Flow(9009, False, False),
    "accepted": Flow(9002, True, True),
    "dropped by the change": Flow(9003, True, False),
    "accepted by the change": Flow(9008, False, True),
}
TO_SERVER = "dst 10.0.2.10/32; proto 17;"
ROUTES = (
    net.route(f"{TO_SERVER} dport 9001;", net.sequence(10), net.DISCARD),
    net.route(f"{TO_SERVER} dport 9001..9003;", net.sequence(20)),
    net.route("dst 0.0.0.0/0; src 0.0.0.0/0;", net.DISCARD),
)
CHANGE = (
    net.route(f"{TO_SERVER} src 10.0.1.0/24; dport 9003;", net.sequence(5), net.DISCARD),
    net.route(f"{TO_SERVER} dport 9008;", net.sequence(30)),
)


@dataclasses.dataclass(frozen=True)
class Counts:
    """Packets that must not have come and came, that should have come and did not; each of how many."""

    leaked: int = 0
    to_drop: int = 0
    lost: int = 0
    to_pass: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(mine + others for mine, others in zip(dataclasses.astuple(self), dataclasses.astuple(other))))


class Stream:
    """Sends a datagram of each flow every tick, and takes what arrives, from now on until `end`."""

    def __init__(self, client: net.Namespace, server: net.Namespace, address: str) -> None:
        self.address = address
        self.sent: list[float] = []  # when; a datagram carries its place in this list
        self.came: dict[int, set[int]] = {flow.port: set() for flow in FLOWS.values()}
        self.sender = client.socket(socket.SOCK_DGRAM)
        self.receivers = {port: server.socket(socket.SOCK_DGRAM, port) for port in self.came}
        self.over = threading.Event()
        self.threads = [threading.Thread(target=work, daemon=True) for work in (self.send, self.receive)]
        for thread in self.threads:
            thread.start()

    def send(self) -> None:
        while not self.over.wait(TICK):
            number = len(self.sent)
            self.sent.append(time.monotonic())
            for port in self.came:
                self.sender.sendto(struct.pack(">I", number), (self.address, port))

    def receive(self) -> None:
        """Until nothing has come for a while after the last was sent."""
        with selectors.DefaultSelector() as waiting:
            for port, receiver in self.receivers.items():
                waiting.register(receiver, selectors.EVENT_READ, port)
            while (ready := waiting.select(0.3)) or not self.over.is_set():
                for key, _ in ready:
                    (number,) = struct.unpack(">I", key.fileobj.recv(16))
                    self.came[key.data].add(number)

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *_: object) -> None:
        if not self.over.is_set():
            self.end()

    def end(self) -> None:
        alive = [thread.is_alive() for thread in self.threads]
        self.over.set()
        for thread in self.threads:
            thread.join(timeout=10)
        for end in (self.sender, *self.receivers.values()):
            end.close()
        assert all(alive), "the stream of packets stopped early"

    def lately(self, flow: Flow) -> bool | None:
        """Whether it passes; None when it is not clear."""
        last = len(self.sent) - 2  # what is under way is not lost
        came = {number in self.came[flow.port] for number in range(max(last - SURE, 0), last)}
        return came.pop() if len(came) == 1 else None

    def changed(self) -> bool:
        return all(self.lately(flow) == flow.passes_then for flow in FLOWS.values())

    def unchanged(self) -> bool:
        return all(self.lately(flow) == flow.passes for flow in FLOWS.values())

    def go_on(self, until: float) -> None:
        net.wait_until(lambda: self.sent[-1] >= until, "packets", BOUND + until - time.monotonic())

    def count(self, begun: int, announced: int, shown: int) -> Counts:
        """From the tick `begun` to the end. From `announced` to `shown` a flow that the change is about may do what it likes."""
        total, end = Counts(), len(self.sent)
        for flow in FLOWS.values():
            sure = announced if flow.passes != flow.passes_then else shown
            total += self.count_one(flow.port, flow.passes, begun, sure)
            total += self.count_one(flow.port, flow.passes_then, shown, end)
        return total

    def count_one(self, port: int, passes: bool, first: int, last: int) -> Counts:
        came, sent = sum(first <= number < last for number in self.came[port]), last - first
        return Counts(lost=sent - came, to_pass=sent) if passes else Counts(leaked=came, to_drop=sent)

    def right_from(self, announced: int, shown: int) -> int:
        """The tick from which on every flow did what it should after the change, as far as `shown`."""
        wrong = (
            number
            for flow in FLOWS.values()
            for number in range(announced, shown)
            if (number in self.came[flow.port]) != flow.passes_then
        )
        return max(wrong, default=announced - 1) + 1


@dataclasses.dataclass
class Daemon:
    """`run`, with its log as JSON in a file."""

    process: subprocess.Popen[bytes]
    log: pathlib.Path

    def events(self) -> list[dict[str, str]]:
        """Whole lines only. AssertionError when one is no event: a sanitizer's, say."""
        events = []
        for line in self.log.read_text().splitlines(keepends=True):
            if line.endswith("\n"):
                assert line.startswith("{"), self.log.read_text()
                events.append(json.loads(line))
        return events

    def said(self, what: Said, since: int) -> bool:
        return any(
            one["event"] == what.event and (re.search(what.words, one["message"]) or what.words == one.get("cause"))
            for one in self.events()[since:]
        )

    def stop(self) -> None:
        self.process.terminate()
        assert self.process.wait(timeout=BOUND) == 0, self.log.read_text()
        assert self.events()[-1]["event"] == "stopped"

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@dataclasses.dataclass
class Trial:
    """One fault at one enforcement point: what the fault may lay hands on."""

    loop: Loop
    source: str  # of the daemon: vtysh or socket
    fault: Fault
    daemon: Daemon | None = None
    announced: Sequence[str] = ()
    bad: Sequence[str] = ()  # routes that are announced besides
    zebra: subprocess.Popen[bytes] | None = None

    @property
    def frr(self) -> net.Frr:
        return self.loop.frr

    @property
    def leaf(self) -> net.Namespace:
        return self.loop.leaf

    @property
    def directory(self) -> pathlib.Path:
        return self.leaf.lab.directory

    @property
    def state(self) -> pathlib.Path:
        return self.directory / "state"

    def start_daemon(self, before_exec: Callable[[], None] | None = None) -> None:
        """A daemon, whose log goes on where the last one's ended."""
        fault, log = self.fault, self.directory / "daemon.log"
        command = [
            *fault.wrapper(self), net.INJECTOR, "run", "--pathspace", self.frr.pathspace, "--source", self.source,
            "--interval", INTERVAL, "--full-interval", 1, "--max-back-off", 1, "--timeout", fault.timeout,
            "--state-dir", self.state, "--log-format", "json", *fault.options(self),
        ]  # fmt: skip

        def before() -> None:
            net.die_with_parent()
            if before_exec:
                before_exec()

        environment = net.ENVIRONMENT | fault.environment(self)
        environment["ASAN_OPTIONS"] = ":".join((net.SANITIZER_ENVIRONMENT["ASAN_OPTIONS"], *fault.sanitizer))
        with self.leaf.inside(), log.open("ab") as out:
            process = subprocess.Popen(
                [*map(str, command)],
                stdin=subprocess.DEVNULL, stdout=out, stderr=out, preexec_fn=before, start_new_session=True, env=environment,
            )  # fmt: skip
        self.leaf.lab.processes.append(process)
        self.daemon = Daemon(process, log)

    def publish(self, *change: str) -> None:
        self.announced = change
        self.announce()

    def announce(self) -> None:
        self.loop.bird.configure(net.static(*ROUTES, *self.fault.routes, *self.announced, *self.bad))

    def wait_for(self, what: Said, since: int = 0) -> None:
        net.wait_until(lambda: self.daemon.said(what, since), f"the event {what}", BOUND)


def nothing(_: Trial) -> Sequence[object]:
    return ()


class Said(NamedTuple):
    """An event of the daemon's log."""

    event: str
    words: str = ""  # a regular expression of its sentence, or its cause
    shown: str = ""  # in README, when the words are not to be read

    def __str__(self) -> str:
        words = self.shown or self.words
        return f"{self.event}: {words}" if words else self.event


@dataclasses.dataclass(frozen=True)
class Fault:
    """What happens, and what is expected of the daemon."""

    name: str
    happens: Callable[[Trial], contextlib.AbstractContextManager[None]]
    said: Sequence[Said] = ()  # while it lasts
    said_then: Sequence[Said] = ()  # when it is over
    enforces: bool = False  # the change, while it lasts
    leaks: bool = False  # the fault itself takes the rules away
    lasts: float = 0.5  # seconds, at least
    sources: Sequence[str] = ("vtysh",)
    routes: Sequence[str] = ()  # that are there besides, from the beginning
    prepare: Callable[[Trial], object] = nothing  # before the daemon runs
    timeout: float = 1  # of the daemon
    options: Callable[[Trial], Sequence[object]] = nothing  # more of the daemon's
    wrapper: Callable[[Trial], Sequence[object]] = nothing  # a command that runs the daemon
    environment: Callable[[Trial], dict[str, str]] = lambda _: {}
    sanitizer: Sequence[str] = ()  # options of AddressSanitizer
    most_lines: int = 10  # of the log, from the beginning of the fault
    memory: int = 0  # bytes that the daemon may take; 0: nobody looks
    check: Callable[[Observed], None] = lambda _: None


@dataclasses.dataclass
class Observed:
    """What became of an enforcement point under one fault."""

    counts: Counts  # from the beginning of the fault
    then: Counts  # of these, from when the change was enforced
    repaired: float  # seconds from the end of the fault, or from the announcement if the fault did not hinder it
    log: list[dict[str, str]]  # from the beginning of the fault, without what is for debugging
    peak: int = 0  # of the daemon's memory, in bytes


def suffer(loop: Loop, source: str, fault: Fault) -> Observed:
    """Lets it happen once. AssertionError, with the log, when something does not become right again."""
    trial = Trial(loop, source, fault)
    loop.session_lasts = False
    fault.prepare(trial)
    trial.publish()
    loop.arrived(len(ROUTES) + len(fault.routes))
    trial.start_daemon()
    with Stream(loop.client, loop.server, loop.SERVER) as stream:
        try:
            return observe(trial, stream)
        except AssertionError as error:
            raise AssertionError(f"{fault.name} ({source}): {error}\n{trial.daemon.log.read_text()}") from error
        finally:
            if trial.zebra:
                trial.zebra.kill()


def observe(trial: Trial, stream: Stream) -> Observed:
    fault = trial.fault
    trial.wait_for(Said("ready"))
    net.wait_until(stream.unchanged, "the routes in force", BOUND)
    begun, begun_tick = len(trial.daemon.events()), len(stream.sent)
    with fault.happens(trial):
        announced = len(stream.sent)
        trial.publish(*CHANGE)
        for what in fault.said:
            trial.wait_for(what, begun)
        if fault.enforces:
            net.wait_until(stream.changed, "the change in force while the fault lasts", BOUND)
            shown = len(stream.sent)
        stream.go_on(until=stream.sent[begun_tick] + fault.lasts)
        ended = time.monotonic()
    net.wait_until(stream.changed, "the change in force", BOUND)
    if not fault.enforces:
        shown = len(stream.sent)
    for what in fault.said_then:
        trial.wait_for(what, begun)
    stream.go_on(until=time.monotonic() + 0.5)
    assert stream.changed(), "the change did not last"
    peak = peak_memory(trial.daemon.process.pid)
    trial.daemon.stop()
    stream.end()
    repaired = stream.sent[stream.right_from(announced, shown)] - (stream.sent[announced] if fault.enforces else ended)
    log = [event for event in trial.daemon.events()[begun:] if event["level"] != "debug"]
    counts, then = stream.count(begun_tick, announced, shown), stream.count(shown, shown, shown)
    return Observed(counts, then, max(repaired, 0), log, peak)


def peak_memory(pid: int) -> int:
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return 1024 * int(re.search(r"^VmHWM:\s*(\d+) kB$", status, re.MULTILINE)[1])
