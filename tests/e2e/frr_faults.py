"""What can happen to FRR, and to vtysh, while the daemon runs."""

from __future__ import annotations

import contextlib
import pathlib
import signal
import socket
import threading
from collections.abc import Callable, Iterator

import lab as net
from faults import Fault, Said, Trial

BOTH = ("vtysh", "socket")
RECOVERED = [Said("recovered")]
HELD = Said("held", "held for", "all routes held for the peer")
GARBAGE = Said("failed", "bad-answer", "not one JSON document")
IN_MID_ANSWER = Said("failed", "closed the connection after [1-9]|flowspec routes: the route at", "half an answer")


@contextlib.contextmanager
def stopped(trial: Trial) -> Iterator[None]:
    trial.frr.process.send_signal(signal.SIGSTOP)
    yield
    trial.frr.process.send_signal(signal.SIGCONT)


@contextlib.contextmanager
def killed(trial: Trial) -> Iterator[None]:
    end(trial.frr)
    yield
    trial.frr.start()


def end(frr: net.Frr) -> None:
    frr.process.kill()
    frr.process.wait()


@contextlib.contextmanager
def killed_in_mid_answer(trial: Trial) -> Iterator[None]:
    """Somebody between bgpd and whoever asks it passes on the beginning of the routes, and then kills bgpd."""
    there, aside = trial.frr.runtime / "bgpd.vty", trial.frr.runtime / "aside"
    there.rename(aside)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(there))
        listener.listen()
        threading.Thread(target=pass_on, args=(trial.frr, listener, aside), daemon=True).start()
        net.wait_until(lambda: trial.frr.process.poll() is not None, "an answer to kill bgpd in")
    yield
    trial.frr.start()


def pass_on(frr: net.Frr, listener: socket.socket, bgpd: pathlib.Path) -> None:
    with contextlib.suppress(OSError):  # the listener is closed
        while True:
            client, _ = listener.accept()
            threading.Thread(target=converse, args=(frr, client, bgpd), daemon=True).start()


def converse(frr: net.Frr, client: socket.socket, bgpd: pathlib.Path) -> None:
    with client, socket.socket(socket.AF_UNIX) as server, contextlib.suppress(OSError):
        server.connect(str(bgpd))
        while request := client.recv(4096):
            server.sendall(request)
            answer = b""
            while answer[-4:-1] != bytes(3):  # and a code: the end
                if b"detail json" in request and server.recv(1, socket.MSG_PEEK):
                    end(frr)
                piece = server.recv(65536)
                if not piece:
                    return
                client.sendall(piece)
                answer += piece


@contextlib.contextmanager
def restarted_empty(trial: Trial) -> Iterator[None]:
    file = trial.frr.configuration / "bgpd.conf"
    text = file.read_text()
    end(trial.frr)
    file.write_text("hostname empty\n")
    trial.frr.start()
    yield
    end(trial.frr)
    file.write_text(text)
    trial.frr.start()


@contextlib.contextmanager
def bad_route(trial: Trial) -> Iterator[None]:
    """FRR ends every session that brings it one."""
    trial.bad = [net.route("dst 10.0.3.0/24; dport != 5;")]
    trial.announce()
    yield
    trial.bad = []
    trial.announce()


@contextlib.contextmanager
def peer_removed(trial: Trial) -> Iterator[None]:
    vtysh = ("vtysh", "--pathspace", trial.frr.pathspace)
    trial.leaf.run(*vtysh, "-c", "configure terminal", "-c", "router bgp 65105", "-c", f"no neighbor {trial.frr.peer.address}")
    yield
    trial.leaf.run(*vtysh, "-f", trial.frr.configuration / "bgpd.conf")


def with_zebra(trial: Trial) -> None:
    """bgpd once more, and with a zebra to talk to."""
    end(trial.frr)
    start_zebra(trial)
    trial.frr.process = trial.leaf.start(
        "/usr/lib/frr/bgpd", "--pathspace", trial.frr.pathspace, "--config_file", trial.frr.configuration / "bgpd.conf",
        "--no_kernel", "--vty_port", "0", "--skip_runas", "--log", "stdout", log="bgpd.log",
    )  # fmt: skip


def start_zebra(trial: Trial) -> None:
    """It changes its user, and would outlive a parent that was killed: so it has a process namespace, whose init does not."""
    zebra = f"/usr/lib/frr/zebra --pathspace {trial.frr.pathspace} --config_file /dev/null --vty_port 0 --log stdout"
    trial.zebra = trial.leaf.start("unshare", "--pid", "--fork", "--kill-child", "sh", "-c", f"{zebra} & wait", log="zebra.log")
    net.wait_until((trial.frr.runtime / "zserv.api").exists, "zebra")


@contextlib.contextmanager
def zebra_killed(trial: Trial) -> Iterator[None]:
    trial.zebra.kill()
    trial.zebra.wait()
    (trial.frr.runtime / "zserv.api").unlink()
    yield
    start_zebra(trial)


# vtysh: the daemon runs a script of its own, which is the real one at first.


def script(trial: Trial) -> pathlib.Path:
    return trial.directory / "vtysh"


def write_script(trial: Trial, body: str = 'exec vtysh "$@"') -> None:
    """In one step: the daemon may be running it."""
    new = script(trial).with_suffix(".new")
    new.write_text(f"#!/bin/sh\n{body}\n")
    new.chmod(0o755)
    new.rename(script(trial))


def vtysh_is(body: str) -> Callable[[Trial], contextlib.AbstractContextManager[None]]:
    @contextlib.contextmanager
    def happens(trial: Trial) -> Iterator[None]:
        write_script(trial, body)
        yield
        write_script(trial)

    return happens


@contextlib.contextmanager
def vtysh_missing(trial: Trial) -> Iterator[None]:
    script(trial).unlink()
    yield
    write_script(trial)


def vtysh(name: str, happens: Callable[[Trial], contextlib.AbstractContextManager[None]], said: Said, **more: object) -> Fault:
    return Fault(
        name, happens, [said], RECOVERED, prepare=write_script, options=lambda trial: ("--vtysh", script(trial)), **more
    )  # fmt: skip


# bgpd writes 64 KiB of an answer at once, and can be killed before it writes the rest.
MANY = tuple(
    net.route(
        f"dst 10.9.{number // 256}.{number % 256}/32; proto 17;",
        net.DISCARD,
        *(f"bgp_ext_community.add((rt, 65000, {number * 1000 + target + 1000000000}));" for target in range(120)),
    )
    for number in range(70)
)  # fmt: skip

HALF = """vtysh "$@" >"$0.$$"
case "$*" in
  *detail*) head -c $(($(stat -c %s "$0.$$") / 2)) "$0.$$" ;;
  *) cat "$0.$$" ;;
esac
rm "$0.$$"
"""

FAULTS = [
    Fault("bgpd stopped (SIGSTOP)", stopped, [Said("failed", "answer within 1 s")], RECOVERED, sources=BOTH),
    Fault("bgpd killed", killed, [Said("failed", "no-answer", "FRR could not be asked")], RECOVERED, sources=BOTH),
    Fault("bgpd killed in mid-answer", killed_in_mid_answer, [IN_MID_ANSWER], RECOVERED, sources=BOTH, routes=MANY),
    Fault(
        "bgpd restarted without its configuration", restarted_empty,
        [Said("failed", "warning", "FRR has no BGP instance")], RECOVERED, sources=BOTH,
    ),
    Fault("session reset by a bad route", bad_route, [HELD], sources=BOTH),
    Fault("peer removed from FRR's configuration", peer_removed, [HELD], sources=BOTH),
    Fault("zebra down", zebra_killed, enforces=True, sources=BOTH, prepare=with_zebra),
    vtysh("vtysh missing", vtysh_missing, Said("failed", "No such file or directory")),
    vtysh("vtysh hangs", vtysh_is("exec sleep 1000"), Said("failed", "no answer within 1 s")),
    vtysh("vtysh prints garbage", vtysh_is("exec head -c 100000 /dev/urandom"), GARBAGE),
    vtysh(
        "vtysh prints 1 GB", vtysh_is("exec head -c 1G /dev/zero"), Said("failed", "more than 268435456 bytes on standard output"),
        timeout=10, sanitizer=("quarantine_size_mb=1",), memory=1 << 30,
    ),
    vtysh("vtysh prints half an answer", vtysh_is(HALF), Said("failed", "FRR's flowspec routes: the route at", "half an answer")),
]  # fmt: skip
