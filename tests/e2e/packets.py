"""Raw IP packets, and who got them.

A `Packet` says what matters about a packet in the words of RFC 8955 section 4; `octets` makes it one. Each carries a number, by
which `Sniffer` knows it again, whole or in fragments.
"""

from __future__ import annotations

import dataclasses
import re
import socket
import struct
from collections.abc import Iterable, Iterator

import lab as net

ICMP, TCP, UDP, FRAGMENT_HEADER, ICMPV6 = 1, 6, 17, 44, 58
ETH_P_ALL, SO_RCVBUFFORCE = 3, 33
FLAGS = {letter: 1 << bit for bit, letter in enumerate("FSRPAUECN")}


@dataclasses.dataclass(frozen=True)
class Packet:
    protocol: int = UDP  # 1 is ICMP in either family
    sport: int = 7
    dport: int = 9
    flags: str = "S"  # of TCP, letters of FLAGS
    icmp: tuple[int, int] = (0, 0)  # type and code
    source: int = 0x10  # the last octet of the address
    beside: bool = False  # sent to the network next to the route's own
    dscp: int = 0
    ecn: int = 0
    label: int = 0  # IPv6
    length: int = 0  # of the whole packet, if it matters
    df: bool = False  # IPv4
    more: bool = False  # another fragment follows
    offset: int = 0  # in units of 8 octets
    times: int = 1

    def __str__(self) -> str:
        """What is not as by default."""
        values = ((field, getattr(self, field.name)) for field in dataclasses.fields(self))
        return f"Packet({', '.join(f'{field.name}={value!r}' for field, value in values if value != field.default)})"

    def octets(self, source: str, destination: str, number: int) -> bytes:
        """The packet. Checksums of the upper layer are 0: who forwards does not look at them."""
        if ":" in destination:
            return self.ipv6(source, destination, number)
        payload = self.payload(self.protocol, number, self.length - 20)
        fragment = self.df << 14 | self.more << 13 | self.offset
        fixed = (0x45, self.traffic_class, 20 + len(payload), number, fragment, 64, self.protocol, 0)  # the kernel's checksum
        return struct.pack(">BBHHHBBH", *fixed) + socket.inet_aton(source) + socket.inet_aton(destination) + payload

    def ipv6(self, source: str, destination: str, number: int) -> bytes:
        protocol = ICMPV6 if self.protocol == ICMP else self.protocol
        header, following = b"", protocol
        if self.more or self.offset:
            header, following = struct.pack(">BBHI", protocol, 0, self.offset << 3 | self.more, number), FRAGMENT_HEADER
        payload = header + self.payload(protocol, number, self.length - 40 - len(header))
        addresses = socket.inet_pton(socket.AF_INET6, source) + socket.inet_pton(socket.AF_INET6, destination)
        first = 6 << 28 | self.traffic_class << 20 | self.label
        return struct.pack(">IHBB", first, len(payload), following, 64) + addresses + payload

    @property
    def traffic_class(self) -> int:
        return self.dscp << 2 | self.ecn

    def payload(self, protocol: int, number: int, length: int) -> bytes:
        """The upper layer's header, unless this is a later fragment, and the number; filled up to `length`."""
        token = b"<%08d>" % number
        body = (b"" if self.offset else self.header(protocol, max(length, 8 + len(token)))) + token
        assert length <= 0 or len(body) <= length, f"{self}: it does not go into {self.length} octets"
        body += bytes(max(length - len(body), 0))
        return body + bytes(-len(body) % 8 if self.more else 0)

    def header(self, protocol: int, length: int) -> bytes:
        if protocol == TCP:
            bits = 5 << 12 | sum(FLAGS[letter] for letter in self.flags)
            return struct.pack(">HHIIHHHH", self.sport, self.dport, 0, 0, bits, 0, 0, 0)
        if protocol == UDP:
            return struct.pack(">HHHH", self.sport, self.dport, length, 0)
        if protocol in (ICMP, ICMPV6):
            return struct.pack(">BBHI", *self.icmp, 0, 0)
        return b""


def tcp(dport: int = 9, **rest: object) -> Packet:
    return Packet(TCP, dport=dport, **rest)


def udp(dport: int = 9, **rest: object) -> Packet:
    return Packet(UDP, dport=dport, **rest)


def icmp(kind: int = 8, code: int = 0, **rest: object) -> Packet:
    return Packet(ICMP, icmp=(kind, code), **rest)


def other(protocol: int, **rest: object) -> Packet:
    return Packet(protocol, **rest)


def send(host: net.Namespace, packets: Iterable[tuple[str, bytes, int]]) -> None:
    """Sends whole IP packets, each to an address and so many times."""
    with host.inside():
        ipv4 = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
        ipv6 = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW)
    with ipv4, ipv6:
        for address, octets, times in packets:
            for _ in range(times):
                (ipv6 if ":" in address else ipv4).sendto(octets, (address, 0))


class Sniffer:
    """Takes what comes to a host, from now on."""

    def __init__(self, host: net.Namespace) -> None:
        with host.inside():
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
        self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 24)

    def take(self, quiet: float) -> Iterator[tuple[int, int]]:
        """The number and the DSCP of each packet of ours that came, until none comes for `quiet` seconds."""
        self.socket.settimeout(quiet)
        while True:
            try:
                packet, (_, _, kind, *_) = self.socket.recvfrom(65535)
            except TimeoutError:
                return
            token = re.search(rb"<(\d{8})>", packet)
            if token and kind != socket.PACKET_OUTGOING:
                (first,) = struct.unpack(">H", packet[:2])
                yield int(token[1]), (first >> 6 if first >> 12 == 6 else first >> 2) & 0x3F

    def __enter__(self) -> Sniffer:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()
