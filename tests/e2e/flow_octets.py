"""Flowspec routes and their actions octet by octet (RFC 8955 sections 4 and 7), also those that no speaker would write."""

from __future__ import annotations

import struct

from bgp_speaker import octets

DESTINATION, SOURCE, PROTOCOL, PORT, DESTINATION_PORT, SOURCE_PORT = 1, 2, 3, 4, 5, 6
ICMP_TYPE, ICMP_CODE, TCP_FLAGS, PACKET_LENGTH, DSCP, FRAGMENT = 7, 8, 9, 10, 11, 12
EQUAL, GREATER, LESS, AND, END = 0x01, 0x02, 0x04, 0x40, 0x80  # of an operator
WIDTH_BITS = {1: 0x00, 2: 0x10, 4: 0x20, 8: 0x30}  # of an operator, by the octets of its value


def numbers(kind: int, *tests: tuple[int, int], width: int = 1) -> bytes:
    """A component of {operator, value} pairs, each value in so many octets."""
    pairs = [bytes([WIDTH_BITS[width] | operator]) + value.to_bytes(width, "big") for operator, value in tests]
    pairs[-1] = bytes([pairs[-1][0] | END]) + pairs[-1][1:]
    return bytes([kind]) + b"".join(pairs)


def prefix(kind: int, network: str) -> bytes:
    return bytes([kind]) + octets(network)


def rate(bytes_per_second: float) -> bytes:
    return struct.pack(">HHf", 0x8006, 0, bytes_per_second)


DISCARD = rate(0)
SAMPLE = struct.pack(">HIH", 0x8007, 0, 2)
PACKET_RATE = struct.pack(">HHf", 0x800C, 0, 10)
TARGET = struct.pack(">HHI", 0x0002, 65000, 77)  # a route target, which is no action


def redirect(number: int) -> bytes:
    return struct.pack(">HHI", 0x8008, 65000, number)


def marking(dscp: int) -> bytes:
    return struct.pack(">HIH", 0x8009, 0, dscp)


def words_of(community: bytes) -> str:
    """As the fetcher writes it for BIRD."""
    high, low = struct.unpack(">II", community)
    return f"(generic, {high:#x}, {low:#x})"
