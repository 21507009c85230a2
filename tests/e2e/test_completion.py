"""What bash and zsh offer when TAB is pressed: real shells on a terminal, with the scripts that the programs print."""

from __future__ import annotations

import fcntl
import os
import pathlib
import pty
import re
import select
import subprocess
import termios
import time
from collections.abc import Iterator

import lab as net
import pytest

PROGRAMS = {"flowspec-injector": net.INJECTOR, "flowspec-fetcher": net.FETCHER}
INSERT_ALL, TAKE = "\x18\x01", "\x18\x0c"  # keys that the shells below are told; the second shows the line and empties it
FILES = ("policy.json", "postponed.json", "bird.conf", "state/routes")


class Shell:
    """An interactive shell in a folder of its own. It is asked to put everything that it would offer into the line."""

    def __init__(self, command: list[str], setup: list[str], folder: pathlib.Path) -> None:
        for file in FILES:
            (folder / file).parent.mkdir(exist_ok=True)
            (folder / file).touch()
        self.terminal, theirs = pty.openpty()
        environment = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "TERM": "vt100", "LC_ALL": "C", "COLUMNS": "1000"}
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, b"\x64\x00\xd0\x07\x00\x00\x00\x00")  # 100 lines of 2000 characters: nothing is folded
        self.process = subprocess.Popen(
            command, stdin=theirs, stdout=theirs, stderr=theirs, cwd=folder, env=environment,
            start_new_session=True, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )  # fmt: skip
        os.close(theirs)
        for line in [*setup, "echo re''ady"]:
            os.write(self.terminal, f"{line}\n".encode())
        self.read_until(r"ready\r?\n")

    def read_until(self, pattern: str) -> re.Match[str]:
        text, end = "", time.monotonic() + 20
        while not (found := re.search(pattern, text)):
            left = end - time.monotonic()
            assert left > 0 and select.select([self.terminal], [], [], left)[0], f"no {pattern!r} in: {text!r}"
            text += os.read(self.terminal, 65536).decode(errors="replace")
        return found

    def offers(self, line: str) -> list[str]:
        """What stands where the last word of `line` stood; the word itself when nothing is offered."""
        os.write(self.terminal, f"{line}{INSERT_ALL}{TAKE}".encode())
        shown = self.read_until(r"<<<(.*?)>>>")[1]
        begin = line[: line.rindex(" ") + 1]
        assert shown.startswith(begin), shown
        return sorted(word.removesuffix("=") for word in shown.removeprefix(begin).split())

    def close(self) -> None:
        os.close(self.terminal)
        net.stop(self.process)


def script(program: str, shell: str) -> str:
    return subprocess.run([PROGRAMS[program], "completion", shell], capture_output=True, text=True, check=True, timeout=10).stdout


def bash(folder: pathlib.Path) -> Shell:
    for program in PROGRAMS:
        (folder / f"{program}.bash").write_text(script(program, "bash"))
    return Shell(["bash", "--norc", "--noprofile", "-i"], [
        "bind 'set enable-bracketed-paste off'; bind 'set bell-style none'",
        *(f"source ./{program}.bash" for program in PROGRAMS),
        r"""bind '"\C-x\C-a": insert-completions'""",
        r"""take() { printf "<%s>\n" "<<$READLINE_LINE>>"; READLINE_LINE=; READLINE_POINT=0; }""",
        r"""bind -x '"\C-x\C-l": take'""",
        f"rm -f {' '.join(f'{program}.bash' for program in PROGRAMS)}",
    ], folder)  # fmt: skip


def zsh(folder: pathlib.Path) -> Shell:
    functions = folder.parent / f"{folder.name}-functions"
    functions.mkdir()
    for program in PROGRAMS:
        (functions / f"_{program}").write_text(script(program, "zsh"))
    return Shell(["zsh", "-f", "-i"], [
        f"unsetopt beep; fpath=({functions} $fpath); autoload -Uz compinit; compinit -u -D",
        "zle -C all-matches complete-word _generic; bindkey '^X^A' all-matches",
        "zstyle ':completion:all-matches::::' completer _all_matches _complete",
        "zstyle ':completion:all-matches:*' insert true; zstyle ':completion:*' verbose no",
        # Not by way of `zle -I`: that would hand the terminal's line discipline the next keys.
        'take() { print -r -- "<""<<$BUFFER>>"">" >$TTY; BUFFER= }; zle -N take; bindkey "^X^L" take',
    ], folder)  # fmt: skip


@pytest.fixture(scope="module", params=[bash, zsh], ids=["bash", "zsh"])
def shell(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    made = request.param(tmp_path_factory.mktemp(request.param.__name__))
    yield made
    made.close()


CASES = [
    ("flowspec-injector st", ["status"]),
    ("flowspec-injector --v", ["--version"]),
    ("flowspec-injector sync --lay", ["--layout"]),
    ("flowspec-injector sync --layout ", ["auto", "linear", "tree"]),
    ("flowspec-injector sync --layout t", ["tree"]),
    ("flowspec-injector sync --layout=t", ["--layout=tree"]),
    ("flowspec-injector sync --json --layout linear --so", ["--socket", "--source"]),
    ("flowspec-injector run --log-", ["--log-format", "--log-level"]),
    ("flowspec-injector sync --log-", ["--log-"]),  # of run alone
    ("flowspec-injector run --log-level n", ["notice"]),
    ("flowspec-injector plan --format ", ["ip6tables-restore", "iptables-restore", "json", "text"]),
    ("flowspec-injector sync --format", ["--format"]),  # of plan alone: what is typed stays
    ("flowspec-injector explain --fragment ", ["first", "last", "middle", "none"]),
    ("flowspec-injector plan --hold-time ", ["forever"]),
    ("flowspec-injector sync --policy ", ["bird.conf", "policy.json", "postponed.json", "state/"]),
    ("flowspec-injector sync --policy po", ["policy.json", "postponed.json"]),
    ("flowspec-injector sync --policy=pol", ["--policy=policy.json"]),
    ("flowspec-injector sync --config b", ["bird.conf"]),
    ("flowspec-injector sync --state-dir ", ["state/"]),
    ("flowspec-injector sync --timeout ", []),
    ("flowspec-injector sync --pathspace p", ["p"]),
    ("flowspec-injector completion ", ["bash", "zsh"]),
    ("flowspec-injector nonsense --", ["--"]),
    ("flowspec-fetcher l", ["lint"]),
    ("flowspec-fetcher lint b", ["bird.conf"]),
    ("flowspec-fetcher lint bird.conf pol", ["policy.json"]),
    ("flowspec-fetcher lint --j", ["--json"]),
    ("flowspec-fetcher generate --bird-config b", ["bird.conf"]),
    ("flowspec-fetcher generate --birdc-", ["--birdc-socket"]),
    ("flowspec-fetcher generate --stateful ", ["always", "default-drop"]),
    ("flowspec-fetcher generate --validate --rel", ["--reload"]),
]


@pytest.mark.parametrize(("line", "offered"), CASES, ids=[line for line, _ in CASES])
def test_what_is_offered(shell: Shell, line: str, offered: list[str]) -> None:
    assert [word.rstrip("/") for word in shell.offers(line)] == [word.rstrip("/") for word in offered]


def commands(program: str) -> list[str]:
    helped = subprocess.run([PROGRAMS[program], "--help"], capture_output=True, text=True, check=True, timeout=10).stdout
    return list(dict.fromkeys(re.findall(rf"^  {program} ([a-z]+)\b", helped, flags=re.MULTILINE)))


def options(program: str, command: str) -> list[str]:
    helped = subprocess.run([PROGRAMS[program], command, "--help"], capture_output=True, text=True, check=True, timeout=10).stdout
    return re.findall(r"^ +(?:-h,)?(--[a-z0-9-]+)", helped, flags=re.MULTILINE)


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_command_and_every_option_is_offered(shell: Shell, program: str) -> None:
    known = commands(program)
    assert known and [word for word in shell.offers(f"{program} ") if not word.startswith("-")] == sorted(known)
    for command in known:
        assert shell.offers(f"{program} {command} --") == sorted(options(program, command)), command


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_choice_is_offered(shell: Shell, program: str, lab: net.Lab) -> None:
    """The words that a refusal names are those that are offered. In a network of its own, and with an option that no command
    has: nothing runs, and if it did, it would harm nobody."""
    host = lab.namespace("host")
    asked = 0
    for command in commands(program):
        for option in set(options(program, command)) - {"--help", "--version"}:
            done = host.run(PROGRAMS[program], command, option, "?", "--no-such-option", check=False)
            assert done.returncode == 2, done.stderr
            refused = done.stderr
            if words := re.search(rf'{option}: .*"\?".*: it is one of ([^.:()]*)', refused.splitlines()[0] if refused else ""):
                asked += 1
                assert shell.offers(f"{program} {command} {option} ") == sorted(re.split(r",\s+", words[1].strip())), f"{command} {option}"
    assert asked


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_scripts_are_clean(program: str, tmp_path: pathlib.Path) -> None:
    for name in ("bash", "zsh"):
        file = tmp_path / f"{program}.{name}"
        file.write_text(script(program, name))
        subprocess.run([name, "-n", file], check=True, timeout=10)
    subprocess.run(["shellcheck", "--shell=bash", tmp_path / f"{program}.bash"], check=True, timeout=60)
