"""The units as they are in the tree: what systemd thinks of them, and their commands run as they say.

systemd itself is not there to start them. A test does what it would do: user and groups, capabilities, system calls, no new privileges, and
a file system that is read-only but for the unit's own directories.
"""

from __future__ import annotations

import configparser
import dataclasses
import pathlib
import re
import shutil
import subprocess
from collections.abc import Iterator

import lab as net
import pytest
from built_packages import deb
from debian_root import Debian, System
from test_packages import NAMES

pytest_plugins = ["built_packages", "debian_root"]

UNITS = net.PROJECT / "packaging/systemd"
SERVICES = sorted(path.name for path in UNITS.glob("*.service"))
# What `systemd-analyze security` says at most.
EXPOSURE = {"flowspec-injector.service": 1.5, "flowspec-injector-sync.service": 1.5, "flowspec-fetcher.service": 1.2, "flowspec-fetcher-rules.service": 1.5}


class Words(dict[str, str]):
    """The values of an option that is given several times are joined by lines."""

    def __setitem__(self, key: str, value: object) -> None:
        old = self.get(key)
        if isinstance(value, list) and isinstance(old, list):
            value = old + value
        super().__setitem__(key, value)  # type: ignore[assignment]


def unit(name: str) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(dict_type=Words, strict=False, delimiters=["="], comment_prefixes=["#"], empty_lines_in_values=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(UNITS / name)
    return parser


@pytest.fixture(scope="module")
def placed(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A system's root with the units, and with what they name."""
    root = tmp_path_factory.mktemp("root")
    units = root / "usr/lib/systemd/system"
    shutil.copytree(UNITS, units, ignore=shutil.ignore_patterns("*.d", "read-rules"))
    for target in ("basic", "sysinit", "shutdown", "multi-user", "timers", "paths", "network"):
        (units / f"{target}.target").write_text("[Unit]\nDescription=x\n")
    for slice in ("system", "-"):
        (units / f"{slice}.slice").write_text("[Slice]\n")
    for program in ("usr/sbin/flowspec-injector", "usr/sbin/flowspec-fetcher", "usr/libexec/flowspec-fetcher/read-rules", "bin/kill"):
        (root / program).parent.mkdir(parents=True, exist_ok=True)
        (root / program).write_text("#!/bin/sh\n")
        (root / program).chmod(0o755)
    return root


@pytest.mark.parametrize("name", sorted(path.name for path in UNITS.iterdir() if path.suffix in (".service", ".timer", ".path")))
def test_systemd_takes_the_unit(placed: pathlib.Path, name: str) -> None:
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", f"--root={placed}", f"/usr/lib/systemd/system/{name}"], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_a_mistake_would_be_seen(placed: pathlib.Path) -> None:
    text = (UNITS / "flowspec-injector.service").read_text().replace("ProtectSystem=strict", "ProtectSystem=srict")
    (placed / "usr/lib/systemd/system/wrong.service").write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", f"--root={placed}", "/usr/lib/systemd/system/wrong.service"], capture_output=True, text=True
    )
    assert "srict" in done.stderr


@pytest.mark.parametrize("name", SERVICES)
def test_exposure(name: str) -> None:
    limit = str(round(EXPOSURE[name] * 10))
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", f"--threshold={limit}", str(UNITS / name)], capture_output=True, text=True
    )
    (said,) = re.findall(r"Overall exposure level for \S+: (\S+)", done.stdout)
    assert done.returncode == 0 and float(said) <= EXPOSURE[name], done.stdout


def test_who_starts_what() -> None:
    injector, sync = unit("flowspec-injector.service"), unit("flowspec-injector-sync.service")
    assert injector["Service"]["Type"] == "notify" and injector["Service"]["TimeoutStartSec"] == "infinity"
    assert "frr.service" in injector["Unit"]["After"].split() and not {"BindsTo", "Requires", "PartOf"} & set(injector["Unit"])
    assert sync["Service"]["Type"] == "oneshot" and "Install" not in sync
    assert unit("flowspec-injector.timer")["Timer"]["Unit"] == "flowspec-injector-sync.service"
    for kind in ("timer", "path"):
        assert "Unit" not in unit(f"flowspec-fetcher.{kind}")[kind.capitalize()]  # the service of the same name
    same = set(injector["Service"].items()) & set(sync["Service"].items())
    assert {"User", "CapabilityBoundingSet", "SystemCallFilter", "ProtectSystem", "RuntimeDirectory", "ReadWritePaths"} <= {key for key, _ in same}


# The commands, as the units have them


def calls(service: configparser.SectionProxy) -> list[str]:
    """The system calls that SystemCallFilter= allows."""
    allowed: set[str] = set()
    for line in service["SystemCallFilter"].splitlines():
        names = {name for word in line.lstrip("~").split() for name in expanded(word)}
        allowed = allowed - names if line.startswith("~") else allowed | names
    return sorted(allowed | set(expanded("@default")))


def expanded(word: str) -> Iterator[str]:
    if not word.startswith("@"):
        yield word
        return
    text = subprocess.run(["systemd-analyze", "syscall-filter", "--no-pager", word], capture_output=True, text=True, check=True).stdout
    for line in text.splitlines()[1:]:
        if line.startswith("    ") and not line.strip().startswith("#"):
            yield from expanded(line.strip())


FILTER = """
import ctypes, errno, os, sys
library = ctypes.CDLL("libseccomp.so.2")
library.seccomp_init.restype = ctypes.c_void_p
rules = ctypes.c_void_p(library.seccomp_init(ctypes.c_uint32(0x00050000 | errno.EPERM)))
for name in sys.argv[1].split(","):
    number = library.seccomp_syscall_resolve_name(name.encode())
    if number >= 0 and library.seccomp_rule_add(rules, ctypes.c_uint32(0x7FFF0000), number, 0):
        sys.exit("seccomp_rule_add " + name)
if library.seccomp_load(rules):
    sys.exit("seccomp_load")
os.execvp(sys.argv[2], sys.argv[2:])
"""

# $1...: what stays writable. The rest of / does not.
ARRANGE = """
set -e
while [ "$1" != -- ]; do mount --bind "$1" "$1"; shift; done
shift
mount -t tmpfs -o mode=1777 tmp /tmp
mount -o remount,ro,bind /
exec "$@"
"""


@dataclasses.dataclass
class Machine:
    """A Debian with the packages, FRR and BIRD, where this test does what systemd would."""

    system: System
    bird: net.Bird

    def start(self, name: str, check: bool = True, instead: str = "") -> subprocess.CompletedProcess[str]:
        return self.system.run(*self.command(name, instead), check=check)

    def command(self, name: str, instead: str = "") -> list[str]:
        """The unit's command (or another program), as the unit runs it."""
        service = unit(name)["Service"]
        user = service["User"]
        groups = [service.get("Group", user), *service.get("SupplementaryGroups", "").split()]
        writable = [path.removeprefix("-") for path in service.get("ReadWritePaths", "").split()]
        for kind, above in (("Runtime", "/run"), ("State", "/var/lib")):
            if directory := service.get(f"{kind}Directory"):
                path = f"{above}/{directory}"
                self.system.run("install", "-d", "-o", user, "-g", groups[0], "-m", service.get(f"{kind}DirectoryMode", "0755"), path)
                writable.append(path)
        capabilities = ",".join(["-all", *(f"+{each.removeprefix('CAP_').lower()}" for each in service["CapabilityBoundingSet"].split())])
        ambient = capabilities if "AmbientCapabilities" in service else "-all"
        line = instead or service["ExecStart"]
        if file := service.get("EnvironmentFile"):
            (value,) = self.system.run("cat", file).stdout.splitlines()
            line = line.replace("$RULES", value.removeprefix("RULES="))
        network = ["--net"] if service.get("PrivateNetwork") == "yes" else []
        return [
            "unshare", "--mount", *network, "sh", "-c", f"umask {service['UMask']}; {ARRANGE}", "sh", *writable, "--",
            "setpriv", "--reuid", user, "--regid", groups[0], "--groups", ",".join(groups),
            "--inh-caps", ambient, "--ambient-caps", ambient, "--bounding-set", capabilities, "--no-new-privs",
            "python3", "-c", FILTER, ",".join(calls(service)), *line.split(),
        ]  # fmt: skip


@pytest.fixture(scope="module")
def equipped(debian: Debian, packages: pathlib.Path) -> Debian:
    mine = [deb(packages, name) for name in NAMES]
    return debian.extended("bird2", "frr", "python3", "systemd", *mine)


@pytest.fixture
def machine(lab: net.Lab, equipped: Debian) -> Iterator[Machine]:
    host, peer = lab.namespace("host"), lab.namespace("peer")
    lab.link(host, "192.168.254.10/30", peer, "192.168.254.9/30")
    there, here = net.Peer("192.168.254.9", 65309), net.Peer("192.168.254.10", 65105)
    with equipped.system("host", host) as system:
        system.run("systemd-tmpfiles", "--create", "flowspec-injector.conf", "flowspec-fetcher.conf")
        system.run("sh", "-c", "cat >/etc/frr/bgpd.conf", input=BGPD)
        system.run("sh", "-c", "install -d -o frr -g frr /run/frr; touch /etc/frr/vtysh.conf")
        system.start("/usr/lib/frr/bgpd", "--no_zebra", "--no_kernel", "--vty_port", "0", "-f", "/etc/frr/bgpd.conf", "--log", "stdout", log="bgpd.log")
        bird = net.Bird(peer, there, here)
        bird.configure(net.static(net.route("dst 10.0.2.10/32; proto 6; dport 80;", net.DISCARD)))
        net.wait_until(lambda: "10.0.2.10" in system.run("vtysh", "-c", "show bgp ipv4 flowspec detail json", check=False).stdout, "the route", 40)
        yield Machine(system, bird)


BGPD = """router bgp 65105
 bgp router-id 192.168.254.10
 no bgp ebgp-requires-policy
 neighbor 192.168.254.9 remote-as 65309
 neighbor 192.168.254.9 timers connect 1
 address-family ipv4 flowspec
  neighbor 192.168.254.9 activate
  neighbor 192.168.254.9 route-map NOTHING out
 exit-address-family
route-map NOTHING deny 10
"""


def chain(system: System) -> list[str]:
    return re.findall("^-A FLOWSPEC .*", system.run("iptables-legacy", "-S").stdout, re.MULTILINE)


def configure(system: System, name: str, *lines: str) -> None:
    """Lines in place of the first of the same option, commented or not."""
    for line in lines:
        option = line.split(" = ")[0]
        system.run("sed", "-i", f"0,/^\\(# \\)\\?{option} = .*/s||{line}|", f"/etc/flowspec/{name}.toml")


METRICS = "/var/lib/prometheus/node-exporter/flowspec.prom"


def test_what_tmpfiles_makes(machine: Machine) -> None:
    system = machine.system
    stat = system.run("stat", "-c", "%a %U %G %n", "/run/flowspec", "/run/xtables.lock", "/var/lib/prometheus/node-exporter").stdout
    assert stat.splitlines()[:2] == ["755 flowspec flowspec /run/flowspec", "640 root flowspec /run/xtables.lock"]
    assert stat.splitlines()[2].endswith("root root /var/lib/prometheus/node-exporter")
    before = system.run("getent", "passwd", "flowspec").stdout
    system.run("systemd-sysusers")  # what is in sysusers.d is what the package made
    assert system.run("getent", "passwd", "flowspec").stdout == before


def test_the_confinement_is_one(machine: Machine) -> None:
    looks = machine.start("flowspec-injector.service", instead="cat /proc/self/status").stdout
    for words in (r"CapPrm:\t0*3000\n", r"CapBnd:\t0*3000\n", r"NoNewPrivs:\t1\n", r"Seccomp:\t2\n"):
        assert re.search(words, looks), looks
    for name in ("flowspec-injector.service", "flowspec-injector-sync.service"):
        assert machine.start(name, check=False, instead="unshare --net true").returncode != 0
        assert machine.start(name, check=False, instead="touch /etc/flowspec/x").returncode != 0


@pytest.mark.parametrize("source", ["vtysh", "socket"])
@pytest.mark.parametrize("scope", ["all", "local"])
def test_the_oneshot(machine: Machine, source: str, scope: str) -> None:
    system = machine.system
    configure(system, "injector", f'source = "{source}"', f'scope = "{scope}"', f'metrics-file = "{METRICS}"')
    if scope == "local":
        system.run("ip", "address", "add", "10.0.2.10/32", "dev", "lo")
    done = machine.start("flowspec-injector-sync.service")
    assert done.stderr == "" and len(chain(system)) == 1, done
    assert system.run("stat", "-c", "%U %a", METRICS).stdout == "flowspec 644\n"


def test_the_daemon(machine: Machine) -> None:
    system = machine.system
    configure(system, "injector", f'metrics-file = "{METRICS}"', "interval = 0.1")
    daemon = system.start(*machine.command("flowspec-injector.service"), log="daemon.log")
    net.wait_until(lambda: len(chain(system)) == 1, "the rule")
    machine.bird.configure(net.static(net.route("dst 10.0.2.11/32;", net.DISCARD), net.route("dst 10.0.2.12/32;", net.DISCARD)))
    net.wait_until(lambda: len(chain(system)) == 2, "the change")
    net.stop(daemon)
    assert len(chain(system)) == 2


BIRD = """router id 192.168.254.10;
protocol device { }
flow4 table flowtab4;
flow6 table flowtab6;
include "/var/lib/flowspec-fetcher/*.conf";
"""


def test_the_fetcher(machine: Machine) -> None:
    system = machine.system
    system.run("sh", "-c", "cat >/etc/bird/bird.conf", input=BIRD)
    system.run("sh", "-c", "mkdir -p /run/bird; chown bird:bird /run/bird")
    system.start("bird", "-f", "-u", "bird", "-g", "bird", log="bird.log")
    net.wait_until(lambda: system.run("birdc", "show", "status", check=False).returncode == 0, "BIRD")

    def fetch() -> None:
        machine.start("flowspec-fetcher-rules.service")
        machine.start("flowspec-fetcher.service")

    refused = machine.start("flowspec-fetcher-rules.service", check=False)
    assert refused.returncode == 1 and "nobody uses iptables-legacy here" in refused.stderr
    system.run("iptables-legacy", "-A", "FORWARD", "-s", "10.9.0.0/16", "-j", "DROP")
    fetch()
    assert system.run("stat", "-c", "%U %G %a", "/var/lib/flowspec-fetcher/flowspec.conf").stdout == "flowspec bird 640\n"
    shown = "show route table flowtab4".split()
    assert "10.9.0.0/16" in system.run("birdc", *shown).stdout
    assert "rules6" not in system.run("cat", "/run/flowspec-fetcher/rules").stdout
    system.run("iptables-legacy", "-A", "FORWARD", "-s", "10.8.0.0/16", "-j", "DROP")
    system.run("ip6tables-legacy", "-A", "FORWARD", "-s", "2001:db8::/32", "-j", "DROP")
    fetch()
    assert "10.8.0.0/16" in system.run("birdc", *shown).stdout
    assert "2001:db8::/32" in system.run("birdc", "show", "route", "table", "flowtab6").stdout
    # What may not be read is not taken for tables that nobody uses.
    nobody = ("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups")
    refused = system.run(*nobody, "/usr/libexec/flowspec-fetcher/read-rules", "/tmp", check=False)
    assert refused.returncode == 1 and "ip_tables_names: Permission denied" in refused.stderr
    there = system.run("cat", "/run/flowspec-fetcher/rules.v4").stdout
    system.run("iptables-legacy", "-F", "FORWARD")
    system.run("iptables-nft", "-A", "FORWARD", "-j", "DROP")
    refused = machine.start("flowspec-fetcher-rules.service", check=False)
    assert refused.returncode == 1 and "nf_tables hold IPv4 rules" in refused.stderr
    assert system.run("cat", "/run/flowspec-fetcher/rules.v4").stdout == there
