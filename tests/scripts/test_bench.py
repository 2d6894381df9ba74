"""The benchmark's tools: the load generator accepts right answers only, and the report judges."""

from __future__ import annotations

import json
import os
import socket
import socketserver
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

from benchmark import comparing, plants, processes, report, workshop  # noqa: E402
from benchmark.bars import Bar, Outcome, Row, Table  # noqa: E402
from benchmark.load import parse  # noqa: E402
from benchmark.machine import cores  # noqa: E402
from benchmark.million import KINDS  # noqa: E402
from benchmark.scenarios import SCENARIOS  # noqa: E402

from simulator.protocol.checksums import with_crc  # noqa: E402

Spoil = Callable[[list[bytes]], list[bytes]]


def respond(request: bytes) -> bytes:
    """The right answer of a device whose registers hold their address and whose odd bits are set."""
    transaction, _, _, unit, function, address, quantity = struct.unpack(">HHHBBHH", request[:12])
    if function == 16:
        body = struct.pack(">HH", address, quantity)
    elif function in (1, 2):
        bits = sum(((address + i) & 1) << i for i in range(quantity))
        body = bytes([(quantity + 7) // 8]) + bits.to_bytes((quantity + 7) // 8, "little")
    else:
        words = struct.pack(f">{quantity}H", *range(address, address + quantity))
        body = bytes([len(words)]) + words
    return struct.pack(">HHHBB", transaction, 0, len(body) + 2, unit, function) + body


class Device(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        self.server.peers.append(self.request.getsockname()[0])  # type: ignore[attr-defined]
        data = b""
        while chunk := self.request.recv(65536):
            data += chunk
            answers = []
            while len(data) >= 6 and len(data) >= (size := 6 + int.from_bytes(data[4:6], "big")):
                self.server.units.add(data[6])  # type: ignore[attr-defined]
                answers.append(respond(data[:size]))
                data = data[size:]
            answers = self.server.spoil(answers)  # type: ignore[attr-defined]
            if answers is None:
                return
            for answer in answers:
                self.request.sendall(answer)


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, host: str, spoil: Spoil) -> None:
        super().__init__((host, 0), Device)
        self.spoil, self.peers, self.units = spoil, [], set()

    def handle_error(self, request: object, client_address: object) -> None:
        """A load generator that hangs up in the middle of an answer is no news."""


@contextmanager
def serving(spoil: Spoil = lambda answers: answers, host: str = "127.0.0.1") -> Iterator[Server]:
    with Server(host, spoil) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The load generator, compiled."""
    return workshop.Workshop(tmp_path_factory.mktemp("bench")).load()


def load(program: Path, *arguments: object) -> tuple[int, dict[str, Any]]:
    command = [str(program), "-w", "0", "-T", "10", *map(str, arguments)]  # no right answer is late
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode in (0, 1), done.stderr
    return done.returncode, json.loads(done.stdout)


def target_at(port: int) -> str:
    return f"127.0.0.1:{port}"


def target(server: Server) -> str:
    return target_at(server.server_address[1])


def patched(at: int, change: Callable[[int], int]) -> Spoil:
    """Change one byte of every answer."""
    return lambda answers: [
        answer[:at] + bytes([change(answer[at]) & 0xFF]) + answer[at + 1 :] for answer in answers
    ]


@pytest.mark.parametrize("mix", ["fc3x10", "fc3x125", "fc4x1", "fc1x2000", "fc2x9", "fc16x10"])
def test_right_answers_are_counted_and_nothing_else(program: Path, mix: str) -> None:
    with serving() as server:
        code, got = load(
            program, "-c", 5, "-d", 4, "-m", mix, "-D", "address", "-a", "3+50", "-n", 200, target(server)
        )
    assert (code, got["errors"], got["connect_failures"]) == (0, {}, 0)
    assert got["requests"] >= 200
    assert 0 < got["latency_us"]["p50"] <= got["latency_us"]["p99"] <= got["latency_us"]["max"]


def test_answers_in_single_bytes_and_in_one_chunk_are_the_same(program: Path) -> None:
    with serving(lambda answers: [bytes([byte]) for answer in answers for byte in answer]) as server:
        pieces = load(program, "-d", 3, "-D", "address", "-n", 50, target(server))
    with serving(lambda answers: [b"".join(answers)]) as server:
        whole = load(program, "-d", 3, "-D", "address", "-n", 50, target(server))
    assert [code for code, _ in (pieces, whole)] == [0, 0]
    assert pieces[1]["requests"] >= 50 <= whole[1]["requests"]


# The bytes of an answer to FC 3 × 10: transaction 0-1, protocol 2-3, length 4-5, unit 6, function 7,
# byte count 8, data 9-28.
WRONG: list[tuple[str, Spoil]] = [
    ("transaction_id", patched(0, lambda byte: byte ^ 0x80)),
    ("protocol_id", patched(3, lambda byte: 1)),
    ("length", patched(4, lambda byte: 9)),
    ("length", lambda answers: [a[:4] + b"\x00\x15" + a[6:7] + b"\x03\x12" + a[9:27] for a in answers]),
    ("unit_id", patched(6, lambda byte: byte + 1)),
    ("function", patched(7, lambda byte: 4)),
    ("exception", lambda answers: [answer[:4] + b"\x00\x03\x01\x83\x02" for answer in answers]),
    ("byte_count", patched(8, lambda byte: byte - 2)),
    ("data", patched(28, lambda byte: byte + 1)),
    ("order", lambda answers: answers[::-1]),
    ("surplus", lambda answers: answers * 2),
    ("missing", lambda answers: answers[:1]),
    ("timeout", lambda answers: []),
    ("closed", lambda answers: None),  # type: ignore[arg-type, return-value]
]


@pytest.mark.parametrize(("kind", "spoil"), WRONG, ids=[kind for kind, _ in WRONG])
def test_a_wrong_answer_is_an_error_of_its_kind(program: Path, kind: str, spoil: Spoil) -> None:
    with serving(spoil) as server:
        code, got = load(
            program,
            "-T",
            0.2,
            "-d",
            1 if kind == "surplus" else 4,
            "-D",
            "address",
            "-t",
            0.3,
            target(server),
        )
    assert code == 1
    assert got["errors"].get(kind, 0) > 0, got["errors"]
    if kind not in ("order", "surplus", "missing"):
        assert got["requests"] == 0


class RtuDevice(socketserver.BaseRequestHandler):
    """Answers RTU requests of eight bytes, on a connection or in a datagram."""

    def handle(self) -> None:
        if isinstance(self.request, tuple):
            data, sending = self.request
            sending.sendto(self.answers(data), self.client_address)
            return
        waiting = b""
        while data := self.request.recv(65536):
            waiting += data
            whole = len(waiting) // 8 * 8
            self.request.sendall(self.answers(waiting[:whole]))
            waiting = waiting[whole:]

    def answers(self, data: bytes) -> bytes:
        requests = [data[at : at + 8] for at in range(0, len(data), 8)]
        assert [with_crc(request[:-2]) for request in requests] == requests
        adus = [b"\x00\x01\x00\x00\x00\x06" + request[:-2] for request in requests]
        return self.server.spoil(b"".join(with_crc(respond(adu)[6:]) for adu in adus))  # type: ignore[attr-defined]


class DatagramDevice(socketserver.BaseRequestHandler):
    """Answers datagrams of MBAP requests of twelve bytes."""

    def handle(self) -> None:
        data, sending = self.request
        requests = [data[at : at + 12] for at in range(0, len(data), 12)]
        sending.sendto(b"".join(map(respond, requests)), self.client_address)


@contextmanager
def answering(device: Any, *, udp: bool, spoil: Callable[[bytes], bytes] = bytes) -> Iterator[str]:
    """A server with a handler for each request; where it is."""
    kind: Any = socketserver.ThreadingUDPServer if udp else socketserver.ThreadingTCPServer
    with kind(("127.0.0.1", 0), device) as server:
        server.daemon_threads = True
        server.spoil = spoil
        server.handle_error = lambda *_: None
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield target_at(server.server_address[1])
        server.shutdown()


@pytest.mark.parametrize(
    ("options", "device"),
    [(["-F"], RtuDevice), (["-U"], DatagramDevice), (["-U", "-F"], RtuDevice)],
    ids=["rtu", "udp", "rtu over udp"],
)
@pytest.mark.parametrize("mix", ["fc3x10", "fc1x2000", "fc4x1"])
def test_other_transports_and_framings(program: Path, options: list[str], device: Any, mix: str) -> None:
    with answering(device, udp="-U" in options) as place:
        code, got = load(
            program, *options, "-c", 3, "-d", 2, "-m", mix, "-D", "address", "-a", "3+50", "-n", 100, place
        )
    assert (code, got["errors"], got["connect_failures"]) == (0, {}, 0)
    assert got["requests"] >= 100


@pytest.mark.parametrize(
    ("kind", "spoil"),
    [
        ("crc", lambda answer: answer[:-1] + bytes([answer[-1] ^ 1])),
        ("crc", lambda answer: answer[:4] + bytes([answer[4] ^ 1]) + answer[5:]),
        ("exception", lambda answer: with_crc(b"\x01\x83\x02")),
        ("unit_id", lambda answer: with_crc(b"\x02" + answer[1:-2])),
        ("data", lambda answer: with_crc(answer[:-4] + b"\x12\x34")),
        ("surplus", lambda answer: answer * 2),
        ("timeout", lambda answer: answer[:-1]),
    ],
)
def test_a_wrong_rtu_answer_is_an_error_of_its_kind(program: Path, kind: str, spoil: Any) -> None:
    with answering(RtuDevice, udp=False, spoil=spoil) as place:
        code, got = load(program, "-T", 0.2, "-F", "-D", "address", "-t", 0.3, place)
    assert code == 1
    assert got["errors"].get(kind, 0) > 0, got["errors"]
    assert kind == "surplus" or got["requests"] == 0


def test_a_wrong_echo_of_a_write_is_an_error(program: Path) -> None:
    with serving(patched(11, lambda byte: byte + 1)) as server:
        code, got = load(program, "-m", "fc16x10", "-t", 0.1, target(server))
    assert (code, got["requests"]) == (1, 0)
    assert set(got["errors"]) == {"echo"}


def test_one_wrong_bit_among_two_thousand_is_seen(program: Path) -> None:
    with serving(patched(9 + 249, lambda byte: byte ^ 0x80)) as server:
        code, got = load(program, "-m", "fc1x2000", "-D", "address", "-t", 0.1, target(server))
    assert (code, got["requests"]) == (1, 0)
    assert set(got["errors"]) == {"data"}


def test_a_number_is_expected_in_every_register(program: Path) -> None:
    sevens = b"\x00\x07" * 10
    with serving(lambda answers: [answer[:9] + sevens for answer in answers]) as server:
        assert load(program, "-D", 7, "-n", 20, target(server))[0] == 0
        assert set(load(program, "-D", 8, "-t", 0.1, target(server))[1]["errors"]) == {"data"}


def test_connections_that_fail_are_reported(program: Path, unused_port: int) -> None:
    code, got = load(program, "-c", 3, "-t", 0.1, target_at(unused_port))
    assert (code, got["connect_failures"], got["held"], got["requests"]) == (1, 3, 0, 0)


def test_random_addresses_and_unit_ids_of_a_range_are_asked(program: Path) -> None:
    with serving(host="0.0.0.0") as server:
        places = f"127.3.0.1-127.3.255.254:{server.server_address[1]}@1-9"
        code, got = load(program, "-c", 20, "-R", "-n", 400, places)
    assert code == 0, got
    assert len(set(server.peers)) > 15
    assert all(address.startswith("127.3.") for address in server.peers)
    assert server.units == set(range(1, 10))


def test_connections_are_renewed_after_so_many_answers(program: Path) -> None:
    with serving() as server:
        code, got = load(program, "-c", 2, "-k", 3, "-n", 60, target(server))
    assert code == 0
    assert got["connects"] >= 60 // 3


def test_a_rate_is_kept_by_the_clock(program: Path) -> None:
    with serving() as server:
        code, got = load(program, "-c", 10, "-r", 200, "-t", 1, target(server))
    assert code == 0
    assert 190 <= got["requests"] + got["skipped"] <= 210


def test_the_server_is_charged_for_its_time(program: Path) -> None:
    with serving() as server:
        _, got = load(program, "-n", 500, "-p", os.getpid(), target(server))
    assert 1 < got["server_cpu_us_per_request"] < 100_000
    assert got["rss_kb"]["end"] > 1000
    assert parse(json.dumps(got)).requests == got["requests"]


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["127.0.0.1"],
        ["127.0.0.1:5-4"],
        ["x:1"],
        ["-m", "fc3x126", "127.0.0.1:1"],
        ["-d", "65", "127.0.0.1:1"],
    ],
)
def test_nonsense_on_the_command_line_is_refused(program: Path, arguments: list[str]) -> None:
    done = subprocess.run([str(program), *arguments], capture_output=True, text=True, timeout=10, check=False)
    assert done.returncode == 2
    assert "load" in done.stderr


def test_libmodbus_that_is_absent_is_named_with_the_command_that_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workshop.shutil, "which", lambda name: None)
    with pytest.raises(workshop.UnavailableError, match="apt install libmodbus-dev"):
        workshop.Workshop(tmp_path).libmodbus()


def test_the_server_on_libmodbus_answers_every_mix_or_its_absence_is_told(
    program: Path, tmp_path: Path, unused_port: int
) -> None:
    if subprocess.run(["sh", "-c", "pkg-config --exists libmodbus"], check=False).returncode:
        with pytest.raises(workshop.UnavailableError, match="apt install"):
            workshop.Workshop(tmp_path).libmodbus()
        return
    place = target_at(unused_port)
    command = [str(workshop.Workshop(tmp_path).libmodbus()), place]
    with processes.serving("libmodbus", command, cores()[0], tmp_path) as running:
        for mix in ("fc3x125", "fc1x2000", "fc16x10"):
            code, got = load(
                program, "-c", 4, "-d", 3, "-m", mix, "-D", "address", "-n", 100, target_at(unused_port)
            )
            assert (code, got["errors"]) == (0, {})
        assert running.ready_s < 5
        assert running.rss_kb() > 500
        assert 0 < running.cpu_s() < 5
    assert running.process.returncode is not None


@pytest.fixture
def unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    command: Sequence[str] = [sys.executable, str(ROOT / "scripts" / "bench"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_the_scenarios_are_listed() -> None:
    done = bench("--list")
    assert done.returncode == 0
    assert [line.split()[0] for line in done.stdout.splitlines()] == list(SCENARIOS)


def test_a_server_that_does_not_start_fails_its_bars_and_says_why(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    done = bench(
        "--only", "mixes", "--quick", "--folder", str(tmp_path), "--output", str(page),
        "--modsim", "sh -c 'echo no such plant >&2; exit 78'",
    )  # fmt: skip
    assert done.returncode == 1
    assert "ended before it was ready: no such plant" in done.stdout
    assert page.read_text().count("| FAIL |") == 3


@pytest.mark.parametrize(
    ("values", "complaint", "verdict"),
    [
        ([1.0, 1.2, 9.0], "", "pass"),
        ([1.4, 1.31, 1.0], "", "FAIL"),
        ([1.05], "", "stretch"),
        ([], "", "FAIL"),
        ([0.1], "3 data", "FAIL"),
    ],
)
def test_the_median_is_judged_and_a_wrong_answer_fails(
    values: list[float], complaint: str, verdict: str
) -> None:
    assert Row(Bar("cost", 1.3, 1.05), values, complaint).verdict == verdict


def test_ratios_are_made_within_a_round() -> None:
    def runs(*costs: float) -> comparing.Runs:
        head = {
            "requests": 1,
            "requests_per_second": 1,
            "errors": {},
            "held": 1,
            "open_at_end": 1,
            "skipped": 0,
        }
        times = {"p50": 1, "p99": 1, "max": 1}
        rest = {"server_core_share": 1, "load_core_share": 1, "connect_failures": 0}
        rss = {"before": 1, "connected": 1, "end": 1}
        return comparing.Runs(
            [
                parse(
                    json.dumps(
                        head | rest | {"latency_us": times, "rss_kb": rss, "server_cpu_us_per_request": cost}
                    )
                )
                for cost in costs
            ]
        )

    assert comparing.ratios(runs(2, 30, 4), runs(1, 10, 8)) == [2, 3, 0.5]


def test_the_page_shows_every_bar_with_its_verdict() -> None:
    outcome = Outcome(
        [Row(Bar("cost", 1.3, 1.05), [1.1, 1.2, 1.0])], [Table("Costs", ["a"], [["1"]])], ["mind this"]
    )
    page = report.markdown([outcome], ["Processor: one"])
    assert "| cost | 1.10 | 1.00–1.20 | ≤ 1.3 | ≤ 1.05 | pass | – |" in page
    assert "## Costs" in page
    assert "* mind this" in page
    assert "* Processor: one" in page


@pytest.mark.parametrize(
    "profile",
    [plants.meter(), plants.crowd(), *(plants.crowd(points) for points in KINDS.values())],
)
def test_the_plants_are_accepted(tmp_path: Path, profile: str) -> None:
    path = plants.Plant("few", "tcp://127.0.0.1:17001-17005", 5, profile).write(tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "simulator", "check", str(path)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
