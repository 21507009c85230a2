"""The injector as a service runs it: a user of its own, two capabilities, group frrvty, and systemd's @system-service."""

from __future__ import annotations

import dataclasses
import fcntl
import grp
import os
import pathlib
import re
import shutil
import subprocess
from collections.abc import Iterator

import lab as net
import pytest
from conftest import Loop
from daemon import Daemon, repairs

USER, ID = "flowspec", 64_242  # of /etc/passwd as the injector sees it: vtysh refuses to work for nobody at all
FRRVTY = "frrvty"
SYSCALLS = re.sub("#.*", "", (net.PROJECT / "tests/data/system-service.syscalls").read_text()).split()

# In a mount namespace of its own: the passwd file and iptables' lock are these.
ARRANGE = 'mount --bind "$1" /etc/passwd && mount --bind "$2" /run/xtables.lock && shift 2 && exec "$@"'

# As systemd does it, which also kills the process for any other call.
CONFINE = """
import ctypes, os, sys
KILL, ALLOW = 0x80000000, 0x7FFF0000
library = ctypes.CDLL("libseccomp.so.2")
library.seccomp_init.restype = ctypes.c_void_p
rules = ctypes.c_void_p(library.seccomp_init(ctypes.c_uint32(KILL)))
for name in sys.argv[1].split(","):
    number = library.seccomp_syscall_resolve_name(name.encode())
    if number >= 0 and library.seccomp_rule_add(rules, ctypes.c_uint32(ALLOW), number, 0):
        sys.exit("seccomp_rule_add " + name)
if library.seccomp_load(rules):
    sys.exit("seccomp_load")
os.execvp(sys.argv[2], sys.argv[2:])
"""

WEB, SSH = (net.route(f"dst 10.0.2.10/32; proto 6; dport {port};") for port in (80, 122))
DEFAULT_DROP = net.route("dst 0.0.0.0/0; src 0.0.0.0/0;", net.DISCARD)


@dataclasses.dataclass
class Service:
    """What a unit file arranges; a test takes a part of it away."""

    loop: Loop
    home: pathlib.Path  # the service's own, for its state and metrics
    tool: pathlib.Path
    lock: pathlib.Path
    capabilities: tuple[str, ...] = ("net_admin", "net_raw")
    groups: tuple[str, ...] = (FRRVTY,)

    def confined(self, *command: str | os.PathLike[str]) -> list[str | os.PathLike[str]]:
        kept = ",".join(["-all", *(f"+{each}" for each in self.capabilities)])
        groups = ["--groups", ",".join(self.groups)] if self.groups else ["--clear-groups"]
        return [
            "unshare", "--mount", "sh", "-c", ARRANGE, "sh", self.home.with_name("passwd"), self.lock,
            "setpriv", "--reuid", str(ID), "--regid", str(ID), *groups,
            "--inh-caps", kept, "--ambient-caps", kept, "--bounding-set", kept, "--no-new-privs",
            # A leak is looked for with ptrace, which is not among the calls.
            "env", "ASAN_OPTIONS=detect_leaks=0:exitcode=99",
            "/usr/bin/python3", "-c", CONFINE, ",".join(SYSCALLS), *command,
        ]  # fmt: skip

    def run(self, *arguments: object, check: bool = True) -> subprocess.CompletedProcess[str]:
        pathspace = ("--pathspace", self.loop.frr.pathspace, "--state-dir", self.home / "state")
        return self.loop.leaf.run(*self.confined(self.tool, *map(str, arguments), *pathspace), check=check)

    def start(self, *options: object) -> Daemon:
        return Daemon(self.loop.leaf, self.home, "--pathspace", self.loop.frr.pathspace, *options, command=self.confined(self.tool))

    def rules(self) -> list[str]:
        return self.loop.leaf.chain("FLOWSPEC")


@pytest.fixture
def service(loop: Loop) -> Iterator[Service]:
    directory = loop.leaf.lab.directory
    directory.chmod(0o755)
    home, lock = directory / "service", directory / "xtables.lock"
    home.mkdir(), os.chown(home, ID, ID)
    tool = pathlib.Path(shutil.copy(net.INJECTOR, directory))
    (directory / "passwd").write_text(f"root:x:0:0::/:/bin/sh\n{USER}:x:{ID}:{ID}::/:/bin/false\n")
    # What tmpfiles.d has to arrange: f /run/xtables.lock 0640 root flowspec
    loop.leaf.run("iptables-legacy", "-L")
    lock.touch(0o640), os.chown(lock, 0, ID)
    # What bgpd itself does when it is started as root and goes on as frr; the lab's does not.
    os.chown(loop.frr.runtime / "bgpd.vty", -1, grp.getgrnam(FRRVTY).gr_gid)
    loop.publish_routes(WEB, DEFAULT_DROP)
    yield Service(loop, home, tool, lock)


def test_the_filter_is_one(service: Service) -> None:
    done = service.loop.leaf.run(*service.confined("/usr/bin/python3", "-c", "import os; os.chroot('/')"), check=False)
    assert done.returncode == -31  # SIGSYS


@pytest.mark.parametrize("source", ["vtysh", "socket"])
def test_sync_status_and_flush(service: Service, source: str) -> None:
    done = service.run("sync", "--source", source, "--metrics-file", service.home / "flowspec.prom")
    assert done.stderr == "" and len(service.rules()) == 3, done
    assert "nothing to do" in service.run("plan", "--source", source).stdout
    assert "10.0.2.10/32" in service.run("status", "--source", source).stdout
    assert {each.stat().st_uid for each in service.home.rglob("*")} == {ID}
    service.run("flush")
    assert "FLOWSPEC" not in service.loop.leaf.save()


@pytest.mark.parametrize("source", ["vtysh", "socket"])
def test_the_daemon(service: Service, source: str) -> None:
    loop = service.loop
    daemon = service.start("--source", source, "--interval", "0.1")
    status = pathlib.Path(f"/proc/{daemon.process.pid}/status").read_text()
    for words in (rf"Uid:\t{ID}\t", r"CapPrm:\t0*3000\n", r"CapBnd:\t0*3000\n", r"NoNewPrivs:\t1\n", r"Seccomp:\t2\n"):
        assert re.search(words, status), status
    assert loop.connects(80) and not loop.connects(122)
    loop.publish_routes(WEB, SSH, DEFAULT_DROP)
    net.wait_until(lambda: len(service.rules()) == 4, "the new rule")
    assert loop.connects(122)
    loop.leaf.run("iptables-legacy", "-F", "FLOWSPEC")
    net.wait_until(lambda: len(service.rules()) == 4, "the repair")
    net.wait_until(lambda: repairs(daemon.metrics()).total() == 1, "the metrics of it")
    daemon.stop()
    assert len(service.rules()) == 4
    assert daemon.events("failed") == []


def test_iptables_own_lock_is_taken(service: Service) -> None:
    with service.lock.open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        refuses(service.run("sync", "--wait", "0.3", check=False), "/run/xtables.lock", "held for more than 0.3 s")
    assert service.rules() == []
    service.run("sync")
    assert len(service.rules()) == 3


def test_what_is_missing_is_said(service: Service) -> None:
    """In one line, and nothing has changed."""
    capabilities, lock = "CAP_NET_ADMIN and CAP_NET_RAW", "open the lock /run/xtables.lock: Permission denied"
    refuses(dataclasses.replace(service, capabilities=("net_admin",)).run("sync", check=False), capabilities)
    refuses(dataclasses.replace(service, capabilities=("net_raw",)).run("sync", check=False), capabilities)
    refuses(dataclasses.replace(service, capabilities=()).run("sync", check=False), capabilities)
    for source in ("vtysh", "socket"):
        refuses(dataclasses.replace(service, groups=()).run("sync", "--source", source, check=False), FRRVTY)
    service.lock.chmod(0o600)
    refuses(service.run("sync", check=False), lock)
    assert "FLOWSPEC" not in service.loop.leaf.save()


def refuses(done: subprocess.CompletedProcess[str], *words: str) -> None:
    assert (done.returncode, done.stdout) == (1, ""), done
    assert re.fullmatch(r"[^\n]+\n", done.stderr), done.stderr
    for word in words:
        assert word in done.stderr


def test_without_a_place_for_the_state_or_the_metrics(service: Service) -> None:
    """The rules matter more; it is said."""
    os.chown(service.home, 0, 0)
    done = service.run("sync", "--metrics-file", service.home / "flowspec.prom")
    assert len(service.rules()) == 3
    assert len(done.stderr.splitlines()) == 2, done.stderr
    for what in ("state", "flowspec.prom"):
        assert re.search(f"{service.home}/{what}.*Permission denied", done.stderr), done.stderr


def test_root_by_hand_in_between_does_not_lock_the_service_out(service: Service) -> None:
    (service.home / "state").mkdir(), os.chown(service.home / "state", ID, ID)  # as systemd's RuntimeDirectory= has it
    loop, options = service.loop, ("--state-dir", service.home / "state", "--metrics-file", service.home / "flowspec.prom")
    loop.sync(*options)
    loop.publish_routes(WEB, SSH, DEFAULT_DROP)
    done = service.run("sync", "--metrics-file", service.home / "flowspec.prom")
    assert done.stderr == "" and len(service.rules()) == 4
    loop.sync(*options)
    assert service.run("sync", "--metrics-file", service.home / "flowspec.prom").stderr == ""
