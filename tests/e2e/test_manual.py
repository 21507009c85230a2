"""The man pages against the programs: every command and option of `--help`, with its default and range, and nothing else;
every key of the JSON Schemas; and what `mandoc` says of the pages."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import re
import subprocess

import lab as net
import pytest

PAGES = {
    "flowspec-injector": net.PROJECT / "injector/flowspec-injector.8",
    "flowspec-fetcher": net.PROJECT / "fetcher/flowspec-fetcher.8",
}
POLICY = net.PROJECT / "injector/flowspec-policy.5"
PROGRAMS = {"flowspec-injector": net.INJECTOR, "flowspec-fetcher": net.FETCHER}
OURS = {f"{path.stem} {path.suffix[1:]}" for path in (*PAGES.values(), POLICY)}


@dataclasses.dataclass(frozen=True)
class Option:
    value: str  # "SECONDS"; empty: a flag
    default: str
    bounds: tuple[float, float] | None


def help_of(program: str, *command: str) -> str:
    return subprocess.run([PROGRAMS[program], *command, "--help"], capture_output=True, text=True, check=True, timeout=10).stdout


def commands_of(program: str) -> list[str]:
    found = re.findall(rf"^  {program} ([a-z]+)\b", help_of(program), flags=re.MULTILINE)
    assert found
    return list(dict.fromkeys(found))


def number(text: str) -> str:
    """ "0.5" and "0.50" are one default."""
    try:
        return str(float(text))
    except ValueError:
        return text


def helped_options(program: str, command: str) -> dict[str, Option]:
    """Of `--help`, which CLI11 writes: "  --timeout SECONDS:FLOAT in [0.01 - 3600]=10"."""
    found: dict[str, Option] = {}
    for line in help_of(program, command).splitlines():
        if match := re.match(r" +(?:-h,)?(--[a-z0-9-]+)(.*)", line):
            head = re.split(r"\s{2,}", match[2])[0].strip()
            bounds = re.search(r":[A-Z]+ in \[([0-9.]+) - ([0-9.]+)\]", head)
            head = re.sub(r":[A-Z]+ in \[.*?\]", "", head)
            if match[1] == "--config":  # CLI11 shows it without a type
                head = f"FILE{head}"
            # A default has no blank; behind a short head the description follows after one.
            value = re.match(r"([A-Z]\S*?(?:=MARK|=RT)?)(?:=(\S+))?(?: \.\.\.)?(?: REQUIRED)?(?: |$)", head)
            found[match[1]] = Option(
                value[1] if value else "",
                number(value[2] or "") if value else "",
                (float(bounds[1]), float(bounds[2])) if bounds else None,
            )
    assert "--help" in found, f"{program} {command} --help"
    return found


def plain(line: str) -> str:
    """A line of mdoc without its macros: ".Li FORWARD ." is "FORWARD ."."""
    words = line.split()
    return " ".join(word for word in words if not re.fullmatch(r"\.?(Li|Cm|Pa|Ns|Ar|Ev|Fl|Ic|Em|Ql|Pq|Qq)", word))


def paged_options(page: pathlib.Path) -> dict[str, dict[str, Option]]:
    """By the subsection of OPTIONS where they stand. The text of an option says "Default: X" and "FIRST to LAST"."""
    found: dict[str, dict[str, Option]] = {}
    section = subsection = ""
    items: list[tuple[str, str, list[str]]] = []
    for line in page.read_text().splitlines():
        if line.startswith(".Sh "):
            section = line[4:]
        elif section == "OPTIONS" and line.startswith(".Ss "):
            subsection = line[4:]
        elif section == "OPTIONS" and line.startswith(".It Fl "):
            items.append((subsection, line[7:], []))
        elif section == "OPTIONS" and items:
            items[-1][2].append(plain(line))
    for subsection, head, text in items:
        name = re.search(r"(?:^| )-([a-z0-9-]+)", head)
        assert name, head
        value = re.search(r"Ar (\S+)((?: Ns)? = Ns Ar \S+)?", head)
        words = " ".join(text)
        default = re.search(r"Default: (\S+?)[,.;]?(?: |$)", words)
        bounds = re.search(r"\b([0-9.]+) to ([0-9.]+)\b", words)
        of_section = found.setdefault(subsection, {})
        assert name[1] not in of_section, f"{page.name}: {name[1]} stands there twice"
        of_section[f"--{name[1]}"] = Option(
            (value[1] if value else "") + ("=" + value[2].split()[-1] if value and value[2] else ""),
            number(default[1]) if default else "",
            (float(bounds[1]), float(bounds[2].rstrip("."))) if bounds else None,
        )
    assert found, page
    return found


def expected_options(program: str, command: str) -> dict[str, Option]:
    """What the page says that `command` takes."""
    sections = paged_options(PAGES[program])
    if command == "completion":
        return {"--help": sections["General"]["--help"]}
    if program == "flowspec-fetcher" and command == "lint":
        return {name: sections["General"][name] for name in ("--help", "--json")}
    options: dict[str, Option] = {}
    for title, found in sections.items():
        if not (of_one := re.fullmatch(r"Options of (\w+)", title)) or of_one[1] == command:
            options |= found
    if program == "flowspec-fetcher":
        del options["--version"]  # in place of a command
    return options


CASES = [
    (program, command)
    for program, commands in {
        "flowspec-injector": ("plan", "sync", "run", "status", "flush", "explain", "check", "completion"),
        "flowspec-fetcher": ("generate", "lint", "check", "completion"),
    }.items()
    for command in commands
]


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_page_has_every_command(program: str) -> None:
    commands = commands_of(program)
    assert sorted(commands) == sorted(command for of, command in CASES if of == program)
    text = PAGES[program].read_text()
    synopsis = text[text.index(".Sh SYNOPSIS") : text.index(".Sh DESCRIPTION")]
    described = text[text.index(".Ss Commands") : text.index(".Sh OPTIONS")]
    assert sorted(re.findall(r"^\.Nm\n\.Cm ([a-z]+)$", synopsis, flags=re.MULTILINE)) == sorted(commands)
    assert sorted(re.findall(r"^\.It Cm ([a-z]+)\b", described, flags=re.MULTILINE)) == sorted(commands)


@pytest.mark.parametrize(("program", "command"), CASES)
def test_the_page_has_every_option_with_its_default(program: str, command: str) -> None:
    paged, helped = expected_options(program, command), helped_options(program, command)
    assert set(paged) == set(helped)
    for name, option in helped.items():
        told = paged[name]
        assert told.value.rstrip(".") == option.value.removesuffix("..."), name
        assert told.default == option.default, name
        if option.bounds:
            assert told.bounds == option.bounds, name


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_page_has_every_exit_status(program: str) -> None:
    text = PAGES[program].read_text()
    section = text[text.index(".Sh EXIT STATUS") : text.index(".Sh EXAMPLES")]
    told = help_of(program)
    told = told[told.index("Exit status:") :]
    assert re.findall(r"^\.It (\d)$", section, flags=re.MULTILINE) == re.findall(r"(?:: |; |;\n)(\d) ", told)


def schema_keys(schema: object) -> set[str]:
    """The names of all properties that a document may have."""
    if isinstance(schema, list):
        return set().union(*map(schema_keys, schema))
    if not isinstance(schema, dict):
        return set()
    own = set(schema.get("properties", {}))
    return own.union(*map(schema_keys, schema.values()))


@pytest.mark.parametrize(("title", "schema"), [("POLICY", "policy.schema.json"), ("SEGMENTS", "segments.schema.json")])
def test_the_policy_page_has_every_key(title: str, schema: str) -> None:
    text = POLICY.read_text()
    section = text[text.index(f".Sh {title}\n") :]
    section = section[: section.index(".Sh ", 4)]
    told = {word for line in re.findall(r"^\.(?:It )?Ic (.*)$", section, flags=re.MULTILINE) for word in re.findall(r"\$?\b[a-z_]+\b", line)}
    keys = schema_keys(json.loads((net.PROJECT / "packaging" / schema).read_text()))
    assert keys and told == keys


@pytest.mark.parametrize("title", ["components", "actions", "delete", "values"])
def test_the_policy_page_has_every_word(title: str) -> None:
    """The words that stand in the schema as a list are in the page's item of that name."""
    definitions = json.loads((net.PROJECT / "packaging/policy.schema.json").read_text())["$defs"]
    words = {
        "components": definitions["components"]["items"]["enum"],
        "actions": definitions["match"]["properties"]["actions"]["items"]["enum"],
        "delete": definitions["change"]["properties"]["delete"]["items"]["enum"],
        "values": re.findall(r"[a-z]+[a-z0-9]*", definitions["protocol"]["oneOf"][1]["pattern"].partition("|")[2]),
    }[title]
    item = re.search(rf"^\.It (?:Ic )?{title}\n(.*?)^\.(?:It|El)\b", POLICY.read_text(), flags=re.MULTILINE | re.DOTALL)
    assert item
    told = [word for line in re.findall(r"^\.Cm (.*)$", item[1], flags=re.MULTILINE) for word in re.findall(r"[a-z0-9_]+", line)]
    assert words and sorted(told) == sorted(words)


@pytest.mark.parametrize("page", [*PAGES.values(), POLICY], ids=lambda page: page.name)
def test_mandoc_finds_nothing(page: pathlib.Path) -> None:
    done = subprocess.run(["mandoc", "-T", "lint", "-W", "style", page], capture_output=True, text=True, timeout=30)
    # Whether a page of another package is installed here is another matter; ours are looked for below.
    lines = [line for line in done.stdout.splitlines() if "referenced manual not found" not in line]
    assert lines == []
    referenced = set(re.findall(r"^\.Xr (flowspec-\S+ \d)", page.read_text(), flags=re.MULTILINE))
    assert referenced and referenced <= OURS
    rendered = subprocess.run(["mandoc", "-T", "utf8", page], capture_output=True, text=True, check=True, timeout=30).stdout
    rendered = re.sub(".\b", "", rendered)  # bold letters are printed twice
    assert all(f"\n{title}\n" in rendered for title in re.findall(r"^\.Sh (.*)$", page.read_text(), flags=re.MULTILINE))
