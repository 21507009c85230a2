"""The clarification draft (draft-loibl-bacher-idr-flowspec-clarification-00), sentence by sentence.

Each test has its sentence, and what FRR's part of it is and what is ours. What it says there is what it sees: routes octet by octet
to a live FRR, what FRR shows and sends on, what the injector and the fetcher make of them, and what becomes of packets.
`pytest --collect-only` reads as the list; the README has it as a table.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import draft
import lab as net
import pytest
from draft import ANNOUNCER, COLLECTOR, ELSEWHERE, OTHERS, PAST_BIRD, RIVAL, Network, Unicast, network_of, says, to
from flow_octets import (
    AND, DESTINATION_PORT, DISCARD, DSCP, EQUAL, FRAGMENT, GREATER, ICMP_CODE, ICMP_TYPE, LESS, PACKET_LENGTH, PACKET_RATE, PORT,
    PROTOCOL, SAMPLE, SOURCE, SOURCE_PORT, TARGET, TCP_FLAGS, marking, numbers, prefix, rate, redirect, words_of,
)  # fmt: skip
from packets import Packet, icmp, tcp, udp

README = net.PROJECT / "README.md"
BEGIN, END = "<!-- draft table: written by tests/e2e/test_draft.py, FLOWSPEC_BLESS=1 -->\n", "<!-- end -->"
DRAFT = ("--operator-table", "draft")
NOT_TAKEN = (3, 9)  # NOTIFICATION: UPDATE Message Error, Optional Attribute Error


@pytest.fixture(scope="module")
def made() -> Iterator[Network]:
    with draft.make_network() as network:
        yield network


@pytest.fixture
def network(made: Network) -> Iterator[Network]:
    """Without any route, before and after."""
    yield made
    made.withdraw_all()


# Section 3: the comparison operator

BELOW, SAME, ABOVE = 79, 80, 81
ALL = {BELOW, SAME, ABOVE}


def values_of(network: Network, operator: int, shown: str, *options: str) -> set[int]:
    """Which destination ports a discard of "operator 80", which FRR shows so, drops."""
    network.announce(to(1) + numbers(DESTINATION_PORT, (operator, SAME)))
    assert network.shown() == {network_of(1): {"dstp": shown}}
    network.sync(*options)
    values = [BELOW, SAME, ABOVE]
    return {value for value, dropped in zip(values, network.dropped(*map(udp, values))) if dropped}


def shown_values(text: str) -> str:
    """An answer of FRR with a destination port in that text."""
    return f'[{{"to":"{network_of(1)}","dstp":"{text}"}},{{"ecomlist":"FS:rate 0.000000"}},{{"time":"00:00:01"}}]'


def read_as(network: Network, text: str, *options: str) -> str:
    """The destination ports that the injector takes it for; empty: no packet can match."""
    shown = shown_values(text)
    entry = network.entries(*options, input=shown).get(network_of(1))
    if entry:
        return entry["match"]["destination_port"]
    (rejected,) = network.plan(*options, input=shown)["rejected"]
    assert rejected["reason"] == "never-matches"
    return ""


@says(
    "3",
    "0 0 0 true (independent of the value)",
    frr='taken, shown as a value without an operator: "` 80 `"',
    ours="true with `--operator-table draft`; else false, as RFC 8955 has it: `never-matches`",
)
def test_3_000_true(network: Network) -> None:
    assert values_of(network, 0, " 80 ", *DRAFT) == ALL
    network.sync()
    assert not any(network.dropped(udp(BELOW), udp(SAME), udp(ABOVE)))
    assert network.left_out() == {network_of(1): "never-matches"}


@says("3", "0 0 1 == (equal)", frr="taken and shown", ours="enforced")
def test_3_001_equal(network: Network) -> None:
    assert values_of(network, EQUAL, "= 80 ") == {SAME}


@says("3", "0 1 0 > (greater than)", frr="taken and shown", ours="enforced")
def test_3_010_greater(network: Network) -> None:
    assert values_of(network, GREATER, "> 80 ") == {ABOVE}


@says("3", "0 1 1 >= (greater than or equal)", frr="taken and shown", ours="enforced")
def test_3_011_greater_or_equal(network: Network) -> None:
    assert values_of(network, GREATER | EQUAL, ">= 80 ") == {SAME, ABOVE}


@says("3", "1 0 0 < (less than)", frr="taken and shown", ours="enforced")
def test_3_100_less(network: Network) -> None:
    assert values_of(network, LESS, "< 80 ") == {BELOW}


@says("3", "1 0 1 <= (less than or equal)", frr="taken and shown", ours="enforced")
def test_3_101_less_or_equal(network: Network) -> None:
    assert values_of(network, LESS | EQUAL, "<= 80 ") == {BELOW, SAME}


@says(
    "3",
    "1 1 0 != (not equal value)",
    frr="**deviates**: NOTIFICATION 3/9, the session ends",
    ours="understood, should an FRR show it; the fetcher writes ranges, `lint` finds `!=`",
)
def test_3_110_not_equal(network: Network) -> None:
    assert network.refused(OTHERS[0], to(1) + numbers(DESTINATION_PORT, (LESS | GREATER, SAME))) == NOT_TAKEN
    assert read_as(network, "<> 80 ") == "0-79,81-65535"
    assert "dport 0..79,81..65535;" in network.published("-p udp -m udp ! --dport 80 -j DROP")
    assert 'reset: dport has "!="' in network.findings("dport != 80;")


@says(
    "3",
    "1 1 1 false (independent of the value)",
    frr="**deviates**: NOTIFICATION 3/9, the session ends",
    ours=(
        "false with `--operator-table draft`, else true, as RFC 8955 has it, should an FRR show it; the fetcher never "
        "writes it, `lint` finds it"
    ),
)
def test_3_111_false(network: Network) -> None:
    assert network.refused(OTHERS[1], to(1) + numbers(DESTINATION_PORT, (LESS | GREATER | EQUAL, SAME))) == NOT_TAKEN
    assert read_as(network, "<>= 80 ", *DRAFT) == ""
    assert read_as(network, "<>= 80 ") == "0-65535"
    assert 'reset: dport has "true"' in network.findings("dport true 80;")


# Section 4: how long a value is

TAKEN, REFUSED = "takes values of every length, and does not show the length", "enforced; a greater value is refused: `value-out-of-range`"


def lengths_of(network: Network, kind: int, value: int, widths: tuple[int, ...], meant: list[Packet], other: Packet) -> None:
    """A value of each allowed length is enforced; one that needs more, in a longer field, is not, and no part of it."""
    too_great = value + 256 ** widths[-1]
    allowed = (to(number) + numbers(kind, (EQUAL, value), width=width) for number, width in enumerate(widths, start=1))
    network.announce(*allowed, to(0) + numbers(kind, (EQUAL, too_great), width=2 * widths[-1]))
    network.sync()
    sent = [(number, packet) for number in range(len(widths) + 1) for packet in (*meant, other)]
    dropped = [one for one, mark in zip(sent, network.fates(*sent)) if mark is None]
    assert dropped == [(number, packet) for number, packet in sent if number and packet in meant]
    assert list(network.shown()[network_of(0)].values()) == [f"= {too_great} "]
    assert network.left_out() == {network_of(0): "value-out-of-range"}


@says("4", "3 1-byte IP protocol", frr=TAKEN, ours=REFUSED)
def test_4_type_3_is_1_byte(network: Network) -> None:
    lengths_of(network, PROTOCOL, 17, (1,), [udp()], tcp())


@says("4", "4 1- or 2-byte Port", frr=TAKEN, ours=REFUSED)
def test_4_type_4_is_1_or_2_bytes(network: Network) -> None:
    lengths_of(network, PORT, 80, (1, 2), [udp(80), tcp(sport=80)], udp(81))


@says("4", "5 1- or 2-byte Destination port", frr=TAKEN, ours=REFUSED)
def test_4_type_5_is_1_or_2_bytes(network: Network) -> None:
    lengths_of(network, DESTINATION_PORT, 80, (1, 2), [udp(80), tcp(80)], udp(sport=80))


@says("4", "6 1- or 2-byte Source port", frr=TAKEN, ours=REFUSED)
def test_4_type_6_is_1_or_2_bytes(network: Network) -> None:
    lengths_of(network, SOURCE_PORT, 80, (1, 2), [udp(sport=80), tcp(sport=80)], udp(80))


@says("4", "7 1-byte ICMP type", frr=TAKEN, ours=REFUSED)
def test_4_type_7_is_1_byte(network: Network) -> None:
    lengths_of(network, ICMP_TYPE, 8, (1,), [icmp(8)], icmp(0))


@says("4", "8 1-byte ICMP code", frr=TAKEN, ours=REFUSED)
def test_4_type_8_is_1_byte(network: Network) -> None:
    lengths_of(network, ICMP_CODE, 1, (1,), [icmp(3, 1)], icmp(3, 2))


@says("4", "10 1- or 2-byte Packet length", frr=TAKEN, ours=REFUSED)
def test_4_type_10_is_1_or_2_bytes(network: Network) -> None:
    lengths_of(network, PACKET_LENGTH, 100, (1, 2), [udp(length=100)], udp(length=101))


@says("4", "11 1-byte DSCP", frr=TAKEN, ours=REFUSED)
def test_4_type_11_is_1_byte(network: Network) -> None:
    lengths_of(network, DSCP, 46, (1,), [udp(dscp=46)], udp())


@says(
    "4",
    "This length field allows to encode a 1-4 byte long value.",
    frr="takes 1, 2 and 4 bytes; **deviates**: 8 too, of which it keeps and shows the lower 4",
    ours="a small value in a long field is enforced: FRR shows it as in a short one",
)
def test_4_a_value_has_1_to_4_bytes(network: Network) -> None:
    widths = (1, 2, 4)
    allowed = (to(number) + numbers(PROTOCOL, (EQUAL, 17), width=width) for number, width in enumerate(widths))
    network.announce(*allowed, to(8) + numbers(PROTOCOL, (EQUAL, (1 << 32) + 17), width=8))
    assert network.shown() == {network_of(number): {"proto": "= 17 "} for number in (0, 1, 2, 8)}
    network.sync()
    marks = network.fates(*((number, packet) for number, _ in enumerate(widths) for packet in (udp(), tcp())))
    assert [mark is None for mark in marks] == [True, False] * len(widths)


# Section 5: (re-)validation

VALIDATE = ("--validate", "rfc8955")
OUTCOME = (
    "The outcome of the defined validation procedure is depending on the best-match unicast route for the destination "
    "prefix embedded in the flow specification."
)


@pytest.fixture(scope="module")
def made_unicast() -> Iterator[Unicast]:
    with draft.make_unicast() as unicast:
        yield unicast


@pytest.fixture
def unicast(made_unicast: Unicast) -> Iterator[Unicast]:
    """Without any route, before and after."""
    yield made_unicast
    made_unicast.withdraw_all()


@says(
    "5",
    OUTCOME,
    frr="validates no flowspec route; tells the unicast routes, and whose they are",
    ours="`--validate`: enforced when the best route is the announcer's, else `not-feasible`",
)
@pytest.mark.parametrize("mode", ["rfc8955", "rfc9117"])
def test_5_the_best_match_unicast_route_decides(unicast: Unicast, mode: str) -> None:
    unicast.announcer.announce_unicast(network_of(1))
    unicast.announcer.announce_unicast(network_of(2), path_length=2)
    unicast.rival.announce_unicast(network_of(2))
    unicast.announce(to(1), to(2), to(3))  # one of its own networks, one of the rival's, one of nobody's
    unicast.becomes_best(network_of(1), ANNOUNCER)
    unicast.becomes_best(network_of(2), RIVAL)
    assert set(unicast.entries("--validate", mode)) == {network_of(1)}
    assert unicast.left_out("--validate", mode) == {network_of(2): "not-feasible", network_of(3): "not-feasible"}
    assert unicast.left_out("--validate", "off") == {}


@says(
    "5",
    f"{OUTCOME} (flowspec routes of several peers)",
    frr="does not say whose a flowspec route is",
    ours="`--validate` refuses: the pass fails, and changes nothing",
)
def test_5_no_outcome_where_the_announcer_is_not_known(network: Network) -> None:
    network.announce(to(1))
    network.sync()
    network.filtered.announce(to(2), DISCARD)
    net.wait_until(lambda: len(network.shown()) == 2, "the routes")
    done = network.injector("sync", *VALIDATE, check=False)
    assert done.returncode == 1 and "does not say whose a flowspec route is" in done.stderr
    assert network.enforced() == {network_of(1)}


@says(
    "5",
    "revalidation of the flow specification NLRI MUST be performed whenever unicast routes change.",
    frr="does not",
    ours="at every pass: the rule leaves the kernel, and returns",
)
def test_5_revalidation_whenever_unicast_routes_change(unicast: Unicast) -> None:
    unicast.announcer.announce_unicast(network_of(1), path_length=2)
    unicast.announce(to(1))
    unicast.becomes_best(network_of(1), ANNOUNCER)
    unicast.sync(*VALIDATE)
    assert unicast.enforced() == {network_of(1)}
    unicast.rival.announce_unicast(network_of(1))
    unicast.becomes_best(network_of(1), RIVAL)
    unicast.sync(*VALIDATE)
    assert unicast.enforced() == set()
    unicast.rival.withdraw_unicast(network_of(1))
    unicast.becomes_best(network_of(1), ANNOUNCER)
    unicast.sync(*VALIDATE)
    assert unicast.enforced() == {network_of(1)}


@says(
    "5",
    "Thus changes in the best-match unicast route can effect the validation-state of a flow specification NLRI.",
    frr="shows the route all the same",
    ours="a route that is not feasible is kept and listed, and enforced as soon as it is",
)
def test_5_a_change_of_the_best_match_changes_the_state(unicast: Unicast) -> None:
    unfeasible = {network_of(1): "not-feasible"}
    unicast.announce(to(1))
    assert unicast.left_out(*VALIDATE) == unfeasible  # no route leads there
    unicast.announcer.announce_unicast(network_of(1))
    unicast.becomes_best(network_of(1), ANNOUNCER)
    assert unicast.left_out(*VALIDATE) == {} and set(unicast.entries(*VALIDATE)) == {network_of(1)}
    below = network_of(1).replace("0/24", "128/25")
    unicast.rival.announce_unicast(below)  # a more specific one, of another AS
    unicast.becomes_best(below, RIVAL)
    assert unicast.left_out(*VALIDATE) == unfeasible and set(unicast.shown()) == {network_of(1)}
    unicast.rival.withdraw_unicast(below)
    unicast.becomes_best(below, None)
    assert unicast.left_out(*VALIDATE) == {}
    unicast.announcer.withdraw_unicast(network_of(1))
    unicast.becomes_best(network_of(1), None)
    assert unicast.left_out(*VALIDATE) == unfeasible


# Section 6: transitivity of the actions

KEPT = "sends the community on to the next AS as it came"


def is_transitive(network: Network, *actions: bytes) -> None:
    """Through FRR to another AS, and through FRR and BIRD to one behind that, unchanged."""
    route = to(PAST_BIRD) + numbers(PROTOCOL, (EQUAL, 17))
    network.announce(route, actions=actions)
    assert network.collector.flows == {route: tuple(sorted(actions))}
    network.beyond.listen(lambda: route in network.beyond.flows, "the route behind BIRD")
    assert network.beyond.flows == {route: tuple(sorted(actions))}


TRANSITIVE = "All predefined filtering action communities SHALL be treated as transitive BGP extended communities."


@says("6", f"{TRANSITIVE} (traffic-rate, 0x8006)", frr=KEPT, ours="enforced: discard or limit")
def test_6_traffic_rate_is_transitive(network: Network) -> None:
    is_transitive(network, rate(125000))
    assert network.entries()[network_of(PAST_BIRD)]["actions"]["text"] == "rate 125000 B/s"


@says(
    "6",
    f"{TRANSITIVE} (traffic-action, 0x8007)",
    frr=f"{KEPT}; **deviates**: shows another byte than the one with its bits",
    ours="refused: `unreadable-action`, unless the route discards",
)
def test_6_traffic_action_is_transitive(network: Network) -> None:
    is_transitive(network, SAMPLE)
    assert "FS:action eval stops" in network.frr.routes_text()
    assert network.left_out() == {network_of(PAST_BIRD): "unreadable-action"}
    network.announce(to(1), actions=(SAMPLE, DISCARD))
    assert network.entries()[network_of(1)]["actions"]["text"] == "discard"


@says(
    "6",
    f"{TRANSITIVE} (redirect, 0x8008)",
    frr=KEPT,
    ours="enforced for the targets that `--redirect` names; others are refused: `no-redirect-target`",
)
def test_6_redirect_is_transitive(network: Network) -> None:
    is_transitive(network, redirect(100))
    assert network.entries("--redirect", "65000:100=0x10")[network_of(PAST_BIRD)]["actions"]["redirect"] == "65000:100"
    assert network.left_out() == {network_of(PAST_BIRD): "no-redirect-target"}


@says("6", f"{TRANSITIVE} (traffic-marking, 0x8009)", frr=KEPT, ours="enforced")
def test_6_traffic_marking_is_transitive(network: Network) -> None:
    is_transitive(network, marking(10))
    network.sync()
    assert network.marks(udp(), tcp(), number=PAST_BIRD) == [10, 0]


# Section 7: parsing and validation

EVERY_COMPONENT = (
    to(1) + prefix(SOURCE, "10.0.0.0/8") + numbers(PROTOCOL, (EQUAL, 6)) + numbers(PORT, (EQUAL, 80))
    + numbers(DESTINATION_PORT, (EQUAL, 80)) + numbers(SOURCE_PORT, (GREATER | EQUAL, 1024), (AND | LESS | EQUAL, 2048), width=2)
    + numbers(ICMP_TYPE, (EQUAL, 8)) + numbers(ICMP_CODE, (EQUAL, 0)) + numbers(TCP_FLAGS, (EQUAL, 2))
    + numbers(PACKET_LENGTH, (LESS, 100)) + numbers(DSCP, (EQUAL, 46)) + numbers(FRAGMENT, (EQUAL, 2))
)  # fmt: skip
# No packet can match any of these.
SENSELESS = {
    "a port of ICMP": numbers(PROTOCOL, (EQUAL, 1)) + numbers(PORT, (EQUAL, 2)),
    "an ICMP type of TCP": numbers(PROTOCOL, (EQUAL, 6)) + numbers(ICMP_TYPE, (EQUAL, 8)),
    "TCP flags of UDP": numbers(PROTOCOL, (EQUAL, 17)) + numbers(TCP_FLAGS, (EQUAL, 2)),
    "shorter than a header": numbers(PACKET_LENGTH, (LESS, 20)),
    "less than nothing": numbers(DESTINATION_PORT, (LESS, 0)),
    "more than the most": numbers(SOURCE_PORT, (GREATER, 65535), width=2),
    "a DSCP of 8 bits": numbers(DSCP, (EQUAL, 200)),
}
ICMP_PORT = SENSELESS["a port of ICMP"]


def announce_senseless(network: Network) -> dict[bytes, tuple[bytes, ...]]:
    """Each to a network of its own; what a neighbour should hear of them."""
    routes = [to(number) + match for number, match in enumerate(SENSELESS.values(), start=1)]
    network.announce(*routes)
    return {route: (DISCARD,) for route in routes}


@says(
    "7",
    "A flow specification NLRI is syntactically correct if it is encoded according to RFC 5575 section 4.",
    frr="takes all twelve components; **deviates**: more than five values in one, and the session ends (NOTIFICATION 3/9)",
    ours="the fetcher writes no more than five, `lint` finds them",
)
def test_7_what_rfc_5575_can_encode_is_syntactically_correct(network: Network) -> None:
    five, six = ([(EQUAL, value) for value in range(1, most + 1)] for most in (5, 6))
    network.announce(EVERY_COMPONENT, to(2) + numbers(DESTINATION_PORT, *five))
    keys = "from proto port dstp srcp type code tcp pktlen dscp pktfrag"
    assert list(network.shown()[network_of(1)]) == keys.split()
    assert network.refused(OTHERS[2], to(2) + numbers(DESTINATION_PORT, *six)) == NOT_TAKEN
    published = network.published("-p tcp -m multiport --dports 1,3,5,7,9,11 -j DROP")
    assert "dport 1,3,5,7,9;" in published and "dport 11;" in published
    assert "reset: dport has 6 values" in network.findings("dport 1,3,5,7,9,11;")


@says(
    "7",
    "Flow specification NLRI propagation through the network is following the BGP propagation mechanisms independent "
    "of the semantic of the particular NLRI itself.",
    frr="sends on what it got, octet by octet, to the next AS",
    ours="reads what FRR shows, and has no part in BGP",
)
def test_7_propagation_is_independent_of_the_semantics(network: Network) -> None:
    network.announce(EVERY_COMPONENT)
    heard = announce_senseless(network)
    assert network.collector.flows == heard | {EVERY_COMPONENT: (DISCARD,)}
    network.sync()
    assert network.collector.flows == heard | {EVERY_COMPONENT: (DISCARD,)}


@says(
    "7",
    "The inability of the particular implementation to actually make use of a given flow specification SHOULD NOT "
    "affect the BGP NLRI propagation.",
    frr="sends on what cannot be used here",
    ours="leaves the route out, with the reason; it stands in nobody's way: the others are enforced",
)
def test_7_inability_does_not_affect_the_propagation(network: Network) -> None:
    unusable = {
        to(1) + numbers(DESTINATION_PORT, (EQUAL, 15), (GREATER, 10)): ((DISCARD,), "ambiguous-operators"),
        to(2): ((PACKET_RATE,), "unreadable-action"),
        to(3): ((redirect(100),), "no-redirect-target"),
        to(4): ((SAMPLE,), "unreadable-action"),
    }
    for route, (actions, _) in unusable.items():
        network.announce(route, actions=actions)
    network.announce(to(5))
    assert network.collector.flows == {route: actions for route, (actions, _) in unusable.items()} | {to(5): (DISCARD,)}
    assert network.left_out() == {network_of(number): reason for number, (_, reason) in enumerate(unusable.values(), start=1)}
    network.sync()
    assert [mark is None for mark in network.fates(*((number, udp(15)) for number in range(1, 6)))] == [False] * 4 + [True]


@says(
    "7",
    "Nor SHOULD a semantical incorrect NLRI affect the propagation of the NLRI",
    frr="sends on what no packet can match",
    ours=(
        "leaves it out: `never-matches`, or `value-out-of-range` where the value is none; but `> 10 AND < 5` is taken for "
        "the `> 10 OR < 5` that FRR shows"
    ),
)
def test_7_semantically_incorrect_is_propagated(network: Network) -> None:
    assert network.collector.flows == announce_senseless(network)
    reasons = [reason for _, reason in sorted(network.left_out().items())]
    assert reasons == ["never-matches"] * (len(SENSELESS) - 1) + ["value-out-of-range"]
    network.announce(to(8) + numbers(DESTINATION_PORT, (GREATER, 10), (AND | LESS, 5)))
    assert network.shown()[network_of(8)] == {"dstp": "> 10 , < 5 "}
    assert network.entries()[network_of(8)]["match"]["destination_port"] == "0-4,11-65535"


@says(
    "7",
    "Invalid NLRI semantics SHOULD NOT trigger BGP failures (ie BGP notifications).",
    frr="no NOTIFICATION, the session stays; but for `!=`, 1 1 1 and more than five values, above",
    ours="none: it has no session",
)
def test_7_invalid_semantics_trigger_no_notification(network: Network) -> None:
    announce_senseless(network)
    network.sync()
    for peer in (ANNOUNCER, COLLECTOR):
        neighbor = network.neighbor(peer)
        assert (neighbor["bgpState"], neighbor["connectionsDropped"]) == ("Established", 0)
        assert (neighbor["messageStats"]["notificationsSent"], neighbor["messageStats"]["notificationsRecv"]) == (0, 0)


@says(
    "7",
    "Since IP protocol 1 (ICMP) packets do not contain a port information the NLRI is incorrect from the semantical perspective",
    frr="shows it as any other",
    ours="`never-matches`: a port, and a protocol that is neither TCP nor UDP",
)
def test_7_icmp_with_port_is_semantically_incorrect(network: Network) -> None:
    network.announce(to(1) + ICMP_PORT)
    assert network.shown() == {network_of(1): {"proto": "= 1 ", "port": "= 2 "}}
    assert network.left_out() == {network_of(1): "never-matches"}


@says("7", "and may not be applied to the forwarding plane in the network.", ours="no rule is installed, no packet is dropped")
def test_7_icmp_with_port_is_not_applied(network: Network) -> None:
    network.announce(to(1) + ICMP_PORT)
    network.sync()
    assert network_of(1) not in network.leaf.save()
    assert not any(network.dropped(icmp(8), icmp(0, 2), tcp(2), udp(2), udp(sport=2)))


@says("7", "However it is still syntactically correct and thus subject to BGP propagation.", frr="sends it on; so does BIRD behind it")
def test_7_icmp_with_port_is_propagated(network: Network) -> None:
    route = to(PAST_BIRD) + ICMP_PORT
    network.announce(route)
    network.beyond.listen(lambda: route in network.beyond.flows, "the route behind BIRD")
    assert network.collector.flows == network.beyond.flows == {route: (DISCARD,)}


# Section 10: security considerations

MODIFICATION = "implementations SHALL provide a policy framework to allow modification (add, modify, delete) of the filtering actions."
NO_PART = "a route-map sets route targets, and no action"
UDP_ONLY = numbers(PROTOCOL, (EQUAL, 17))
LIMIT = "-d 10.77.1.0/24 -p udp -m hashlimit --hashlimit-above 1000b/s --hashlimit-name x -j DROP"


@says("10", f"{MODIFICATION} (add)", frr=NO_PART, ours="`--policy`, in and out: `set`, `add`; also for a community that is no action")
def test_10_actions_can_be_added(network: Network) -> None:
    assert network.route_map_words("set extcommunity") == {"bandwidth", "none", "rt", "soo"}
    mark = network.policy({"match": {"communities": ["65000:77"]}, "then": {"set": {"dscp": 10}}})
    network.announce(to(1) + UDP_ONLY, actions=(TARGET,))
    network.announce(to(2) + UDP_ONLY, actions=(rate(125000),))
    network.sync(*mark)
    assert network.fates((1, udp()), (2, udp())) == [10, 0]
    assert network.entries(*network.policy({"then": {"add": ["sample"]}}))[network_of(1)]["actions"]["text"] == "accept, sample"
    assert words_of(marking(20)) in network.published("-s 10.0.0.0/8 -j DROP", options=network.policy({"then": {"set": {"dscp": 20}}}))


@says("10", f"{MODIFICATION} (modify)", frr=NO_PART, ours="`--policy`, in and out: `set`")
def test_10_actions_can_be_modified(network: Network) -> None:
    floor = network.policy({"match": {"rate": {"above": 0, "below": 125000}}, "then": {"set": {"rate": 125000}}})
    network.announce(to(1), actions=(rate(1000),))
    network.announce(to(2), actions=(rate(250000),))
    actions = {destination: entry["actions"]["text"] for destination, entry in network.entries(*floor).items()}
    assert actions == {network_of(1): "rate 125000 B/s", network_of(2): "rate 250000 B/s"}
    softer = network.policy({"match": {"actions": ["discard"]}, "then": {"set": {"rate": 125000}}})
    published = network.published("-s 10.0.0.0/8 -j DROP", options=softer)
    assert words_of(rate(125000)) in published and words_of(DISCARD) not in published


@says(
    "10",
    f"{MODIFICATION} (delete)",
    frr="a route-map deletes all of a route's extended communities: `set extcommunity none`",
    ours="`--policy`, in and out: `delete`",
)
def test_10_actions_can_be_deleted(network: Network) -> None:
    network.filtered.announce(to(2), rate(125000), marking(10), TARGET)
    net.wait_until(lambda: set(network.shown()) == {network_of(2)}, "the route that FRR takes")
    assert "ecomlist" not in network.frr.routes_text()
    network.announce(to(1) + UDP_ONLY, actions=(rate(125000), marking(10)))
    network.sync()
    assert network.marks(udp()) == [10]
    network.sync(*network.policy({"match": {"actions": ["dscp"]}, "then": {"delete": ["dscp"]}}))
    assert network.marks(udp()) == [0]
    assert network.entries(*network.policy({"then": {"delete": ["dscp"]}}))[network_of(1)]["actions"]["text"] == "rate 125000 B/s"
    published = network.published("-s 10.0.0.0/8 -j DROP", options=network.policy({"then": {"delete": ["rate"]}}))
    assert "src 10.0.0.0/8;" in published and words_of(DISCARD) not in published


@says(
    "10",
    '"redirect" may allow any Flowspec-peer to redirect any traffic into arbitrary VPNs',
    frr="takes it, and sends it on",
    ours="into no VPN but those of `--redirect`; `--policy` rejects the route, or deletes or changes the redirect",
)
def test_10_no_redirect_but_to_where_the_operator_says(network: Network) -> None:
    known = ("--redirect", "65000:100=0x10")
    network.announce(to(1), actions=(redirect(100),))
    network.announce(to(2), actions=(redirect(200),))
    assert network.left_out() == {network_of(1): "no-redirect-target", network_of(2): "no-redirect-target"}
    assert network.left_out(*known) == {network_of(2): "no-redirect-target"}
    redirects = {"match": {"actions": ["redirect"]}}
    reject = network.policy({**redirects, "then": "reject"})
    assert network.left_out(*known, *reject) == {network_of(1): "rejected-by-policy", network_of(2): "rejected-by-policy"}
    entries = network.entries(*known, *network.policy({**redirects, "then": {"delete": ["redirect"]}}))
    assert [entry["actions"]["text"] for entry in entries.values()] == ["accept"] * 2
    entries = network.entries(*known, *network.policy({**redirects, "then": {"set": {"redirect": "65000:100"}}}))
    assert [entry["actions"]["redirect"] for entry in entries.values()] == ["65000:100"] * 2


@says(
    "10",
    '"traffic-marking" allows any malicious Flowspec-peer to assign different forwarding classes to arbitrary traffic',
    frr="takes it, and sends it on",
    ours="enforced, unless `--policy` rejects the route, or deletes or changes the mark",
)
def test_10_no_marking_but_what_the_operator_lets_pass(network: Network) -> None:
    network.announce(to(1), actions=(marking(46),))
    network.sync()
    assert network.marks(udp()) == [46]
    reject = network.policy({"match": {"actions": ["dscp"]}, "then": "reject"})
    network.sync(*reject)
    assert network.marks(udp()) == [0]
    assert network.left_out(*reject) == {network_of(1): "rejected-by-policy"}
    network.sync(*network.policy({"match": {"actions": ["dscp"]}, "then": {"set": {"dscp": 10}}}))
    assert network.marks(udp()) == [10]


FILTERS = "Inbound and outbound Flowspec route filters may also be necessary in order to match and filter specific"


@says(
    "10",
    f"{FILTERS} filtering actions ... from being accepted",
    frr="a route-map can: `match extcommunity`, a pattern of what it prints",
    ours="`--policy`: `rejected-by-policy`",
)
def test_10_inbound_filter_of_actions(network: Network) -> None:
    network.filtered.announce(to(1), redirect(100))
    network.filtered.announce(to(2), DISCARD)
    net.wait_until(lambda: set(network.shown()) == {network_of(2)}, "the route that FRR takes")
    network.announce(to(3), actions=(rate(1000),))
    limits = network.policy({"match": {"actions": ["rate"]}, "then": "reject"})
    assert network.left_out(*limits) == {network_of(3): "rejected-by-policy"}
    network.sync(*limits)
    assert network.enforced() == {network_of(2)}


@says(
    "10",
    f"{FILTERS} ... flow component types from being accepted",
    frr="a route-map can for the destination alone, with `no route-map NAME optimization`",
    ours="`--policy`: by the components that are there, or are not",
)
def test_10_inbound_filter_of_component_types(network: Network) -> None:
    assert not network.route_map_words("match") & {"flowspec", "protocol", "port", "icmp", "tcp", "length", "dscp", "fragment"}
    network.filtered.announce(to(ELSEWHERE), DISCARD)
    network.filtered.announce(to(4), DISCARD)
    net.wait_until(lambda: set(network.shown()) == {network_of(4)}, "the route that FRR takes")
    network.announce(to(1) + numbers(FRAGMENT, (EQUAL, 2)), to(2) + UDP_ONLY, to(3))
    fragments = network.policy({"match": {"components": {"present": ["fragment"]}}, "then": "reject"})
    assert network.left_out(*fragments) == {network_of(1): "rejected-by-policy"}
    network.sync(*fragments)
    assert network.enforced() == {network_of(2), network_of(3), network_of(4)}
    whole = network.policy({"match": {"components": {"absent": ["protocol"]}}, "then": "reject"})
    assert set(network.entries(*whole)) == {network_of(2)}


SENT = {network_of(1), network_of(2), "0.0.0.0/0"}  # the last is the chain's policy


@says(
    "10",
    f"{FILTERS} filtering actions ... from being ... sent by the local BGP daemon",
    frr="a route-map can, as inbound",
    ours="the fetcher's `--policy`: BIRD does not get the route",
)
def test_10_outbound_filter_of_actions(network: Network) -> None:
    network.catch_up(network.filtered)
    network.announce(to(1), actions=(redirect(100),))
    network.announce(to(2))
    network.filtered.listen(lambda: to(2) in network.filtered.flows, "the route that FRR lets out")
    assert to(1) not in network.filtered.flows
    network.withdraw_all()
    rules = (LIMIT, "-d 10.77.2.0/24 -p udp -j DROP")
    assert network.sent(network.published(*rules)) == SENT
    limits = network.policy({"match": {"actions": ["rate"]}, "then": "reject"})
    assert network.sent(network.published(*rules, options=limits)) == SENT - {network_of(1)}


@says(
    "10",
    f"{FILTERS} ... flow component types ... from being ... sent by the local BGP daemon",
    frr="a route-map can for the destination alone, with `no route-map NAME optimization`",
    ours="the fetcher's `--policy`: BIRD does not get the route",
)
def test_10_outbound_filter_of_component_types(network: Network) -> None:
    network.catch_up(network.filtered)
    network.announce(to(ELSEWHERE), to(2))
    network.filtered.listen(lambda: to(2) in network.filtered.flows, "the route that FRR lets out")
    assert to(ELSEWHERE) not in network.filtered.flows
    network.withdraw_all()
    rules = ("-d 10.77.1.0/24 -p icmp -m icmp --icmp-type 8 -j DROP", "-d 10.77.2.0/24 -p udp -j DROP")
    assert network.sent(network.published(*rules)) == SENT
    types = network.policy({"match": {"components": {"present": ["icmp_type"]}}, "then": "reject"})
    assert network.sent(network.published(*rules, options=types)) == SENT - {network_of(1)}


# The list as a table


def test_the_table_in_the_readme_is_this_list(request: pytest.FixtureRequest) -> None:
    tests = [getattr(request.module, name) for name in vars(request.module) if name.startswith("test_") and name[5].isdigit()]
    assert all(test.__name__.startswith(f"test_{test.sentence.section}_") for test in tests)
    table = draft.table(tests)
    before, begin, rest = README.read_text().partition(BEGIN)
    written, end, after = rest.partition(END)
    assert begin and end, "README.md has no place for the table"
    if os.environ.get("FLOWSPEC_BLESS"):
        README.write_text(before + begin + table + end + after)
    else:
        assert written == table, "FLOWSPEC_BLESS=1 writes it anew"
