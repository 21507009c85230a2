"""SIGKILL at any moment: the kernel holds the old rules or the new ones, whole, and the next pass goes on."""

from __future__ import annotations

import dataclasses
import pathlib
import random
import re
import signal
import subprocess
import time

import lab as net
from conftest import Segment

KILLS = 200
ROUTES = 60


def routes(odd: int) -> str:
    """As FRR prints them. Of the two sets a third is the same, a third has another action, and a third is of one set alone."""
    text = ""
    for number in range(ROUTES):
        network = 1 + (odd if number % 3 == 0 else 0)
        rate = 0 if number % 3 == 1 and odd else 125000
        text += (
            f'[{{"to":"10.{network}.{number}.0/24","proto":"= 6 ","dstp":"= 80 "}},'
            f'{{"ecomlist":"FS:rate {rate}.000000"}},{{"time":"00:00:01"}}]\n'
        )
    return text + '[{"to":"0.0.0.0/0","from":"0.0.0.0/0"},{"ecomlist":"FS:rate 0.000000"},{"time":"00:00:01"}]\n'


@dataclasses.dataclass
class Syncs:
    """One-shot passes to one of two sets of routes."""

    leaf: net.Namespace
    directory: pathlib.Path

    def __post_init__(self) -> None:
        for which in (0, 1):
            (self.directory / f"routes-{which}").write_text(routes(which))

    def start(self, which: int) -> subprocess.Popen[bytes]:
        """Not through nsenter: the process is the injector's from the beginning."""
        with self.leaf.inside(), (self.directory / "log").open("ab") as log:
            return subprocess.Popen(
                [net.INJECTOR, "sync", "--routes", self.directory / f"routes-{which}", "--state-dir", self.directory / "state"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=net.die_with_parent,
                env=net.ENVIRONMENT,
            )  # fmt: skip

    def finish(self, which: int) -> float:
        """Gives the seconds that it took."""
        begun = time.monotonic()
        assert self.start(which).wait(timeout=60) == 0, self.log()
        return time.monotonic() - begun

    def killed(self, which: int, after: float) -> None:
        process = self.start(which)
        time.sleep(after)
        process.kill()
        assert process.wait() in (0, -signal.SIGKILL), self.log()

    def rules(self) -> str:
        return self.leaf.save(table="filter")

    def log(self) -> str:
        return (self.directory / "log").read_text()


def test_sync_killed_at_random_moments(segment: Segment, tmp_path: pathlib.Path) -> None:
    syncs = Syncs(segment.leaf, tmp_path)
    whole, took = [], 0.0
    for which in (0, 1):
        took = syncs.finish(which)
        whole.append(syncs.rules())
    assert whole[0] != whole[1]

    now, became = 1, [0, 0]  # which is in force; how often it stayed, and how often it became the other
    for number in range(KILLS):
        syncs.killed(1 - now, after=random.uniform(0, 1.1 * took))
        rules = syncs.rules()
        assert rules in whole, f"after kill {number} neither the old rules nor the new ones:\n{rules}"
        became[rules != whole[now]] += 1
        now = whole.index(rules)
        if number % 10 == 9:
            syncs.finish(1 - now)
            now = 1 - now
            assert syncs.rules() == whole[now]
    assert min(became) > 0, f"the kills came too early or too late: {became}"
    # Whatever state a pass left, the next one could read it: it has nothing to say but what it did.
    # (The leak check of a debug build says that a thread was killed under its hands.)
    known = re.compile(r"filter: |==\d+==Unable to get registers from thread")
    strange = [line for line in syncs.log().splitlines() if not known.match(line)]
    assert not strange, strange
