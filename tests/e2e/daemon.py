"""The injector's daemon as a test drives it: passes when the test asks for them, its events, its metrics."""

from __future__ import annotations

import collections
import json
import os
import pathlib
import re
import signal
import subprocess
from collections.abc import Callable, Sequence

import lab as net


def metrics(file: pathlib.Path) -> dict[str, float]:
    """The samples by name and labels, without the chain; empty when there is no file."""
    if not file.exists():
        return {}
    lines = (line for line in file.read_text().splitlines() if not line.startswith("#"))
    found = (re.fullmatch(r'(\w+)\{chain="[^"]*",?(.*)\} (\S+)', line).groups() for line in lines)
    return {f"{name}{{{labels}}}" if labels else name: float(value) for name, labels, value in found}


def total(samples: dict[str, float], name: str) -> float:
    return sum(value for sample, value in samples.items() if sample.split("{")[0] == name)


def repairs(samples: dict[str, float]) -> collections.Counter[str]:
    """What flowspec_tamper_repairs_total says, by kind."""
    kinds = {sample: re.fullmatch(r'flowspec_tamper_repairs_total\{kind="(.*)"\}', sample) for sample in samples}
    return collections.Counter({kind[1]: int(samples[sample]) for sample, kind in kinds.items() if kind})


class Daemon:
    """`flowspec-injector run` on a host, from its first pass on. `command` starts the injector: `env A=B flowspec-injector`."""

    def __init__(
        self, host: net.Namespace, directory: pathlib.Path, *options: object, command: Sequence[str | os.PathLike[str]] = (net.INJECTOR,)
    ) -> None:
        directory.mkdir(exist_ok=True)
        self.file, self.log = directory / "flowspec.prom", directory / "log"
        for of_another in (self.file, self.log):
            of_another.unlink(missing_ok=True)
        self.process: subprocess.Popen[bytes] = host.start(
            *command, "run", "--state-dir", directory / "state", "--metrics-file", self.file,
            "--log-format", "json", "--log-level", "debug", *options,
            log=os.fspath(self.log),
        )  # fmt: skip
        net.wait_until(lambda: self.file.exists() or self.process.poll() is not None, "the first pass")
        assert self.process.poll() is None, self.log.read_text()

    def metrics(self) -> dict[str, float]:
        return metrics(self.file)

    def pass_ends(self, ask: Callable[[], object]) -> list[dict[str, str]]:
        """Waits for the first that ends after `ask`; the events from then on. For a daemon whose own passes are far apart."""
        said, written = len(self.events()), self.stamp()
        ask()
        net.wait_until(lambda: self.stamp() != written or self.process.poll() is not None, "a pass")
        return self.events()[said:]

    def pass_now(self) -> list[dict[str, str]]:
        return self.pass_ends(lambda: self.process.send_signal(signal.SIGUSR1))

    def hang_up(self) -> None:
        """It reads its configuration again."""
        self.process.send_signal(signal.SIGHUP)

    def stamp(self) -> tuple[int, int]:
        """Another one after each pass: its durations are in the metrics."""
        status = self.file.stat()
        return status.st_ino, status.st_mtime_ns

    def events(self, name: str = "") -> list[dict[str, str]]:
        """All so far, or those of a name. AssertionError for a line that is none."""
        text = self.log.read_text()
        lines = text[: text.rfind("\n") + 1].splitlines()
        assert all(line.startswith("{") for line in lines), text
        events = [json.loads(line) for line in lines]
        return [event for event in events if name in ("", event["event"])]

    def stop(self) -> None:
        """Asks it to, and it does: AssertionError for another end, and for a sanitizer's report."""
        assert self.process.poll() is None, self.log.read_text()
        self.process.terminate()
        assert self.process.wait(timeout=20) == 0, self.log.read_text()
        assert self.events("stopped")
