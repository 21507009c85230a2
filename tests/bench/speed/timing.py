"""How long a command takes in a network namespace, and what of the machine it takes."""

from __future__ import annotations

import contextlib
import dataclasses
import mmap
import os
import pathlib
import subprocess
import sys

import lab as net


WARM = 512 << 20  # more than a pass or iptables-legacy-restore takes, with its table in the kernel
LAUNCH = pathlib.Path(__file__).with_name("launch.py")


class Failed(Exception):
    """A measurement that would mean nothing: its message says why."""


@dataclasses.dataclass(frozen=True)
class Cost:
    """Of a process and the children it waited for."""

    seconds: float  # on the wall, from before it starts until it is gone
    user: float
    system: float
    peak: int  # resident, KiB; of the largest process


def timed(host: net.Namespace, *command: str | os.PathLike[str], input: pathlib.Path | None = None) -> tuple[Cost, str]:
    """Runs it to its end; what it cost, and its standard output. Failed when it fails."""
    warm_memory()
    directory = host.lab.directory
    output, errors = directory / "output", directory / "errors"
    launch = (sys.executable, "-I", "-S", LAUNCH, input or "/dev/null", output, errors, *command)
    done = subprocess.run(host.command(*launch), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=True, env=environment(host))
    code, *figures = done.stdout.split()
    if int(code):
        raise Failed(f"{' '.join(map(str, command))}: exit {code}\n{errors.read_text()[-2000:]}")
    seconds, user, system = map(float, figures[:3])
    return Cost(seconds, user, system, int(figures[3])), output.read_text()


def warm_memory() -> None:
    """The kernel of a virtual machine may give free memory back to its host, and who next takes a large page of it waits for the host:
    0.45 s for 256 MiB were measured, or 0.03 s when it was still there. Here it is there for everybody."""
    with mmap.mmap(-1, WARM, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as memory:
        with contextlib.suppress(OSError):  # a kernel without large pages
            memory.madvise(mmap.MADV_HUGEPAGE)
        for page in range(0, WARM, mmap.PAGESIZE):
            memory[page] = 1


def environment(host: net.Namespace) -> dict[str, str]:
    """The lock of iptables is one for the machine; here each namespace has its own."""
    return net.ENVIRONMENT | {"XTABLES_LOCKFILE": str(host.lab.directory / f"{host.name}.lock")}
