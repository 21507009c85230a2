"""Rates, with packets."""

from __future__ import annotations

import json
import pathlib
import socket
import time

import pytest
from conftest import Segment

RATE = 100_000  # bytes a second
ROUTE = f'[{{"to":"10.0.2.0/24","proto":"= 17 "}},{{"ecomlist":"FS:rate {RATE}.000000"}},{{"time":"00:00:01"}}]\n'
SIZE = 1000  # of a packet


def passing(segment: Segment, seconds: float = 4) -> float:
    """Which part of the rate gets through when four times as much is offered, the burst of the first second left out."""
    with segment.server.socket(socket.SOCK_DGRAM, 9000) as receiver, segment.client.socket(socket.SOCK_DGRAM) as sender:
        receiver.setblocking(False)
        start, sent, came = time.monotonic(), 0, []
        while (now := time.monotonic() - start) < seconds:
            while sent * SIZE < 4 * RATE * now:
                sender.sendto(bytes(SIZE - 28), (segment.SERVER, 9000))
                sent += 1
            try:
                while receiver.recv(SIZE):
                    came.append(now)
            except BlockingIOError:
                time.sleep(0.005)
    assert sent * SIZE > 2 * RATE * seconds, "too slow to offer more than the rate"
    return sum(when > 1.5 for when in came) * SIZE / (seconds - 1.5) / RATE


@pytest.mark.parametrize("segments", [False, True], ids=["one list", "two segments"])
def test_a_rate_is_what_gets_through(segment: Segment, tmp_path: pathlib.Path, segments: bool) -> None:
    """A packet from one tenant to another meets the route in the lists of both: one bucket for both would let next to nothing through."""
    options: tuple[object, ...] = ()
    if segments:
        sides = (("a", "in_interface", segment.client), ("b", "out_interface", segment.server))
        file = tmp_path / "segments.json"
        file.write_text(json.dumps({"segments": [
            {"name": name, "import": [f"65000:{name == 'a':d}"], "parents": [{"chain": "FORWARD", side: host.name}]} for name, side, host in sides
        ]}))  # fmt: skip
        options = ("--segments", file)
    segment.sync_text(ROUTE, *options)
    assert 0.7 < passing(segment) < 1.2
