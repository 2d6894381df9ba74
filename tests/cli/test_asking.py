"""The verbs that ask a device, against a plant of ours: ``read``, ``write``, ``watch``, ``identify``, ``diagnose``, ``scan``."""

from __future__ import annotations

import json
import socket
import threading

import pytest

from simulator.cli import scanning
from simulator.errors import IllegalDataAddress, IllegalDataValue, IllegalFunction, TimedOut
from simulator.protocol.codes import Table

PLANT = """\
devices:
  - {name: "meter-{n}", profile: energy-meter, endpoint: "tcp://127.0.0.1:0", unit_id: 1-3, count: 3}
"""


@pytest.fixture
def meters(start, tmp_path) -> str:
    (tmp_path / "plant.yaml").write_text(PLANT)
    return f"tcp://127.0.0.1:{start('run', 'plant.yaml').wait_ready().ports[0]}"


@pytest.fixture
def device(start) -> str:
    return f"tcp://127.0.0.1:{start('serve', '127.0.0.1:0').wait_ready().ports[0]}"


@pytest.mark.parametrize(
    ("place", "kind", "values", "raw"),
    [
        ("40001", "float32", ["21.5"], [0x41AC, 0]),
        ("hr:10", "int16", ["-5"], [0xFFFB]),
        ("holding_register:20", "int32", ["-100000", "7"], [0xFFFE, 0x7960, 0, 7]),
        ("400031", "uint64", ["0x1122334455667788"], [0x1122, 0x3344, 0x5566, 0x7788]),
        ("00001", None, ["on", "off", "on"], [1, 0, 1]),
        ("co:9", None, ["1"], [1]),
    ],
)
def test_what_is_written_is_read(modsim, device, place, kind, values, raw):
    options = ["--type", kind] if kind else []
    written = modsim("write", device, place, *options, "--verify", "--json", *values)
    assert (written.returncode, written.stderr) == (0, "")
    read = modsim("read", device, place, "--count", str(len(values)), "--json", *options)
    (found,) = json.loads(read.stdout)
    assert found["raw"] == raw
    assert found == json.loads(written.stdout)["read"]


@pytest.mark.parametrize(
    ("kind", "value", "shown"),
    [
        ("float32", "nan", "nan"),
        ("float32", "inf", "inf"),
        ("float32", "16777217", "16777216"),
        ("float32", "0.1", "0.1"),
        ("float16", "0.1", "0.099975586"),
        ("float64", "1234567.891", "1234567.891"),
        ("int64", "-1000000000000001", "-1000000000000001"),
    ],
)
def test_what_the_type_can_hold_of_a_value_is_what_is_verified(modsim, device, kind, value, shown):
    written = modsim("write", device, "hr:0", value, "--type", kind, "--verify")
    assert (written.returncode, written.stderr) == (0, "")
    assert written.stdout.splitlines()[1].split()[3] == shown


@pytest.mark.parametrize(
    ("kind", "value", "raw"), [("uint32", "2000000", 2000001), ("int64", str(10**15), 10**15 + 500)]
)
def test_verifying_tells_a_device_that_holds_another_number(modsim, kind, value, raw):
    size = 4 if kind == "int64" else 2

    def work(connection: socket.socket) -> None:
        while request := connection.recv(600):
            held = raw.to_bytes(2 * size, "big")
            answer = b"\x03" + bytes((2 * size,)) + held if request[7] == 3 else request[7:12]
            connection.sendall(request[:4] + (len(answer) + 1).to_bytes(2, "big") + request[6:7] + answer)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=lambda: work(listener.accept()[0]), daemon=True).start()
        url = f"tcp://127.0.0.1:{listener.getsockname()[1]}"
        written = modsim("write", url, "hr:0", value, "--type", kind, "--verify")
    assert (written.returncode, written.stderr) == (1, f"modsim write: hr:0 is {raw}, expected {value}\n")


def test_strings_and_byte_orders(modsim, device):
    text = ("--type", "string", "--length", "4")
    assert modsim("write", device, "hr:0", "pump 7", *text, "--verify").returncode == 0
    assert "pump 7" in modsim("read", device, "hr:0", *text).stdout
    swapped = ("--type", "float32", "--byte-order", "CDAB")
    assert modsim("write", device, "hr:10", "21.5", *swapped, "--verify").returncode == 0
    assert " 21.5 " in modsim("read", device, "hr:10", *swapped).stdout
    assert json.loads(modsim("read", device, "hr:10", "--count", "2", "--json").stdout)[0]["raw"] == [
        0,
        0x41AC,
    ]


def test_more_than_one_request_can_hold_is_read_in_several(modsim, device):
    (found,) = json.loads(
        modsim("read", device, "hr:0", "--type", "float64", "--count", "100", "--json").stdout
    )
    assert len(found["raw"]) == 400
    assert len(found["value"]) == 100


def test_points_of_a_profile_are_scaled_and_named(modsim, meters):
    shown = modsim("read", meters, "--profile", "energy-meter", "voltage_l1", "serial_number", "--unit", "3")
    rows = shown.stdout.splitlines()
    assert rows[0].split() == ["point", "reference", "address", "type", "value", "raw"]
    assert rows[1].split()[:4] == ["voltage_l1", "300001", "0", "float32"]
    assert " V " in rows[1]
    assert "EM3-00000003" in rows[2]
    every = json.loads(modsim("read", meters, "--profile", "energy-meter", "--json").stdout)
    assert len(every) > 20
    assert all("name" in each for each in every)


def test_a_point_is_written_by_name_and_refusals_are_told(modsim, meters):
    words = ("--profile", "energy-meter", meters, "demand_period")
    assert modsim("write", *words, "30", "--verify").returncode == 0
    refused = modsim("write", *words, "0")
    assert refused.returncode == 1
    assert refused.stderr == "modsim write: refused with exception 3, illegal data value\n"


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (["read", "hr"], 2, "no place"),
        (["read", "hx:0"], 2, "unknown table 'hx', expected coil, discrete_input"),
        (["read", "7"], 2, "place is '7', expected a reference such as 40001, hr:7, or --table"),
        (["read", "volts"], 2, "names of points need --profile"),
        (["read", "40001", "--type", "flaot32"], 2, "did you mean float32?"),
        (["read", "00001", "--type", "int16"], 2, "data type is int16 in table coil, expected bool"),
        (["read", "--profile", "energy-metre"], 78, "did you mean 'energy-meter'?"),
        (["read", "--profile", "energy-meter", "voltage_1"], 2, "did you mean 'voltage_l1'?"),
        (["read", "hr:65535", "--type", "int32"], 2, "expected 65535"),
        (["write", "hr:0", "x"], 2, "value is 'x', expected a number for uint16"),
        (["write", "hr:0", "70000"], 2, "expected 0 to 65535"),
        (["write", "hr:0", "1.5"], 2, "value does not fit uint16, got 1.5, expected a whole number"),
        (["read", "hr:0", "--type", "string", "--length", "126"], 2, "expected at most 125 registers"),
        (["write", "00001", "maybe"], 2, "value is 'maybe', expected on or off"),
        (["write", "30001", "1"], 2, "input_register cannot be written, expected coil or holding_register"),
    ],
)
def test_what_is_wrong_with_the_command_is_told(modsim, words, code, text):
    verb, *rest = words
    result = modsim(verb, "tcp://127.0.0.1:1", *(rest if text != "no place" else []))
    assert (result.returncode, result.stdout) == (code, "")
    assert text in result.stderr


@pytest.mark.parametrize("verb", ["read", "identify", "diagnose", "scan"])
def test_nobody_there_is_one_line(modsim, verb):
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    place = ["40001"] if verb == "read" else []
    result = modsim(verb, f"tcp://127.0.0.1:{port}", *place)
    assert (result.returncode, result.stdout) == (1, "")
    assert (
        result.stderr == f"modsim {verb}: tcp://127.0.0.1:{port}: connection refused: nobody listens there\n"
    )


def test_watch_prints_changes_and_goes_on_after_errors(modsim, device):
    rounds = ("--interval", "10ms", "--rounds", "3")
    quiet = modsim("watch", device, "40001", *rounds)
    assert (quiet.returncode, len(quiet.stdout.splitlines())) == (0, 1)
    every = modsim("watch", device, "40001", "40002", *rounds, "--all", "--json")
    assert [json.loads(line)["place"] for line in every.stdout.splitlines()] == ["40001", "40002"] * 3


def test_watch_tells_a_device_that_is_gone(modsim):
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    result = modsim("watch", f"tcp://127.0.0.1:{port}", "40001", "--interval", "10ms", "--rounds", "3")
    assert result.returncode == 1
    (line,) = result.stdout.splitlines()
    assert "connection refused" in line


def test_identify_says_what_the_device_is(modsim, meters):
    found = json.loads(modsim("identify", meters, "--unit", "2", "--json").stdout)
    assert found["identification"]["vendor_name"] == "Acme Metering"
    assert found["identification"]["user_application_name"] == "meter-2"
    assert found["server_id"]["running"] is True
    assert "vendor name            Acme Metering" in modsim("identify", meters).stdout


def test_diagnose_asks_every_counter(modsim, meters):
    found = json.loads(modsim("diagnose", meters, "--pings", "3", "--json").stdout)
    assert found["loop_back_test"] == "right"
    assert found["server_messages"] > 3
    assert (
        found["round_trip_ms"]["least"] <= found["round_trip_ms"]["median"] <= found["round_trip_ms"]["most"]
    )
    assert "refused" not in modsim("diagnose", meters).stdout


def test_diagnose_says_what_a_device_does_not_have(modsim):
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def refuse() -> None:
            connection, _ = listener.accept()
            with connection:
                while data := connection.recv(260):
                    connection.sendall(data[:5] + b"\x03" + data[6:7] + bytes((data[7] | 0x80, 1)))

        threading.Thread(target=refuse, daemon=True).start()
        result = modsim("diagnose", f"tcp://127.0.0.1:{listener.getsockname()[1]}")
    assert result.returncode == 0
    assert "refused with exception 1, illegal function" in result.stdout


def test_scan_finds_units_and_ranges(modsim, meters):
    result = modsim("scan", meters, "--unit", "1-5", "--addresses", "0-299", "--timeout", "5s")
    assert result.returncode == 0
    for part in (
        "unit id 1\n",
        "unit id 3\n",
        "coils              0-1\n",
        "holding registers  0-11, 100-127\n",
    ):
        assert part in result.stdout
    assert "unit id 4" not in result.stdout
    data = json.loads(modsim("scan", meters, "--unit", "2", "--units-only", "--json").stdout)
    assert [each["unit_id"] for each in data["units"]] == [2]
    assert data["requests"] == 1


def test_scan_is_bounded_and_says_what_it_did_not_look_at(modsim, meters):
    result = modsim("scan", meters, "--unit", "1", "--step", "1", "--max-requests", "50")
    assert "50 requests\n" in result.stdout
    assert "not looked at: " in result.stdout


class Fake:
    """A device with some addresses, which reads at most ``most`` at once."""

    def __init__(self, have: set[int], most: int = 125) -> None:
        self.have = have
        self.most = most
        self.asked = 0

    def read_holding_registers(
        self, address: int, quantity: int = 1, *, unit: int | None = None
    ) -> list[int]:
        self.asked += 1
        if quantity > self.most:
            raise IllegalDataValue("too many")
        if not set(range(address, address + quantity)) <= self.have:
            raise IllegalDataAddress("missing")
        return [0] * quantity

    def read_coils(self, address: int, quantity: int = 1, *, unit: int | None = None) -> list[bool]:
        raise IllegalFunction("no coils")

    def read_input_registers(self, address: int, quantity: int = 1, *, unit: int | None = None) -> list[int]:
        raise TimedOut("x", "silent")

    read_discrete_inputs = read_coils


ISLANDS = [(0, 1), (3, 40), (120, 320), (995, 1000)]
HAVE = {address for start, stop in ISLANDS for address in range(start, stop)}


@pytest.mark.parametrize("most", [125, 7, 1])
def test_every_range_is_found_exactly(most):
    found = scanning.table(Fake(HAVE, most), 1, Table.HOLDING_REGISTER, [(0, 1000)], scanning.Budget(10_000))
    assert (found.ranges, found.unknown, found.reason) == (ISLANDS, [], "")


def test_a_step_spares_requests_and_finds_what_is_near():
    device = Fake(HAVE)
    found = scanning.table(device, 1, Table.HOLDING_REGISTER, [(0, 10_000)], scanning.Budget(10_000), step=10)
    assert found.ranges[:3] == ISLANDS[:3]
    assert device.asked < 1600


def test_a_function_that_is_not_there_costs_one_request_and_silence_three():
    budget = scanning.Budget(100)
    assert scanning.table(Fake(HAVE), 1, Table.COIL, [(0, 1000)], budget).reason == "function not supported"
    assert budget.sent == 1
    found = scanning.table(Fake(HAVE), 1, Table.INPUT_REGISTER, [(0, 1000)], budget)
    assert (budget.sent, found.reason) == (4, "x: silent")
    assert found.unknown
