"""The blocks of README.md and of the man pages: what is in them, and how each is accounted for.

A block is a fenced or indented block of README.md, and a `.Bd -literal` or `.Dl` display of a man page. Each is of one class,
which `test_documents.py` tries. Most blocks say their class themselves:

    a JSON document                     goes through `flowspec-injector check`
    lines `PROGRAM COMMAND   words`     are commands that `PROGRAM --help` has
    commands, one a line or continued   are run, in the order of the document, in the place of their program (`PLACES`);
    with \\, with or without a prompt    those of `ELSEWHERE` and `NOT_HERE` are looked at, and not run

The others have a mark right before them, in README.md `<!-- MARK -->`, in a man page `.\\" MARK`:

    run: PLACE          commands, in that place
    json: OPTION        a document for this option: --policy or --segments
    bird:               a part of BIRD's configuration, which `bird -p` takes
    config: PROGRAM     a file of options
    file: PATH          lines of that file of the project, in their order; `...` stands for any
    output: NAME        what a command prints, by its name in `OUTPUTS`; `...` stands for any lines. What varies is masked
    names: REASON       names of files, units or interfaces, a sketch: nothing that could be run or compared

Options in sentences (`--layout auto`, `plan --exit-code`) are looked for in the help, but those of `OTHERS_OPTIONS`.

A block without a class fails the tests, and so does an entry of a table here that no block uses.
"""

from __future__ import annotations

import dataclasses
import json
import pathlib
import re

import lab as net

README = net.PROJECT / "README.md"
PAGES = [net.PROJECT / path for path in ("injector/flowspec-injector.8", "injector/flowspec-policy.5", "fetcher/flowspec-fetcher.8")]
DOCUMENTS = [README, *PAGES]

# Where commands are run that say no place.
PLACES = {"flowspec-injector": "leaf", "vtysh": "leaf", "iptables-legacy": "leaf", "flowspec-fetcher": "firewall", "iptables-save": "firewall"}

# Commands that another check of tests/run.sh runs: the command's beginning, and the words by which that check is found there.
ELSEWHERE = {
    "examples/paper-loop.sh": "examples/paper-loop.sh --build",
    "tests/run.sh": "usage: ${0##*/} [--quick]",
    "cmake --install": "cmake --install",
    "packaging/build.sh": "packaging/build.sh",
    "apt install ./build/packages/": "packages",  # test_packages.py, in a clean Debian
    "examples/clos-lab/lab.sh": "clos_lab",
}

# Commands that are not run by any test, with the reason. Their programs and options are read by `sh -n` only.
NOT_HERE = {
    "systemctl": "systemd does not run where the tests do; test_units.py looks at the units and runs their commands as they say",
    "cmake --workflow --preset": "it builds everything anew; tests/run.sh configures and builds with the same presets",
}

# Options in sentences that are those of another program; a path is one of this project, which has to have it.
OTHERS_OPTIONS = {"--ctstate": "iptables", "--quick": "tests/bench/run.sh"}

KNOWN_PROGRAM = re.compile(
    r"(flowspec-(?:injector|fetcher)|sudo|apt|apt-get|dpkg|dnf|rpm|systemctl|journalctl|cmake|examples/\S+|tests/\S+|packaging/\S+|cat|install|chgrp|chmod"
    r"|iptables\S*|ip6tables\S*|birdc?|vtysh|ansible\S*|docker|make|git|man|source|curl|cd|export)(?=\s|$)"
)
PROMPT = re.compile(r"^(?:[a-z0-9]+[#$]|[#$]) (?=\S)")


@dataclasses.dataclass(frozen=True)
class Block:
    document: str
    line: int
    text: str
    kind: str  # the mark's word before the colon; "" when nothing is known
    argument: str = ""

    def __str__(self) -> str:
        return f"{self.document}:{self.line}"


def mark_of(line: str) -> str:
    match = re.fullmatch(r"<!-- ([a-z]+:.*?) -->|\.\\\" ([a-z]+:.*)", line.strip())
    mark = (match[1] or match[2]) if match else ""
    return mark if mark.partition(":")[0] in KINDS else ""


KINDS = ("run", "json", "bird", "config", "file", "output", "names", "usage", "commands")


def commands_of(text: str) -> list[str]:
    """One a line, with those that are continued; without prompts, comments, and sudo."""
    found = []
    for line in re.sub(r"\\\n\s*", "", text).splitlines():
        line = PROMPT.sub("", line)
        line = re.sub(r"\s+#.*$|^#.*$", "", line).strip()
        if line:
            found.append(re.sub(r"^sudo ", "", line))
    return found


def class_of(text: str) -> tuple[str, str]:
    """What a block is that has no mark."""
    try:
        return "json", "--policy" if "default" in json.loads(text) else "--segments"
    except ValueError:
        pass
    lines = [line for line in text.splitlines() if line.strip()]
    if lines and all(re.match(r"(flowspec-\w+) [a-z]+ .*?\s{2,}\S", line) for line in lines):
        return "usage", ""
    commands = commands_of(text)
    if commands and all(KNOWN_PROGRAM.match(command) or re.match(r"\w+=", command) for command in commands):
        return "commands", ""
    return "", ""


def block(document: pathlib.Path, line: int, text: str, mark: str) -> Block:
    if mark:
        kind, _, argument = mark.partition(":")
        return Block(document.name, line, text, kind, argument.strip())
    return Block(document.name, line, text, *class_of(text))


def blocks_of(document: pathlib.Path) -> list[Block]:
    lines = document.read_text().splitlines()
    return list(markdown_blocks(document, lines) if document.suffix == ".md" else mdoc_blocks(document, lines))


def markdown_blocks(document: pathlib.Path, lines: list[str]) -> list[Block]:
    found, at = [], 0
    while at < len(lines):
        begin = at
        if fence := re.match(r"\s*(```+|~~~+)", lines[at]):
            at += 1
            while at < len(lines) and not lines[at].lstrip().startswith(fence[1]):
                at += 1
            assert at < len(lines), f"{document.name}:{begin + 1}: a fence without an end"
            body = lines[begin + 1 : at]
        elif lines[at].startswith("    ") and (at == 0 or not lines[at - 1].strip()) and not in_list(lines, at):
            while at + 1 < len(lines) and (lines[at + 1].startswith("    ") or not lines[at + 1].strip()):
                at += 1
            body = [line[4:] for line in lines[begin : at + 1]]
        else:
            at += 1
            continue
        found.append(block(document, begin + 1, "\n".join(body).rstrip(), mark_of(lines[begin - 1]) if begin else ""))
        at += 1
    return found


def in_list(lines: list[str], at: int) -> bool:
    """An indented line goes on with the list item that stands before it."""
    before = [line for line in lines[:at] if line.strip() and not line.startswith("    ")]
    return bool(before) and re.match(r"\s*([-*+]|\d+\.) ", before[-1]) is not None


def mdoc_blocks(document: pathlib.Path, lines: list[str]) -> list[Block]:
    found, at = [], 0
    while at < len(lines):
        begin, mark = at, mark_of(lines[at - 1]) if at else ""
        if lines[at].startswith(".Dl "):
            found.append(block(document, begin + 1, plain(lines[at][4:]), mark))
        elif lines[at].startswith(".Bd "):
            at = lines.index(".Ed", at)
            found.append(block(document, begin + 1, "\n".join(map(plain, lines[begin + 1 : at])), mark))
        at += 1
    return found


def plain(line: str) -> str:
    return line.replace(r"\-", "-").replace(r"\(aq", "'").replace(r"\e", "\\").removeprefix(r"\&")


def all_blocks() -> list[Block]:
    return [each for document in DOCUMENTS for each in blocks_of(document)]
