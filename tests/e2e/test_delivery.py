"""The way of the fetcher's text into BIRD: checked, validated, taken, refused, put back. On real bird and birdc."""

from __future__ import annotations

import dataclasses
import fcntl
import os
import pathlib
import re
import signal
import stat
import struct
import subprocess
import time
from collections.abc import Iterator

import lab as net
import pytest
from test_failures import refuses
from test_loop import filter_table

RULES = ["-s 10.0.0.0/8 -j DROP", "-d 10.0.3.0/24 -p tcp -m tcp --dport 80 -j ACCEPT"]
NEVER = "-m mac --mac-source 02:00:00:00:00:01 -j DROP"


@dataclasses.dataclass
class Firewall:
    """A firewall host: rules, and a BIRD whose configuration includes what the fetcher writes."""

    host: net.Namespace
    bird: net.Bird

    @property
    def output(self) -> pathlib.Path:
        return self.bird.routes_file

    def fetch(self, *arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
        return self.host.run(net.FETCHER, "generate", *map(str, arguments), **options)

    def deliver(self, *arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
        """generate into BIRD's file, from the kernel unless `rules` are given."""
        if (rules := options.pop("rules", None)) is not None:
            options["input"] = filter_table(rules, policy="DROP")
            arguments = ("--rules", "-", *arguments)
        arguments = ("--output", self.output, "--bird-config", self.bird.file, "--birdc-socket", self.bird.control, *arguments)
        return self.fetch(*arguments, **options)

    def stands(self) -> tuple[int, int, int, int]:
        """What changes when the file is written or replaced; to read it is nobody's business."""
        now = self.output.stat()
        return now.st_ino, now.st_size, now.st_mtime_ns, now.st_ctime_ns

    def birdc(self, *words: str) -> str:
        return self.host.run("birdc", "-s", self.bird.control, *words).stdout

    def routes(self) -> str:
        """Every route that BIRD has, with its attributes; without their age."""
        listed = self.birdc("show", "route", "table", "flowtab4", "all") + self.birdc("show", "route", "table", "flowtab6", "all")
        return re.sub(r"\[(\w+) [^]]*\]", r"[\1]", listed)

    def reconfigured(self) -> str:
        (when,) = re.findall("Last reconfiguration on (.*)", self.birdc("show", "status"))
        return when


@pytest.fixture
def firewall(lab: net.Lab) -> Iterator[Firewall]:
    host = lab.namespace("firewall")
    made = Firewall(host, net.Bird(host, net.Peer("192.0.2.1", 65001), net.Peer("192.0.2.2", 65002), ("ipv4", "ipv6")))
    yield made
    left = [name for name in os.listdir(lab.directory) if (name.startswith(".") and not name.endswith(".unconfirmed")) or name.endswith(".new")]
    assert left == []


# Into BIRD, and only when it changes


def test_bird_has_what_the_firewall_says(firewall: Firewall) -> None:
    firewall.host.restore(filter_table(RULES, policy="DROP"))
    firewall.host.run("ip6tables-legacy", "-A", "FORWARD", "-s", "2001:db8::/32", "-j", "DROP")
    done = firewall.deliver("--validate", "--reload")
    assert done.stderr == f"{firewall.output}: written, BIRD has it, 5 routes\n" and done.stdout == ""
    routes = firewall.routes()
    assert "src 10.0.0.0/8" in routes and "dst 10.0.3.0/24; proto 6; dport 80" in routes and "src 2001:db8::/32" in routes
    firewall.host.run("iptables-legacy", "-D", "FORWARD", "1")
    firewall.deliver("--validate", "--reload")
    assert "src 10.0.0.0/8" not in firewall.routes()


def test_nothing_to_change_touches_neither_the_file_nor_bird(firewall: Firewall) -> None:
    firewall.output.chmod(0o640)
    os.chown(firewall.output, 12, 34)
    firewall.deliver("--reload", rules=RULES)
    first, when = firewall.output.stat(), firewall.reconfigured()
    assert (first.st_uid, first.st_gid, stat.S_IMODE(first.st_mode)) == (12, 34, 0o640)
    time.sleep(1.1)  # BIRD tells the time in seconds
    done = firewall.deliver("--validate", "--reload", rules=RULES)
    assert done.stderr == f"{firewall.output}: unchanged, 3 routes\n"
    second = firewall.output.stat()
    assert (first.st_ino, first.st_mtime_ns, first.st_ctime_ns) == (second.st_ino, second.st_mtime_ns, second.st_ctime_ns)
    assert firewall.reconfigured() == when


def test_check_tells_what_would_change_and_changes_nothing(firewall: Firewall, tmp_path: pathlib.Path) -> None:
    firewall.deliver(rules=RULES)
    before, old = firewall.stands(), firewall.output.read_text()
    done = firewall.deliver("--check", rules=RULES)
    assert (done.returncode, done.stdout) == (0, "")
    done = firewall.deliver("--check", "--validate", rules=[*RULES, "-s 11.0.0.0/8 -j DROP"], check=False)
    assert done.returncode == 4 and done.stderr == f"{firewall.output}: would change, 4 routes\n"
    assert firewall.stands() == before and firewall.output.read_text() == old
    added = [line for line in done.stdout.splitlines() if re.match(r"[+-](?!\+\+|--)", line)]
    assert done.stdout.startswith(f"--- {firewall.output}\n+++ {firewall.output}\n@@ ")
    assert len(added) == 1 and "src 11.0.0.0/8" in added[0]
    firewall.deliver(rules=[*RULES, "-s 11.0.0.0/8 -j DROP"])
    copy = tmp_path / "flowspec.conf"
    copy.write_text(old)
    firewall.host.run("patch", copy, input=done.stdout)
    assert copy.read_text() == firewall.output.read_text()


# What BIRD refuses


def test_what_bird_does_not_like_is_not_written(firewall: Firewall) -> None:
    firewall.deliver("--reload", rules=RULES)
    before, routes = firewall.stands(), firewall.routes()
    done = firewall.deliver("--validate", "--reload", "--flow4-table", "none", rules=["-j DROP"], check=False)
    refuses(done, 1, f"{firewall.output}:5:", "nothing was written")
    assert firewall.stands() == before and firewall.routes() == routes
    done = firewall.deliver("--validate", "--check", "--flow4-table", "none", rules=["-j DROP"], check=False)
    refuses(done, 1, f"{firewall.output}:5:")


def test_when_bird_refuses_the_old_file_comes_back(firewall: Firewall) -> None:
    firewall.deliver("--reload", rules=RULES)
    old, routes, when = firewall.output.read_text(), firewall.routes(), firewall.reconfigured()
    done = firewall.deliver("--reload", "--flow4-table", "none", rules=["-j DROP"], check=False)
    refuses(done, 1, f"{firewall.output}:5:", "as it was")
    assert firewall.output.read_text() == old and firewall.routes() == routes and firewall.reconfigured() == when
    done = firewall.deliver("--reload", rules=RULES)
    assert "unchanged" in done.stderr


def test_when_bird_refuses_and_there_was_no_file_there_is_none(firewall: Firewall) -> None:
    firewall.output.unlink()
    done = firewall.deliver("--reload", "--flow4-table", "none", rules=RULES, check=False)
    refuses(done, 1, f"{firewall.output}:5:", "removed")
    assert not firewall.output.exists()
    firewall.deliver("--validate", "--reload", rules=RULES)
    assert "src 10.0.0.0/8" in firewall.routes()


def test_a_bird_that_hangs(firewall: Firewall) -> None:
    firewall.deliver("--reload", rules=RULES)
    old = firewall.output.read_text()
    firewall.bird.process.send_signal(signal.SIGSTOP)
    start = time.monotonic()
    done = firewall.deliver("--reload", "--timeout", "1", rules=["-j DROP"], check=False)
    assert time.monotonic() - start < 5
    firewall.bird.process.send_signal(signal.SIGCONT)
    refuses(done, 1, "birdc", "no answer within 1 s", "as it was")
    assert firewall.output.read_text() == old
    # It may have taken the new file before the old one came back: it is asked again.
    assert "BIRD has it" in firewall.deliver("--reload", rules=RULES).stderr
    assert "src 10.0.0.0/8" in firewall.routes()
    assert "unchanged" in firewall.deliver("--reload", rules=RULES).stderr


def test_a_fetcher_that_is_killed_before_bird_is_asked(firewall: Firewall) -> None:
    """The file is there, and BIRD does not have it: the next run does not take it for done."""
    firewall.deliver("--reload", rules=RULES)
    old, routes = firewall.output.read_text(), firewall.routes()
    slow, rules = (firewall.output.with_name(name) for name in ("slow", "rules"))
    slow.write_text("#!/bin/sh\nexec sleep 3\n")
    slow.chmod(0o755)
    rules.write_text(filter_table(["-s 10.2.0.0/16 -j DROP"], policy="DROP"))
    fetcher = firewall.host.start(
        net.FETCHER, "generate", "--rules", rules, "--output", firewall.output, "--reload", "--birdc", slow, log="fetcher.log",
    )  # fmt: skip
    net.wait_until(lambda: firewall.output.read_text() != old, "the new file")
    fetcher.kill()
    fetcher.wait()
    assert firewall.routes() == routes
    assert "BIRD has it" in firewall.deliver("--reload", rules=["-s 10.2.0.0/16 -j DROP"]).stderr
    assert "src 10.2.0.0/16" in firewall.routes()
    assert "unchanged" in firewall.deliver("--reload", rules=["-s 10.2.0.0/16 -j DROP"]).stderr


def test_a_fetcher_that_is_told_to_end_ends_with_the_old_file_in_place(firewall: Firewall) -> None:
    firewall.deliver("--reload", rules=RULES)
    old = firewall.output.read_text()
    rules = firewall.output.with_name("rules")
    rules.write_text(filter_table(["-j DROP"]))
    firewall.bird.process.send_signal(signal.SIGSTOP)
    fetcher = firewall.host.start(
        net.FETCHER, "generate", "--rules", rules, "--output", firewall.output, "--reload", "--timeout", "2",
        "--birdc-socket", firewall.bird.control, log="fetcher.log",
    )  # fmt: skip
    net.wait_until(lambda: firewall.output.read_text() != old, "the new file")
    fetcher.send_signal(signal.SIGTERM)
    assert fetcher.wait(timeout=10) == -signal.SIGTERM
    firewall.bird.process.send_signal(signal.SIGCONT)
    assert firewall.output.read_text() == old


@pytest.mark.parametrize("option", ["--birdc=/nonexistent/birdc", "--birdc=false", "--birdc=true", "--birdc-socket=/nonexistent"])
def test_a_client_that_does_not_get_through(firewall: Firewall, option: str) -> None:
    old = firewall.output.read_text()
    arguments = ("--rules", "-", "--output", firewall.output, "--reload", option)
    done = firewall.fetch(*arguments, input=filter_table(RULES), check=False)
    refuses(done, 1, option.split("=")[1], "as it was")
    assert firewall.output.read_text() == old


def test_a_bird_that_cannot_be_asked(firewall: Firewall) -> None:
    for program, word in (("/nonexistent/bird", "No such file"), ("false", "exit status 1")):
        done = firewall.deliver("--validate", "--bird", program, rules=RULES, check=False)
        refuses(done, 1, program, word, "nothing was written")
    script = firewall.output.with_name("slow")
    script.write_text("#!/bin/sh\nsleep 60\n")
    script.chmod(0o755)
    refuses(firewall.deliver("--validate", "--bird", script, "--timeout", "1", rules=RULES, check=False), 1, "within 1 s")
    assert firewall.output.read_text() == ""


# Ways to include a file


@pytest.mark.parametrize(
    "main, files",
    [
        ('include "routes/*.conf";', {}),
        ('include "{directory}/routes/new.conf";', {}),
        ('include "outer.conf";', {"outer.conf": 'include "routes/inner.conf";', "routes/inner.conf": 'include "n*.conf";'}),
        ('include "rou*/[mn]*.conf";', {"routes/m.conf": "flow4 table before_it;", "routes/z": "nonsense"}),
        ('  include\t"./routes//new.conf" ;', {}),
    ],
)
@pytest.mark.parametrize("exists", [False, True])
def test_bird_looks_at_the_new_file_wherever_it_is_included(
    firewall: Firewall, tmp_path: pathlib.Path, main: str, files: dict[str, str], exists: bool
) -> None:
    config, output = tmp_path / "main.conf", tmp_path / "routes/new.conf"
    output.parent.mkdir()
    text = 'router id 10.0.0.1;\nprotocol device { }\n/*\ninclude "not/this";\n*/\nflow4 table flowtab4;\nflow6 table flowtab6;\n'
    config.write_text(f"{text}{main.replace('{directory}', str(tmp_path))}\n# include \"nor/this\";\n")
    for name, content in files.items():
        (tmp_path / name).write_text(content + "\n")
    if exists:
        output.write_text("# old\n")
    before = {path: path.read_text() for path in tmp_path.rglob("*") if path.is_file()}

    def validate(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
        arguments = ("--rules", "-", "--output", output, "--validate", "--bird-config", config, *arguments)
        return firewall.fetch(*arguments, input=filter_table(RULES), **options)

    done = validate("--flow4-table", "none", check=False)
    refuses(done, 1, f"{tmp_path}/", "new.conf:5:", "none")
    assert {path: path.read_text() for path in tmp_path.rglob("*") if path.is_file()} == before
    validate()
    firewall.host.run("bird", "-p", "-c", config)  # as it stands now


def test_a_file_that_bird_does_not_include_is_an_error(firewall: Firewall, tmp_path: pathlib.Path) -> None:
    other = tmp_path / "other.conf"
    done = firewall.fetch(
        "--rules", "-", "--output", other, "--validate", "--bird-config", firewall.bird.file,
        input=filter_table(RULES), check=False,
    )  # fmt: skip
    refuses(done, 1, "does not include", str(other))
    assert not other.exists()


def test_nothing_is_left_in_the_temporary_directory(firewall: Firewall, tmp_path: pathlib.Path) -> None:
    for table in ("flowtab4", "none"):
        firewall.host.run(
            "env", f"TMPDIR={tmp_path}", net.FETCHER, "generate", "--rules", "-", "--output", firewall.output, "--validate",
            "--bird-config", firewall.bird.file, "--flow4-table", table, input=filter_table(RULES), check=False,
        )  # fmt: skip
        assert os.listdir(tmp_path) == []


# Disks


def test_a_disk_that_is_full(firewall: Firewall, tmp_path: pathlib.Path) -> None:
    rules = tmp_path / "rules"
    rules.write_text(filter_table([f"-s 10.0.{number}.0/24 -j DROP" for number in range(200)]))
    disk = tmp_path / "disk"
    disk.mkdir()
    script = f"""
mount -t tmpfs -o size=16k none {disk} && echo old >{disk}/flowspec.conf || exit
{net.FETCHER} generate --rules {rules} --output {disk}/flowspec.conf
echo "exit $?"; cat {disk}/flowspec.conf; ls -A {disk}
mount -o remount,size=1m {disk}
{net.FETCHER} generate --rules {rules} --output {disk}/flowspec.conf --reload --birdc 'false'
echo "exit $?"; cat {disk}/flowspec.conf; ls -A {disk}
mount -o remount,ro {disk}
{net.FETCHER} generate --rules {rules} --output {disk}/flowspec.conf
echo "exit $?"; cat {disk}/flowspec.conf; ls -A {disk}
"""
    done = firewall.host.run("unshare", "--mount", "sh", "-c", script)
    assert done.stdout == "exit 1\nold\nflowspec.conf\n" * 3
    full, refused, read_only = done.stderr.splitlines()
    assert "No space left on device" in full and "as it was" in refused and "Read-only file system" in read_only


def test_an_output_that_cannot_be_replaced(firewall: Firewall, tmp_path: pathlib.Path) -> None:
    def publish(output: object) -> subprocess.CompletedProcess[str]:
        return firewall.fetch("--rules", "-", "--output", output, input=filter_table(RULES), check=False)

    refuses(publish(tmp_path), 1, str(tmp_path), "Is a directory")
    refuses(publish(tmp_path / "none/flowspec.conf"), 1, "No such file or directory")
    refuses(publish("/dev/null"), 1, "not a regular file")
    os.mkfifo(tmp_path / "fifo")
    refuses(publish(tmp_path / "fifo"), 1, "not a regular file")
    (tmp_path / "fifo").unlink()
    for path in (tmp_path / "flowspec.conf", tmp_path):
        (tmp_path / "flowspec.conf").write_text("old\n")
        with immutable(path):
            refuses(publish(tmp_path / "flowspec.conf"), 1, str(tmp_path / "flowspec.conf"), "Operation not permitted")
        assert (tmp_path / "flowspec.conf").read_text() == "old\n" and os.listdir(tmp_path) == ["flowspec.conf"]


class immutable:
    """chattr +i."""

    FS_IOC_GETFLAGS, FS_IOC_SETFLAGS, IMMUTABLE = 0x80086601, 0x40086602, 0x10

    def __init__(self, path: pathlib.Path) -> None:
        self.path = path

    def __enter__(self) -> None:
        try:
            self.set(self.IMMUTABLE)
        except OSError as error:
            pytest.skip(f"no chattr on {self.path}: {error}")

    def __exit__(self, *_: object) -> None:
        self.set(0)

    def set(self, flag: int) -> None:
        descriptor = os.open(self.path, os.O_RDONLY)
        (flags,) = struct.unpack("i", fcntl.ioctl(descriptor, self.FS_IOC_GETFLAGS, struct.pack("i", 0)))
        fcntl.ioctl(descriptor, self.FS_IOC_SETFLAGS, struct.pack("i", flags & ~self.IMMUTABLE | flag))
        os.close(descriptor)


# Hostile words


COMMENTS = [
    b'}; protocol static evil { flow4 { table flowtab4; }; route flow4 { dst 192.0.2.0/24; }; } #',
    b'line\nroute flow4 { dst 192.0.2.0/24; };\ninclude "/etc/passwd";\n',
    b'\r\nroute flow4 { dst 192.0.2.0/24; };',
    b'"; } \\" \' */ /* # $(reboot) `id` %s %n',
    b"\xff\xfe\x80 \xc3\x28 \xe2\x80\xa8 \x1b[2J\x07\x7f\t\v\f",
    b'"' * 100 + b"\\" * 100,
    b"-j ACCEPT\nCOMMIT\n*filter\n:FORWARD ACCEPT [0:0]\n",
]


@pytest.mark.parametrize("number", range(len(COMMENTS)))
def test_a_comment_is_a_comment(firewall: Firewall, number: int) -> None:
    """Whatever a rule's comment says: the routes that BIRD has are those of the rule without it."""

    def restore(*comment: str) -> None:
        firewall.host.run("iptables-legacy", "-F", "FORWARD")
        for rule in ("-s 10.0.0.0/8 -j DROP", "-d 10.0.3.0/24 -p tcp -m tcp --dport 80 -j ACCEPT"):
            firewall.host.run("iptables-legacy", "-A", "FORWARD", *rule.split(), *comment)

    restore()
    firewall.deliver("--validate", "--reload")
    routes = firewall.routes()
    assert routes.count("src 10.0.0.0/8") == 1
    restore("-m", "comment", "--comment", os.fsdecode(COMMENTS[number]))
    firewall.deliver("--validate", "--reload")
    assert firewall.routes() == routes
    written = firewall.output.read_bytes()
    assert all(byte == 0x0A or 0x20 <= byte < 0x7F for byte in written)
    rules = firewall.output.with_name("rules")
    firewall.host.run("sh", "-c", f"iptables-legacy-save -c >{rules}")
    firewall.deliver("--rules", rules, "--validate", "--reload")
    assert firewall.routes() == routes


JUNK = [b"", b"\0" * 100, b"\x7fELF\2\1\1", b"*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -j DR", b"\xff" * 4096]


@pytest.mark.parametrize("junk", JUNK)
def test_a_file_that_is_no_rules(firewall: Firewall, junk: bytes) -> None:
    rules = firewall.output.with_name("rules")
    rules.write_bytes(junk)
    for option in ("--rules", "--rules6"):
        refuses(firewall.deliver("--reload", option, rules, check=False), 1, str(rules))
    assert firewall.output.read_text() == ""


# The kernel's rules, of either kind


def test_one_lock_for_both_families(firewall: Firewall) -> None:
    firewall.host.restore(filter_table(RULES))
    lock = firewall.output.with_name("lock")
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        done = firewall.host.run("env", f"XTABLES_LOCKFILE={lock}", net.FETCHER, "generate", "--wait", "0.2", check=False)
        refuses(done, 1, str(lock), "0.2 s")
    firewall.host.run("env", f"XTABLES_LOCKFILE={lock}", net.FETCHER, "generate", "--wait", "0.2")


def test_ipv6_that_nobody_uses_is_left_out_and_not_made(firewall: Firewall) -> None:
    names = "cat /proc/thread-self/net/ip6_tables_names"
    firewall.host.restore(filter_table(RULES))
    done = firewall.fetch()
    assert "IPv6 is left out" in done.stderr and "flow6" not in done.stdout and done.stdout.count("route flow4") == 3
    refuses(firewall.fetch("--family", "ipv6", check=False), 1, "nobody uses ip6tables-legacy")
    assert firewall.host.run("sh", "-c", names).stdout == ""
    firewall.host.run("ip6tables-legacy", "-P", "FORWARD", "DROP")
    done = firewall.fetch()
    assert done.stderr == "" and "route flow6 { dst ::/0; src ::/0; } {" in done.stdout
    assert "flow6" not in firewall.fetch("--family", "ipv4").stdout


@pytest.mark.parametrize("number", [4, 6])
def test_an_empty_forward_is_not_published_while_nf_tables_filter(firewall: Firewall, number: int) -> None:
    """And the pipe that the refusal names does the work."""
    program, option = ("iptables", "--rules") if number == 4 else ("ip6tables", "--rules6")
    address = "10.0.0.0/8" if number == 4 else "2001:db8::/32"
    family = ("--family", f"ipv{number}")
    refuses(firewall.fetch(*family, check=False), 1, f"nobody uses {program}-legacy")
    firewall.host.run(f"{program}-legacy", "-L")
    done = firewall.fetch(*family)
    assert "all there is to publish" in done.stderr and f"route flow{number}" in done.stdout
    firewall.host.run(f"{program}-nft", "-A", "FORWARD", "-s", address, "-j", "DROP")
    pipe = f"{program}-save | flowspec-fetcher generate {option} -"
    refuses(firewall.fetch(*family, check=False), 1, f"{program}-legacy", pipe)
    saved = firewall.host.run(f"{program}-nft-save").stdout
    assert f"src {address}" in firewall.fetch(option, "-", input=saved).stdout
    firewall.host.run(f"{program}-legacy", "-A", "FORWARD", "-s", address, "-j", "DROP")
    done = firewall.fetch(*family)
    assert "nf_tables hold" in done.stderr and f"src {address}" in done.stdout


def test_what_iptables_nft_prints_gives_the_same_routes(firewall: Firewall) -> None:
    """With counters, its warnings, tables of nft's own beside it, and a table that it cannot show."""
    run = firewall.host.run
    rules6 = ["-s 2001:db8::/32 -p udp -m udp --dport 53 -j ACCEPT", "-d 2001:db8:1::/48 -j DROP"]
    run("iptables-legacy-restore", input=filter_table(RULES, policy="DROP"))
    run("ip6tables-legacy-restore", input=filter_table(rules6, policy="DROP"))
    legacy = firewall.fetch().stdout
    run("iptables-nft-restore", input=filter_table(RULES, policy="DROP"))
    run("ip6tables-nft-restore", input=filter_table(rules6, policy="DROP"))
    run("nft", "add table inet mine; add chain inet mine c; add rule inet mine c accept")
    for family in ("ip", "ip6"):
        run("nft", f"add table {family} raw; add chain {family} raw c; add rule {family} raw c meta mark 1-5 accept")
    texts = [run(f"{program}-nft-save", "-c").stdout for program in ("iptables", "ip6tables")]
    rules = [firewall.output.with_name(name) for name in ("rules.v4", "rules.v6")]
    for path, text, program in zip(rules, texts, ("iptables", "ip6tables")):
        said = run(f"{program}-nft-save").stderr + text
        assert "legacy tables present" in said and "[0:0] -A FORWARD" in text and "# Table `raw' is incompatible" in text
        path.write_text(f"# Warning: {program}-legacy tables present, use {program}-legacy-save to see them\n{text}")
    done = firewall.fetch("--rules", rules[0], "--rules6", rules[1])
    assert done.stdout == legacy and done.stderr.count("legacy tables present") == done.stderr.count("incompatible") == 2
    assert legacy.count("route flow6") == 3
    refuses(firewall.fetch("--rules", rules[1], check=False), 1, "IPv6 rules")
    refuses(firewall.fetch("--rules6", rules[0], check=False), 1, "IPv4 rules")


def test_a_filter_table_that_iptables_nft_cannot_show_is_an_error(firewall: Firewall) -> None:
    """It shows FORWARD as empty and accepting, and says so in a remark."""
    for chain in ("forward { type filter hook forward priority 0; policy drop; }", "FORWARD { meta mark 1-5 drop; }"):
        firewall.host.run("nft", f"flush ruleset; table ip filter {{ chain {chain}; }}")
        saved = firewall.host.run("iptables-nft-save").stdout
        refuses(firewall.fetch("--rules", "-", input=saved, check=False), 1, "not all of the filter table", "nft")


# Exit codes, and the file of options


@pytest.mark.parametrize(
    "arguments, rules, code",
    [
        ((), RULES, 0),
        ((), [NEVER], 1),
        (("--skip-unsupported",), [NEVER], 0),
        (("--skip-unsupported", "--strict"), [NEVER], 3),
        (("--strict",), RULES, 0),
        (("--check",), RULES, 4),
        (("--check", "--skip-unsupported", "--strict"), [NEVER], 3),
        (("--max-routes", "1"), RULES, 1),
        (("--check", "--reload"), RULES, 2),
        (("--frr", "new"), RULES, 2),
        (("--interface-rt", "eth0=65535:1"), RULES, 2),
    ],
)
def test_exit_codes(firewall: Firewall, arguments: tuple[str, ...], rules: list[str], code: int) -> None:
    done = firewall.deliver(*arguments, rules=rules, check=False)
    assert done.returncode == code, done
    written = code in (0, 3) and "--check" not in arguments
    assert (firewall.output.read_text() != "") == written


def test_options_from_a_file(firewall: Firewall) -> None:
    config = firewall.output.with_name("fetcher.toml")
    config.write_text(
        f'output = "{firewall.output}"\nvalidate = true\nreload = true\nbird-config = "{firewall.bird.file}"\n'
        f'birdc-socket = "{firewall.bird.control}"\n'
    )
    firewall.host.restore(filter_table(RULES, policy="DROP"))
    firewall.fetch("--config", config)
    assert "src 10.0.0.0/8" in firewall.routes()
    config.write_text("reload = true\n")
    refuses(firewall.fetch("--config", config, check=False), 2, "--output")
