"""The fetcher on a live FORWARD chain, and what BIRD and FRR make of its text."""

from __future__ import annotations

import ipaddress
import json
import os
import pathlib
import random
import re
import subprocess

import lab as net
import pytest
from conftest import Loop, Segment
from test_loop import filter_table

PAPER_LOOP = net.PROJECT / "examples/paper-loop"
ROUTE = re.compile(r"^  route flow4 \{ (.*?) \}(?: \{ (.*) \})?; #", re.MULTILINE)


def generate(segment: Segment, *arguments: object, **options: object) -> str:
    return segment.fetch(*arguments, **options).stdout


def test_the_kernel_and_a_file_of_the_same_rules_give_the_same_text(segment: Segment) -> None:
    segment.leaf.restore((PAPER_LOOP / "firewall.rules").read_text())
    from_kernel = generate(segment)
    assert from_kernel == generate(segment, "--rules", "-", input=segment.leaf.save(counters=True))
    assert len(ROUTE.findall(from_kernel)) == from_kernel.count("route flow4") == 12


def test_a_firewall_that_translates_addresses_publishes_no_fragments(segment: Segment) -> None:
    """The kernel puts them together before FORWARD sees them."""
    segment.leaf.run("iptables-legacy", "-A", "FORWARD", "-f", "-j", "DROP")
    assert "is_fragment" in generate(segment)
    segment.leaf.run("iptables-legacy", "-t", "nat", "-A", "POSTROUTING", "-o", "eth9", "-j", "MASQUERADE")
    segment.client.run("ping", "-c", "1", "-W", "1", "-s", "3000", segment.SERVER)
    assert "[0:0] -A FORWARD -f -j DROP" in segment.leaf.save(counters=True)
    assert "is_fragment" not in generate(segment)
    assert "is_fragment" not in generate(segment, "--rules", "-", input=segment.leaf.run("iptables-legacy-save").stdout)


def test_bird_takes_the_text_in_the_examples_configuration(segment: Segment, tmp_path: pathlib.Path) -> None:
    segment.leaf.restore((PAPER_LOOP / "firewall.rules").read_text())
    (tmp_path / "bird.conf").write_text((PAPER_LOOP / "bird.conf").read_text())
    generate(segment, "--output", tmp_path / "flowspec.conf")
    segment.leaf.run("bird", "-p", "-c", tmp_path / "bird.conf")


def test_output_is_replaced_at_once_and_only_when_it_changed(segment: Segment, tmp_path: pathlib.Path) -> None:
    output = tmp_path / "flowspec.conf"

    def publish(*rules: str) -> str:
        return generate(segment, "--rules", "-", "--output", output, input=filter_table([*rules]))

    assert publish("-s 10.0.0.0/8 -j DROP") == ""
    first = output.stat()
    publish("-s 10.0.0.0/8 -j DROP")
    assert (output.stat().st_ino, output.stat().st_mtime_ns) == (first.st_ino, first.st_mtime_ns)
    with output.open() as reader:
        publish("-s 11.0.0.0/8 -j DROP")
        assert "10.0.0.0/8" in reader.read()  # whoever reads meanwhile has the whole old file
    assert "11.0.0.0/8" in output.read_text()
    assert os.listdir(tmp_path) == ["flowspec.conf"]


def test_a_failure_leaves_the_output_alone(segment: Segment, tmp_path: pathlib.Path) -> None:
    output = tmp_path / "flowspec.conf"
    output.write_text("# mine\n")
    rules = filter_table(["-m recent --rcheck -j DROP"])
    done = segment.fetch("--rules", "-", "--output", output, input=rules, check=False)
    assert done.returncode == 1
    assert output.read_text() == "# mine\n" and os.listdir(tmp_path) == ["flowspec.conf"]


def test_a_rule_that_flowspec_cannot_say_is_listed_with_its_line(segment: Segment) -> None:
    rules = filter_table(["-s 10.0.0.0/8 -j DROP", "-i eth0 -j ACCEPT", "-m mac --mac-source 02:00:00:00:00:01 -j DROP"])
    done = segment.fetch("--rules", "-", input=rules, check=False)
    assert done.returncode == 1
    assert "-i eth0" in done.stderr and "mac" in done.stderr and "10.0.0.0/8" not in done.stderr
    done = segment.fetch("--rules", "-", "--skip-unsupported", input=rules)
    assert "10.0.0.0/8" in done.stdout and "mac" in done.stderr


def test_reject_is_published_as_discard_and_established_is_not_published_and_both_are_said(segment: Segment) -> None:
    rules = filter_table(["-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT", "-s 10.0.0.0/8 -j REJECT"])
    done = segment.fetch("--rules", "-", input=rules)
    routes = ROUTE.findall(done.stdout)
    assert [match for match, _ in routes if "10.0.0.0/8" in match] and "0x80060000, 0x0" in done.stdout
    assert len(routes) == 1 + ("0.0.0.0/0" in done.stdout)
    assert "REJECT" in done.stderr and "ESTABLISHED" in done.stderr


def test_the_policy_is_the_papers_default_route(segment: Segment) -> None:
    """0.0.0.0/0 to 0.0.0.0/0, rate 0 for DROP, no sequence number."""
    text = generate(segment, "--rules", "-", input=filter_table(["-s 10.0.0.0/8 -j ACCEPT"], policy="DROP"))
    ((_, numbered), (match, actions)) = ROUTE.findall(text)
    assert "(rt, 65535, 1)" in numbered
    assert set(match.split("; ")) == {"dst 0.0.0.0/0", "src 0.0.0.0/0;"}
    assert "0x80060000" in actions and "rt" not in actions


def test_names_of_tables_and_protocol(segment: Segment) -> None:
    names = ("--flow4-table", "mine", "--protocol", "fw")
    text = generate(segment, "--rules", "-", *names, input=filter_table(["-j DROP"]))
    assert re.search(r"^protocol static fw\w* \{\n  flow4 \{ table mine; \};\n", text, re.MULTILINE) and "flowtab4" not in text


WIDE = [
    "-p tcp -m multiport --dports 1,3,5,7,9,11,13,15,17,19,21:22,24,26,28 -j ACCEPT",
    "-p udp -m multiport --sports 1,3,5,7,9,11 -m udp --dport 1024:65535 -j DROP",
    "-p icmp -m icmp --icmp-type any -j ACCEPT",
    "-d 10.0.0.0/8 ! -p icmp -j DROP",
    "-p tcp -m tcp ! --dport 80 -j DROP",
]


def test_what_frr_cannot_take_is_never_written(loop: Loop) -> None:
    """Long lists are split: at most five values in a component, a session that stays up, and every route arrives readable."""
    loop.firewall.restore(filter_table(WIDE, policy="DROP"))
    text = loop.fetch("--skip-unsupported").stdout
    for match, _ in ROUTE.findall(text):
        assert not re.search(r"!=|true|false", match)
        for component in match.split(";"):
            assert component.count(",") < 5 and component.count("..") * 2 + component.count(",") <= 5
    loop.publish(text)
    done = loop.sync("--strict")
    assert "ambiguous" not in done.stderr


@pytest.mark.parametrize("seed", range(3))
def test_random_rules_come_back_as_the_same_routes(loop: Loop, seed: int) -> None:
    """Fetcher, BIRD, FRR, injector: what the injector reads is what the fetcher meant."""
    loop.firewall.restore(filter_table(random_rules(random.Random(seed), 100), policy="DROP"))
    meant = routes_of(loop.fetch("--json"))
    loop.publish(loop.fetch().stdout)
    read = routes_of(loop.plan("--json"))
    assert read == meant and len(meant) > 90


def routes_of(done: subprocess.CompletedProcess[str]) -> dict[str, tuple[object, ...]]:
    """The routes of --json by their identity."""
    document = json.loads(done.stdout)
    assert not document.get("rejected") and all(rule["grade"] == "exact" for rule in document.get("rules", []))
    return {entry["id"]: (entry["match"], entry["actions"], entry.get("sequence")) for entry in document["entries"]}


def random_rules(source: random.Random, count: int) -> list[str]:
    """Rules of every kind that both tools take, and narrow enough that none leaves another without packets."""

    def prefix() -> str:
        length = source.randint(12, 32)
        return f"{ipaddress.ip_network((source.getrandbits(32) >> (32 - length) << (32 - length), length))}"

    def ports() -> str:
        if source.random() < 0.5:
            low = source.randrange(65536)
            return f"{low}:{source.randint(low, 65535)}"
        return str(source.randrange(65536))

    def rule() -> str:
        words = source.choice([[f"-s {prefix()}"], [f"-d {prefix()}"], [f"-s {prefix()}", f"-d {prefix()}"]])
        match source.choice(["any", "number", "icmp", "ports", "multiport", "sides"]):
            case "number":
                words.append(f"-p {source.choice([2, 47, 50, 89, 132])}")
            case "icmp":
                kind = source.choice([0, 3, 5, 8, 11, 13])
                words.append(f"-p icmp -m icmp --icmp-type {kind}" + f"/{source.randrange(16)}" * source.randint(0, 1))
            case "ports":
                words.append(f"-p {source.choice(['tcp', 'udp'])} --{source.choice(['sport', 'dport'])} {ports()}")
            case "multiport":
                listed = ",".join(ports() for _ in range(source.randint(1, 5)))
                words.append(f"-p {source.choice(['tcp', 'udp'])} -m multiport")
                words.append(f"--{source.choice(['sports', 'dports'])} {listed}")
            case "sides":
                words.append(f"-p {source.choice(['tcp', 'udp'])} --sport {ports()} --dport {ports()}")
        return " ".join([*words, "-j", source.choice(["ACCEPT", "DROP", "REJECT"])])

    return [rule() for _ in range(count)]
