"""From the announcement at BIRD to the rule in the kernel.

BIRD announces the route set to FRR, which the daemon watches over bgpd's socket every 0.2 seconds. One more route is announced and withdrawn
in turn, at moments that have nothing to do with the daemon's. The clock starts when BIRD is told so on its control socket. It
reads "FRR" when bgpd's table has another version, and "kernel" when the table of rules has another size: both are looked at every
half millisecond, bgpd only until it has it.
"""

from __future__ import annotations

import ctypes
import dataclasses
import json
import pathlib
import random
import socket
import statistics
import struct
import time

import lab as net

from .routes import Route, bird_route
from .sets import make
from .timing import Failed, environment

CONTROLLER, LEAF = net.Peer("198.18.1.1", 65001), net.Peer("198.18.1.2", 65002)
INTERVAL = 0.2  # seconds
PATIENCE = 20.0  # seconds for a change
SETTLED = 8000  # milliseconds; what vanishes from a session that is younger may be held
ASIDE = Route((193 << 24 | 1, 32), None, 6, None, (443, 443))
GET_INFO, INFO_SIZE = 64, 84  # struct ipt_getinfo


@dataclasses.dataclass
class Delays:
    name: str
    size: int
    layout: str
    frr: list[float]  # from BIRD to FRR, seconds
    kernel: list[float]  # from BIRD to the kernel

    def figures(self) -> dict[str, tuple[float, float]]:
        """Median and 99th percentile; "kernel after FRR" is that of the differences."""
        after = [kernel - frr for frr, kernel in zip(self.frr, self.kernel)]
        return {"FRR": middle_and_99(self.frr), "kernel after FRR": middle_and_99(after), "kernel": middle_and_99(self.kernel)}

    def document(self) -> dict[str, object]:
        return dataclasses.asdict(self) | {"interval": INTERVAL, "figures": self.figures()}


def middle_and_99(values: list[float]) -> tuple[float, float]:
    ordered = sorted(values)
    return statistics.median(ordered), ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))]


class Table:
    """The size of an host's table filter."""

    def __init__(self, host: net.Namespace) -> None:
        with host.inside():
            self.socket = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)

    def size(self) -> tuple[int, int]:
        """Rules, with the ends of chains, and bytes."""
        info = ctypes.create_string_buffer(b"filter", INFO_SIZE)
        length = ctypes.c_uint32(INFO_SIZE)
        if net.LIBC.getsockopt(self.socket.fileno(), socket.IPPROTO_IP, GET_INFO, info, ctypes.byref(length)):
            return 0, 0  # no table yet
        return struct.unpack_from("II", info, INFO_SIZE - 8)


class Control:
    """BIRD's control socket."""

    def __init__(self, path: pathlib.Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(path))
        self.lines = self.socket.makefile("r")
        self.lines.readline()

    def say(self, command: str) -> None:
        self.socket.sendall(f"{command}\n".encode())

    def answered(self) -> None:
        while (line := self.lines.readline()) and line[4:5] != " ":
            pass
        if not line.startswith("00"):
            raise Failed(f"BIRD: {line.strip()}")


class Bgpd:
    """bgpd's vty socket."""

    def __init__(self, frr: net.Frr) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(frr.runtime / "bgpd.vty"))

    def version(self) -> int:
        self.socket.sendall(b"show bgp ipv4 flowspec summary json\0")
        answer = b""
        while answer[-4:-1] != b"\0\0\0":
            answer += self.socket.recv(65536)
        return json.loads(answer[:-4])["tableVersion"]


def measure(name: str, size: int, changes: int, layout: str) -> Delays:
    routes = make(name, size).routes
    with net.Lab() as lab:
        controller, leaf = lab.namespace("controller"), lab.namespace("leaf")
        lab.link(controller, f"{CONTROLLER.address}/30", leaf, f"{LEAF.address}/30")
        frr, bird = net.Frr(leaf, LEAF, CONTROLLER), net.Bird(controller, CONTROLLER, LEAF)
        bird.configure(static("many", routes) + static("aside", [ASIDE], "disabled yes;"))
        net.wait_until(lambda: frr.peer_state().get("pfxRcd") == size, f"{size} routes in FRR", 120)
        net.wait_until(lambda: frr.peer_state().get("peerUptimeMsec", 0) > SETTLED, "a session that is not young")
        daemon = leaf.start(
            "env", f"XTABLES_LOCKFILE={environment(leaf)['XTABLES_LOCKFILE']}", net.INJECTOR, "run", "--config", "/dev/null",
            "--pathspace", frr.pathspace, "--source", "socket", "--interval", str(INTERVAL), "--layout", layout, "--stateful", "never",
            "--conntrack", "off", "--state-dir", lab.directory / "state", log="daemon.log",
        )  # fmt: skip
        table, control, bgpd = Table(leaf), Control(bird.control), Bgpd(frr)
        net.wait_until(lambda: table.size()[0] >= size or daemon.poll() is not None, "the first pass", 60)
        delays = Delays(name, size, layout, [], [])
        choose = random.Random(3)
        for number in range(changes):
            time.sleep(choose.random() * INTERVAL)
            verb = "disable" if number % 2 else "enable"
            if daemon.poll() is not None:
                raise Failed(f"the daemon ended: {(lab.directory / 'daemon.log').read_text()[-1000:]}")
            frr_delay, kernel_delay = follow(table, control, bgpd, f"{verb} aside")
            delays.frr.append(frr_delay)
            delays.kernel.append(kernel_delay)
    return delays


def follow(table: Table, control: Control, bgpd: Bgpd, command: str) -> tuple[float, float]:
    """Gives BIRD the command; the seconds until FRR and until the kernel had it."""
    size, version = table.size(), bgpd.version()
    start = time.monotonic()
    control.say(command)
    in_frr = 0.0
    while True:
        in_kernel = table.size() != size
        now = time.monotonic() - start
        if not in_frr and (in_kernel or bgpd.version() != version):
            in_frr = time.monotonic() - start if not in_kernel else now
        if in_kernel:
            control.answered()
            return in_frr, now
        if now > PATIENCE:
            raise Failed(f"{PATIENCE:.0f} s after \"{command}\" it was not in the kernel")
        time.sleep(0.0005)


def static(protocol: str, routes: list[Route], *options: str) -> str:
    lines = "\n".join(map(bird_route, routes))
    return f"protocol static {protocol} {{\n  flow4 {{ table flowtab4; }};\n  {' '.join(options)}\n{lines}\n}}\n"
