"""The tables in README.md, between two marks."""

from __future__ import annotations

import pathlib
import re

from . import report
from .timing import Failed

MARKS = re.compile(r"(<!-- speed: written by tests/bench/run\.sh --readme -->\n).*?(<!-- end -->)", re.DOTALL)


def write(file: pathlib.Path, results: report.Results) -> None:
    text = file.read_text()
    tables = re.sub(" +", " ", report.tables(results))
    tables = re.sub("-{3,}", "---", tables)
    written, times = MARKS.subn(lambda marks: f"{marks[1]}{tables}\n{marks[2]}", text)
    if times != 1:
        raise Failed(f"{file} has not the place for the tables once, but {times} times")
    file.write_text(written)
