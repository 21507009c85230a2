"""Every command and every output of README.md and of the man pages, tried: `documents.py` says what is a block and how one is
accounted for."""

from __future__ import annotations

import dataclasses
import functools
import pathlib
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator

import documents
import lab as net
import pytest
from conftest import Loop, Segment, make_loop

BLOCKS = documents.all_blocks()
GOES_ON = re.compile(r"\bflowspec-injector (run\b|status\b.*--watch)")  # until it is stopped
ENDED_BY_TIMEOUT = 124


def of_kind(*kinds: str) -> list[documents.Block]:
    return [block for block in BLOCKS if block.kind in kinds]


def elsewhere(command: str) -> str | None:
    """The entry of `ELSEWHERE` or `NOT_HERE` that this command is."""
    found = [begin for begin in (*documents.ELSEWHERE, *documents.NOT_HERE) if command.startswith(begin)]
    return max(found, key=len) if found else None


def place_of(block: documents.Block, command: str) -> str | None:
    """Where it is run; none: it is not."""
    if block.kind == "run":
        return block.argument
    return None if elsewhere(command) else documents.PLACES.get(command.split()[0])


RUN = [
    pytest.param(block, command, place, id=f"{block}-{command[:60]}")
    for block in of_kind("run", "commands")
    for command in documents.commands_of(block.text)
    if (place := place_of(block, command))
]


def test_there_are_blocks_in_every_document() -> None:
    assert {block.document for block in BLOCKS} == {path.name for path in documents.DOCUMENTS}
    assert len(RUN) > 10


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_every_block_is_accounted_for(block: documents.Block) -> None:
    assert block.kind, f"{block}: of no class; documents.py says how to mark it:\n{block.text}"
    if block.kind == "output":
        assert block.argument in OUTPUTS, f"{block}: no such output"
    if block.kind == "run":
        assert block.argument in {"leaf", "firewall"}, f"{block}: no such place"
    if block.kind == "names":
        assert block.argument, f"{block}: the reason is missing"
    if block.kind == "commands":
        for command in documents.commands_of(block.text):
            known = elsewhere(command) or documents.PLACES.get(command.split()[0])
            assert known, f"{block}: neither run nor named in a table of documents.py: {command}"


@pytest.mark.parametrize("block", of_kind("run", "commands"), ids=str)
def test_every_command_is_one_for_a_shell(block: documents.Block) -> None:
    for command in documents.commands_of(block.text):
        subprocess.run(["bash", "-n"], input=command, text=True, check=True, timeout=10)


def test_no_entry_of_a_table_is_left_over() -> None:
    commands = [command for block in of_kind("commands") for command in documents.commands_of(block.text)]
    used = {elsewhere(command) for command in commands}
    assert {*documents.ELSEWHERE, *documents.NOT_HERE} <= used
    assert set(OUTPUTS) == {block.argument for block in of_kind("output")}
    whole_run = (net.PROJECT / "tests/run.sh").read_text()
    for begin, words in documents.ELSEWHERE.items():
        assert words in whole_run, f"tests/run.sh does not run {begin}"
    assert all(documents.NOT_HERE.values())


@pytest.mark.parametrize("block", of_kind("usage"), ids=str)
def test_a_list_of_commands_is_that_of_the_help(block: documents.Block) -> None:
    for line in block.text.splitlines():
        program, command = line.split()[:2]
        tool = {"flowspec-injector": net.INJECTOR, "flowspec-fetcher": net.FETCHER}[program]
        assert re.search(rf"^  {program} {command}\b", output_of(tool, "--help"), flags=re.MULTILINE), line
        options = re.match(r"(.*?)(?:\s{2,}|$)", line.removeprefix(f"{program} {command}").strip())
        for option in re.findall(r"--[a-z0-9-]+", options[1] if options else ""):
            assert option in output_of(tool, command, "--help"), line


def output_of(*command: object) -> str:
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, check=True, timeout=60).stdout


@pytest.mark.parametrize("block", of_kind("json", "config"), ids=str)
def test_a_document_is_good(block: documents.Block, segment: Segment, tmp_path: pathlib.Path) -> None:
    file = tmp_path / "document"
    file.write_text(block.text)
    if block.kind == "json":
        done = segment.injector("check", "--strict", block.argument, file)
    else:
        program = {"flowspec-injector": net.INJECTOR, "flowspec-fetcher": net.FETCHER}[block.argument]
        done = segment.leaf.run(program, "check", "--config", file)
    assert "the configuration is good" in done.stdout


@pytest.mark.parametrize("block", of_kind("bird"), ids=str)
def test_bird_takes_it(block: documents.Block, tmp_path: pathlib.Path) -> None:
    file = tmp_path / "bird.conf"
    (tmp_path / "included.conf").write_text(net.static(net.route("dst 10.0.0.0/8;", net.DISCARD)))
    text = re.sub(r'include ".*?";', 'include "included.conf";', block.text)
    file.write_text(f"router id 192.0.2.1;\nprotocol device {{ }}\n{text}\n")
    done = subprocess.run(["bird", "-p", "-c", file], capture_output=True, text=True, timeout=10)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("block", of_kind("file"), ids=str)
def test_it_stands_in_that_file(block: documents.Block) -> None:
    assert_quotes(block.text, (net.PROJECT / block.argument).read_text())


def inline_commands() -> list[tuple[str, str]]:
    """Words in a sentence that name an option of ours: `--layout auto`, `plan --exit-code`, .Ql flowspec-injector check --strict."""
    found = []
    for document in documents.DOCUMENTS:
        text = document.read_text()
        if document == documents.README:
            text = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
            spans = re.findall(r"`([^`\n]+)`", text)
        else:
            spans = re.findall(r"^\.Ql (.*?)(?: [.,;:])?$", text, flags=re.MULTILINE)
        first = r"--[a-z]|(?:flowspec-(?:injector|fetcher) )?(?:plan|sync|run|status|flush|explain|check|generate|lint)\b.* --"
        found += [(document.name, span) for span in dict.fromkeys(spans) if re.match(first, span)]
    return found


def options_in(words: str) -> set[str]:
    return set(re.findall(r"--[a-z][a-z0-9-]*", words))


def test_no_option_of_another_program_is_left_over() -> None:
    assert set(documents.OTHERS_OPTIONS) <= {option for _, words in inline_commands() for option in options_in(words)}
    for option, program in documents.OTHERS_OPTIONS.items():
        assert "/" not in program or option in (net.PROJECT / program).read_text(), f"{program} has no {option}"


@functools.cache
def options_of(tool: pathlib.Path) -> dict[str, set[str]]:
    """By command."""
    commands = re.findall(rf"^  {tool.name} ([a-z]+)\b", output_of(tool, "--help"), flags=re.MULTILINE)
    return {command: options_in(output_of(tool, command, "--help").partition("Examples:")[0]) for command in commands}


@pytest.mark.parametrize(("document", "words"), inline_commands(), ids=lambda value: value[:60])
def test_an_option_in_a_sentence_is_one(document: str, words: str) -> None:
    asked = options_in(words)
    if asked <= set(documents.OTHERS_OPTIONS):
        return
    for tool in (net.INJECTOR, net.FETCHER):
        for command, known in options_of(tool).items():
            named = words.startswith("--") or re.match(rf"({tool.name} )?{command}\b", words)
            if named and asked <= known:
                return
    raise AssertionError(f"{document}: {words}: no command of ours has all of that")


def test_every_alert_is_explained() -> None:
    alerts = re.findall(r"- alert: (\w+)", (net.PROJECT / "examples/prometheus/flowspec-alerts.yml").read_text())
    table = re.findall(r"^\| (`Flowspec.*?) \|", documents.README.read_text(), flags=re.MULTILINE)
    assert sorted(alerts) == sorted(re.findall(r"`(\w+)`", " ".join(table)))


# Outputs


def paper_loop() -> str:
    return output_of(net.PROJECT / "examples/paper-loop.sh", "--build", net.BUILD)


OUTPUTS = {"paper-loop": functools.cache(paper_loop)}
# What differs from run to run, or from machine to machine.
MASKS = [
    (r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?([+-]\d\d:?\d\d|Z)?", "TIME"),
    (r"\b\d+(\.\d+)? (seconds?|s|ms|minutes?|hours?|days?)\b", "SOME TIME"),
    (r"\b\d+ packets?\b|\b\d+ bytes\b", "COUNT"),
    # The tools of a build tree, and what makes two runs at once possible.
    (r"\S*/(flowspec-(?:injector|fetcher))\b", r"\1"),
    (r"/run/paper-loop-\d+/", "/etc/bird/"),
    (r"( --pathspace paper-loop-\d+)? --sequence rt:65535( --state-dir \S+)?", ""),
]


def masked(text: str) -> list[str]:
    for pattern, word in MASKS:
        text = re.sub(pattern, word, text)
    return [" ".join(line.split()) for line in text.splitlines() if line.strip()]


def assert_quotes(quoted: str, whole: str) -> None:
    """The lines of `quoted` stand together in `whole`, and behind `...` further down, in this order."""
    lines, at = masked(whole), 0
    for part in re.split(r"^\s*\.\.\.\s*$", quoted, flags=re.MULTILINE):
        part_lines = masked(part)
        place = next((i for i in range(at, len(lines) - len(part_lines) + 1) if lines[i : i + len(part_lines)] == part_lines), None)
        assert place is not None, f"not in the real output, from its line {at + 1} on:\n{part}\n--- of:\n{whole}"
        at = place + len(part_lines)


@pytest.mark.parametrize("block", of_kind("output"), ids=str)
def test_an_output_is_the_real_one(block: documents.Block) -> None:
    assert_quotes(block.text, OUTPUTS[block.argument]())


@pytest.mark.parametrize("quoted", ["b\na", "a\n...\na", "a\nc", "a\n...\nd", "a b"])
def test_a_false_quotation_is_found(quoted: str) -> None:
    with pytest.raises(AssertionError):
        assert_quotes(quoted, "a\nb\nc\n")
    assert_quotes("a\n...\nc\n", "a\nb\nc\n")
    assert_quotes("after 2 s", "after 31 s")


# Commands


@dataclasses.dataclass
class Place:
    """A host with configuration of its own in /etc, the programs in PATH, and the daemons where they are looked for."""

    host: net.Namespace
    root: pathlib.Path

    def __post_init__(self) -> None:
        for folder in ("bin", "lib", "work"):
            (self.root / folder).mkdir(parents=True)
        shutil.copytree("/etc", self.root / "etc", symlinks=True, ignore_dangling_symlinks=True)
        shutil.rmtree(self.root / "etc/flowspec", ignore_errors=True)
        (self.root / "etc/flowspec").mkdir()
        (self.root / "lib/prometheus/node-exporter").mkdir(parents=True)
        for name, tool in (("flowspec-injector", net.INJECTOR), ("flowspec-fetcher", net.FETCHER)):
            (self.root / "bin" / name).symlink_to(tool.resolve())

    def program(self, name: str, command: str) -> None:
        """Stands in the way of another one of this name."""
        file = self.root / "bin" / name
        file.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
        file.chmod(0o755)

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        script = f"""
set -eu
mount --bind {self.root}/etc /etc
mount --bind {self.root}/lib /var/lib
export PATH={self.root}/bin:$PATH XTABLES_LOCKFILE={self.root}/xtables.lock
cd {self.root}/work
exec bash -o pipefail -c {shlex.quote(command)}
"""
        return self.host.run("unshare", "--mount", "--propagation", "private", "sh", "-c", script, check=False)


@pytest.fixture(scope="module")
def places() -> Iterator[dict[str, Place]]:
    """The loop of the paper in small, as its operators have it."""
    with net.Lab() as lab:
        loop = make_loop(lab)
        yield {"leaf": leaf(lab, loop), "firewall": firewall(lab, loop)}


def leaf(lab: net.Lab, loop: Loop) -> Place:
    place = Place(loop.leaf, lab.directory / "leaf-root")
    place.program("vtysh", f"/usr/bin/vtysh -N {loop.frr.pathspace}")
    (place.root / "etc/flowspec/injector.toml").write_text(
        f'pathspace = "{loop.frr.pathspace}"\nvtysh = "/usr/bin/vtysh"\nstate-dir = "{place.root}/state"\n'
    )
    loop.publish_routes(
        net.route("dst 10.0.2.10/32; proto 6; dport 443;", net.sequence(1)), net.route("dst 10.0.0.0/8;", net.sequence(2), net.DISCARD)
    )
    return place


def firewall(lab: net.Lab, loop: Loop) -> Place:
    place = Place(loop.firewall, lab.directory / "firewall-root")
    # /etc/bird is the folder that this host's BIRD reads.
    shutil.rmtree(place.root / "etc/bird", ignore_errors=True)
    (place.root / "etc/bird").symlink_to(lab.directory)
    (place.root / "etc/flowspec/fetcher.toml").write_text(f'birdc-socket = "{loop.bird.control}"\n')
    rule = ("-A", "FORWARD", "-d", "10.0.2.10", "-p", "tcp", "--dport", "443", "-j", "ACCEPT")
    loop.firewall.run("iptables-legacy", *rule)
    place.program("iptables-save", "/usr/sbin/iptables-legacy-save")  # whatever update-alternatives says here
    return place


@pytest.mark.parametrize(("block", "command", "place"), RUN)
def test_a_command_does_its_work(places: dict[str, Place], block: documents.Block, command: str, place: str) -> None:
    if GOES_ON.search(command):
        done = places[place].run(f"exec timeout --signal=TERM 4 {command}")
        assert done.returncode == ENDED_BY_TIMEOUT, done.stderr
        assert "failed" not in done.stderr
    else:
        done = places[place].run(command)
        assert done.returncode == 0, f"{command}: exit {done.returncode}\n{done.stdout}{done.stderr}"
    assert done.stdout or done.stderr or re.search(r">\s*\S+$|--check$|--reload$|\| jq ", command), "not a word"
