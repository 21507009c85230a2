"""Whole passes against the kernel: our own, and what else can put the same rules there.

Every repetition does each of them once, in turn, in namespaces of its own, so that whatever else the machine does meets all of them.
"""

from __future__ import annotations

import dataclasses
import pathlib
import statistics
import time

import lab as net

from . import injector
from .routes import frr_text, nft_text
from .sets import RouteSet, make
from .timing import Cost, Failed, timed

ONE_BY_ONE = 1000  # routes up to which one process a rule is measured: its time is quadratic
NFT_MOST = 100_000
SETTLE = 0.5  # seconds in which the kernel frees the tables of namespaces that are gone


@dataclasses.dataclass
class Passes:
    """The costs of all repetitions, by what was done: `restore`, `nft`, `iptables`, and for each layout `LAYOUT first`, `LAYOUT
    unchanged`, `LAYOUT changed`."""

    name: str
    size: int
    rules: dict[str, int]  # by layout
    costs: dict[str, list[Cost]]

    def seconds(self, what: str) -> float:
        return statistics.median(cost.seconds for cost in self.costs[what])

    def peak(self, what: str) -> float:
        """MiB."""
        return statistics.median(cost.peak for cost in self.costs[what]) / 1024

    def document(self) -> dict[str, object]:
        costs = {what: [dataclasses.asdict(cost) for cost in list_of] for what, list_of in self.costs.items()}
        return {"set": self.name, "size": self.size, "rules": self.rules, "costs": costs}


def measure(name: str, size: int, repetitions: int, alternatives: bool) -> Passes:
    """With `alternatives` nft and one process a rule are among them, as far as the size allows."""
    chosen = make(name, size)
    measured = Passes(name, size, {}, {})
    with net.Lab() as lab:
        texts = Texts(lab.directory, chosen)
        others = ["nft"] * (alternatives and size <= NFT_MOST) + ["iptables"] * (alternatives and size <= ONE_BY_ONE)
        prepare(texts, measured)
        for turn in range(repetitions):
            one_of_each(texts, measured, others, turn)
    return measured


class Texts:
    """The files of a route set."""

    def __init__(self, directory: pathlib.Path, chosen: RouteSet) -> None:
        self.routes, self.fewer = directory / "routes.json", directory / "fewer.json"
        self.nft, self.saved, self.script = directory / "rules.nft", directory / "rules.save", directory / "rules.sh"
        middle = len(chosen.routes) // 2
        self.routes.write_text(frr_text(chosen.routes))
        self.fewer.write_text(frr_text(chosen.routes[:middle] + chosen.routes[middle + 1 :]))
        self.nft.write_text(nft_text(chosen.routes))


def prepare(texts: Texts, measured: Passes) -> None:
    """The rules of our linear layout become the text of the others, which make the same table of it; Failed when they do not."""
    with net.Lab() as lab:
        ours = lab.namespace("ours")
        _, said = injector.sync(ours, texts.routes, "linear")
        saved = ours.save(table="filter")
        texts.saved.write_text(saved)
        theirs = lab.namespace("theirs")
        restore(theirs, texts)
        if theirs.save(table="filter") != saved:
            raise Failed("iptables-legacy-restore made another table of our rules")
        measured.rules["linear"] = injector.counts(said)[2]
        if measured.size <= ONE_BY_ONE:
            lines = saved.splitlines()
            chains = [f"iptables-legacy -N {line[1:].split()[0]}" for line in lines if line.startswith(":FLOWSPEC")]
            texts.script.write_text("\n".join([*chains, *(f"iptables-legacy {line}" for line in lines if line.startswith("-A"))]) + "\n")
            alone = lab.namespace("alone")
            one_by_one(alone, texts)
            if alone.save(table="filter") != saved:
                raise Failed("one iptables process a rule made another table of our rules")


def one_of_each(texts: Texts, measured: Passes, others: list[str], turn: int) -> None:
    """Begins with another one each turn: what comes first may meet what the turn before has left to be cleaned up."""
    steps = ["restore", *injector.LAYOUTS, *others]
    start = turn % len(steps)
    time.sleep(SETTLE)
    with net.Lab() as lab:
        for step in steps[start:] + steps[:start]:
            host = lab.namespace(step)
            if step in injector.LAYOUTS:
                passes_of(host, texts, measured, step)
            elif step == "restore":
                note(measured, step, restore(host, texts))
            elif step == "nft":
                note(measured, step, timed(host, "nft", "-f", texts.nft)[0])
            else:
                note(measured, step, one_by_one(host, texts))


def passes_of(host: net.Namespace, texts: Texts, measured: Passes, layout: str) -> None:
    for what, routes, words in (
        ("first", texts.routes, "rules added"),
        ("unchanged", texts.routes, "nothing to do"),
        ("changed", texts.fewer, "removed"),
    ):
        cost, said = injector.sync(host, routes, layout)
        if words not in said:
            raise Failed(f"{layout} {what}: the injector did something else: {said[-500:]}")
        if what == "first":
            measured.rules[layout] = injector.counts(said)[2]
        note(measured, f"{layout} {what}", cost)


def note(measured: Passes, what: str, cost: Cost) -> None:
    measured.costs.setdefault(what, []).append(cost)


def restore(host: net.Namespace, texts: Texts) -> Cost:
    return timed(host, "iptables-legacy-restore", "--noflush", input=texts.saved)[0]


def one_by_one(host: net.Namespace, texts: Texts) -> Cost:
    return timed(host, "sh", "-e", texts.script)[0]
