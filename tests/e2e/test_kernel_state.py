"""What the injector does to the kernel's tables, and what it leaves alone. Routes come as text, so that no daemon's packets
count anywhere."""

from __future__ import annotations

import errno
import itertools
import pathlib
import re

import lab as net
import pytest
from conftest import Segment

IPT_SO_SET_REPLACE = 64  # the one call that commits a table


def route(*, to: str = "", dport: int = 0, sequence: int = 0, discard: bool = False) -> str:
    """A route as FRR prints it."""
    match = ([f'"to":"{to}"'] if to else []) + ([f'"proto":"= 6 ","dstp":"= {dport} "'] if dport else [])
    communities = ([f"65535:{sequence}"] if sequence else []) + (["FS:rate 0.000000"] if discard else [])
    carried = f'{{"ecomlist":"{" ".join(communities)}"}},' if communities else ""
    return f'[{{{",".join(match)}}},{carried}{{"time":"00:00:01"}}]\n'


WEB, SSH, MAIL = (route(to="10.0.2.10/32", dport=port, sequence=port) for port in (80, 122, 125))
DEFAULT_DROP = '[{"to":"0.0.0.0/0","from":"0.0.0.0/0"},{"ecomlist":"FS:rate 0.000000"},{"time":"00:00:01"}]\n'

# A host with a firewall of its own: rules, counters and chains in every table, in both families, and in nf_tables.
FURNITURE = """\
*filter
:INPUT DROP [12:3456]
:FORWARD ACCEPT [7:700]
:OUTPUT ACCEPT [0:0]
:DOCKER-USER - [0:0]
:FLOW - [0:0]
[1:60] -A INPUT -i lo -m comment --comment "two  spaces, a \\"quote\\"" -j ACCEPT
[9:999] -A FORWARD -s 10.7.0.0/16 -m conntrack --ctstate NEW -j DOCKER-USER
[4:444] -A FORWARD -p tcp -m tcp --tcp-flags SYN,RST SYN -j REJECT --reject-with tcp-reset
[0:0] -A FORWARD -m hashlimit --hashlimit-above 10/sec --hashlimit-mode srcip --hashlimit-name mine -j DROP
[3:33] -A DOCKER-USER -m mac --mac-source 02:00:00:00:00:01 -j RETURN
[2:22] -A FLOW -m limit --limit 5/min -j LOG --log-prefix "flow: "
COMMIT
*nat
:PREROUTING ACCEPT [5:5]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
[8:88] -A PREROUTING -p tcp -m tcp --dport 8080 -j DNAT --to-destination 10.0.2.10:80
COMMIT
*mangle
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [6:66]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
[2:20] -A FORWARD -j TOS --set-tos 0x10/0x3f
COMMIT
*raw
:PREROUTING ACCEPT [1:1]
:OUTPUT ACCEPT [0:0]
[1:10] -A PREROUTING -p udp -m udp --dport 4789 -j NOTRACK
COMMIT
"""


FURNITURE6 = "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD DROP [3:30]\n:OUTPUT ACCEPT [0:0]\n[2:2] -A FORWARD -j LOG\nCOMMIT\n"
FURNITURE_NFT = "table inet mine {\n chain forward {\n type filter hook forward priority 5\n tcp dport 1 drop\n }\n}\n"
OURS = re.compile(r":FLOWSPEC[- ].*\n|\[\d+:\d+\] (-A FLOWSPEC[- ].*|-A FORWARD -j FLOWSPEC)\n")


def furnish(segment: Segment) -> None:
    segment.leaf.run("sh", "-c", "echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6")  # its own chatter would count
    segment.leaf.restore(FURNITURE, "--counters")
    segment.leaf.run("ip6tables-legacy-restore", "--counters", input=FURNITURE6)
    segment.leaf.run("nft", "-f", "-", input=FURNITURE_NFT)


def everything(segment: Segment) -> tuple[str, str, str]:
    """All that the kernel holds, without what is the injector's own."""
    leaf = segment.leaf
    lines = leaf.save(counters=True).splitlines(keepends=True)
    foreign = "".join(line for line in lines if not OURS.fullmatch(line))
    return foreign, leaf.save(6, counters=True), leaf.run("nft", "list", "ruleset").stdout


def test_everything_else_stays_byte_for_byte_what_it_was(segment: Segment) -> None:
    """Over adding, changing, reordering and removing routes."""
    furnish(segment)
    before = everything(segment)
    for routes in (WEB + SSH + DEFAULT_DROP, MAIL + WEB.replace(":80", ":200") + DEFAULT_DROP, DEFAULT_DROP, WEB, ""):
        segment.sync_text(routes)
        assert everything(segment) == before


def test_the_jump_is_the_first_rule_of_forward_and_is_put_back(segment: Segment) -> None:
    furnish(segment)
    leaf = segment.leaf

    def jumps() -> list[int]:
        return [at for at, rule in enumerate(leaf.chain("FORWARD")) if rule.endswith("-j FLOWSPEC")]

    segment.sync_text(WEB)
    assert jumps() == [0]
    leaf.run("iptables-legacy", "-I", "FORWARD", "-j", "LOG")
    assert jumps() == [1]
    segment.sync_text(WEB)
    assert jumps() == [0]
    leaf.run("iptables-legacy", "-D", "FORWARD", "-j", "FLOWSPEC")
    segment.sync_text(WEB)
    assert jumps() == [0]
    leaf.run("iptables-legacy", "-A", "FORWARD", "-j", "FLOWSPEC")
    segment.sync_text(WEB)
    assert jumps() == [0]


def test_a_rule_that_somebody_else_put_into_flowspec_goes(segment: Segment) -> None:
    segment.sync_text(WEB + DEFAULT_DROP)
    clean = segment.leaf.save()
    segment.leaf.run("iptables-legacy", "-I", "FLOWSPEC", "-j", "ACCEPT")
    segment.leaf.run("iptables-legacy", "-D", "FLOWSPEC", "2")
    segment.sync_text(WEB + DEFAULT_DROP)
    assert segment.leaf.save() == clean


def test_a_second_sync_commits_nothing_and_says_so(segment: Segment) -> None:
    """Shown by a kernel that refuses every commit: the second sync does not notice."""
    no_commit = net.Deny("setsockopt", IPT_SO_SET_REPLACE, errno.EPERM)
    refused = segment.sync_text(WEB + DEFAULT_DROP, check=False, before_exec=no_commit)
    assert refused.returncode == 1 and one_line(refused.stderr)
    assert segment.leaf.chain("FLOWSPEC") == []

    segment.sync_text(WEB + DEFAULT_DROP)
    again = segment.sync_text(WEB + DEFAULT_DROP, before_exec=no_commit)
    assert re.search("nothing to do|nothing changed|no change|up to date", again.stdout + again.stderr, re.IGNORECASE)


def test_counters_of_kept_rules_survive_every_change_around_them(segment: Segment) -> None:
    segment.sync_text(WEB + SSH + MAIL)
    assert segment.connects(122)
    assert segment.connects(125)
    _, ssh, mail = segment.leaf.packet_counts("FLOWSPEC")
    assert ssh and mail

    segment.sync_text(SSH + MAIL)
    assert segment.leaf.packet_counts("FLOWSPEC") == [ssh, mail]
    segment.sync_text(MAIL + SSH + DEFAULT_DROP)
    assert segment.leaf.packet_counts("FLOWSPEC") == [ssh, mail, 0, 0]
    segment.sync_text(MAIL + DEFAULT_DROP + route(to="10.0.2.11/32", dport=1, sequence=1))
    assert segment.leaf.packet_counts("FLOWSPEC") == [0, mail, 0, 0]


def test_the_order_of_the_answer_does_not_matter(segment: Segment) -> None:
    seen = set()
    for order in itertools.permutations([WEB, SSH, DEFAULT_DROP, route(to="10.0.0.0/8", discard=True)]):
        segment.sync_text("".join(order))
        seen.add(segment.leaf.save())
    assert len(seen) == 1


def test_plan_changes_nothing_and_names_every_rule_that_sync_changes(segment: Segment) -> None:
    segment.sync_text(WEB + SSH)
    before = segment.leaf.save(counters=True)
    plan = segment.injector("plan", "--routes", "-", input=SSH + MAIL).stdout
    assert segment.leaf.save(counters=True) == before
    segment.sync_text(SSH + MAIL)
    marked = [line for line in plan.splitlines() if line.startswith(("+", "-"))]
    assert [(line[0], re.search(r"--dport (\d+)", line)[1]) for line in marked] == [("-", "80"), ("+", "125")]


def test_plan_exit_code(segment: Segment) -> None:
    plan = ("plan", "--exit-code", "--routes", "-")
    assert segment.injector(*plan, input=WEB, check=False).returncode == 4
    segment.sync_text(WEB)
    assert segment.injector(*plan, input=WEB).returncode == 0


@pytest.mark.parametrize("stateful", ["default-drop", "never", "always"])
def test_plan_for_iptables_restore_is_what_sync_makes(lab: net.Lab, segment: Segment, stateful: str) -> None:
    """In a namespace with rules of its own, before and after a first sync."""
    options = ("--stateful", stateful)
    other = lab.namespace("other")
    other.restore(FURNITURE)
    segment.leaf.restore(FURNITURE)
    for routes in (WEB + SSH + DEFAULT_DROP + route(to="10.0.0.0/8", discard=True), MAIL + DEFAULT_DROP):
        text = segment.injector("plan", "--format", "iptables-restore", "--routes", "-", *options, input=routes).stdout
        other.restore(text, "--noflush")
        segment.sync_text(routes, *options)
        assert other.save() == segment.leaf.save()


@pytest.mark.parametrize("rate", ["0.000001", "1.500000", "31.000000", "12345.678711", f"{2.0**127:f}"])
def test_any_rate_is_a_limit_that_a_second_sync_finds_in_place(segment: Segment, rate: str) -> None:
    routes = f'[{{"to":"10.0.2.10/32"}},{{"ecomlist":"FS:rate {rate}"}},{{"time":"00:00:01"}}]\n'
    segment.sync_text(routes)
    segment.injector("plan", "--exit-code", "--routes", "-", input=routes)


def test_names_of_chains(segment: Segment) -> None:
    segment.sync_text(WEB, "--chain", "PEERS", "--parent", "INPUT")
    assert segment.leaf.chain("INPUT") == ["-j PEERS"]
    assert len(segment.leaf.chain("PEERS")) == 1
    assert segment.leaf.chain("FORWARD") == []


def test_accept_target_return_goes_on_in_forward(segment: Segment) -> None:
    segment.leaf.restore("*filter\n-A FORWARD -d 10.0.2.10/32 -p tcp -m tcp --dport 80 -j DROP\nCOMMIT\n")
    segment.sync_text(WEB)
    assert segment.connects(80)
    segment.sync_text(WEB, "--accept-target", "RETURN")
    assert not segment.connects(80)


def one_line(text: str) -> bool:
    return bool(re.fullmatch(r"[^\n]+\n", text))


@pytest.mark.parametrize("rate", [1, 20, 1500, 125_000, 12_500_000, 1_250_000_000])
@pytest.mark.parametrize("burst", [1, 2, 16])
def test_rates_survive_what_iptables_saves_and_restores(segment: Segment, tmp_path: pathlib.Path, rate: int, burst: int) -> None:
    """A host that cannot load its saved rules after a restart has none."""
    routes = tmp_path / "routes"
    routes.write_text(f'[{{"to":"10.0.2.0/24"}},{{"ecomlist":"FS:rate {rate}.000000"}},{{"time":"00:00:01"}}]')
    arguments = ("--routes", routes, "--burst", burst)
    segment.injector("sync", *arguments)
    segment.leaf.restore(segment.leaf.save())
    assert "nothing to do" in segment.injector("plan", *arguments).stdout
    segment.leaf.restore(segment.injector("plan", *arguments, "--format", "iptables-restore").stdout, "--noflush")
    assert "nothing to do" in segment.injector("plan", *arguments).stdout
