"""The alerts and the dashboard of examples/, and the metrics that they are about: all through promtool."""

from __future__ import annotations

import json
import pathlib
import re
import subprocess
from collections.abc import Iterator

import lab as net
import pytest

METRICS = net.PROJECT / "tests/data/golden/metrics"  # what the unit tests hold metrics_text against
ALERTS = net.PROJECT / "examples/prometheus/flowspec-alerts.yml"
ALERT_TESTS = ALERTS.with_suffix(".test.yml")
DASHBOARD = net.PROJECT / "examples/grafana/flowspec.json"

OF_NODE_EXPORTER = {"node_exporter", "node_textfile_mtime_seconds", "node_textfile_scrape_error"}
OF_PROMETHEUS = {"job", "instance"}  # labels


def promtool(*arguments: object, input: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(["promtool", *map(str, arguments)], input=input, capture_output=True, text=True, timeout=60)


def samples() -> Iterator[tuple[str, str]]:
    """Metric and labels of everything that there can be."""
    for line in (METRICS / "full.prom").read_text().splitlines():
        if not line.startswith("#"):
            name, labels = re.fullmatch(r"(\w+)\{(.*)\} \S+", line).groups()
            yield name, labels


def labels_of(text: str) -> set[str]:
    return set(re.findall(r'(\w+)="', text))


LABELS = {name: labels_of(labels) for name, labels in samples()}


@pytest.mark.parametrize("file", ["full.prom", "empty.prom", "hostile.prom"])
def test_promtool_has_nothing_to_say_about_the_metrics(file: str) -> None:
    done = promtool("check", "metrics", input=(METRICS / file).read_text())
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("broken", [lambda text: text.replace("_total", ""), lambda text: text[:-5], lambda text: text.replace("\\", "")])
def test_promtool_would_have(broken: object) -> None:
    assert promtool("check", "metrics", input=broken((METRICS / "hostile.prom").read_text())).returncode != 0


@pytest.mark.parametrize("file", [ALERTS, ALERT_TESTS, DASHBOARD], ids=lambda file: file.name)
def test_only_metrics_that_there_are(file: pathlib.Path) -> None:
    named = set(re.findall(r"\b(?:flowspec|node)_[a-z_]+\b", file.read_text()))
    assert named and named <= set(LABELS) | OF_NODE_EXPORTER


def test_the_alerts_are_rules_and_fire_when_they_should() -> None:
    for arguments in (("check", "rules", ALERTS), ("test", "rules", ALERT_TESTS)):
        done = promtool(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_is_tested_and_says_what_to_do() -> None:
    alerts = ALERTS.read_text().split("- alert: ")[1:]
    assert len(alerts) >= 10
    for alert in alerts:
        name = alert.split()[0]
        assert re.search(rf"- \{{labels: 'ALERTS{{alertname=\"{name}\", alertstate=\"firing\"", ALERT_TESTS.read_text()), name
        for part in ("severity: ", "summary: ", "description: "):
            assert part in alert, name


def test_the_alerts_are_tested_with_series_as_they_are() -> None:
    for name, labels in re.findall(r"series: '(\w+)\{(.*?)\}'", ALERT_TESTS.read_text()):
        assert labels_of(labels) - OF_PROMETHEUS == LABELS.get(name, labels_of(labels) - OF_PROMETHEUS), name


def expressions(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        if "expr" in value:
            yield value["expr"]
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from expressions(each)


def test_the_dashboard_is_one_that_grafana_can_import() -> None:
    dashboard = json.loads(DASHBOARD.read_text())
    panels = dashboard["panels"]
    assert dashboard["id"] is None and dashboard["uid"] and dashboard["title"] and dashboard["schemaVersion"] >= 39
    assert len({panel["id"] for panel in panels}) == len(panels)
    of_user = {"type": "prometheus", "uid": "${datasource}"}
    for panel in panels:
        assert panel["type"] == "row" or panel["targets"] and panel["datasource"] == of_user, panel["title"]
        assert all(target["datasource"] == of_user for target in panel.get("targets", [])), panel["title"]


def test_every_panel_has_something_to_show(tmp_path: pathlib.Path) -> None:
    """Each expression becomes an alert on its having a result, over series that all grow: promtool says whether it fires."""
    variables = {"$instance": ".*", "$chain": ".*", "$__rate_interval": "5m", "$__range": "1h"}
    rules, tests = [], []
    for number, expression in enumerate(expressions(json.loads(DASHBOARD.read_text()))):
        for variable, value in variables.items():
            expression = expression.replace(variable, value)
        assert "$" not in expression
        rules.append({"alert": f"Panel{number}", "expr": f"count({expression}) > 0"})
        tests.append({"alertname": f"Panel{number}", "eval_time": "30m", "exp_alerts": [{}]})
    assert len(rules) > 20
    series = [{"series": f'{name}{{job="node",instance="leaf01",{labels}}}', "values": "1+1x60"} for name, labels in samples()]
    (tmp_path / "rules.yml").write_text(json.dumps({"groups": [{"name": "panels", "rules": rules}]}))
    test = {"rule_files": ["rules.yml"], "tests": [{"interval": "1m", "input_series": series, "alert_rule_test": tests}]}
    (tmp_path / "test.yml").write_text(json.dumps(test))
    for arguments in (("check", "rules", tmp_path / "rules.yml"), ("test", "rules", tmp_path / "test.yml")):
        done = promtool(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
