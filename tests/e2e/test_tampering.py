"""Another program changes what is ours: the next pass puts it back, touches nothing else, and tells of it once."""

from __future__ import annotations

import collections
import errno
import pathlib
import re
import shutil
import signal
import threading
from collections.abc import Callable, Iterator

import lab as net
import pytest
from conftest import Segment, make_segment
from daemon import Daemon, metrics, repairs, total
from test_kernel_state import DEFAULT_DROP, FURNITURE, MAIL, SSH, WEB, everything, furnish

IPT_SO_SET_REPLACE = 64  # the one call that commits a table
ROUTES = WEB + SSH + DEFAULT_DROP
NONE = "\n"
REDIRECT = '[{"to":"10.0.2.12/32"},{"ecomlist":"FS:redirect VRF RT:65000:7"},{"time":"00:00:01"}]\n'


class Enforcer:
    """One of the two ways to make a pass. `tell` gives what that pass said of tampering, a sentence each."""

    def __init__(self, segment: Segment, directory: pathlib.Path) -> None:
        self.segment, self.directory, self.routes = segment, directory, directory / "routes"
        self.options: tuple[object, ...] = ("--routes", self.routes, "--redirect", "65000:7=9")
        self.use(ROUTES)
        self.begin()

    def use(self, routes: str) -> None:
        self.routes.write_text(routes)

    def begin(self) -> None: ...

    def end(self) -> None: ...

    def refresh(self) -> None:
        """It can say two things more."""

    def tell(self) -> list[str]: ...

    def reconfigure(self, *options: object) -> list[str]:
        """A pass with these options besides; what it said."""

    def repairs(self) -> collections.Counter[str]:
        return repairs(metrics(self.directory / "flowspec.prom"))


class Sync(Enforcer):
    def begin(self) -> None:
        self.options += ("--state-dir", self.directory / "state", "--metrics-file", self.directory / "flowspec.prom")
        self.tell()

    def tell(self) -> list[str]:
        said = self.segment.injector("sync", *self.options).stderr.splitlines()
        sentence = re.compile("flowspec-injector: table (.*), since the last pass: (.*); it is as it should be again")
        told = [sentence.fullmatch(line) for line in said]
        assert all(told), said
        return [f"{match[1]}: {match[2]}" for match in told]

    def reconfigure(self, *options: object) -> list[str]:
        self.options += options
        return self.tell()


class Run(Enforcer):
    LINES = 10  # on tampering, and no more in a minute

    def begin(self) -> None:
        self.daemon = Daemon(self.segment.leaf, self.directory, *self.options, "--interval", "3600")

    def end(self) -> None:
        self.daemon.stop()

    def tell(self) -> list[str]:
        events = [event for event in self.daemon.pass_now() if event["event"] == "tampering"]
        assert all(event["level"] == "warning" and event["kind"] for event in events), events
        return [event["message"].split("; put back")[0] for event in events]

    def reconfigure(self, *options: object) -> list[str]:
        """A daemon that goes on where another ended."""
        self.daemon.stop()
        self.options += options
        self.begin()
        return [event["message"] for event in self.daemon.events("tampering")]

    def refresh(self) -> None:
        if len(self.daemon.events("tampering")) > self.LINES - 2:
            self.reconfigure()


def make(kind: type[Enforcer], lab: net.Lab, directory: pathlib.Path) -> Iterator[Enforcer]:
    segment = Segment(*make_segment(lab))
    furnish(segment)
    made = kind(segment, directory)
    yield made
    made.end()


KINDS = {"params": [Sync, Run], "ids": ["sync", "run"]}


@pytest.fixture(scope="module", **KINDS)
def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Enforcer]:
    """One for many tests, with what the tables were."""
    with net.Lab() as lab:
        for made in make(request.param, lab, tmp_path_factory.mktemp("enforcer")):
            made.clean = made.segment.leaf.save(counters=True)
            yield made


@pytest.fixture
def clean(shared: Enforcer) -> Enforcer:
    """The tables are as the first pass left them: our chains exactly so, which is no tampering."""
    shared.segment.leaf.restore(shared.clean, "--counters")
    shared.refresh()
    return shared


@pytest.fixture(**KINDS)
def fresh(request: pytest.FixtureRequest, lab: net.Lab, tmp_path: pathlib.Path) -> Iterator[Enforcer]:
    """One of its own, for a test that changes what is wanted."""
    yield from make(request.param, lab, tmp_path)


def ours(saved: str) -> list[str]:
    """What is the injector's own of a text without counters, in the kernel's order."""
    return re.findall(r"^:FLOWSPEC\b.*|^-A FLOWSPEC\b.*|^-A FORWARD -j FLOWSPEC$", saved, flags=re.MULTILINE)


def legacy(*commands: str) -> Callable[[Segment], None]:
    """Several iptables commands, one after another."""

    def act(segment: Segment) -> None:
        for command in commands:
            segment.leaf.run("iptables-legacy", *command.split())

    return act


def restore(change: Callable[[str], str]) -> Callable[[Segment], None]:
    """The table as it is, changed as text, put back as a whole: counters and all."""
    return lambda segment: segment.leaf.restore(change(segment.leaf.save(counters=True)), "--counters")


def without_ours(text: str) -> str:
    return re.sub(r"^(:|(\[\d+:\d+\] )?-A )FLOWSPEC.*\n|^.*-j FLOWSPEC\n", "", text, flags=re.MULTILINE)


GONE = "filter: chain FLOWSPEC was gone"
NO_JUMP = "filter: the jump from FORWARD to FLOWSPEC was gone"
CHANGED = "filter: rules or chains of FLOWSPEC were changed"

TAMPERING = {
    "flush": (legacy("-F FLOWSPEC"), [CHANGED], {"rules-changed"}),
    "jump deleted": (legacy("-D FORWARD -j FLOWSPEC"), [NO_JUMP], {"jump-gone"}),
    "rule before the jump": (
        legacy("-I FORWARD -s 192.0.2.1 -j ACCEPT"),
        ["filter: 1 rule stood before the jump from FORWARD to FLOWSPEC"],
        {"jump-moved"},
    ),
    "rules before the jump": (
        legacy("-I FORWARD -j LOG", "-I FORWARD 2 -j DOCKER-USER"),
        ["filter: 2 rules stood before the jump from FORWARD to FLOWSPEC"],
        {"jump-moved"},
    ),
    "rule before ours": (legacy("-I FLOWSPEC -j ACCEPT"), [CHANGED], {"rules-changed"}),
    "rule replaced": (legacy("-R FLOWSPEC 1 -d 10.0.2.10/32 -j DROP"), [CHANGED], {"rules-changed"}),
    "verdict turned": (
        restore(lambda text: re.sub(r"(-A FLOWSPEC .*--dport 80 .*)-j ACCEPT", r"\1-j DROP", text)), [CHANGED], {"rules-changed"},
    ),
    "rules swapped": (
        restore(lambda text: re.sub(r"(.*-A FLOWSPEC .*--dport 80 .*\n)(.*-A FLOWSPEC .*\n)", r"\2\1", text)),
        [CHANGED], {"rules-changed"},
    ),
    "our chain deleted": (legacy("-D FORWARD -j FLOWSPEC", "-F FLOWSPEC", "-X FLOWSPEC"), [GONE, NO_JUMP], {"chain-gone", "jump-gone"}),
    "our chain renamed": (legacy("-E FLOWSPEC THEIRS"), [GONE, NO_JUMP], {"chain-gone", "jump-gone"}),
    "second jump": (
        legacy("-A FORWARD -j FLOWSPEC"), ["filter: there was a second jump from FORWARD to FLOWSPEC"], {"jump-moved"},
    ),
    "chain that is named as ours": (legacy("-N FLOWSPEC-theirs", "-A FLOWSPEC-theirs -j DROP"), [CHANGED], {"rules-changed"}),
    "tables replaced without ours": (restore(without_ours), [GONE, NO_JUMP], {"chain-gone", "jump-gone"}),
    "tables replaced by the furniture": (
        lambda segment: segment.leaf.restore(FURNITURE, "--counters"), [GONE, NO_JUMP], {"chain-gone", "jump-gone"},
    ),
    "tables replaced with our chains empty": (
        restore(lambda text: re.sub(r"^\[\d+:\d+\] -A FLOWSPEC.*\n", "", text, flags=re.MULTILINE)), [CHANGED], {"rules-changed"},
    ),
    "tables replaced by empty ones": (
        lambda segment: segment.leaf.restore("*filter\nCOMMIT\n"), [GONE, NO_JUMP], {"chain-gone", "jump-gone"},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("tamper", "said", "kinds"), TAMPERING.values(), ids=TAMPERING.keys())
def test_what_is_ours_is_put_back_and_told_once(
    clean: Enforcer, tamper: Callable[[Segment], None], said: list[str], kinds: set[str]
) -> None:
    segment, known, earlier = clean.segment, clean.segment.leaf.save(), clean.repairs()
    tamper(segment)
    assert segment.leaf.save() != known
    foreign = everything(segment)
    assert clean.tell() == said
    assert ours(segment.leaf.save()) == ours(known)
    assert segment.leaf.chain("FORWARD")[0] == "-j FLOWSPEC"
    assert everything(segment) == foreign
    assert clean.tell() == []
    assert clean.repairs() == earlier + collections.Counter(kinds)


NO_TAMPERING = {
    "counters zeroed": legacy("-Z"),
    "counters of ours zeroed": legacy("-Z FLOWSPEC"),
    "tables replaced with ours in them": restore(lambda text: text),
    "tables replaced with ours, without counters": lambda segment: segment.leaf.restore(segment.leaf.save()),
    "rules of their own come": legacy(
        "-A FORWARD -s 192.0.2.1 -j ACCEPT", "-I FORWARD 2 -j LOG", "-I INPUT -j DOCKER-USER", "-t mangle -A FORWARD -j MARK --set-mark 1"
    ),
    "rules of their own go": legacy("-D FORWARD 2", "-F DOCKER-USER", "-t nat -F"),
    "a chain of their own comes": legacy("-N THEIRS", "-A THEIRS -j DROP", "-A FORWARD -j THEIRS"),
    "a chain whose name begins as ours": legacy("-N FLOWSPECTRUM", "-A FLOWSPECTRUM -j DROP"),
    "a policy changes": legacy("-P INPUT ACCEPT", "-P FORWARD DROP"),
    "a jump with conditions of their own to ours": legacy("-A INPUT -i eth7 -j FLOWSPEC", "-A DOCKER-USER -p udp -j FLOWSPEC"),
    "a bare jump of their own to ours": legacy("-N ASKS", "-A ASKS -j FLOWSPEC"),
    "the table of another family": lambda segment: segment.leaf.run("ip6tables-legacy", "-A", "FORWARD", "-s", "2001:db8::1", "-j", "LOG"),
}


def test_what_others_do_with_their_own_is_no_tampering(clean: Enforcer) -> None:
    leaf, earlier = clean.segment.leaf, clean.repairs()
    for name, act in NO_TAMPERING.items():
        act(clean.segment)
        now = leaf.save(counters=True)
        assert clean.tell() == [], name
        assert leaf.save(counters=True) == now, name
    # Nor later, when what is wanted changes.
    clean.use(MAIL + DEFAULT_DROP)
    said = clean.tell()
    clean.use(ROUTES)
    assert said + clean.tell() == []
    assert clean.repairs() == earlier


def test_a_change_of_routes_or_options_is_no_tampering(fresh: Enforcer) -> None:
    for routes in (WEB, WEB + SSH + MAIL, "", REDIRECT + WEB, ROUTES, ROUTES):
        fresh.use(routes or NONE)
        assert fresh.tell() == []
    for options in (
        ("--stateful", "never"), ("--parent", "INPUT"), ("--parent", "FORWARD"), ("--accept-target", "RETURN"),
        ("--protect", "10.0.2.10/32"), ("--sequence", "none"),
    ):  # fmt: skip
        before = fresh.segment.leaf.save()
        assert fresh.reconfigure(*options) == [], options
        assert fresh.segment.leaf.save() != before, options
        assert fresh.tell() == []
    assert not +fresh.repairs()


def test_tampering_and_another_want_at_once(fresh: Enforcer) -> None:
    """What is wanted comes about, and the tampering is told: once, whatever the kernel held in between."""
    leaf = fresh.segment.leaf
    leaf.run("iptables-legacy", "-F", "FLOWSPEC")
    fresh.use(MAIL)
    assert fresh.tell() == [CHANGED]
    assert len(leaf.chain("FLOWSPEC")) == 1 and "--dport 125" in leaf.chain("FLOWSPEC")[0]
    assert fresh.tell() == []
    # Somebody did what the pass would have done: there is nothing to put back, then or later.
    leaf.run("iptables-legacy", "-F", "FLOWSPEC")
    fresh.use(NONE)
    assert fresh.tell() == []
    fresh.use(WEB)
    assert fresh.tell() == []
    assert +fresh.repairs() == {"rules-changed": 1}


def test_tampering_that_a_failed_pass_met_is_told_by_the_next(segment: Segment, tmp_path: pathlib.Path) -> None:
    """A kernel that refuses the repair once."""
    sync = Sync(segment, tmp_path)
    known = segment.leaf.save()
    segment.leaf.run("iptables-legacy", "-D", "FLOWSPEC", "1")
    no_commit = net.Deny("setsockopt", IPT_SO_SET_REPLACE, errno.EPERM)
    done = segment.injector("sync", *sync.options, check=False, before_exec=no_commit)
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1
    assert segment.leaf.save() != known
    assert len(sync.tell()) == 1
    assert segment.leaf.save() == known and +sync.repairs() == {"rules-changed": 1}
    assert sync.tell() == []


def test_every_table_is_looked_after(fresh: Enforcer, tmp_path: pathlib.Path) -> None:
    leaf, six = fresh.segment.leaf, tmp_path / "routes6"
    six.write_text('[{"to":"2001:db8::/32/off 0"},{"ecomlist":"FS:rate 0.000000"},{"time":"00:00:01"}]')
    fresh.use(REDIRECT)
    assert fresh.reconfigure("--routes6", six) == []
    before = leaf.save(), leaf.save(6)
    leaf.run("iptables-legacy", "-t", "mangle", "-D", "PREROUTING", "-j", "FLOWSPEC-MARK")
    leaf.run("iptables-legacy", "-F", "FLOWSPEC")
    leaf.run("ip6tables-legacy", "-I", "FLOWSPEC", "-j", "ACCEPT")
    said = fresh.tell()
    assert (leaf.save(), leaf.save(6)) == before
    assert sorted(said) == [f"IPv6 {CHANGED}", CHANGED, "mangle: the jump from PREROUTING to FLOWSPEC-MARK was gone"]
    assert +fresh.repairs() == {"rules-changed": 2, "jump-gone": 1}


def test_rules_of_which_nothing_is_known_are_put_right_without_a_word(fresh: Enforcer) -> None:
    leaf, known = fresh.segment.leaf, fresh.segment.leaf.save()
    shutil.rmtree(fresh.directory / "state")
    leaf.run("iptables-legacy", "-F", "FLOWSPEC")
    assert fresh.tell() == []
    assert leaf.save() == known


def test_a_configuration_read_again_is_no_tampering(segment: Segment, tmp_path: pathlib.Path) -> None:
    routes, file = tmp_path / "routes", tmp_path / "injector.toml"
    routes.write_text(ROUTES)
    file.write_text("")
    daemon = Daemon(segment.leaf, tmp_path, "--routes", routes, "--interval", "3600", "--config", file)
    for option in ('stateful = "always"', 'stateful = "never"', 'accept-target = "RETURN"', ""):
        before = segment.leaf.save()
        file.write_text(option)
        daemon.pass_ends(lambda: daemon.process.send_signal(signal.SIGHUP))
        assert segment.leaf.save() != before, option
    assert len(daemon.events("reloaded")) == 4 and daemon.events("tampering") == []
    daemon.stop()


def test_somebody_who_tampers_all_the_time_does_not_fill_the_log(segment: Segment, tmp_path: pathlib.Path) -> None:
    (tmp_path / "routes").write_text(ROUTES)
    daemon = Daemon(segment.leaf, tmp_path, "--routes", tmp_path / "routes", "--interval", "3600")
    known = segment.leaf.save()
    for _ in range(Run.LINES + 5):
        segment.leaf.run("iptables-legacy", "-F", "FLOWSPEC")
        daemon.pass_now()
        assert segment.leaf.save() == known
    assert len(daemon.events("tampering")) == Run.LINES
    assert +repairs(daemon.metrics()) == {"rules-changed": Run.LINES + 5}
    daemon.stop()


# A writer that takes no lock, under the commit: the kernel says EAGAIN to one of the two.


class Writer(threading.Thread):
    """Replaces the table as fast as it can, under another lock than iptables', now with ours in it and now without."""

    def __init__(self, leaf: net.Namespace, tables: list[str]) -> None:
        super().__init__(daemon=True)
        self.leaf, self.tables, self.times, self.enough = leaf, tables, 0, threading.Event()

    def run(self) -> None:
        while not self.enough.is_set():
            command = ("env", f"XTABLES_LOCKFILE={self.leaf.lab.directory}/other.lock", "iptables-legacy-restore")
            done = self.leaf.run(*command, input=self.tables[self.times % len(self.tables)], check=False)
            self.times += done.returncode == 0  # else the daemon was quicker

    def finish(self) -> None:
        self.enough.set()
        self.join()


def test_a_writer_that_takes_no_lock(segment: Segment, tmp_path: pathlib.Path) -> None:
    """No pass fails for it, and once it has left off, one pass puts right what it left."""
    leaf = segment.leaf
    furnish(segment)
    (tmp_path / "routes").write_text(ROUTES)
    daemon = Daemon(leaf, tmp_path, "--routes", tmp_path / "routes", "--interval", "0.05")
    known = leaf.save(table="filter")
    without = without_ours(known)
    no_jump, other = known.replace("-A FORWARD -j FLOWSPEC\n", ""), without.replace("COMMIT", "-A INPUT -j LOG\nCOMMIT")
    writer = Writer(leaf, [without, known, no_jump, other])
    writer.start()
    try:
        net.wait_until(lambda: writer.times >= 100 and repairs(daemon.metrics()).total() >= 10, "tampering")
    finally:
        writer.finish()
    daemon.process.send_signal(signal.SIGSTOP)
    leaf.restore(without)
    daemon.process.send_signal(signal.SIGCONT)
    net.wait_until(lambda: leaf.save(table="filter") == known, "the repair")
    assert set(+repairs(daemon.metrics())) <= {"chain-gone", "jump-gone"}
    daemon.stop()
    assert daemon.events("failed") == []


def test_a_writer_that_is_quicker_every_time(segment: Segment, tmp_path: pathlib.Path) -> None:
    """A kernel that says EAGAIN to each commit, as it does when the table is another than was read."""
    segment.sync_text(ROUTES)
    before = segment.leaf.save()
    done = segment.sync_text(WEB, check=False, before_exec=net.Deny("setsockopt", IPT_SO_SET_REPLACE, errno.EAGAIN))
    assert done.returncode == 1 and re.fullmatch(r"[^\n]+tried \d+ times\)\n", done.stderr), done
    assert segment.leaf.save() == before
