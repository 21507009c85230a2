"""What packaging/build.sh makes, in a clean Debian 12: installed, upgraded, removed, purged; and what the RPMs have in common with it.
"""

from __future__ import annotations

import grp
import json
import os
import pathlib
import pwd
import re
import shutil
import subprocess
from collections.abc import Iterator

import lab as net
import pytest
import yaml
from built_packages import deb, rpm, said
from conftest import Loop
from debian_root import Debian, System

pytest_plugins = ["built_packages", "debian_root"]

NAMES = ("flowspec-injector", "flowspec-fetcher")
# As FRR prints routes.
CAPTURE = """[ {"to":"10.0.2.0/24", "proto":"= 6 ", "dstp":"= 25 "}, {"ecomlist":"FS:rate 0.000000"}, {"time":"00:00:07"} ]
[ {"to":"10.0.3.0/24"}, {"ecomlist":"FS:marking 10"}, {"time":"00:00:07"} ]
"""


def content(packages: pathlib.Path, name: str, to: pathlib.Path) -> pathlib.Path:
    said("dpkg-deb", "--extract", deb(packages, name), to)
    return to


# What is in them


def test_lintian_has_nothing_to_say(packages: pathlib.Path) -> None:
    wanted = [str(deb(packages, name)) for name in NAMES]
    done = subprocess.run(["lintian", "--pedantic", "--fail-on", "error,warning,pedantic", *wanted], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, ""), done
    overrides = "".join(path.read_text() for path in (net.PROJECT / "packaging/debian").glob("*.lintian-overrides"))
    lines = overrides.splitlines()
    assert all(line.startswith("#") or lines[number - 1].startswith("#") for number, line in enumerate(lines)), "an override without its reason"


def same_place(path: str) -> str:
    """Where Debian and others differ: /lib is /usr/lib, zsh's directory, compression; changelog and licence are each one's own."""
    path = re.sub("^/lib/", "/usr/lib/", path).replace("/vendor-completions/", "/site-functions/")
    return path.removesuffix(".gz")


@pytest.mark.parametrize("name", NAMES)
def test_both_formats_have_the_same_files(packages: pathlib.Path, tmp_path: pathlib.Path, name: str) -> None:
    root = content(packages, name, tmp_path)
    debian = {
        same_place(f"/{path.relative_to(root)}"): path.stat().st_mode & 0o7777 for path in root.rglob("*") if path.is_file() and not path.is_symlink()
    }
    listed = said("rpm", "--query", "--package", "--queryformat", "[%{FILENAMES} %{FILEMODES:octal}\n]", rpm(packages, name)).splitlines()
    modes = {path: int(mode, 8) for path, mode in (line.split() for line in listed)}
    red = {same_place(path): mode & 0o7777 for path, mode in modes.items() if mode >> 12 == 0o10}
    own = {f"/usr/share/doc/{name}/{file}" for file in ("changelog", "changelog.Debian", "copyright", "CHANGELOG.md")}
    own |= {f"/usr/share/lintian/overrides/{name}"}
    assert {path: mode for path, mode in debian.items() if path not in own} == {
        path: mode for path, mode in red.items() if path not in own and "/licenses/" not in path
    }
    conffiles = said("dpkg-deb", "--info", deb(packages, name), "conffiles").split()
    assert sorted(conffiles) == sorted(said("rpm", "--query", "--package", "--configfiles", rpm(packages, name)).split())
    assert all(path.startswith("/etc/") for path in conffiles)


@pytest.mark.parametrize("name", NAMES)
def test_both_formats_make_the_user_and_start_nothing(packages: pathlib.Path, name: str) -> None:
    control = {script: said("dpkg-deb", "--info", deb(packages, name), script) for script in ("postinst", "postrm")}
    scripts = said("rpm", "--query", "--package", "--scripts", "--triggers", rpm(packages, name))
    assert "adduser --quiet --system --group" in control["postinst"] and "useradd -r -g flowspec" in scripts
    for text in (control["postinst"], scripts):
        assert "systemd-tmpfiles" in text and f"{name}.conf" in text
        assert ("frrvty" in text) == (name == "flowspec-injector")
        assert "try-restart" in text and not re.search(r"(systemctl|deb-systemd-invoke)( -\S+)* (start|enable)\b", text)


def test_every_option_is_explained_in_the_configuration(packages: pathlib.Path, tmp_path: pathlib.Path) -> None:
    not_of_a_file = {"help", "version", "config", "json", "routes", "routes6", "check"}  # for one call
    for name, command in (("injector", "run"), ("fetcher", "generate")):
        root = content(packages, f"flowspec-{name}", tmp_path / name)
        options = set(re.findall(r"^ +(?:-\w,)?--([\w-]+)", said(root / f"usr/sbin/flowspec-{name}", command, "--help"), re.MULTILINE))
        explained = re.findall(r"^(?:# )?([\w-]+) = ", (root / f"etc/flowspec/{name}.toml").read_text(), re.MULTILINE)
        assert len(explained) == len(set(explained))
        assert options - not_of_a_file == set(explained), name


# Installed


@pytest.fixture(scope="session")
def installed(debian: Debian, packages: pathlib.Path) -> Debian:
    return debian.extended(deb(packages, "flowspec-injector"), deb(packages, "flowspec-fetcher"))


@pytest.fixture
def host(installed: Debian) -> Iterator[System]:
    with installed.system() as system:
        yield system


def write(host: System, path: str, text: str) -> None:
    host.run("sh", "-c", 'cat >"$0"', path, input=text)


def add_to(host: System, path: str, line: str) -> None:
    host.run("sh", "-c", 'printf "%s\\n" "$1" >>"$0"', path, line)


def exists(host: System, path: str) -> bool:
    return host.run("test", "-e", path, check=False).returncode == 0


def rules(host: System) -> str:
    """All rules of both families, without counters."""
    saved = "".join(host.run(f"{tool}-legacy-save").stdout for tool in ("iptables", "ip6tables"))
    saved = re.sub(r"^#.*\n| \[\d+:\d+\]$", "", saved, flags=re.MULTILINE)
    tables = re.findall(r"^\*.*?^COMMIT\n", saved, re.MULTILINE | re.DOTALL)
    return "".join(table for table in tables if re.search("^:.* -$|^-A", table, re.MULTILINE))  # one that was used once is there


def apt(host: System, *arguments: str) -> str:
    done = host.run("apt-get", "--yes", *arguments, timeout=120)
    return done.stdout + done.stderr


FOREIGN = """*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:FLOWSPECIAL - [0:0]
:MINE - [0:0]
-A FORWARD -s 192.0.2.1/32 -j MINE
-A FORWARD -j FLOWSPECIAL
-A MINE -j DROP
COMMIT
"""


def enforce(host: System) -> str:
    """Rules of somebody else's, and then ours. What there was before."""
    host.run("iptables-legacy-restore", input=FOREIGN)
    before = rules(host)
    host.run("flowspec-injector", "sync", "--routes", "-", input=CAPTURE)
    assert "-d 10.0.2.0/24 -p tcp" in rules(host)
    return before


def test_check_says_that_the_configuration_is_good(host: System) -> None:
    assert host.run("flowspec-injector", "check").stdout == "the configuration is good\n"
    assert host.run("flowspec-fetcher", "check").stdout.startswith("the configuration is good")
    assert "no entry touches it" in host.run("flowspec-injector", "check", "--policy", "/etc/flowspec/policy.json").stdout
    schema = json.loads(host.run("cat", "/etc/flowspec/policy.json").stdout)["$schema"]
    assert exists(host, schema)
    used = host.run("sh", "-c", "cat /etc/flowspec/*.toml").stdout
    assert not re.search("^policy", used, re.MULTILINE), "the example of a policy is in force"


def test_nothing_runs_and_nothing_is_enabled(host: System) -> None:
    enabled = host.run("find", "/etc/systemd", "/var/lib/systemd", "-name", "flowspec*", check=False).stdout.split()
    assert [path for path in enabled if "deb-systemd-helper" not in path] == []
    assert "flowspec" not in host.run("sh", "-c", "cat /proc/[0-9]*/comm").stdout
    crontab = host.run("cat", "/etc/cron.d/flowspec-injector").stdout
    assert "#* * * * * root flowspec-injector sync" in crontab and not re.search(r"^\*", crontab, re.MULTILINE)
    assert "FLOWSPEC" not in rules(host)


def test_the_user_joins_frr_that_comes_later(host: System) -> None:
    assert host.run("id", "-nG", "flowspec").stdout == "flowspec\n"
    assert host.run("getent", "passwd", "flowspec").stdout.split(":")[5:] == ["/run/flowspec", "/usr/sbin/nologin\n"]
    host.install("frr")
    assert host.run("id", "-nG", "flowspec").stdout.split() == ["flowspec", "frrvty"]


def repacked(package: pathlib.Path, version: str, to: pathlib.Path) -> pathlib.Path:
    """The same package with a higher version, and another comment in its configuration."""
    tree = to / "tree"
    said("dpkg-deb", "--raw-extract", package, tree)
    control = tree / "DEBIAN/control"
    control.write_text(re.sub("^Version: .*$", f"Version: {version}", control.read_text(), flags=re.MULTILINE))
    for configuration in (tree / "etc/flowspec").iterdir():
        if configuration.suffix == ".toml":
            configuration.write_text(f"# Of {version}.\n{configuration.read_text()}")
    (tree / "DEBIAN/md5sums").unlink()
    made = to / f"{package.name.split('_')[0]}_{version}_new.deb"
    said("dpkg-deb", "--root-owner-group", "--build", tree, made)
    return made


def in_there(host: System, package: pathlib.Path) -> str:
    shutil.copyfile(package, host.outside("/tmp") / package.name)
    return f"/tmp/{package.name}"


def test_an_upgrade_keeps_what_was_edited_and_the_rules(host: System, packages: pathlib.Path, tmp_path: pathlib.Path) -> None:
    enforce(host)
    before = rules(host)
    edited = host.run("cat", "/etc/flowspec/injector.toml").stdout.replace('hold-time = "forever"', 'hold-time = "3600"')
    write(host, "/etc/flowspec/injector.toml", edited)
    for name in NAMES:
        (tmp_path / name).mkdir()
    newer = [repacked(deb(packages, name), "99", tmp_path / name) for name in NAMES]
    host.run("dpkg", "--force-confdef", "--install", *(in_there(host, package) for package in newer))  # what it would ask, as it would default to
    assert host.run("dpkg-query", "-W", "-f", "${Version} ", *NAMES).stdout == "99 99 "
    assert host.run("cat", "/etc/flowspec/injector.toml").stdout == edited
    assert "# Of 99." in host.run("cat", "/etc/flowspec/fetcher.toml").stdout  # not edited: the new one
    assert rules(host) == before
    assert host.run("flowspec-injector", "check").stdout == "the configuration is good\n"


def test_removal_leaves_the_rules_and_purge_does_not(host: System) -> None:
    before = enforce(host)
    add_to(host, "/etc/flowspec/injector.toml", "# mine")
    there = rules(host)
    apt(host, "remove", "flowspec-injector")
    assert rules(host) == there and not exists(host, "/usr/sbin/flowspec-injector")
    assert exists(host, "/etc/flowspec/injector.toml")
    apt(host, "purge", "flowspec-injector")
    assert rules(host) == before
    assert not any(exists(host, path) for path in ("/etc/flowspec/injector.toml", "/var/lib/flowspec-injector", "/run/flowspec"))
    assert exists(host, "/etc/flowspec/fetcher.toml")
    apt(host, "purge", "flowspec-fetcher")
    assert not exists(host, "/etc/flowspec")


SEGMENTS = '{"segments": [{"name": "a", "import": ["65000:1"], "parents": [{"chain": "FORWARD", "out_interface": "swp3"}, {"chain": "INPUT"}]}]}'


@pytest.mark.parametrize("segments", [False, True])
def test_purge_does_what_flush_does(host: System, segments: bool) -> None:
    """Other names, several parents, segments, or marks, IPv6; and rules of somebody else's that call our chain, which stays then, empty."""
    host.run("sed", "-i", 's/^chain = .*/chain = "FS"/; s/^parent = .*/parent = ["FORWARD", "OUTPUT", "MINE"]/', "/etc/flowspec/injector.toml")
    if segments:
        add_to(host, "/etc/flowspec/injector.toml", 'segments = "/etc/flowspec/segments.json"')
    write(host, "/etc/flowspec/segments.json", SEGMENTS)
    ends = []
    for end in ("flush", "purge"):
        host.run("ip6tables-legacy-restore", input=FOREIGN.replace("192.0.2.1/32", "2001:db8::1/128"))
        enforce(host)
        host.run("flowspec-injector", "sync", "--routes", "/dev/null", "--routes6", "-", input=CAPTURE.replace("10.0.2.0/24", "2001:db8:2::/64/off 0").replace("10.0.3.0/24", "2001:db8:3::/64/off 0"))
        text = rules(host)
        wanted = {"-A FORWARD -j FS"} | ({"-A INPUT -j FS-INPUT"} if segments else {"-A MINE -j FS", "-A OUTPUT -j FS", "-A POSTROUTING -j FS-DSCP"})
        assert wanted <= set(text.splitlines()), text
        host.run("iptables-legacy", "-A", "MINE", "-p", "tcp", "-j", "FS")
        if end == "flush":
            host.run("flowspec-injector", "flush")
        else:
            said_by_apt = apt(host, "purge", "flowspec-injector")
            assert "chain FS of iptables filter stays, empty: other rules refer to it" in said_by_apt
        ends.append(rules(host))
    assert ends[0] == ends[1]
    assert ":FS -" in ends[0] and "FS-" not in ends[0] and "-A MINE -p tcp -j FS" in ends[0]


def test_purge_removes_nothing_when_nobody_knows_what_is_ours(host: System) -> None:
    enforce(host)
    there = rules(host)
    add_to(host, "/etc/flowspec/injector.toml", "nonsense = 1")
    assert "purge will not know which rules are its own" in apt(host, "purge", "flowspec-injector")
    assert rules(host) == there


def test_purge_in_a_chroot_leaves_the_kernel_alone(host: System) -> None:
    enforce(host)
    there = rules(host)
    host.run("cp", "/bin/true", "/usr/bin/ischroot")
    apt(host, "purge", "flowspec-injector")
    assert rules(host) == there


def test_purge_without_iptables_says_so(host: System) -> None:
    enforce(host)
    there = rules(host)
    apt(host, "remove", "flowspec-injector")
    host.run("sh", "-c", "mkdir /tmp/away && mv /usr/sbin/ip*tables-legacy* /tmp/away")
    assert "the rules of chain FLOWSPEC stay until the next boot" in apt(host, "purge", "flowspec-injector")
    host.run("sh", "-c", "mv /tmp/away/* /usr/sbin")
    assert rules(host) == there


# The container: no engine is here, so the lines of the Dockerfile are carried out in a clean Debian, and what it starts is run as an engine would.

DOCKERFILE = net.PROJECT / "packaging/container/Dockerfile"

# $1: the image's layers. $2: where it goes. $3, $4, $5: FRR's sockets, the state, the lock of iptables. Then the command. Read-only, as
# `docker run --read-only`: an overlay without an upper layer is.
CONTAINER = """
set -e
case $1 in
*:*) mount -t overlay overlay -o "lowerdir=$1" "$2" ;;
*) mount --bind "$1" "$2" && mount -o remount,bind,ro "$2" ;;
esac
mount -t proc proc "$2/proc"
mount --bind "$3" "$2/run/frr"
mount --bind "$4" "$2/run/flowspec"
mount --bind "$5" "$2/run/xtables.lock"
root=$2
shift 5
exec chroot "$root" "$@"
"""


def dockerfile() -> list[list[tuple[str, str]]]:
    """Its stages; each a list of instructions with what follows them."""
    text = re.sub(r"\\\n", "", DOCKERFILE.read_text())
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    stages: list[list[tuple[str, str]]] = []
    for line in lines:
        instruction, _, rest = line.partition(" ")
        if instruction == "FROM":
            stages.append([])
        assert instruction in {"FROM", "COPY", "RUN", "ENTRYPOINT", "CMD"}, line
        stages[-1].append((instruction, rest))
    return stages


def test_the_first_stage_finds_its_packages(debian: Debian) -> None:
    """Its build is the same as the one that made the packages of this test, and is not repeated."""
    stage = dict(dockerfile()[0])
    assert stage["FROM"] == "debian:bookworm AS build" and stage["RUN"] == "/src/packaging/build.sh deb --out /packages"
    install = re.search(r"apt-get (build-dep .*) /src ", DOCKERFILE.read_text())
    assert install
    with debian.system() as system:
        system.run("mkdir", "-p", "/src/debian")
        write(system, "/src/debian/control", (net.PROJECT / "packaging/debian/control").read_text())
        write(system, "/src/debian/changelog", (net.PROJECT / "packaging/debian/changelog").read_text())
        said_by_apt = system.run("apt-get", "--simulate", *install[1].split(), "/src").stdout
        assert "Inst debhelper " in said_by_apt and "Inst libspdlog-dev " in said_by_apt


@pytest.fixture(scope="session")
def image(debian: Debian, packages: pathlib.Path) -> Iterator[System]:
    """What the Dockerfile makes, on a clean Debian for debian:bookworm-slim."""
    with debian.system("image") as system:
        for instruction, rest in dockerfile()[-1]:
            if instruction == "COPY":
                source, pattern, to = re.fullmatch(r"--from=(\w+) /packages/(\S+) (\S+/)", rest).groups()  # type: ignore[union-attr]
                assert source == "build"
                for found in packages.glob(pattern):
                    shutil.copyfile(found, system.outside(to) / found.name)
            elif instruction == "RUN":
                system.run("sh", "-c", rest, timeout=300, internet=True)
        system.run("sh", "-c", "mkdir -p /run/frr /run/flowspec && : >>/run/xtables.lock")  # as an engine makes what is mounted on
        system.end()
        yield system


def test_the_container_beside_frr(image: System, loop: Loop, tmp_path: pathlib.Path) -> None:
    instructions = dict(dockerfile()[-1])
    entry, arguments = json.loads(instructions["ENTRYPOINT"]), json.loads(instructions["CMD"])
    assert arguments[0] == "run"
    state, lock, root = tmp_path / "state", tmp_path / "xtables.lock", tmp_path / "root"
    state.mkdir(), root.mkdir(), lock.touch(0o600)
    frrvty = grp.getgrnam("frrvty").gr_gid
    os.chown(loop.frr.runtime / "bgpd.vty", pwd.getpwnam("frr").pw_uid, frrvty)
    capabilities = "-all,+net_admin,+net_raw"

    def contained(*command: str) -> list[str]:
        return [
            "unshare", "--mount", "sh", "-c", CONTAINER, "sh", ":".join(map(str, image.layers)), str(root), str(loop.frr.runtime), str(state), str(lock),
            "setpriv", "--groups", str(frrvty), "--bounding-set", capabilities, "--no-new-privs", "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
            *entry, *command,
        ]  # fmt: skip

    loop.publish_routes(net.route("dst 10.0.2.10/32; proto 6; dport 80;", net.DISCARD))
    assert loop.leaf.run(*contained("check")).stdout == "the configuration is good\n"
    loop.leaf.run(*contained("sync", *arguments[1:]))
    assert len(loop.leaf.chain("FLOWSPEC")) == 1 and not loop.connects(80) and loop.connects(81)
    loop.leaf.start(*contained(*arguments), log="container.log")
    loop.publish_routes(net.route("dst 10.0.2.10/32; proto 6; dport 81;", net.DISCARD))
    net.wait_until(lambda: ["--dport 81 " in rule for rule in loop.leaf.chain("FLOWSPEC")] == [True], "the change")  # BIRD withdraws last
    assert loop.connects(80) and not loop.connects(81)


def test_the_daemon_set_asks_for_no_more() -> None:
    documents = list(yaml.safe_load_all((DOCKERFILE.parent / "daemonset.yaml").read_text()))
    pod = documents[1]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["hostNetwork"] and container["securityContext"]["capabilities"] == {"drop": ["ALL"], "add": ["NET_ADMIN", "NET_RAW"]}
    assert not container["securityContext"]["allowPrivilegeEscalation"] and container["securityContext"]["readOnlyRootFilesystem"]
    mounted = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    assert set(mounted) == {volume["name"] for volume in pod["volumes"]}
    assert {"/var/run/frr", "/run/flowspec", "/run/xtables.lock", "/etc/flowspec"} == set(mounted.values())


def test_the_configuration_of_the_daemon_set_is_good(host: System) -> None:
    documents = list(yaml.safe_load_all((DOCKERFILE.parent / "daemonset.yaml").read_text()))
    write(host, "/etc/flowspec/injector.toml", documents[0]["data"]["injector.toml"])
    assert host.run("flowspec-injector", "check").stdout == "the configuration is good\n"
