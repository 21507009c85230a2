"""A network for tests: namespaces, links, the real daemons, packets, and the two tools.

A `Lab` owns all of it. A namespace has no name: it lives as long as the process that holds it, and every process here is
killed by the kernel when the test run dies, however it dies. What a lab leaves in the file system is a temporary directory
and FRR's two directories, named after the process; `Lab.close` removes them. Any number of runs can go on at once.
"""

from __future__ import annotations

import contextlib
import ctypes
import dataclasses
import itertools
import json
import os
import pathlib
import platform
import pwd
import re
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP = 1, 38, 22

# A tool that a sanitizer stopped must not look like one that refused.
SANITIZER_EXIT = 99
SANITIZER_ENVIRONMENT = {name: f"exitcode={SANITIZER_EXIT}" for name in ("ASAN_OPTIONS", "LSAN_OPTIONS", "UBSAN_OPTIONS")}
# Taken once: pytest changes a variable of its own from test to test, and labs are made by threads.
ENVIRONMENT = os.environ | SANITIZER_ENVIRONMENT


def wait_until(condition: Callable[[], object], what: str, seconds: float = 20) -> None:
    """Polls; AssertionError naming `what` when it does not come true in time."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited {seconds} seconds in vain for {what}"
        time.sleep(0.05)


def die_with_parent() -> None:
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Deny:
    """A `before_exec`: a system call on the sockets of iptables fails with `error`, as in a kernel that cannot do it.

    `Deny("setsockopt", 64, EPERM)` forbids every commit of an IPv4 table (IPT_SO_SET_REPLACE);
    `Deny("getsockopt", 64, ENOPROTOOPT)` is a kernel without ip_tables (IPT_SO_GET_INFO).
    """

    CALLS = {"x86_64": {"setsockopt": 54, "getsockopt": 55}, "aarch64": {"setsockopt": 208, "getsockopt": 209}}

    def __init__(self, call: str, option: int, error: int) -> None:
        load, equal, result = 0x20, 0x15, 0x06  # BPF: load a word of seccomp_data, jump if equal, return
        allow, fail = 0x7FFF0000, 0x00050000 | error
        level, name = 16 + 8, 16 + 16  # the low halves of the second and third argument
        program = [
            (load, 0, 0, 0), (equal, 0, 5, self.CALLS[platform.machine()][call]),
            (load, 0, 0, level), (equal, 0, 3, socket.IPPROTO_IP),
            (load, 0, 0, name), (equal, 0, 1, option),
            (result, 0, 0, fail), (result, 0, 0, allow),
        ]  # fmt: skip
        self.code = b"".join(struct.pack("HBBI", *instruction) for instruction in program)

    def __call__(self) -> None:
        code = ctypes.create_string_buffer(self.code)
        program = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(self.code) // 8, ctypes.addressof(code)))
        if LIBC.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or LIBC.prctl(PR_SET_SECCOMP, 2, program, 0, 0):
            raise OSError(ctypes.get_errno(), "seccomp")


class Lab:
    """Owns processes and files. Use as a context manager."""

    numbers = itertools.count(1)

    def __init__(self) -> None:
        self.name = f"flowspec-e2e-{os.getpid()}-{next(self.numbers)}"
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix=f"{self.name}-"))
        self.processes: list[subprocess.Popen[bytes]] = []
        self.trees: list[pathlib.Path] = [self.directory]

    def __enter__(self) -> Lab:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        for process in reversed(self.processes):
            stop(process)
        for tree in self.trees:
            shutil.rmtree(tree, ignore_errors=True)

    def start(self, *command: str | os.PathLike[str], log: str = "processes.log") -> subprocess.Popen[bytes]:
        """Starts a process that goes on; its words go to a file of the lab's directory."""
        with open(self.directory / log, "ab") as out:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, preexec_fn=die_with_parent, start_new_session=True
            )
        self.processes.append(process)
        return process

    def namespace(self, name: str) -> Namespace:
        return Namespace(self, name)

    def link(self, left: Namespace, left_address: str, right: Namespace, right_address: str) -> None:
        """A cable; each end is named after the namespace that it leads to."""
        left.run("ip", "link", "add", right.name, "type", "veth", "peer", "name", left.name, "netns", str(right.holder.pid))
        for here, address, there in ((left, left_address, right), (right, right_address, left)):
            here.run("ip", "address", "add", address, "dev", there.name)
            here.run("ip", "link", "set", there.name, "up")


def stop(process: subprocess.Popen[bytes]) -> None:
    """Ends a process, which may be stopped or gone, and waits for it."""
    if process.poll() is None:
        process.send_signal(signal.SIGCONT)
        process.terminate()
        try:
            process.wait(timeout=3)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait()


class Namespace:
    """A network namespace: a host."""

    def __init__(self, lab: Lab, name: str) -> None:
        self.lab, self.name = lab, name
        self.holder = lab.start("unshare", "--net", "sleep", "infinity")
        self.path = f"/proc/{self.holder.pid}/ns/net"
        wait_until(lambda: os.stat(self.path).st_ino != os.stat("/proc/self/ns/net").st_ino, f"namespace {name}")
        self.run("ip", "link", "set", "lo", "up")

    def command(self, *command: str | os.PathLike[str]) -> list[str]:
        return ["nsenter", f"--net={self.path}", "--", *map(str, command)]

    def run(
        self,
        *command: str | os.PathLike[str],
        input: str = "",
        check: bool = True,
        before_exec: Callable[[], None] | None = None,
        timeout: float = 60,
    ) -> subprocess.CompletedProcess[str]:
        """Runs a command to its end. With `check`, a failure is an AssertionError with its words."""
        done = subprocess.run(
            self.command(*command),
            input=input, capture_output=True, text=True, timeout=timeout, preexec_fn=before_exec,
            env=ENVIRONMENT,
        )  # fmt: skip
        assert done.returncode != SANITIZER_EXIT and "Sanitizer" not in done.stderr, done.stderr
        assert not check or done.returncode == 0, f"{command}: exit {done.returncode}\n{done.stdout}{done.stderr}"
        return done

    def start(self, *command: str | os.PathLike[str], log: str) -> subprocess.Popen[bytes]:
        return self.lab.start(*self.command(*command), log=log)

    @contextlib.contextmanager
    def inside(self) -> Iterator[None]:
        """This thread is in the namespace. A socket stays in the one where it was made."""
        with open("/proc/thread-self/ns/net") as home, open(self.path) as there:
            enter(there.fileno())
            try:
                yield
            finally:
                enter(home.fileno())

    def socket(self, kind: socket.SocketKind, port: int = 0) -> socket.socket:
        """An IPv4 socket here, bound to the port, with a time limit of a second."""
        with self.inside():
            made = socket.socket(socket.AF_INET, kind)
        made.settimeout(1)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(("", port))
        return made

    # The rules, as text

    def save(self, family: int = 4, counters: bool = False, table: str | None = None) -> str:
        """iptables-legacy-save without its comments, which hold the time, and, unless asked for, without any counter."""
        options = (["-c"] if counters else []) + (["-t", table] if table else [])
        text = self.run("iptables-legacy-save" if family == 4 else "ip6tables-legacy-save", *options).stdout
        text = re.sub("^#.*\n", "", text, flags=re.MULTILINE)
        return text if counters else re.sub(r" \[\d+:\d+\]$", "", text, flags=re.MULTILINE)

    def restore(self, rules: str, *options: str) -> None:
        self.run("iptables-legacy-restore", *options, input=rules)

    def chain(self, name: str) -> list[str]:
        """The rules of a chain of `filter`, in iptables -S notation without "-A NAME "; none when there is no such chain."""
        listed = self.run("iptables-legacy", "-S", name, check=False)
        return [line.removeprefix(f"-A {name} ") for line in listed.stdout.splitlines() if line.startswith("-A ")]

    def packet_counts(self, chain: str) -> list[int]:
        """How many packets each rule of a chain of `filter` has seen."""
        lines = self.save(counters=True, table="filter").splitlines()
        return [int(m[1]) for line in lines if (m := re.match(rf"\[(\d+):\d+\] -A {re.escape(chain)} ", line))]


def enter(namespace: int) -> None:
    if LIBC.setns(namespace, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


# Packets. Each sends something new, and says whether it got through.


def connects(source: Namespace, server: Namespace, address: str, port: int) -> bool:
    """Whether a TCP connection to a listener comes about."""
    with server.socket(socket.SOCK_STREAM, port) as listener, source.socket(socket.SOCK_STREAM) as client:
        listener.listen()
        return succeeds(lambda: client.connect((address, port)))


def datagram_arrives(source: Namespace, server: Namespace, address: str, port: int, source_port: int = 0) -> bool:
    """Whether one UDP datagram gets there; whether a reply would is another matter."""
    with server.socket(socket.SOCK_DGRAM, port) as receiver, source.socket(socket.SOCK_DGRAM, source_port) as sender:
        sender.sendto(b"hello", (address, port))
        return succeeds(lambda: receiver.recv(16))


def pings(source: Namespace, address: str) -> bool:
    return source.run("ping", "-c", "1", "-W", "1", address, check=False).returncode == 0


def succeeds(action: Callable[[], object]) -> bool:
    try:
        action()
    except OSError:
        return False
    return True


# The daemons


@dataclasses.dataclass(frozen=True)
class Peer:
    address: str
    asn: int


class Frr:
    """bgpd under its own pathspace, without zebra, with one flowspec peer."""

    def __init__(self, host: Namespace, own: Peer, peer: Peer, families: Sequence[str] = ("ipv4",)) -> None:
        self.host, self.peer = host, peer
        self.pathspace = f"{host.lab.name}-{host.name}"
        self.configuration = pathlib.Path("/etc/frr", self.pathspace)
        self.runtime = pathlib.Path("/var/run/frr", self.pathspace)
        host.lab.trees += [self.configuration, self.runtime]
        frr = pwd.getpwnam("frr")
        for directory in (self.configuration, self.runtime.parent, self.runtime):
            directory.mkdir(mode=0o755, exist_ok=True)
            os.chown(directory, frr.pw_uid, frr.pw_gid)
        (self.configuration / "vtysh.conf").touch()
        # FRR 8.4 would send the routes back, and packs UPDATEs of more than 4096 bytes: the session would end.
        activated = "".join(
            f" address-family {family} flowspec\n  neighbor {peer.address} activate\n"
            f"  neighbor {peer.address} route-map NOTHING out\n exit-address-family\n"
            for family in families
        )
        (self.configuration / "bgpd.conf").write_text(f"""
router bgp {own.asn}
 bgp router-id {own.address}
 no bgp ebgp-requires-policy
 neighbor {peer.address} remote-as {peer.asn}
 neighbor {peer.address} timers connect 1
 neighbor {peer.address} advertisement-interval 0
{activated}route-map NOTHING deny 10
""")
        self.start()

    def start(self) -> None:
        # As root, not as frr: a process that changes its user outlives a parent that was killed.
        self.process = self.host.start(
            "/usr/lib/frr/bgpd", "--pathspace", self.pathspace, "--config_file", self.configuration / "bgpd.conf",
            "--no_zebra", "--no_kernel", "--vty_port", "0", "--skip_runas", "--log", "stdout",
            log=f"{self.host.name}-bgpd.log",
        )  # fmt: skip

    def show(self, command: str) -> str:
        done = self.host.run("vtysh", "--pathspace", self.pathspace, "-c", f"show {command}", check=False)
        return done.stdout if done.returncode == 0 else ""

    def peer_state(self, family: str = "ipv4") -> dict[str, object]:
        """The peer's part of the flowspec summary; empty while bgpd does not answer."""
        try:
            return json.loads(self.show(f"bgp {family} flowspec summary json"))["peers"][self.peer.address]
        except (ValueError, KeyError):
            return {}

    def routes_text(self, family: str = "ipv4") -> str:
        return self.show(f"bgp {family} flowspec detail json")

    def routes(self, family: str = "ipv4") -> list[list[dict[str, object]]]:
        """The answer's arrays, each a route."""
        return list(json_values(self.routes_text(family)))


def json_values(text: str) -> Iterator[list[dict[str, object]]]:
    """The JSON values that follow one another in a text."""
    decoder, at = json.JSONDecoder(), 0
    while text[at:].strip():
        value, at = decoder.raw_decode(text, at + len(text[at:]) - len(text[at:].lstrip()))
        yield value


def wait_for_bird(host: Namespace, control: pathlib.Path) -> None:
    """Until BIRD answers: its socket is there, and takes connections, before it reads its configuration."""
    wait_until(lambda: host.run("birdc", "-s", control, "show", "status", check=False).returncode == 0, "BIRD")


class Bird:
    """BIRD with the paper's controller configuration, and the routes that it is given."""

    def __init__(self, host: Namespace, own: Peer, peer: Peer, families: Sequence[str] = ("ipv4",)) -> None:
        self.host = host
        self.file, self.routes_file = host.lab.directory / "bird.conf", host.lab.directory / "flowspec.conf"
        self.control = host.lab.directory / "bird.ctl"
        channels = "\n".join(
            f"  flow{version} {{ table flowtab{version}; import none; export all; }};"
            for version in (family[-1] for family in families)
        )
        self.file.write_text(f"""
router id {own.address};
protocol device {{ }}
flow4 table flowtab4;
flow6 table flowtab6;
include "{self.routes_file.name}";
protocol bgp leaf {{
  local {own.address} as {own.asn};
  neighbor {peer.address} as {peer.asn};
  connect delay time 1; connect retry time 1; error wait time 1, 1;
{channels}
}}
""")
        self.routes_file.touch()
        self.process = host.start(
            "bird", "-f", "-c", self.file, "-s", self.control, "-P", host.lab.directory / "bird.pid", log="bird.log"
        )
        wait_for_bird(host, self.control)

    def configure(self, text: str) -> None:
        """Takes the text as the included file, live. AssertionError with BIRD's words when it does not like it."""
        self.routes_file.write_text(text)
        said = self.host.run("birdc", "-s", self.control, "configure").stdout
        assert "Reconfigured" in said or "Reconfiguration in progress" in said, said


# Routes by hand, as somebody would write them in bird.conf

DISCARD = "bgp_ext_community.add((generic, 0x80060000, 0x0));"


def rate(bytes_per_second: float) -> str:
    (bits,) = struct.unpack(">I", struct.pack(">f", bytes_per_second))
    return f"bgp_ext_community.add((generic, 0x80060000, {bits:#x}));"


def sequence(number: int) -> str:
    return f"bgp_ext_community.add((rt, 65535, {number}));"


def marking(number: int) -> str:
    return f"bgp_ext_community.add((generic, 0x80090000, {number:#x}));"


def route(match: str, *actions: str) -> str:
    """`route("dst 10.0.0.0/8; proto 6;", sequence(1), DISCARD)`."""
    return f"  route flow4 {{ {match} }} {{ {' '.join(actions)} }};"


def static(*routes: str) -> str:
    """The file that flowspec-fetcher would write, of routes from `route`."""
    return "\n".join(["protocol static flowspec4 {", "  flow4 { table flowtab4; };", *routes, "}", ""])


# The tools

PROJECT = pathlib.Path(__file__).parents[2]
BUILD = pathlib.Path(os.environ.get("FLOWSPEC_BUILD", PROJECT / "build/dev"))
INJECTOR = BUILD / "injector/flowspec-injector"
FETCHER = BUILD / "fetcher/flowspec-fetcher"
