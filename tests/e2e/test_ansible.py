"""The Ansible role, from nothing to packets' verdicts: the example playbook and inventory on three clean Debian systems.

fw01, svc01 and svc02 are systems with network namespaces joined as in the inventory. Ansible enters them by a connection plugin that
Debian's ansible has (chroot), with a program that enters all their namespaces. The role installs FRR, BIRD, cron and the two packages, and
starts the first three. systemd is not the first process there: what the role does with its units is tried on a system that has systemd
installed and offline, where units are enabled and not started.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import os
import pathlib
import re
import subprocess
from collections.abc import Callable, Iterator

import built_packages
import debian_root
import lab as net
import pytest

pytest_plugins = ["built_packages", "debian_root"]

ANSIBLE = net.PROJECT / "packaging/ansible"
HOSTS = ("fw01", "svc01", "svc02")
FIREWALL = """*filter
:FORWARD DROP [0:0]
-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -s 10.0.1.130 -j DROP
-A FORWARD -d 10.0.3.10 -p tcp --dport 80 -j ACCEPT
COMMIT
"""
# ansible_host is /proc/PID/root of a system: enter all that it has, with nothing of this environment.
ENTER = """#!/bin/sh
pid=${1#/proc/}
shift
exec nsenter --target "${pid%/root}" --mount --pid --uts --ipc --net --root --wd -- env --ignore-environment ENVIRONMENT "$@"
"""


@dataclasses.dataclass(frozen=True)
class Change:
    """What a task changed, or would change."""

    host: str
    task: str
    difference: str


@dataclasses.dataclass(frozen=True)
class Played:
    """What became of a run of the playbook."""

    code: int
    errors: str
    report: dict[str, object]

    def results(self) -> Iterator[tuple[str, str, dict[str, object]]]:
        """(host, task, result), and of a loop, each item's."""
        for play in self.report["plays"]:
            for task in play["tasks"]:
                for host, result in task["hosts"].items():
                    for one in result.get("results", [result]):
                        yield host, task["task"]["name"].removeprefix("flowspec : "), one

    def changes(self) -> list[Change]:
        """In check mode a command is not run, and says that it would have been."""
        return sorted(
            (
                Change(host, task, json.dumps(difference(result), indent=1))
                for host, task, result in self.results()
                if result.get("changed") or "would have run" in str(result.get("msg", ""))
            ),
            key=dataclasses.astuple,
        )

    def failures(self) -> str:
        return self.errors + "\n".join(
            f"{host}: {task}: {result.get('msg', '')}\n{result.get('stderr', '')}"
            for host, task, result in self.results()
            if result.get("failed") or result.get("unreachable")
        )


def difference(result: dict[str, object]) -> list[tuple[object, object]]:
    """Before and after, without the headers, which name temporary files."""
    found = result.get("diff") or []
    return [(part.get("before"), part.get("after")) for part in (found if isinstance(found, list) else [found]) if part]


@dataclasses.dataclass
class Site:
    lab: net.Lab
    networks: dict[str, net.Namespace]
    systems: dict[str, debian_root.System]
    packages: pathlib.Path

    def inventory(self, name: str, variables: dict[str, dict[str, object]]) -> pathlib.Path:
        """An inventory file of variables by host."""
        path = self.lab.directory / name
        path.write_text(json.dumps({"all": {"hosts": variables}}))
        return path

    def play(self, *arguments: str, change: dict[str, dict[str, object]] | None = None) -> Played:
        """Runs the example playbook with the example inventory, and what is to be otherwise here."""
        enter = self.lab.directory / "enter"
        environment = " ".join(f"{name}={value}" for name, value in debian_root.ENVIRONMENT.items())
        enter.write_text(ENTER.replace("ENVIRONMENT", f"{environment} SYSTEMD_OFFLINE=1"))
        enter.chmod(0o755)
        here = {
            name: {
                "ansible_connection": "community.general.chroot",
                "ansible_host": f"/proc/{system.init}/root",
                "ansible_chroot_exe": str(enter),
                "ansible_become": False,
                "ansible_python_interpreter": "/usr/bin/python3",
                "flowspec_injector_package": str(built_packages.deb(self.packages, "flowspec-injector")),
                "flowspec_fetcher_package": str(built_packages.deb(self.packages, "flowspec-fetcher")),
                "flowspec_injector_service": "cron",
                "flowspec_fetcher_service": "cron",
            }
            for name, system in self.systems.items()
        }
        inventories = [ANSIBLE / "inventory.yml", self.inventory("here.json", here)]
        if change:
            inventories.append(self.inventory("change.json", change))
        return ansible_playbook(self.lab, *(f"--inventory={path}" for path in inventories), *arguments)

    def fingerprint(self) -> dict[str, str]:
        """Of each host all that the role could change: files, FRR's running configuration, rules."""
        files = "find /etc /var/lib/flowspec* -type f -exec sha256sum {} + -exec stat -c '%n %a %U %G' {} + | sort; dpkg -l; "
        return {
            name: system.run("sh", "-c", files + "vtysh -c 'show running-config' 2>/dev/null || true").stdout
            + self.networks[name].save()
            for name, system in self.systems.items()
        }


def ansible_playbook(lab: net.Lab, *arguments: str) -> Played:
    environment = {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "LC_ALL": "C.UTF-8",
        "HOME": str(lab.directory),
        "ANSIBLE_CONFIG": str(ANSIBLE / "ansible.cfg"),
        "ANSIBLE_STDOUT_CALLBACK": "json",
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_PIPELINING": "1",
    }
    done = subprocess.run(
        ["timeout", "900", "ansible-playbook", *arguments, str(ANSIBLE / "site.yml")],
        capture_output=True, text=True, env=environment, cwd=lab.directory, preexec_fn=net.die_with_parent,
    )  # fmt: skip
    start = done.stdout.find("{")
    assert start >= 0, done.stdout + done.stderr
    return Played(done.returncode, done.stderr, json.loads(done.stdout[start:]))


@pytest.fixture(scope="module")
def servers(debian: debian_root.Debian, packages: pathlib.Path) -> debian_root.Debian:
    """Debian as Ansible expects it: without ps it cannot tell whether BIRD runs, whose init script does not say. What the role will install
    is downloaded already: these systems have no way out."""
    made = debian.extended("procps", "python3", "python3-apt")
    with made.system() as system:
        for package in ("injector", "fetcher"):
            (system.outside("/tmp") / f"{package}.deb").write_bytes(built_packages.deb(packages, f"flowspec-{package}").read_bytes())
        system.run(
            "apt-get", "install", "--yes", "--download-only", "--no-install-recommends", "/tmp/injector.deb", "/tmp/fetcher.deb",
            "frr", "frr-pythontools", "bird2", "cron",
            internet=True, timeout=600,
        )  # fmt: skip
    return made


@pytest.fixture(scope="module")
def site(servers: debian_root.Debian, packages: pathlib.Path) -> Iterator[Site]:
    with net.Lab() as lab:
        networks = {name: lab.namespace(name) for name in HOSTS}
        lab.link(networks["fw01"], "192.168.254.9/30", networks["svc01"], "192.168.254.10/30")
        lab.link(networks["fw01"], "192.168.254.22/30", networks["svc02"], "192.168.254.21/30")
        networks["fw01"].restore(FIREWALL)
        systems: dict[str, debian_root.System] = {}
        try:
            for name in HOSTS:
                systems[name] = servers.system(name, networks[name])
            yield Site(lab, networks, systems, packages)
        finally:
            for system in systems.values():
                system.close()


@pytest.fixture(scope="module")
def converged(site: Site) -> Site:
    """The first --check, and the first run. Their outcome is part of the tests: nothing here is only preparation."""
    before = site.fingerprint()
    checked = site.play("--check", "--diff")
    assert checked.code == 0, checked.failures()
    assert site.fingerprint() == before
    done = site.play("--diff")
    assert done.code == 0, done.failures()
    # What can be told before the packages are there: all files of the role itself, as they will be.
    own = {change for change in done.changes() if change.task.startswith(("Write injector", "Write fetcher", "Write the policy"))}
    assert {change.host for change in own} == set(HOSTS)
    for change in own:
        (after,) = [part[1] for part in json.loads(change.difference)]
        assert any(
            (other.host, other.task) == (change.host, change.task) and json.loads(other.difference)[0][1] == after
            for other in checked.changes()
        ), change
    return site


def verdicts(site: Site, switch: str) -> list[str]:
    """The rules of FLOWSPEC, without comments."""
    return [re.sub(r" -m comment --comment \"[^\"]*\"", "", rule) for rule in site.networks[switch].chain("FLOWSPEC")]


def enforced(site: Site, *rules: str) -> Callable[[], bool]:
    return lambda: all(set(rules) <= set(verdicts(site, switch)) for switch in HOSTS[1:])


def test_a_rule_of_the_firewall_reaches_the_switches(converged: Site) -> None:
    """FORWARD of fw01, fetcher, BIRD, FRR, injector, kernel: everything installed, set up and started by the role; cron does the passes."""
    drop, web = "-s 10.0.1.130/32 -j DROP", "-d 10.0.3.10/32 -p tcp -m tcp --dport 80 -j ACCEPT"
    net.wait_until(enforced(converged, drop, web), "cron's pass on the switches", 150)
    converged.networks["fw01"].run("iptables-legacy", "-I", "FORWARD", "2", "-s", "10.0.1.131", "-j", "DROP")
    net.wait_until(enforced(converged, drop, web, "-s 10.0.1.131/32 -j DROP"), "a new rule, by cron on both sides", 200)


def test_the_second_run_changes_nothing(converged: Site) -> None:
    before = converged.fingerprint()
    for arguments in ([], ["--check", "--diff"]):
        done = converged.play(*arguments)
        assert (done.code, done.changes()) == (0, []), done.failures()
    assert converged.fingerprint() == before


def test_check_predicts_a_change(converged: Site) -> None:
    """Options, policy, FRR's and BIRD's peers: --check says what the run then does, does nothing itself, and the rules are there at all times."""
    policy = {"protect": [{"destination": {"within": ["192.168.254.0/24", "10.255.0.0/16"]}}], "default": "accept"}
    change = {
        "fw01": {"flowspec_fetcher_options": {"max-routes": 500}, "flowspec_bird_peers": [
            {"name": "svc01", "local": "192.168.254.9", "address": "192.168.254.10", "asn": 65105},
            {"name": "leaf02", "local": "192.168.254.22", "address": "192.168.254.21", "asn": 65106},
        ]},
        "svc01": {"flowspec_policy": policy, "flowspec_injector_options": {"source": "vtysh", "conntrack": False, "hold-time": "86400"}},
        "svc02": {"flowspec_frr_peers": [{"address": "192.168.254.22", "asn": 65309, "description": "the controller"}]},
    }  # fmt: skip
    before = converged.fingerprint()
    predicted = converged.play("--check", "--diff", change=change)
    assert predicted.code == 0, predicted.failures()
    assert converged.fingerprint() == before
    done = converged.play("--diff", change=change)
    assert done.code == 0, done.failures()
    assert predicted.changes() == done.changes()
    tasks = {(change.host, change.task) for change in done.changes()}
    assert tasks == {
        ("fw01", "Write fetcher.toml"),
        ("fw01", "Write the tables, the include and the peers into bird.conf"),
        ("fw01", "Have BIRD read its configuration"),
        ("fw01", "Publish"),
        ("svc01", "Write the policy"),
        ("svc01", "Write injector.toml"),
        ("svc01", "Make a pass"),
        ("svc02", "Write the flowspec peers into frr.conf"),
        ("svc02", "Have FRR read its configuration"),
    }
    assert 'conntrack = "off"' in converged.systems["svc01"].run("cat", "/etc/flowspec/injector.toml").stdout
    assert "-d 10.255.0.0/16 -j RETURN" in "\n".join(verdicts(converged, "svc01"))
    assert "the controller" in converged.systems["svc02"].run("vtysh", "-c", "show running-config").stdout
    assert "leaf02" in converged.systems["fw01"].run("birdc", "show", "protocols").stdout

    again = converged.play(change=change)
    assert (again.code, again.changes()) == (0, []), again.failures()


WRONG = {
    "an option that there is not": ({"flowspec_injector_options": {"max-rotes": 1}}, "max-rotes"),
    "a choice": ({"flowspec_injector_options": {"layout": "bush"}}, "layout must be one of"),
    "a type": ({"flowspec_injector_options": {"max-routes": "many"}}, "max-routes"),
    "the carrier": ({"flowspec_sequence": "rt:"}, "flowspec_sequence is 'rt:': it is rt:ASN, marking or none"),
    "the hold time": ({"flowspec_injector_options": {"hold-time": "a day"}}, "hold-time is 'a day'"),
    "a prefix": ({"flowspec_injector_options": {"protect": ["ten"]}}, "'ten' in flowspec_injector_options is no prefix"),
    "no AS number": ({"flowspec_frr_asn": 0, "flowspec_bird_asn": 0}, "each AS number is needed"),
    "a peer without an address": ({"flowspec_frr_peers": [{"asn": 1}]}, "address"),
    "a peer's address": ({"flowspec_frr_peers": [{"address": "fw01", "asn": 1}]}, "'fw01' is not the address of a peer"),
    "a name for BIRD": (
        {"flowspec_bird_peers": [{"name": "svc 01", "address": "10.0.0.1", "asn": 1}]}, "flowspec_bird_peers: each name",
    ),
    "a schedule": ({"flowspec_injector_cron": "hourly"}, "flowspec_injector_cron is 'hourly'"),
    "the kind of service": ({"flowspec_injector_service": "deamon"}, "flowspec_injector_service must be one of"),
    "what the host is": ({"flowspec_parts": ["inspector"]}, "flowspec_parts must be one or more of"),
}  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_value_changes_nothing(converged: Site, wrong: str) -> None:
    variables, message = WRONG[wrong]
    before = converged.fingerprint()
    host = "fw01" if "bird" in str(variables) else "svc01"
    done = converged.play(f"--limit={host}", change={host: variables})
    assert done.code != 0 and done.changes() == []
    assert message in done.failures()
    assert converged.fingerprint() == before


def test_what_only_the_program_finds_wrong_is_not_written(converged: Site) -> None:
    """A policy is looked at by `check` before it replaces the one that is in use."""
    before = converged.fingerprint()
    policy = {"terms": [{"name": "x", "match": {"colour": "red"}, "then": "accept"}], "default": "accept"}
    done = converged.play(change={name: {"flowspec_policy": policy} for name in HOSTS})
    assert done.code != 0 and done.changes() == []
    assert "colour" in done.failures()
    assert converged.fingerprint() == before


@pytest.mark.parametrize("service, fetcher_service", [("daemon", "timer+path"), ("timer", "path")])
def test_systemd_units(servers: debian_root.Debian, packages: pathlib.Path, service: str, fetcher_service: str) -> None:
    """Units are enabled, and nothing else of ours is; --check says so; cron's line is commented out."""
    with net.Lab() as lab, servers.system("svc01") as system:
        system.install("systemd-sysv")
        site = Site(lab, {"svc01": system.network}, {"svc01": system}, packages)
        both = {"flowspec_parts": ["injector", "fetcher"], "flowspec_injector_service": service, "flowspec_fetcher_service": fetcher_service}
        play = functools.partial(site.play, "--limit=svc01", change={"svc01": both})
        for arguments in (["--check", "--diff"], []):
            done = play(*arguments)
            assert done.code == 0, done.failures()
        wanted = {f"flowspec-injector.{'service' if service == 'daemon' else 'timer'}"}
        wanted |= {f"flowspec-fetcher.{kind}" for kind in fetcher_service.split("+")}
        assert enabled_units(system) == wanted
        cron = system.run("cat", "/etc/cron.d/flowspec-injector", "/etc/cron.d/flowspec-fetcher").stdout
        assert not re.search(r"^[^#\n]*flowspec-", cron, re.MULTILINE), cron
        again = play()
        assert (again.code, again.changes()) == (0, []), again.failures()

        both["flowspec_injector_service"] = "timer" if service == "daemon" else "daemon"
        predicted, done = play("--check", "--diff"), play("--diff")
        assert predicted.code == done.code == 0, done.failures()
        assert predicted.changes() == done.changes() != []
        assert {unit for unit in enabled_units(system) if "injector" in unit} == {
            f"flowspec-injector.{'timer' if service == 'daemon' else 'service'}"
        }


def enabled_units(system: debian_root.System) -> set[str]:
    listed = system.run("systemctl", "list-unit-files", "--no-legend", "flowspec-*").stdout
    return {line.split()[0] for line in listed.splitlines() if line.split()[1] == "enabled"}


def option_names(program: pathlib.Path, command: str) -> set[str]:
    words = subprocess.run([program, command, "--help"], capture_output=True, text=True, check=True, env=net.ENVIRONMENT).stdout
    return set(re.findall(r"^ +(?:-\w,)?--([a-z0-9-]+)", words, re.MULTILINE)) - {"help", "version", "config", "json"}


def test_every_option_is_a_variable(lab: net.Lab) -> None:
    """The role knows the options of the programs, all of them and no others."""
    script = "import json, sys, yaml; json.dump(yaml.safe_load(sys.stdin), sys.stdout)"
    specification = (ANSIBLE / "roles/flowspec/meta/argument_specs.yml").read_text()
    done = subprocess.run(["/usr/bin/python3", "-c", script], input=specification, capture_output=True, text=True, check=True)
    options = json.loads(done.stdout)["argument_specs"]["main"]["options"]
    assert set(options["flowspec_injector_options"]["options"]) == option_names(net.INJECTOR, "run")
    # --check is what the playbook's is for.
    assert set(options["flowspec_fetcher_options"]["options"]) == option_names(net.FETCHER, "generate") - {"check"}


def test_every_variable_has_a_default_and_a_description() -> None:
    role = ANSIBLE / "roles/flowspec"
    defaults = set(re.findall(r"^(flowspec_\w+):", (role / "defaults/main.yml").read_text(), re.MULTILINE))
    described = set(re.findall(r"^ {6}(flowspec_\w+):", (role / "meta/argument_specs.yml").read_text(), re.MULTILINE))
    assert defaults == described


def test_ansible_lint(tmp_path: pathlib.Path) -> None:
    """At its strictest, for every file; a copy, because it leaves traces, and looks only at what git knows."""
    subprocess.run(["cp", "--recursive", ANSIBLE, tmp_path / "ansible"], check=True)
    directory = tmp_path / "ansible"
    done = subprocess.run(
        ["ansible-lint", "--offline", "--nocolor", "--profile=production", "--strict", "-p"],
        cwd=directory, capture_output=True, text=True, env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "LC_ALL": "C.UTF-8"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    looked_at = re.search(r"Passed with production profile: 0 failure.* on (\d+) files", done.stdout + done.stderr)
    assert looked_at and int(looked_at[1]) >= len(list(directory.rglob("*.yml"))), done.stderr
    assert os.listdir(directory)
