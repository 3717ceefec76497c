"""A load generator in one thread, for a process of its own: `python -m infrastructure.bench.load`.

It reads one `Load` as JSON from standard input and prints one `Figures` as JSON. Requests are prepared bytes
and answers are read only as far as their length says, so that it is faster than any server it measures.
"""

import selectors
import socket
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from time import perf_counter

import msgspec

NUMBER = b"@@@@@@@@"
"""In a request, stands for the next number, in as many digits."""

READ_BYTES = 1 << 18


class Load(msgspec.Struct, frozen=True):
    """What to send: one request over and over on some connections, timed after a warm-up. Seconds."""

    host: str
    port: int
    request: str
    connections: int
    seconds: float
    warm_up: float = 0.5
    first_number: int = 0


class Figures(msgspec.Struct, frozen=True):
    """What came of it: answers a second, percentiles of the time to the whole answer, answers by status."""

    per_second: float
    p50_ms: float
    p99_ms: float
    statuses: dict[str, int]


class ConnectionLost(Exception):
    """The server closed a connection in the middle of an answer."""


@dataclass
class Connection:
    """One keep-alive connection with at most one request under way."""

    socket: socket.socket
    sent_at: float = 0.0
    answer: bytearray = field(default_factory=bytearray)

    def send(self, request: bytes) -> None:
        """Send the next request; it is small enough for the socket's buffer."""
        self.answer.clear()
        self.sent_at = perf_counter()
        self.socket.sendall(request)

    def receive(self) -> bytes | None:
        """The status of the answer once all of it is here. Raises ConnectionLost."""
        read = self.socket.recv(READ_BYTES)
        if not read:
            raise ConnectionLost
        self.answer += read
        head = self.answer.find(b"\r\n\r\n")
        if head < 0 or len(self.answer) < head + 4 + _length(self.answer[:head]):
            return None
        return bytes(self.answer[9:12])


def run(load: Load) -> Figures:
    """Keep every connection busy for warm-up and measured time, then wait for the last answers."""
    requests = _numbered(load.request.encode(), load.first_number)
    statuses: Counter[bytes] = Counter()
    took: list[float] = []
    with selectors.DefaultSelector() as selector:
        for _ in range(load.connections):
            connection = Connection(socket.create_connection((load.host, load.port), timeout=30))
            connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            selector.register(connection.socket, selectors.EVENT_READ, connection)
            connection.send(next(requests))
        begins = perf_counter() + load.warm_up
        ends = begins + load.seconds
        while selector.get_map():
            for key, _ in selector.select():
                busy: Connection = key.data
                status = busy.receive()
                if status is None:
                    continue
                now = perf_counter()
                if begins <= now < ends:
                    took.append(now - busy.sent_at)
                    statuses[status] += 1
                if now < ends:
                    busy.send(next(requests))
                else:
                    selector.unregister(busy.socket)
                    busy.socket.close()
    return _figures(took, statuses, load.seconds)


def _figures(took: list[float], statuses: "Counter[bytes]", seconds: float) -> Figures:
    took.sort()
    return Figures(
        per_second=len(took) / seconds,
        p50_ms=_percentile(took, 0.50) * 1000,
        p99_ms=_percentile(took, 0.99) * 1000,
        statuses={status.decode(): count for status, count in sorted(statuses.items())},
    )


def _percentile(ordered: list[float], part: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))] if ordered else float("nan")


def _length(head: bytes | bytearray) -> int:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            return int(value)
    return 0


def _numbered(request: bytes, first: int) -> Iterator[bytes]:
    return (request.replace(NUMBER, b"%08d" % number) for number in count(first))


if __name__ == "__main__":
    load = msgspec.json.decode(sys.stdin.buffer.read(), type=Load)
    sys.stdout.buffer.write(msgspec.json.encode(run(load)))
