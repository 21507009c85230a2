"""Clean Debian 12 systems for tests: what a package or a role does to a machine is tried in one of these.

    pytest_plugins = ["debian_root"]

    def test_installs(debian: Debian) -> None:
        with debian.system() as host:
            host.install("/path/of/some.deb")
            assert host.run("some", "--version").stdout

`debian` is made once in a test run by debootstrap. A system is a writable copy of it, with mount, process, host name and network
namespaces of its own: the network has only a loopback, unless the test brings a namespace with links. The copy costs
nothing where the kernel has overlayfs. No services start there, because policy-rc.d forbids it.

A system ends when `close` is called or the process that made it ends, however it ends: its processes are killed by the kernel, and
its mounts are seen by nobody else. What could be left is a temporary directory, and only of a run that was killed with
SIGKILL.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence

import lab as net
import pytest

RELEASE = "bookworm"
MIRROR = "http://deb.debian.org/debian"
# Nothing of this machine's environment: the language of messages, a proxy or a umask would be part of the test.
ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LC_ALL": "C.UTF-8",
    "DEBIAN_FRONTEND": "noninteractive",
}

# The first process of a system. $1 is where the copy goes, $2 overlayfs's options, $3 the only layer, $4 the host's name, and
# $5 where downloaded packages are kept. Without overlayfs (or on a file system that it does not take) the layer is copied. The shell waits
# for ever, and so collects the daemons that end. Packages may be installed in several systems at once, so apt's lock is not shared;
# downloads go on one at a time.
INIT = r"""
set -e
mount -t overlay overlay -o "$2" "$1" 2>/dev/null || cp -a --reflink=auto "$3/." "$1"
mount -t proc proc "$1/proc"
mount -t tmpfs -o mode=755 dev "$1/dev"
for device in full null random tty urandom zero; do
  touch "$1/dev/$device"
  mount --bind "/dev/$device" "$1/dev/$device"
done
mkdir "$1/dev/pts" "$1/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts "$1/dev/pts"
mount -t tmpfs -o mode=1777 shm "$1/dev/shm"
ln -s pts/ptmx "$1/dev/ptmx"
ln -s /proc/self/fd "$1/dev/fd"
ln -s /proc/self/fd/0 "$1/dev/stdin"
ln -s /proc/self/fd/1 "$1/dev/stdout"
ln -s /proc/self/fd/2 "$1/dev/stderr"
mount --bind "$5" "$1/var/cache/apt/archives"
touch "$1/dev/.lock" "$1/var/cache/apt/archives/lock"
mount --bind "$1/dev/.lock" "$1/var/cache/apt/archives/lock"
hostname "$4"
exec chroot "$1" /bin/sh -c 'touch /dev/.up; while :; do sleep 86400 & wait; done'
"""


class System:
    """A running copy, as root sees it. Use as a context manager."""

    def __init__(self, debian: Debian, name: str, network: net.Namespace | None) -> None:
        self.name = name
        self.lab = net.Lab()
        try:
            self.network = network or self.lab.namespace(name)
            self._begin(debian)
        except BaseException:
            self.lab.close()
            raise

    def _begin(self, debian: Debian) -> None:
        self.upper, root, work = (self.lab.directory / part for part in ("upper", "root", "work"))
        for directory in (self.upper, root, work):
            directory.mkdir(mode=0o755)
        self.holder = self.lab.start(
            *self.network.command(
                "unshare", "--mount", "--pid", "--uts", "--ipc", "--fork", "--kill-child", "/bin/sh", "-c", INIT, "init",
                root, f"lowerdir={':'.join(map(str, debian.layers))},upperdir={self.upper},workdir={work}",
                debian.layers[0], self.name, debian.archives,
            ),
            log="system.log",
        )  # fmt: skip
        net.wait_until(self._up, f"the system {self.name}: {self.lab.directory / 'system.log'}", 120)
        self.overlay = not any(root.iterdir())  # what is mounted on it is not seen from here
        self.layers = [self.upper, *debian.layers] if self.overlay else [root]

    def _up(self) -> bool:
        assert self.holder.poll() is None, (self.lab.directory / "system.log").read_text()
        children = pathlib.Path(f"/proc/{self.holder.pid}/task/{self.holder.pid}/children").read_text().split()
        self.init = int(children[0]) if children else 0
        return bool(self.init) and os.path.lexists(f"/proc/{self.init}/root/dev/.up")

    def __enter__(self) -> System:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def end(self) -> None:
        """Ends every process there. The files stay until `close`."""
        if self.holder.poll() is None:
            self.holder.kill()  # unshare does not listen to a gentler word
            self.holder.wait()
            net.wait_until(lambda: not os.path.exists(f"/proc/{self.init}"), f"the end of {self.name}")

    def close(self) -> None:
        self.end()
        self.lab.close()

    def outside(self, path: str | os.PathLike[str]) -> pathlib.Path:
        """Where this test finds a file of the system. Beware of absolute symbolic links: they are followed here, not there."""
        return pathlib.Path(f"/proc/{self.init}/root", str(path).lstrip("/"))

    def command(self, *command: str | os.PathLike[str], internet: bool = False) -> list[str]:
        """What to execute on this machine so that the command runs in the system. `internet`: in this machine's network."""
        namespaces = ["--mount", "--pid", "--uts", "--ipc", "--root", "--wd"] + ([] if internet else ["--net"])
        clean = ["env", "--ignore-environment", *(f"{name}={value}" for name, value in ENVIRONMENT.items())]
        return ["nsenter", "--target", str(self.init), *namespaces, "--", *clean, *map(str, command)]

    def run(
        self,
        *command: str | os.PathLike[str],
        input: str = "",
        check: bool = True,
        timeout: float = 60,
        internet: bool = False,
    ) -> subprocess.CompletedProcess[str]:
        """Runs a command to its end. With `check`, a failure is an AssertionError with its words."""
        # Timed in there: what nsenter started does not end when nsenter is killed.
        done = subprocess.run(
            self.command("timeout", "--kill-after=5", str(timeout), *command, internet=internet),
            input=input, capture_output=True, text=True, preexec_fn=net.die_with_parent, umask=0o022,
        )  # fmt: skip
        assert done.returncode != 124, f"{command}: not done after {timeout} seconds\n{done.stdout}{done.stderr}"
        assert not check or done.returncode == 0, f"{command}: exit {done.returncode}\n{done.stdout}{done.stderr}"
        return done

    def start(self, *command: str | os.PathLike[str], log: str = "processes.log") -> subprocess.Popen[bytes]:
        """Starts a process that goes on; it ends with the system at the latest."""
        return self.lab.start(*self.command(*command), log=log)

    def install(self, *packages: str | os.PathLike[str]) -> None:
        """Installs packages by their names, or by the paths of .deb files on this machine, without recommended ones."""
        wanted = []
        for package in map(str, packages):
            if package.endswith(".deb"):
                copied = self.outside("/tmp") / pathlib.Path(package).name
                shutil.copyfile(package, copied)
                wanted.append(f"/tmp/{copied.name}")
            else:
                wanted.append(package)
        self.run("apt-get", "install", "--yes", "--no-install-recommends", *wanted, timeout=600, internet=True)


class Debian:
    """A Debian that is not written to any more: systems are copies of it."""

    def __init__(self, layers: Sequence[pathlib.Path], archives: pathlib.Path) -> None:
        self.layers, self.archives = list(layers), archives
        self.kept: list[System] = []

    def system(self, name: str = "debian", network: net.Namespace | None = None) -> System:
        """A copy that runs. With `network`, in that namespace, which the caller keeps until the system is closed."""
        return System(self, name, network)

    def extended(self, *packages: str | os.PathLike[str]) -> Debian:
        """The same with more packages, so that several systems need not install them each for itself. Lives as long as this one."""
        with contextlib.ExitStack() as undo:
            system = undo.enter_context(self.system())
            system.install(*packages)
            undo.pop_all()
        return self._with_layer_of(system)

    def _with_layer_of(self, system: System) -> Debian:
        self.kept.append(system)
        system.end()
        return Debian(system.layers, self.archives)

    def close(self) -> None:
        while self.kept:
            self.kept.pop().close()


def sources() -> list[tuple[str, str]]:
    """(URI, suite) of Debian's own packages as this machine gets them; the usual ones where it does not say."""
    suites = [RELEASE, f"{RELEASE}-updates", f"{RELEASE}-security"]
    targets = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)", "Created-By: Packages"],
        capture_output=True, text=True,
    )  # fmt: skip
    found = {tuple(line.split()[:2]) for line in targets.stdout.splitlines() if line.split()[1:] in [[s, "main"] for s in suites]}
    if not any(suite == RELEASE for _, suite in found):
        found = {(MIRROR, suites[0]), (MIRROR, suites[1]), (f"{MIRROR}-security", suites[2])}
    return sorted((uri, suite) for uri, suite in found)


def apt_settings() -> str:
    """This machine's way to the packages: proxies and certificates, as apt's configuration."""
    dump = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=True).stdout
    return "".join(line + "\n" for line in dump.splitlines() if re.match(r"Acquire::https?::\S*(Proxy|CaInfo)\S* ", line))


def run_isolated(*command: str, environment: dict[str, str] | None = None) -> None:
    """Runs a command that mounts: nothing of it is left when it is killed."""
    done = subprocess.run(
        ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", *command],
        capture_output=True, text=True, timeout=900, env=environment, preexec_fn=net.die_with_parent, umask=0o022,
    )  # fmt: skip
    assert done.returncode == 0, f"{command}: exit {done.returncode}\n{done.stdout}{done.stderr}"


def bootstrap(directory: pathlib.Path) -> Debian:
    """A new Debian in a directory, with fresh lists of packages."""
    root, archives = directory / "debian", directory / "archives"
    (archives / "partial").mkdir(parents=True)
    mirror = next(uri for uri, suite in sources() if suite == RELEASE)
    environment = dict(os.environ)
    if proxy := re.search(r'^Acquire::http::Proxy "(.+)";$', apt_settings(), re.MULTILINE):
        environment["http_proxy"] = proxy[1]
    run_isolated("debootstrap", "--variant=minbase", "--include=ca-certificates", RELEASE, str(root), mirror, environment=environment)
    write = {
        "etc/apt/sources.list": "".join(f"deb {uri} {suite} main\n" for uri, suite in sources()),
        "etc/apt/apt.conf.d/99test": apt_settings() + 'APT::Keep-Downloaded-Packages "true";\n',
        "etc/dpkg/dpkg.cfg.d/test": "force-unsafe-io\n",
        "usr/sbin/policy-rc.d": "#!/bin/sh\nexit 101\n",
    }
    for name, text in write.items():
        (root / name).write_text(text)
    (root / "usr/sbin/policy-rc.d").chmod(0o755)
    shutil.copyfile("/etc/resolv.conf", root / "etc/resolv.conf")
    update = ["chroot", str(root), "env", "--ignore-environment", *(f"{name}={value}" for name, value in ENVIRONMENT.items())]
    run_isolated(*update, "apt-get", "update")
    return Debian([root], archives)


@pytest.fixture(scope="session")
def debian() -> Iterator[Debian]:
    """A clean Debian 12, the same for the whole run."""
    with tempfile.TemporaryDirectory(prefix="flowspec-debian-") as directory:
        made = bootstrap(pathlib.Path(directory))
        with contextlib.closing(made):
            yield made
