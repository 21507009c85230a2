"""A BGP speaker of a few lines: it sends the bytes that a test wants, and keeps what it is sent.

Nothing runs beside the test: it reads when it is asked to. The hold time is 0, so that nobody has to say that he is alive.
"""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Callable

import lab as net

OPEN, UPDATE, NOTIFICATION, KEEPALIVE = 1, 2, 3, 4
ORIGIN, AS_PATH, NEXT_HOP, MP_REACH, MP_UNREACH, EXTENDED_COMMUNITIES = 1, 2, 3, 14, 15, 16
OPTIONAL_TRANSITIVE, OPTIONAL, WELL_KNOWN = 0xC0, 0x80, 0x40
UNICAST, FLOWSPEC = 1, 133  # SAFI
IPV4 = 1  # AFI


class Closed(Exception):
    """The other side ended the session; with the code and subcode of its NOTIFICATION, if it sent one."""


class Speaker:
    """One IPv4 session of `own`, an address of `host`, with `peer`."""

    def __init__(self, host: net.Namespace, own: net.Peer, peer: net.Peer, safis: tuple[int, ...] = (FLOWSPEC,)) -> None:
        self.host, self.own, self.peer, self.safis = host, own, peer, safis
        self.flows: dict[bytes, tuple[bytes, ...]] = {}  # what it was told: the extended communities of each NLRI
        self.announced: set[bytes] = set()  # NLRI
        self.announced_unicast: set[str] = set()  # prefixes
        self.buffer = b""
        net.wait_until(self.establish, f"{own.address}'s session with {peer.address}")

    def close(self) -> None:
        self.socket.close()

    def establish(self) -> bool:
        self.buffer = b""
        with self.host.inside():
            self.socket = socket.socket()
        self.socket.settimeout(1)
        try:
            self.socket.bind((self.own.address, 0))
            self.socket.connect((self.peer.address, 179))
            families = b"".join(struct.pack(">BBHBB", 1, 4, IPV4, 0, safi) for safi in self.safis)
            # 4-octet AS numbers; graceful restart, for End-of-RIB alone
            capabilities = families + struct.pack(">BBI", 65, 4, self.own.asn) + struct.pack(">BBH", 64, 2, 0)
            options = struct.pack(">BB", 2, len(capabilities)) + capabilities
            fixed = struct.pack(">BHH4sB", 4, self.own.asn, 0, socket.inet_aton(self.own.address), len(options))
            self.send(OPEN, fixed + options)
            while self.receive()[0] != OPEN:
                pass
            self.send(KEEPALIVE, b"")
            while self.receive()[0] != KEEPALIVE:
                pass
        except (OSError, Closed):
            self.socket.close()
            return False
        for safi in self.safis:  # End-of-RIB (RFC 4724 section 2): that was all
            self.update(b"" if safi == UNICAST else attribute(OPTIONAL, MP_UNREACH, struct.pack(">HB", IPV4, safi)))
        return True

    # Messages

    def send(self, kind: int, body: bytes) -> None:
        self.socket.sendall(b"\xff" * 16 + struct.pack(">HB", 19 + len(body), kind) + body)

    def receive(self) -> tuple[int, bytes]:
        """The next message. Closed when the other side has ended the session; TimeoutError when none comes in time."""
        head = self.exactly(19)
        length, kind = struct.unpack(">16xHB", head)
        self.buffer = self.buffer[19:]
        body = self.exactly(length - 19)
        self.buffer = self.buffer[len(body) :]
        if kind == NOTIFICATION:
            raise Closed(body[0], body[1])
        return kind, body

    def exactly(self, length: int) -> bytes:
        """The first bytes of the buffer, which stay there until all are."""
        while len(self.buffer) < length:
            came = self.socket.recv(65536)
            if not came:
                raise Closed
            self.buffer += came
        return self.buffer[:length]

    # Saying

    def announce(self, nlri: bytes, *communities: bytes) -> None:
        """A flowspec route; `nlri` is without its length."""
        self.announced.add(nlri)
        reach = struct.pack(">HBBB", IPV4, FLOWSPEC, 0, 0) + with_length(nlri)
        self.update(
            attribute(WELL_KNOWN, ORIGIN, b"\0") + self.path(1)
            + (attribute(OPTIONAL_TRANSITIVE, EXTENDED_COMMUNITIES, b"".join(communities)) if communities else b"")
            + attribute(OPTIONAL, MP_REACH, reach)
        )  # fmt: skip

    def withdraw(self, nlri: bytes) -> None:
        self.announced.remove(nlri)
        self.update(attribute(OPTIONAL, MP_UNREACH, struct.pack(">HB", IPV4, FLOWSPEC) + with_length(nlri)))

    def announce_unicast(self, prefix: str, path_length: int = 1) -> None:
        self.announced_unicast.add(prefix)
        next_hop = attribute(WELL_KNOWN, NEXT_HOP, socket.inet_aton(self.own.address))
        self.update(attribute(WELL_KNOWN, ORIGIN, b"\0") + self.path(path_length) + next_hop, reachable=octets(prefix))

    def withdraw_unicast(self, prefix: str) -> None:
        self.announced_unicast.remove(prefix)
        self.update(b"", unreachable=octets(prefix))

    def withdraw_all(self) -> None:
        for nlri in list(self.announced):
            self.withdraw(nlri)
        for prefix in list(self.announced_unicast):
            self.withdraw_unicast(prefix)

    def path(self, length: int) -> bytes:
        return attribute(WELL_KNOWN, AS_PATH, struct.pack(f">BB{length}I", 2, length, *[self.own.asn] * length))

    def update(self, attributes: bytes, reachable: bytes = b"", unreachable: bytes = b"") -> None:
        lists = struct.pack(">H", len(unreachable)) + unreachable + struct.pack(">H", len(attributes)) + attributes
        self.send(UPDATE, lists + reachable)

    # Hearing

    def listen(self, until: Callable[[], bool], what: str, seconds: float = 20) -> None:
        """Reads until it is true of what was heard; AssertionError naming `what` when that is not in time."""
        end = time.monotonic() + seconds
        while not until():
            assert time.monotonic() < end, f"waited {seconds} seconds in vain for {what}; heard {self.flows}"
            self.hear()

    def hear(self) -> None:
        """One message, or none within a second."""
        try:
            kind, body = self.receive()
        except TimeoutError:
            return
        if kind == UPDATE:
            (unreachable,) = struct.unpack(">H", body[:2])
            self.learn(body[4 + unreachable :])

    def learn(self, attributes: bytes) -> None:
        reached, lost, communities = b"", b"", b""
        while attributes:
            flags, kind, size = struct.unpack(">BBB", attributes[:3])
            begin = 3
            if flags & 0x10:
                (size,), begin = struct.unpack(">H", attributes[2:4]), 4
            value, attributes = attributes[begin : begin + size], attributes[begin + size :]
            if kind == EXTENDED_COMMUNITIES:
                communities = value
            elif kind == MP_REACH and value[2] == FLOWSPEC:
                reached = value[5 + value[3] :]
            elif kind == MP_UNREACH and value[2] == FLOWSPEC:
                lost = value[3:]
        for nlri in without_lengths(reached):
            self.flows[nlri] = tuple(communities[at : at + 8] for at in range(0, len(communities), 8))
        for nlri in without_lengths(lost):
            self.flows.pop(nlri, None)

    def refused(self) -> tuple[int, ...]:
        """Waits for the other side to end the session: the code and subcode of its NOTIFICATION."""
        try:
            while True:
                self.receive()
        except Closed as closed:
            return closed.args


def attribute(flags: int, kind: int, value: bytes) -> bytes:
    return struct.pack(">BBB", flags, kind, len(value)) + value


def octets(prefix: str) -> bytes:
    """A prefix as it stands in an UPDATE: its length, and as many octets as that takes."""
    address, _, length = prefix.partition("/")
    return bytes([int(length)]) + socket.inet_aton(address)[: (int(length) + 7) // 8]


def with_length(nlri: bytes) -> bytes:
    assert len(nlri) < 240
    return bytes([len(nlri)]) + nlri


def without_lengths(field: bytes) -> list[bytes]:
    found = []
    while field:
        size, begin = field[0], 1
        if size >= 240:
            size, begin = struct.unpack(">H", field[:2])[0] & 0xFFF, 2
        found.append(field[begin : begin + size])
        field = field[begin + size :]
    return found
