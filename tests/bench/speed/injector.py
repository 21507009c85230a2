"""The injector as the benchmark runs it."""

from __future__ import annotations

import pathlib
import re

import lab as net

from .timing import Cost, Failed, timed

LAYOUTS = ("linear", "tree")


def sync(host: net.Namespace, routes: pathlib.Path, layout: str) -> tuple[Cost, str]:
    """Makes the host's rules what the text says; the cost, and the injector's words. Failed when it refuses a route."""
    state = host.lab.directory / f"{host.name}-{layout}.state"
    cost, said = timed(
        host, net.INJECTOR, "sync", "--config", "/dev/null", "--routes", routes, "--state-dir", state, "--layout", layout,
        "--stateful", "never", "--conntrack", "off", "--max-routes", "1000000",
    )  # fmt: skip
    installed, asked, _ = counts(said)
    if installed != asked:
        raise Failed(f"{asked - installed} of {asked} routes were refused, the set should have none such:\n{said[-2000:]}")
    return cost, said


def counts(said: str) -> tuple[int, int, int]:
    """Routes installed, routes in all, and the rules that they took."""
    found = re.search(r"(\d+) of (\d+) routes in (\d+) rules?", said)
    if found is None:
        raise Failed(f"the injector does not say how many routes it installed:\n{said[-2000:]}")
    return int(found[1]), int(found[2]), int(found[3])
