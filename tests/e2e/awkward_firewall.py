"""The firewall that asks most of a BGP session.

Its rules have components as long as they get, as many in one route as go together, routes that begin with others, neighbours
to merge, and the same packets at two interfaces. Random rules stand behind them.
"""

from __future__ import annotations

import random

from firewalls import BASE, Firewall, Generator, Rule

INTERFACES = ("--interface-rt", "in:eth0=65000:1", "--interface-rt", "out:eth1=65000:2")  # for the fetcher


def odd_ports(first: int) -> str:
    """As many as iptables takes; no two are neighbours."""
    return ",".join(str(first + 2 * step) for step in range(15))


SIDES = {"--sports": odd_ports(2001), "--dports": odd_ports(65501), "--ports": odd_ports(65481)}
PORTS = " ".join(f"-m multiport {side} {ports}" for side, ports in SIDES.items())
LENGTHS = "-m length --length 60:1500 -m length ! --length 62:1400 -m length ! --length 1402:1498"
MARKS = "-m tos --tos 0x00/0x24"
FLAGS = "-p tcp -m tcp ! --tcp-flags FIN,PSH,URG FIN,PSH,URG -m tcp ! --tcp-flags SYN,RST,ACK SYN"


def awkward(source: random.Random, family: int) -> Firewall:
    if family == 4:
        host, beside, many = "203.0.113.255", "203.0.113.254", "10.9.0.0/16"
        icmp, kind = "-p icmp", "-m icmp{} --icmp-type {}"
        first, in_pieces = "", "-f"
    else:
        host, beside, many = "2001:db8::ffff", "2001:db8::fffe", "2001:db9::/32"
        icmp, kind = "-p icmpv6", "-m icmp6{} --icmpv6-type {}"
        first, in_pieces = "-m frag --fragmore --fragfirst", "-m frag --fragmore"
    other_kinds = " ".join(kind.format(" !", number) for number in ("5", "8/1", "200"))
    rules = [
        f"-s {host} -d {beside} -j longest",
        f"-s {host} -d {beside} {icmp} {other_kinds} {LENGTHS} {MARKS} -j DROP",
        f"-s {beside} -d {host} {icmp} {kind.format('', '3/4')} {LENGTHS} {MARKS} -j DROP",
        f"-s {beside} ! -p tcp {in_pieces} {LENGTHS} {MARKS} -j DROP",
        f"! -d {host} -p 47 {LENGTHS} -j DROP",
        f"-i eth0 -s {many} -p udp {PORTS} -j DROP",
        f"-o eth1 -s {many} -p udp {PORTS} -j DROP",
        f"-d {many} -p tcp -m tcp --dport 80 -j ACCEPT",
        f"-d {many} -p tcp -j DROP",
        *(f"-d {many} -p udp -m udp --dport {port} -j ACCEPT" for port in range(80, 90)),
        f"-d {many} -j DROP",
    ]
    made = Generator(source, family, 60).firewall()
    made.policy = "ACCEPT"
    made.chains[BASE] = [Rule(rule) for rule in rules] + made.chains[BASE]
    made.chains["longest"] = [Rule(f"{FLAGS} {PORTS} {LENGTHS} {MARKS} {first} -j DROP")]
    return made
