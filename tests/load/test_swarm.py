"""A swarm against servers that are right, slow, wrong, rude or absent: every answer is counted as what it is."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from simulator.load import report, verdict
from simulator.load.plan import Part, Plan, Target
from simulator.load.swarm import Outcome, Swarm
from simulator.protocol.checksums import with_crc

Answer = Callable[[bytes], "bytes | None"]  # a request to the bytes sent back; None closes


class Server:
    """Answers each chunk of each connection by a function, in threads."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._open.append(connection)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            while data := connection.recv(65536):
                answer = self._answer(data)
                if answer is None:
                    return
                connection.sendall(answer)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for each in self._open:
            each.close()


@pytest.fixture
def serving() -> Iterator[Callable[[Answer], Target]]:
    servers: list[Server] = []

    def begin(answer: Answer, framing: str = "mbap") -> Target:
        servers.append(Server(answer))
        return Target("127.0.0.1", servers[-1].port, "tcp", framing, False)

    yield begin
    for server in servers:
        server.close()


def right(data: bytes) -> bytes:
    answers = []
    while data:
        transaction, _, length, unit, function, _, quantity = struct.unpack_from(">HHHBBHH", data)
        answers.append(struct.pack(">HHHBBB", transaction, 0, 3 + 2 * quantity, unit, function, 2 * quantity))
        answers.append(bytes(2 * quantity))
        data = data[6 + length :]
    return b"".join(answers)


def swarm(target: Target, **settings: object) -> Outcome:
    return Swarm(
        Plan(**{"targets": (target,), "clients": 2, "duration_s": 0.25, "timeout_s": 0.2, **settings})
    ).run()


def altered(place: int, value: int) -> Answer:
    def answer(data: bytes) -> bytes:
        made = bytearray(right(data))
        made[place] = value
        return bytes(made)

    return answer


@pytest.mark.parametrize(
    "settings", [{}, {"depth": 4}, {"rate": 100.0}, {"rate": 100.0, "arrivals": "poisson"}]
)
def test_right_answers_are_counted_and_timed(serving, settings):
    outcome = swarm(serving(right), **settings)
    tally = outcome.tally
    assert (tally.failed, outcome.connected) == (0, 2)
    assert tally.answered == tally.sent == tally.response.total == tally.service.total > 10
    assert 0 < tally.response.percentile(50) < 1e9
    assert verdict.exceeded(outcome, 0.0, None) == []


def test_answers_cut_into_pieces_or_joined_are_right(serving):
    held: dict[int, bytes] = {}

    def dribble(data: bytes) -> bytes:
        whole = held.pop(threading.get_ident(), b"") + right(data)
        held[threading.get_ident()] = whole[-5:]
        return whole[:-5]

    outcome = swarm(serving(dribble), clients=1, depth=3)
    assert outcome.tally.answered >= 2
    assert set(outcome.tally.errors) <= {"timeout"}


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (altered(6, 9), "wrong unit id"),
        (altered(7, 4), "wrong function"),
        (lambda data: data[:4] + b"\x00\x03" + data[6:7] + b"\x83\x02", "exception 2, illegal data address"),
        (lambda data: data[:4] + b"\x00\x03" + data[6:7] + b"\x83\x42", "exception 66, no exception of the specification"),
        (lambda data: data[:4] + b"\x00\x05" + data[6:7] + b"\x03\x02\x00\x00", "wrong length"),
        (altered(3, 1), "no Modbus: protocol id 1"),
        (lambda data: b"HTTP/1.1 400 Bad Request\r\n\r\n", "no Modbus: protocol id 21584"),
        (lambda data: None, "connection closed"),
    ],
)  # fmt: skip
def test_each_wrong_answer_is_an_error_of_its_own_kind(serving, answer, kind):
    tally = swarm(serving(answer)).tally
    assert set(tally.errors) == {kind}
    assert tally.answered == 0


def test_a_foreign_transaction_id_is_told_from_a_timeout(serving):
    tally = swarm(serving(altered(0, 0xEE))).tally
    assert tally.errors["answer to no request"] > 0
    assert tally.errors["timeout"] > 0


def test_a_silent_server_is_timeouts_and_late_answers_are_told(serving):
    def slow(data: bytes) -> bytes:
        time.sleep(0.12)
        return right(data)

    tally = swarm(serving(slow), clients=1, timeout_s=0.05, duration_s=0.6).tally
    assert tally.errors["timeout"] >= 2
    assert tally.late >= 1
    assert "answer to no request" not in tally.errors


def test_a_pause_of_the_server_shows_in_every_request_it_delayed(serving):
    once = [0.3]

    def pausing(data: bytes) -> bytes:
        if once:
            time.sleep(once.pop())
        return right(data)

    tally = swarm(serving(pausing), clients=1, rate=100.0, duration_s=0.6, timeout_s=2.0).tally
    assert tally.failed == 0
    late = sum(count for low, _, count in tally.response.buckets() if low > 50e6)
    sent_late = sum(count for low, _, count in tally.service.buckets() if low > 50e6)
    assert late > 10  # some 25 were due in the pause
    assert sent_late <= 2


def test_requests_without_room_are_told_at_the_end(serving):
    def slow(data: bytes) -> bytes:
        time.sleep(0.1)
        return right(data)

    outcome = swarm(serving(slow), clients=1, rate=200.0, duration_s=0.4, timeout_s=0.3)
    assert outcome.tally.errors["not sent: no room in flight"] > 20
    assert "were asked for" in verdict.lagging(outcome)
    assert "the server did not keep up" in report.text(outcome) or verdict.saturation(outcome)


def test_nobody_there_ends_at_once_and_says_why():
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    began = time.monotonic()
    outcome = swarm(Target("127.0.0.1", port, "tcp", "mbap", False), duration_s=30.0)
    assert outcome.failure == "connection refused"
    assert time.monotonic() - began < 10


def test_clients_come_back_after_a_loss(serving):
    seen = []

    def first_closes(data: bytes) -> bytes | None:
        seen.append(data)
        return None if len(seen) == 1 else right(data)

    outcome = swarm(serving(first_closes), clients=1, duration_s=1.5)
    assert dict(outcome.tally.errors) == {"connection closed": 1}
    assert outcome.tally.answered > 0
    assert outcome.connected == 1


def test_a_ramp_comes_before_measuring(serving):
    outcome = swarm(serving(right), clients=4, rate=50.0, ramp_s=0.3)
    assert outcome.elapsed_s == pytest.approx(0.25, abs=0.2)
    assert outcome.connected == 4


def test_rtu_over_tcp(serving):
    def answer(data: bytes) -> bytes:
        quantity = struct.unpack_from(">H", data, 4)[0]
        return with_crc(data[:2] + bytes((2 * quantity,)) + bytes(2 * quantity))

    tally = swarm(serving(answer, "rtu")).tally
    assert tally.failed == 0
    assert tally.answered > 10


def test_a_stop_ends_it_early(serving):
    plan = Plan((serving(right),), clients=1, duration_s=60.0, mix=(Part(3, 1),))
    running = Swarm(plan)
    timer = threading.Timer(0.2, running.stop)
    timer.start()
    outcome = running.run()
    timer.join()
    assert outcome.interrupted
    assert outcome.elapsed_s < 30


def test_every_socket_is_closed_and_the_report_says_it_all(serving):
    outcome = swarm(serving(right))
    assert "answers      " in report.text(outcome)
    data = report.as_data(outcome)
    assert sum(count for _, _, count in data["histogram_ms"]) == data["answered"]
    assert data["generator"].keys() == {"busy", "cpu", "starved", "lag_p99_ms", "was_the_limit", "why"}


@pytest.mark.parametrize(
    ("busy", "cpu", "starved", "said"),
    [
        (0.95, 0.94, 0.0, "it was busy 95% of the time; use more processes or machines for more"),
        (0.5, 0.4, 0.55, "it got 40% of a core and could have used more; other programs took the rest"),
        (0.16, 0.12, 0.56, "it waited 56% of the time for a core that other programs had"),
        (0.5, 0.4, 0.1, ""),
    ],
)
def test_the_generator_says_when_it_was_the_limit(serving, busy, cpu, starved, said):
    import dataclasses

    outcome = dataclasses.replace(swarm(serving(right), duration_s=0.05), busy=busy, cpu=cpu, starved=starved)
    assert verdict.saturation(outcome) == said
