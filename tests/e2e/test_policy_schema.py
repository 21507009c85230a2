"""The JSON Schema of policies and the reader of the injector say the same of the documents in tests/data/policies."""

from __future__ import annotations

import json
import pathlib
import subprocess

import jsonschema
import lab as net
import pytest

POLICIES = net.PROJECT / "tests/data/policies"
SCHEMA = json.loads((net.PROJECT / "packaging/policy.schema.json").read_text())
EXAMPLE = net.PROJECT / "examples/policy.json"


def documents(folder: str) -> list[pathlib.Path]:
    found = sorted((POLICIES / folder).glob("*.json"))
    assert found, folder
    return found


def name(path: pathlib.Path) -> str:
    return f"{path.parent.name}/{path.stem}"


def schema_takes(path: pathlib.Path) -> bool:
    return jsonschema.Draft202012Validator(SCHEMA).is_valid(json.loads(path.read_text()))


def check(path: pathlib.Path) -> subprocess.CompletedProcess[str]:
    command = [net.INJECTOR, "check", "--policy", path]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("path", [*documents("good"), EXAMPLE], ids=name)
def test_a_good_document_is_good_for_both(path: pathlib.Path) -> None:
    assert schema_takes(path)
    done = check(path)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", documents("bad"), ids=name)
def test_a_bad_document_is_bad_for_both(path: pathlib.Path) -> None:
    assert not schema_takes(path)
    refused(path)


@pytest.mark.parametrize("path", documents("beyond-schema"), ids=name)
def test_what_no_schema_can_say_the_reader_says(path: pathlib.Path) -> None:
    """Keys that stand there twice, names that nobody has, ranges that are none: an editor does not show these."""
    assert schema_takes(path)
    refused(path)


def refused(path: pathlib.Path) -> None:
    done = check(path)
    assert done.returncode == 2 and not done.stdout, done
    assert str(path.parent) in done.stderr, "the file is named"
    assert "Sanitizer" not in done.stderr
