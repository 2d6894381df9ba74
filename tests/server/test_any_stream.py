"""Any chopping of a stream gives the same answers, any garbage leaves the server answering: framings of lines.

Over real connections and pseudo-terminals; MBAP and datagrams have theirs in ``test_streams``, ``test_hostile`` and
``test_datagram``.
"""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulator.protocol.ascii import AsciiFramer
from simulator.protocol.rtu import RtuFramer

PATIENCE_S = 30
SILENCE_S = 0.05  # longer than the 3.5 characters that end a frame on these lines
FRAMERS: dict[str, Any] = {"rtu+tcp": RtuFramer, "ascii+tcp": AsciiFramer}
LINES: dict[str, Any] = {"rtu": RtuFramer, "ascii": AsciiFramer}
READ, ONE = bytes.fromhex("03 0000 0001"), bytes.fromhex("03 02 0001")
EXCHANGES = [
    (1, "03 0000 0004", "03 08 0001 1111 2222 3333"),
    (2, "04 0000 0002", "04 04 4444 4444"),
    (1, "01 0000 0004", "01 01 0d"),
    (1, "02 0000 0009", "02 02 ff01"),
    (1, "03 01f4 0001", "83 02"),
    (1, "03 0000 0000", "83 03"),
    (2, "06 0005 0000", "06 0005 0000"),
    (1, "10 0005 0002 04 0000 0000", "10 0005 0002"),
    (1, "0f 0010 0008 01 00", "0f 0010 0008"),
    (1, "16 0004 ffff 0000", "16 0004 ffff 0000"),
    (1, "17 0001 0002 0004 0001 02 0000", "17 04 1111 2222"),
    (2, "2b 0e 04 02", "2b 0e 04 82 00 00 01 02 03 31 2e 30"),
    (1, "08 0000 a537", "08 0000 a537"),
    (1, "04 0000 007d", "04 fa" + "4444" * 125),
]
examples = settings(
    deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


class Line:
    """The clients' end of a pseudo-terminal."""

    def __init__(self, path: str) -> None:
        self._fd = os.open(path, os.O_RDWR | os.O_NOCTTY)

    def send(self, data: bytes) -> None:
        os.write(self._fd, data)

    def receive(self, size: int) -> bytes:
        received = b""
        while len(received) < size and select.select([self._fd], [], [], PATIENCE_S)[0]:
            received += os.read(self._fd, size - len(received))
        return received

    def quiet(self) -> None:
        """Read until nothing has come for the time of a silence."""
        while select.select([self._fd], [], [], SILENCE_S)[0]:
            os.read(self._fd, 4096)

    def close(self) -> None:
        os.close(self._fd)


@pytest.fixture(scope="module")
def places(serve_for_all: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path]:
    folder = tmp_path_factory.mktemp("any")
    endpoints = [f"{scheme}://127.0.0.1:0" for scheme in FRAMERS]
    endpoints += [f"{scheme}:pty?link={folder}/{scheme}&baudrate=115200" for scheme in LINES]
    groups = "\n".join(
        f'  - {{name: "{place}-{{n}}", profile: box, endpoint: "{endpoint}", unit_id: 1-2}}'
        for place, endpoint in enumerate(endpoints)
    )
    return serve_for_all(f"devices:\n{groups}\n"), folder


@pytest.fixture
def line(places: Any, request: pytest.FixtureRequest) -> Iterator[Line]:
    line = Line(f"{places[1]}/{request.param}")
    yield line
    line.close()


@pytest.mark.parametrize("scheme", FRAMERS)
@examples
@given(data=st.data())
def test_any_chopping_of_a_stream_gives_the_same_answers(places: Any, scheme: str, data: Any) -> None:
    build = FRAMERS[scheme]().build
    sent = b"".join(build(i, unit, bytes.fromhex(pdu)) for i, (unit, pdu, _) in enumerate(EXCHANGES))
    expected = b"".join(build(i, unit, bytes.fromhex(pdu)) for i, (unit, _, pdu) in enumerate(EXCHANGES))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(sent)), max_size=12)))
    client = places[0].client([*FRAMERS].index(scheme))
    for start, stop in zip([0, *cuts], [*cuts, len(sent)], strict=True):
        client.send(sent[start:stop])
    assert client.receive(len(expected)) == expected
    client.close()


def anything(framer: Any) -> st.SearchStrategy[bytes]:
    """No Modbus at all, and frames as they should be around any PDU that silences nobody and writes nothing."""
    quiet = st.integers(0, 255).filter(lambda code: code not in (0, 5, 6, 8, 15, 16, 22, 23))
    pdus = st.builds(lambda code, rest: bytes((code,)) + rest, quiet, st.binary(max_size=40))
    frames = st.builds(lambda unit, pdu: framer().build(7, unit, pdu), st.integers(0, 255), pdus)
    cut = st.builds(lambda frame, size: frame[:size], frames, st.integers(1, 12))
    return st.one_of(st.binary(min_size=1, max_size=120), frames, cut)


@pytest.mark.parametrize("scheme", FRAMERS)
@examples
@given(data=st.data())
def test_garbage_over_tcp_leaves_the_server_answering(places: Any, scheme: str, data: Any) -> None:
    framer = FRAMERS[scheme]
    client = places[0].client([*FRAMERS].index(scheme))
    try:
        for chunk in data.draw(st.lists(anything(framer), min_size=1, max_size=6)):
            client.send(chunk)
    except OSError:  # it has been closed meanwhile
        pass
    client.close(reset=data.draw(st.booleans()))
    other = places[0].client([*FRAMERS].index(scheme))
    other.send(framer().build(1, 1, READ))
    expected = framer().build(1, 1, ONE)
    assert other.receive(len(expected)) == expected
    other.close()


@pytest.mark.parametrize(("line", "scheme"), [(scheme, scheme) for scheme in LINES], indirect=["line"])
@examples
@given(data=st.data())
def test_garbage_on_a_line_leaves_the_server_answering(line: Line, scheme: str, data: Any) -> None:
    framer = LINES[scheme]
    for chunk in data.draw(st.lists(anything(framer), min_size=1, max_size=4)):
        line.send(chunk)
    line.quiet()
    line.send(framer().build(1, 1, READ))
    expected = framer().build(1, 1, ONE)
    assert line.receive(len(expected)) == expected


@pytest.mark.parametrize("line", ["ascii"], indirect=True)
@examples
@given(data=st.data())
def test_any_chopping_of_ascii_on_a_line_gives_the_same_answers(line: Line, data: Any) -> None:
    """RTU on a line is cut by its silences: two requests without one between them are one frame."""
    build = AsciiFramer().build
    sent = b"".join(build(0, unit, bytes.fromhex(pdu)) for unit, pdu, _ in EXCHANGES)
    expected = b"".join(build(0, unit, bytes.fromhex(pdu)) for unit, _, pdu in EXCHANGES)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(sent)), max_size=12)))
    for start, stop in zip([0, *cuts], [*cuts, len(sent)], strict=True):
        line.send(sent[start:stop])
    assert line.receive(len(expected)) == expected


@pytest.mark.parametrize("scheme", FRAMERS)
def test_a_server_that_was_held_up_gives_up_nothing_that_has_come_meanwhile(serve: Any, scheme: str) -> None:
    """A pause is one of the client's, not one of a server that was busy or stopped."""
    framer = FRAMERS[scheme]
    server = serve(f'devices: [{{name: box, profile: box, endpoint: "{scheme}://127.0.0.1:0"}}]\n')
    client = server.client()
    request, expected = framer().build(1, 1, READ), framer().build(1, 1, ONE)
    client.send(request + request[:5])
    assert client.receive(len(expected)) == expected
    server.process.send_signal(signal.SIGSTOP)
    client.send(request[5:])
    time.sleep(framer.idle_s + 0.1)
    server.process.send_signal(signal.SIGCONT)
    client.socket.settimeout(framer.idle_s + 2)
    assert client.receive(len(expected)) == expected
