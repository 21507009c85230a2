"""The figure: what passes cost by number of routes, and what packets cost in each route set. SVG, by hand."""

from __future__ import annotations

import math
from html import escape

from .passes import Passes
from .report import Results

WIDTH, HEIGHT, LEFT, TOP = 520, 340, 70, 40  # of a panel's plot, and the room beside it
COLOURS = {
    "restore": "#7f7f7f", "nft": "#9467bd", "iptables": "#8c564b",
    "linear first": "#d62728", "linear unchanged": "#ff9896", "tree first": "#2ca02c", "tree unchanged": "#98df8a",
    "tree": "#2ca02c", "linear": "#d62728",
}  # fmt: skip


def svg(results: Results) -> str:
    panels = [curves(results.passes)] if results.passes else []
    panels += [bars(results)] if results.rates else []
    step = WIDTH + LEFT + 170
    drawn = "".join(f'<g transform="translate({number * step + LEFT},{TOP})">{panel}</g>\n' for number, panel in enumerate(panels))
    size = f'width="{max(1, len(panels)) * step}" height="{TOP + HEIGHT + 130}"'
    style = "text{font:11px sans-serif}.title{font-weight:bold}.axis{stroke:#000;fill:none}.grid{stroke:#ddd}"
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}><style>{style}</style>\n<rect width="100%" height="100%" fill="#fff"/>\n{drawn}</svg>\n'


class Scale:
    """Logarithmic, over whole powers of ten."""

    def __init__(self, values: list[float], pixels: int) -> None:
        self.low, self.high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
        self.high += self.high == self.low
        self.pixels = pixels

    def __call__(self, value: float) -> float:
        return (math.log10(value) - self.low) / (self.high - self.low) * self.pixels

    def powers(self) -> range:
        return range(self.low, self.high + 1)


def curves(passes: list[Passes]) -> str:
    """Of the first route set, which has the most sizes."""
    own = [each for each in passes if each.name == passes[0].name]
    lines = {what: [(each.size, each.seconds(what)) for each in own if what in each.costs] for what in COLOURS}
    lines = {what: points for what, points in lines.items() if points}
    across = Scale([float(each.size) for each in own], WIDTH)
    up = Scale([seconds for points in lines.values() for _, seconds in points], HEIGHT)
    parts = [text(0, -15, f"Whole pass, {own[0].name}: seconds by routes", "title"), frame()]
    for power in across.powers():
        parts += [grid(across(10**power), 0, across(10**power), HEIGHT), text(across(10**power) - 15, HEIGHT + 18, f"{10**power:,}")]
    for power in up.powers():
        height = HEIGHT - up(10.0**power)
        parts += [grid(0, height, WIDTH, height), text(-45, height + 4, f"{10.0**power:g}")]
    for number, (what, points) in enumerate(lines.items()):
        placed = [(across(size), HEIGHT - up(seconds)) for size, seconds in points]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in placed)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{COLOURS[what]}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{COLOURS[what]}"/>' for x, y in placed]
        parts += key(number, what)
    return "".join(parts)


def bars(results: Results) -> str:
    """Packets a second as parts of what an empty chain carries."""
    parts = [text(0, -15, f"Packets a second, {results.rates[0].size:,} routes: part of an empty chain", "title"), frame()]
    top = max(1.0, *(each.ratio("tree") for each in results.rates))
    for tenth in range(0, int(top * 10) + 1, 2):
        height = HEIGHT - tenth / 10 / top * HEIGHT
        parts += [grid(0, height, WIDTH, height), text(-30, height + 4, f"{tenth / 10:.1f}")]
    room = WIDTH / len(results.rates)
    for number, each in enumerate(results.rates):
        for place, what in enumerate(("tree", "linear", "nft")):
            height = each.ratio(what) / top * HEIGHT if what in each.rates else 0
            x, wide = number * room + place * room * 0.28, room * 0.26
            parts.append(f'<rect x="{x:.1f}" y="{HEIGHT - height:.1f}" width="{wide:.1f}" height="{height:.1f}" fill="{COLOURS[what]}"/>')
        x = number * room + room * 0.4
        parts.append(f'<text transform="translate({x:.1f},{HEIGHT + 10}) rotate(60)">{escape(each.name)} {each.kind} {each.different}</text>')
    for place, what in enumerate(("tree", "linear", "nft")):
        parts += key(place, what)
    return "".join(parts)


def frame() -> str:
    return f'<path class="axis" d="M0,0 V{HEIGHT} H{WIDTH}"/>'


def grid(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line class="grid" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def text(x: float, y: float, words: str, kind: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}">{escape(words)}</text>'


def key(number: int, what: str) -> list[str]:
    y = 10 + number * 18
    return [f'<rect x="{WIDTH + 15}" y="{y - 9}" width="10" height="10" fill="{COLOURS[what]}"/>', text(WIDTH + 30, y, what)]
