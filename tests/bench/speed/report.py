"""What was measured, as tables, and what of it keeps within the limits."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator

from .forwarding import Rates
from .injector import LAYOUTS
from .latency import Delays
from .passes import ONE_BY_ONE, Passes

JUDGED = (10_000, 100_000)  # sizes at which ratios of passes have a limit
FIRST_MOST = {"linear": 1.0, "tree": 1.5}  # of iptables-legacy-restore of the same rules
UNCHANGED_MOST = 0.6  # of the same
CHANGED_MOST = 1.5  # of an unchanged pass
PROCESSES_LEAST = 100  # times a linear first pass
PEAK_AT, PEAK_MOST = 100_000, 200  # routes, MiB
CURVE, CURVE_MOST = (100_000, 200_000), 2.3
PACKETS_AT, PACKETS_LEAST = 100_000, 0.90  # routes, of what an empty chain carries


@dataclasses.dataclass
class Results:
    machine: dict[str, object]
    passes: list[Passes]
    rates: list[Rates]
    delays: Delays | None

    def document(self) -> dict[str, object]:
        return {
            "machine": self.machine,
            "passes": [each.document() for each in self.passes],
            "packets": [each.document() for each in self.rates],
            "latency": self.delays.document() if self.delays else None,
            "limits": [dataclasses.asdict(each) | {"held": each.held} for each in verdicts(self)],
        }


@dataclasses.dataclass(frozen=True)
class Verdict:
    what: str
    measured: float
    limit: float
    least: bool = False  # else it is the most

    @property
    def held(self) -> bool:
        return self.measured >= self.limit if self.least else self.measured <= self.limit


def verdicts(results: Results) -> list[Verdict]:
    """Of those limits for which something was measured."""
    found = [verdict for each in results.passes for verdict in of_passes(each)]
    found += of_curves(results.passes)
    for rates in results.rates:
        if rates.size == PACKETS_AT:
            what = f"{rates.name}, {rates.size} routes: {rates.kind}, {rates.different} different packets, tree of an empty chain"
            found.append(Verdict(what, rates.ratio("tree"), PACKETS_LEAST, True))
    return found


def of_passes(each: Passes) -> Iterator[Verdict]:
    name = f"{each.name}, {each.size} routes"
    for layout in LAYOUTS if each.size in JUDGED else ():
        first, unchanged = (each.seconds(f"{layout} {what}") / each.seconds("restore") for what in ("first", "unchanged"))
        changed = each.seconds(f"{layout} changed") / each.seconds(f"{layout} unchanged")
        yield Verdict(f"{name}: {layout}, first pass of restore", first, FIRST_MOST[layout])
        yield Verdict(f"{name}: {layout}, unchanged pass of restore", unchanged, UNCHANGED_MOST)
        yield Verdict(f"{name}: {layout}, one route changed of unchanged", changed, CHANGED_MOST)
    for layout in LAYOUTS if each.size == PEAK_AT else ():
        yield Verdict(f"{name}: {layout}, peak memory in MiB", peak(each, layout), PEAK_MOST)
    if "iptables" in each.costs and each.size == ONE_BY_ONE:
        ratio = each.seconds("iptables") / each.seconds("linear first")
        yield Verdict(f"{name}: one process a rule, of a linear first pass", ratio, PROCESSES_LEAST, True)


def of_curves(passes: list[Passes]) -> Iterator[Verdict]:
    sized = {(each.name, each.size): each for each in passes}
    for (name, size), half in sized.items():
        whole = sized.get((name, CURVE[1]))
        if size != CURVE[0] or whole is None:
            continue
        for layout in LAYOUTS:
            for what in ("first", "unchanged"):
                ratio = whole.seconds(f"{layout} {what}") / half.seconds(f"{layout} {what}")
                yield Verdict(f"{name}: {layout}, {what} pass, {CURVE[1]} routes of {CURVE[0]}", ratio, CURVE_MOST)
            ratio = peak(whole, layout) / peak(half, layout)
            yield Verdict(f"{name}: {layout}, memory, {CURVE[1]} routes of {CURVE[0]}", ratio, CURVE_MOST)


def peak(each: Passes, layout: str) -> float:
    return max(each.peak(what) for what in each.costs if what.startswith(f"{layout} "))


# Tables


def text(results: Results) -> str:
    parts = [tables(results)]
    judged = verdicts(results)
    if judged:
        rows = [(each.what, f"{each.measured:.2f}", f"{'≥' if each.least else '≤'} {each.limit:g}", "PASS" if each.held else "FAIL") for each in judged]
        parts.append(table(("limit", "measured", "", ""), rows))
    return "\n\n".join(parts)


def tables(results: Results) -> str:
    machine = results.machine
    parts = [f"{machine['processors']} processors ({machine['model']}), Linux {machine['kernel']}, {machine['time']} UTC; medians."]
    for rows_of, some in ((passes_table, results.passes), (packets_table, results.rates)):
        if some:
            parts.append(rows_of(some))
    if results.delays:
        parts.append(latency_table(results.delays))
    return "\n\n".join(parts)


def passes_table(passes: list[Passes]) -> str:
    def ratio(each: Passes, what: str, of: str) -> str:
        return f"{milliseconds(each.seconds(what))} ({each.seconds(what) / each.seconds(of):.2f})"

    rows = []
    for each in passes:
        for layout in LAYOUTS:
            rows.append(
                (
                    each.name, f"{each.size:,}", layout, f"{each.rules[layout]:,}", ratio(each, f"{layout} first", "restore"),
                    ratio(each, f"{layout} unchanged", "restore"), ratio(each, f"{layout} changed", f"{layout} unchanged"), f"{peak(each, layout):.0f}",
                )
            )  # fmt: skip
        for what in ("restore", "nft", "iptables"):
            if what in each.costs:
                rows.append((each.name, f"{each.size:,}", NAMES[what], "", ratio(each, what, "restore"), "", "", f"{each.peak(what):.0f}"))
    return table(("routes", "number", "way", "rules", "first pass, ms", "unchanged, ms", "one withdrawn, ms", "peak, MiB"), rows)


NAMES = {"restore": "iptables-legacy-restore", "nft": "nft, one rule a route", "iptables": "one iptables process a rule"}


def packets_table(rates: list[Rates]) -> str:
    def cell(each: Rates, what: str) -> str:
        if what not in each.rates:
            return ""
        return f"{each.rate(what):,.0f}" if what == "empty" else f"{each.rate(what):,.0f} ({each.ratio(what):.2f})"

    rows = []
    for each in rates:
        fate = "forwarded" if each.forwarded else "dropped"
        columns = (cell(each, what) for what in ("empty", "drop", "tree", "linear", "nft"))
        rows.append((each.name, f"{each.size:,}", each.kind, f"{each.different:,}", fate, *columns))
    return table(("routes", "number", "packets", "different", "", "empty chain", "one rule that drops", "tree", "linear", "nft"), rows)


def latency_table(delays: Delays) -> str:
    rows = [(what, milliseconds(middle), milliseconds(worst)) for what, (middle, worst) in delays.figures().items()]
    return table((f"{len(delays.kernel)} changes, {delays.size:,} routes", "median, ms", "99th percentile, ms"), rows)


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:,.1f}" if seconds < 0.1 else f"{seconds * 1000:,.0f}"


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Markdown, with columns as wide as what is in them."""
    lines = [list(head), *map(list, rows)]
    widths = [max(map(len, column)) for column in zip(*lines)]
    line: Callable[[list[str]], str] = lambda cells: "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths)) + " |"
    return "\n".join([line(lines[0]), line(["-" * width for width in widths]), *map(line, lines[1:])])
