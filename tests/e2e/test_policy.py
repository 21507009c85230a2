"""The operator's policy on live FRR: what is accepted, rejected, changed and protected, at both ends of the loop."""

from __future__ import annotations

import json
import pathlib
import re

import lab as net
import pytest
from conftest import Loop, Segment
from daemon import Daemon
from test_delivery import filter_table

BLACKHOLE = "bgp_ext_community.add((rt, 65000, 666));"
REDIRECT = "bgp_ext_community.add((generic, 0x8008fde8, 0x64));"  # to 65000:100


def policy_file(directory: pathlib.Path, document: object) -> pathlib.Path:
    file = directory / "policy.json"
    file.write_text(json.dumps(document))
    return file


def term(name: str, then: object, **match: object) -> dict[str, object]:
    return {"name": name, "match": match, "then": then}


@pytest.fixture
def announced(loop: Loop) -> Loop:
    """A discard by address, a slow rate, a redirect, and a route that has only a community."""
    loop.publish_routes(
        net.route("dst 10.0.2.10/32; proto 17; dport 1001;", net.sequence(1), net.DISCARD),
        net.route("dst 10.0.2.0/24; proto 17; dport 1002;", net.sequence(2), net.rate(1000)),
        net.route("dst 10.0.2.0/24; proto 17; dport 1003;", net.sequence(3), REDIRECT),
        net.route("dst 10.0.2.10/32; proto 17; dport 1004;", net.sequence(4), BLACKHOLE),
    )
    return loop


def test_terms_accept_reject_and_change(announced: Loop, tmp_path: pathlib.Path) -> None:
    """The document of the README's first example, in small, and a community that means discard."""
    file = policy_file(tmp_path, {
        "terms": [
            term("no-redirect", {"delete": ["redirect"]}, actions=["redirect"]),
            term("floor", {"set": {"rate": 125000}}, rate={"above": 0, "below": 125000}),
            term("blackhole", {"set": {"rate": 0}}, communities=["65000:666"]),
            term("no-hosts", "reject", destination={"length": {"min": 32}}, destination_port=["1001"]),
        ],
        "default": "accept",
    })  # fmt: skip
    done = announced.sync("--policy", file, "--json")
    report = json.loads(done.stdout)
    rates = {entry["match"]["destination_port"]: entry["actions"].get("rate") for entry in report["entries"]}
    assert rates == {"1002": 125000, "1003": None, "1004": 0}
    assert report["rejected"] == []
    assert [(route["reason"], route["detail"]) for route in report["set_aside"]] == [("rejected-by-policy", "term no-hosts")]
    assert report["rejected_by_term"] == {"no-hosts": 1}
    assert [announced.datagram_arrives(port) for port in (1001, 1002, 1003, 1004)] == [True, True, True, False]


def test_what_each_term_did_is_shown(announced: Loop, tmp_path: pathlib.Path) -> None:
    file = policy_file(tmp_path, {"terms": [term("no-redirect", {"delete": ["redirect"]}, actions=["redirect"])], "default": "accept"})
    said = announced.plan("--policy", file, "--explain-policy").stdout
    traces = re.findall(r"^policy: (.*)\n((?:  .*\n)+)", said, flags=re.MULTILINE)
    assert len(traces) == 4
    by_port = {re.search(r"dport (\d+)", route)[1]: steps.split("\n  ")[0].strip() for route, steps in traces}
    assert by_port["1003"].startswith("term no-redirect: ") and "65000:100" in by_port["1003"]
    assert by_port["1001"] == "the default: accepted"


def test_protected_packets_pass_whatever_is_announced(loop: Loop, tmp_path: pathlib.Path) -> None:
    loop.publish_routes(
        net.route("dst 10.0.2.0/24; proto 17;", net.sequence(1), net.DISCARD),
        net.route("dst 0.0.0.0/0; src 0.0.0.0/0;", net.DISCARD),
    )
    assert loop.sync().returncode == 0 and not loop.datagram_arrives(1001)
    file = policy_file(tmp_path, {"protect": [{"destination": {"within": ["10.0.2.10/32"]}}], "default": "accept"})
    loop.sync("--policy", file)
    assert loop.datagram_arrives(1001)  # and its neighbours do not:
    loop.server.run("ip", "address", "add", "10.0.2.11/24", "dev", "leaf")
    assert not net.datagram_arrives(loop.client, loop.server, "10.0.2.11", 1001)


def test_protection_from_low_rates_leaves_other_routes_alone(loop: Loop, tmp_path: pathlib.Path) -> None:
    loop.publish_routes(
        net.route("dst 10.0.2.10/32; proto 17; dport 1001;", net.sequence(1), net.DISCARD),
        net.route("dst 10.0.2.10/32; proto 17; dport 1002;", net.sequence(2), net.rate(1_000_000)),
        net.route("dst 0.0.0.0/0; src 0.0.0.0/0;", net.DISCARD),
    )
    protect = [{"destination": {"within": ["10.0.2.0/24"]}, "rate_below": 125000}]
    loop.sync("--policy", policy_file(tmp_path, {"protect": protect, "default": "accept"}))
    assert [loop.datagram_arrives(port) for port in (1001, 1002, 1003)] == [True, True, True]
    assert not loop.pings_back()  # nobody protects what comes to the client
    limited = [rule for rule in loop.leaf.save().splitlines() if "--dport 1002" in rule and "hashlimit" in rule]
    assert limited, "the rate that is not below the bound is enforced"


def test_a_bad_policy_is_refused_and_the_rules_stay(announced: Loop, tmp_path: pathlib.Path) -> None:
    announced.sync()
    before = announced.leaf.save()
    file = tmp_path / "policy.json"
    for text, words in (
        ("{", "policy.json"),
        ('{"terms": [{"name": "a", "then": "drop"}], "default": "accept"}', "/terms/0/then"),
        ('{"terms": [{"name": "a", "match": {"colour": 1}, "then": "accept"}], "default": "accept"}', "/terms/0/match"),
    ):
        file.write_text(text)
        for command in ("sync", "check"):
            done = announced.injector(command, "--pathspace", announced.frr.pathspace, "--policy", file, check=False)
            assert done.returncode == 2 and words in done.stderr, done.stderr
    file.unlink()
    done = announced.sync("--policy", file, check=False)
    assert done.returncode == 2 and "No such file" in done.stderr
    assert announced.leaf.save() == before
    done = announced.injector("flush", "--policy", file)  # the way out is always open
    assert "flush goes on without it" in done.stderr and "FLOWSPEC" not in announced.leaf.save()


def test_a_daemon_takes_a_new_policy_and_refuses_a_bad_one(announced: Loop, tmp_path: pathlib.Path) -> None:
    file = policy_file(tmp_path, {"default": "accept"})
    daemon = Daemon(announced.leaf, tmp_path / "daemon", "--pathspace", announced.frr.pathspace, "--policy", file, "--interval", "3600")
    assert not announced.datagram_arrives(1001)
    policy_file(tmp_path, {"terms": [term("none", "reject")], "default": "accept"})
    daemon.pass_ends(daemon.hang_up)
    assert announced.leaf.chain("FLOWSPEC") == []
    samples = daemon.metrics()
    assert samples['flowspec_policy_rejected_routes{term="none"}'] == 4
    assert samples['flowspec_routes_set_aside{reason="rejected-by-policy"}'] == 4
    file.write_text("{}}")
    daemon.hang_up()
    net.wait_until(lambda: daemon.events("reload-failed"), "the refusal")
    assert str(file) in daemon.events("reload-failed")[-1]["message"]
    daemon.pass_now()
    assert announced.leaf.chain("FLOWSPEC") == []
    daemon.stop()


def test_the_documents_of_the_readme_are_good(segment: Segment, tmp_path: pathlib.Path) -> None:
    readme = (net.PROJECT / "README.md").read_text()
    documents = [json.loads(text) for text in re.findall(r"```json\n(.*?)```", readme, flags=re.DOTALL)]
    kinds = {"--policy" if "default" in document else "--segments": document for document in documents}
    assert set(kinds) == {"--policy", "--segments"}
    for option, document in kinds.items():
        file = tmp_path / "document.json"
        file.write_text(json.dumps(document))
        assert segment.injector("check", "--strict", option, file).stdout
    for option, name in (("--policy", "policy.json"), ("--segments", "segments.json")):
        assert segment.injector("check", "--strict", option, net.PROJECT / "examples" / name).stdout


def test_what_goes_out_is_filtered_and_protected(loop: Loop, tmp_path: pathlib.Path) -> None:
    """The fetcher's side: terms for what is published, and a protection as a route before all others."""
    rules = filter_table(["-d 10.0.2.10/32 -p udp -m udp --dport 1001 -j DROP", "-s 192.0.2.0/24 -j DROP"], policy="DROP")
    file = policy_file(tmp_path, {
        "protect": [{"destination": {"within": ["10.0.2.10/32"]}}],
        "terms": [term("inside-only", "reject", source={"within": ["192.0.2.0/24"]})],
        "default": "accept",
    })  # fmt: skip
    done = loop.fetch("--rules", "-", "--policy", file, input=rules)
    assert "policy: 1 ipv4 routes are not published: term inside-only" in done.stderr
    assert "192.0.2.0" not in done.stdout
    loop.publish(done.stdout)
    loop.sync()
    assert loop.datagram_arrives(1001)
    assert not loop.pings_back()
    said = loop.firewall.run(net.FETCHER, "check", "--policy", file).stdout
    assert "inside-only" in said
