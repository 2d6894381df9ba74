"""Quirks without a server: what files say, what bundles come to, what a kind of device then does."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from simulator.blocks.base import AddressMap
from simulator.blocks.memory import BitBlock, RegisterBlock, new_buffer
from simulator.blocks.zero_filled import ZeroFilled
from simulator.config.gateway import GatewayLine
from simulator.config.loader import parse_plant
from simulator.config.plant import PlantConfig
from simulator.errors import ConfigError, IllegalDataAddress
from simulator.fleet import Fleet
from simulator.functions.standard import function_table
from simulator.functions.table import answer
from simulator.profiles.quirks import QuirksFile, resolve_quirks
from simulator.profiles.schema import ProfileFile
from simulator.profiles.schema import json_schema as profile_schema
from simulator.protocol import codes
from simulator.quirk_functions import functions_with
from simulator.quirks import BUNDLES, NO_QUIRKS, ConnectionQuirks, Quirks
from simulator.server.admission import Admission
from simulator.server.lanes import BUILT, PLAIN

REFERENCE = Path(__file__).resolve().parent.parent / "docs" / "reference" / "quirks.md"
PROFILES = """
profiles:
  base:
    quirks: {base}
    points: {{a: {{table: hr, address: 0, max: 10}}, b: {{table: hr, address: 9}}}}
  box:
    extends: base
    quirks: {own}
"""


def plant(
    group: str = "", *, own: str = "{}", base: str = "{}", more: str = "", head: str = ""
) -> PlantConfig:
    """A plant of one box with these quirks; ``group`` are keys of its entry, ``more`` other entries."""
    text = PROFILES.format(base=base, own=own) + head
    entry = f'  - {{name: box, profile: box, endpoint: "tcp://127.0.0.1:5020"{group and ", "}{group}}}\n'
    return parse_plant(f"{text}devices:\n{entry}{more}", file="p.yaml", environ={})


def quirks(group: str = "", **profiles: str) -> Quirks:
    return plant(group, **profiles).groups[0].profile.quirks


def complaints(*arguments: str, **keys: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        plant(*arguments, **keys)
    return [f"{problem.path}: {problem.message}" for problem in caught.value.problems]


# ---- what files say


def test_without_quirks() -> None:
    assert quirks() == NO_QUIRKS == Quirks()
    assert not NO_QUIRKS.connection.concern_requests


def test_every_key() -> None:
    own = """{max_registers: 80, max_bits: 800, too_many: illegal_data_address, unsupported_functions: [22-24, 7],
      holes: zero, partial_writes: true, max_connections: 4, max_connections_per_host: 2, when_full: close_oldest,
      idle_timeout: 60s, one_request_in_flight: busy, min_reply_delay: 5ms, close_after: 100}"""
    assert set(re.findall(r"(\w+): ", own)) == set(QuirksFile.model_fields) - {"bundle"}
    connection = ConnectionQuirks(4, 2, "close_oldest", 60.0, "busy", 0.005, 100)
    expected = Quirks(80, 800, "illegal_data_address", (7, 22, 23, 24), "zero", True, connection)
    assert quirks(own=own) == expected


@pytest.mark.parametrize(
    ("written", "meant"),
    [("true", "ignore"), ("false", None), ("ignore", "ignore"), ("close", "close"), ("null", None)],
)
def test_one_request_in_flight(written: str, meant: str | None) -> None:
    assert quirks(own=f"{{one_request_in_flight: {written}}}").connection.when_in_flight == meant


def test_a_bundle_by_name_alone_or_with_keys_before_its_own() -> None:
    named = quirks(own="old-plc-one-connection")
    assert (named.max_registers, named.connection.max_connections) == (100, 1)
    assert quirks(own="{bundle: old-plc-one-connection}") == named
    changed = quirks(own="{bundle: old-plc-one-connection, max_registers: 40, max_bits: null}")
    assert (changed.max_registers, changed.max_bits, changed.connection.max_connections) == (40, None, 1)


def test_quirks_merge_key_by_key_from_base_to_profile_to_group() -> None:
    found = quirks("quirks: {max_bits: 9}", own="{max_registers: 5}", base="{max_registers: 8, holes: zero}")
    assert (found.max_registers, found.max_bits, found.holes) == (5, 9, "zero")
    over_bundle = quirks("quirks: {max_registers: 3}", base="small-energy-meter", own="{max_bits: 7}")
    assert (over_bundle.max_registers, over_bundle.max_bits) == (3, 7)
    assert over_bundle.connection.max_connections == 2


def test_the_name_of_a_bundle_replaces_what_is_below() -> None:
    assert quirks("quirks: zero-filled-map", own="{max_registers: 5}") == Quirks(holes="zero")
    assert quirks("quirks: none", own="old-plc-one-connection") == NO_QUIRKS


def test_groups_with_the_same_quirks_share_a_profile_and_others_do_not() -> None:
    entry = '  - {{name: {0}, profile: box, endpoint: "tcp://127.0.0.1:{1}", quirks: {2}}}\n'
    more = entry.format("x", 5021, "{max_bits: 9}") + entry.format("y", 5022, "{max_bits: 8}")
    one, same, other = plant("quirks: {max_bits: 9}", more=more).groups
    assert one.profile is same.profile
    assert one.profile is not other.profile


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("moxa-gatewy", "unknown bundle 'moxa-gatewy', expected none, moxa-gateway"),
        ("{bundle: moxa}", "unknown bundle 'moxa'"),
        ("{max_register: 5}", "unknown key 'max_register', expected bundle, max_registers"),
        ("{max_registers: 126}", "max_registers is 126, expected 125 or less"),
        ("{max_registers: 0}", "max_registers is 0, expected 1 or more"),
        ("{max_bits: 2001}", "max_bits is 2001, expected 2000 or less"),
        ("{min_reply_delay: 5}", "duration is the bare number 5"),
        ("{unsupported_functions: [128]}", "function is 128, expected 1 to 127"),
        ("{one_request_in_flight: maybe}", "one_request_in_flight is 'maybe', expected true, false, ignore"),
        ("{holes: one}", "holes is 'one', expected exception or zero"),
        ("{close_after: 0}", "close_after is 0, expected 1 or more"),
        ("[moxa-gateway]", "quirks is a list, expected"),
        ("5", "quirks is 5, expected"),
    ],
)
@pytest.mark.parametrize("place", ["own", "group"])
def test_what_is_wrong_is_told_where_it_stands(written: str, message: str, place: str) -> None:
    told = complaints(own=written) if place == "own" else complaints(f"quirks: {written}")
    assert len(told) == 1
    assert message in told[0]
    assert told[0].startswith("profiles.box.quirks" if place == "own" else "devices.0.quirks")


@pytest.mark.parametrize("name", BUNDLES)
def test_every_bundle_is_sound_and_says_what_it_does(name: str) -> None:
    bundle = BUNDLES[name]
    found = resolve_quirks(QuirksFile(bundle=name))
    assert (found == NO_QUIRKS) is (name == "none")
    assert bundle.description and bundle.description[-1] != "."


def test_every_quirk_and_bundle_is_in_the_reference() -> None:
    text = REFERENCE.read_text()
    assert [key for key in QuirksFile.model_fields if f"`{key}`" not in text] == []
    for name, bundle in BUNDLES.items():
        row = re.search(rf"^\| `{name}` \| (.*) \| (.*) \|$", text, re.M)
        assert row is not None, name
        assert row[1] == bundle.description
        shown = ", ".join(
            f"`{key}: {json.dumps(value).strip(chr(34))}`" for key, value in bundle.settings.items()
        )
        assert row[2] == shown


def test_editors_know_the_bundles() -> None:
    choices = profile_schema()["properties"]["quirks"]["anyOf"]
    assert {"enum": list(BUNDLES)} in choices
    assert {"$ref": "#/$defs/QuirksFile"} in choices
    assert "quirks" in ProfileFile.model_fields


# ---- what a kind of device does


def test_functions_that_no_quirk_concerns_stay_the_stock_ones() -> None:
    """Compiled code knows them by identity."""
    stock = function_table()
    assert functions_with(NO_QUIRKS) == stock
    limited = functions_with(Quirks(max_registers=5))
    changed = {code for code in range(256) if limited[code] is not stock[code]}
    assert changed == {3, 4, 16, 23}
    bits = functions_with(Quirks(max_bits=5, unsupported_functions=(6,)))
    assert {code for code in range(256) if bits[code] is not stock[code]} == {1, 2, 6, 15}
    assert (
        codes.WRITE_SINGLE_COIL in PLAIN and bits[codes.WRITE_SINGLE_COIL] is PLAIN[codes.WRITE_SINGLE_COIL]
    )


def ask(own: str, *requests: str) -> list[str]:
    config = plant(own=own)
    fleet = Fleet(config.groups[0].profile, config.groups, seed=0, now=lambda: 0.0)
    asked = fleet.device(0)
    return [answer(asked, bytes.fromhex(request)).hex(" ") for request in requests]


def test_a_broken_request_is_told_as_ever_whatever_the_limit() -> None:
    requests = ("03 00", "03 0000 05", "10 0000 0003", "10 0000 0001 03 0001", "03 0000 0000", "03 0000 ffff")
    assert ask("{max_registers: 1, too_many: illegal_data_address}", *requests) == [
        "83 03", "83 03", "90 02", "90 03", "83 03", "83 03",
    ]  # fmt: skip


def test_an_unsupported_function_is_refused_before_anything_else() -> None:
    assert ask("{unsupported_functions: 3, max_registers: 1}", "03 0000 0002", "03") == ["83 01", "83 01"]


def test_partial_writes_keep_points_whole() -> None:
    """A 32-bit number is judged with both of its registers, or not at all."""
    text = """
profiles:
  wide:
    quirks: {partial_writes: true}
    points:
      first: {table: hr, address: 0}
      wide: {table: hr, address: 1, data_type: uint32, min: 65536, max: 131072, value: 65536}
      last: {table: hr, address: 3, max: 5}
devices: [{name: box, profile: wide, endpoint: "tcp://127.0.0.1:5020"}]
"""
    config = parse_plant(text, file="p.yaml")
    fleet = Fleet(config.groups[0].profile, config.groups, seed=0, now=lambda: 0.0)
    asked = fleet.device(0)

    def tell(request: str) -> str:
        return answer(asked, bytes.fromhex(request)).hex(" ")

    assert tell("10 0000 0004 08 0001 0001 0007 0009") == "90 03"
    assert tell("03 0000 0004") == "03 08 00 01 00 01 00 07 00 00"
    assert tell("10 0000 0004 08 0002 0000 0001 0001") == "90 03"
    assert tell("03 0000 0004") == "03 08 00 02 00 01 00 07 00 00"
    assert tell("10 0000 0004 07 0003 0000 0001 0001") == "90 03"  # a broken request stores nothing
    assert tell("10 0000 0004 08 0003 0000") == "90 03"
    assert tell("03 0000 0001") == "03 02 00 02"
    assert (
        tell("10 0000 0004 08 0004 0002 0000 0009") == "90 03"
    )  # 0x00020007 between the two is over the maximum
    assert tell("03 0000 0004") == "03 08 00 04 00 02 00 00 00 00"


def test_without_holes_a_write_only_point_is_still_not_read() -> None:
    text = """
profiles:
  holey:
    quirks: {holes: zero}
    points: {a: {table: hr, address: 0}, b: {table: hr, address: 5, access: wo}}
devices: [{name: box, profile: holey, endpoint: "tcp://127.0.0.1:5020"}]
"""
    config = parse_plant(text, file="p.yaml")
    fleet = Fleet(config.groups[0].profile, config.groups, seed=0, now=lambda: 0.0)
    asked = fleet.device(0)
    requests = (
        "03 0000 0005",
        "03 0000 0006",
        "03 0005 0001",
        "03 0006 0002",
        "06 0005 0001",
        "16 0009 0000 0001",
    )
    answers = [answer(asked, bytes.fromhex(request)).hex(" ") for request in requests]
    assert answers == [
        "03 0a" + " 00" * 10, "83 02", "83 02", "03 04 00 00 00 00", "06 00 05 00 01", "16 00 09 00 00 00 01",
    ]  # fmt: skip


SIZE = 70


def holey(*, bits: bool) -> ZeroFilled:
    spots = AddressMap([(3, 9), (20, 40), (64, SIZE)])
    return ZeroFilled((BitBlock if bits else RegisterBlock)(spots, new_buffer(2 * SIZE)))


@pytest.mark.parametrize("bits", [False, True])
@pytest.mark.parametrize(
    ("address", "quantity"), [(0, 3), (0, 70), (5, 20), (38, 30), (9, 11), (69, 1), (3, 6)]
)
def test_a_block_without_holes_keeps_what_exists_and_forgets_the_rest(
    bits: bool, address: int, quantity: int
) -> None:
    block = holey(bits=bits)
    exists = {place for first, stop in block.mapped.map.ranges for place in range(first, stop)}
    size = (quantity + 7) // 8 if bits else 2 * quantity
    block.write(address, quantity, b"\xff" * size)
    for place in range(SIZE + 5):
        written = place in exists and address <= place < address + quantity
        expected = (b"\x01" if bits else b"\xff\xff") if written else (b"\0" if bits else b"\0\0")
        assert block.read(place, 1) == expected
    data = block.read(address, quantity)
    assert len(data) == size
    assert int.from_bytes(data, "little").bit_count() == len(
        exists & set(range(address, address + quantity))
    ) * (1 if bits else 16)


@pytest.mark.parametrize("bits", [False, True])
def test_a_block_without_holes_ends_at_the_last_address(bits: bool) -> None:
    block = holey(bits=bits)
    assert block.read(65535, 1) == (b"\0" if bits else b"\0\0")
    for use in (lambda: block.read(65535, 2), lambda: block.write(65535, 2, b"\0" * 4)):
        with pytest.raises(IllegalDataAddress):
            use()


@pytest.mark.skipif(not BUILT, reason="there is no compiled code here")
def test_compiled_code_serves_what_exists_of_a_table_without_holes() -> None:
    from simulator.server.lanes import _shape  # what is plain is decided there

    config = plant(own="{holes: zero}")
    fleet = Fleet(config.groups[0].profile, config.groups, seed=0, now=lambda: 0.0)
    shape = _shape(fleet.device(0))
    assert shape.bases(fleet.device(0)) is not None
    assert shape.stores[3] is not None


# ---- who may connect


def test_books_of_connections() -> None:
    books = Admission()
    two = ConnectionQuirks(max_connections=2)
    assert books.add("a", "here", "x", two) is None
    assert books.add("b", "here", "x", two) is None
    assert books.add("c", "there", "x", two) is None  # another place
    assert books.add("d", "here", "y", two) == "d"
    books.remove("d")
    books.remove("a")
    assert books.add("e", "here", "y", two) is None
    assert books.add("f", "here", "y", ConnectionQuirks(2, when_full="close_oldest")) == "b"


def test_books_of_hosts() -> None:
    books = Admission()
    quirk = ConnectionQuirks(max_connections_per_host=1, when_full="close_oldest")
    assert books.add("a", "", "x", quirk) is None
    assert books.add("b", "", "y", quirk) is None
    assert books.add("c", "", "y", quirk) == "b"  # the oldest of that host, not of all
    for connection in "abc":
        books.remove(connection)
    books.remove("never there")
    assert not books._held and not books._hosts and not books._places


# ---- what groups behind one listener share

OTHER = '  - {{name: other, profile: box, endpoint: "tcp://{host}:5020", unit_id: {unit}, {keys}}}\n'


@pytest.mark.parametrize(
    ("one", "other", "told"),
    [
        ("quirks: {max_connections: 2}", "quirks: {max_connections: 3}", "quirks of the connection differ"),
        ("allow: [127.0.0.1]", "allow: [127.0.0.2]", "allow differs"),
        ("gateway: {baudrate: 9600}", "gateway: {baudrate: 1200}", "gateway differs"),
    ],
)
def test_groups_that_share_an_address_have_to_agree(one: str, other: str, told: str) -> None:
    def more(host: str, keys: str) -> str:
        return OTHER.format(host=host, unit=2, keys=keys)

    key = one.partition(":")[0]
    assert complaints(one, more=more("127.0.0.1", other)) == [
        f"devices.1.{key}: {told} from that of devices.0 (p.yaml:10:5), behind tcp://127.0.0.1:5020 as well, "
        "expected the same"
    ]
    plant(one, more=more("127.0.0.1", one))  # the same
    plant(one, more=more("127.0.0.1", "tags: [a]"))  # nothing said
    apart = more("127.0.0.2", other)  # one listener for both addresses
    if key == "allow":
        assert complaints(one, more=apart)[0].startswith("devices.1.allow: allow differs")
    else:
        assert len(plant(one, more=apart).listeners) == 1


def test_quirks_of_requests_need_not_agree() -> None:
    plant(
        "quirks: {max_registers: 2}",
        more=OTHER.format(host="127.0.0.1", unit=2, keys="quirks: {holes: zero}"),
    )


# ---- allow and gateway in the plant file


def test_networks_of_the_plant_and_of_a_group() -> None:
    config = plant("allow: [10.0.0.0/8, 'fd00::/8']", head="limits: {allow: [127.0.0.0/8]}\n")
    assert str(config.limits.allow) == "[127.0.0.0/8]"
    assert str(config.groups[0].allow) == "[10.0.0.0/8, fd00::/8]"
    assert plant().limits.allow is None and plant().groups[0].allow is None


@pytest.mark.parametrize(
    ("networks", "message"),
    [
        ("[10.0.0.0/33]", "devices.0.allow.0: network is '10.0.0.0/33', expected one such as 192.0.2.0/24"),
        (
            "[10.0.0.1/8]",
            "devices.0.allow.0: network 10.0.0.1/8 has bits set behind its prefix, expected 10.0.0.0/8",
        ),
        ("[127.0.0.1, localhost]", "devices.0.allow.1: network is 'localhost', expected one such as"),
        ("[5]", "devices.0.allow.0: network is 5, expected one such as"),
        ("[]", "devices.0.allow: allow has 0 entries, expected at least 1"),
        ("127.0.0.1", "devices.0.allow: allow is '127.0.0.1', expected a list"),
    ],
)
def test_what_is_no_network(networks: str, message: str) -> None:
    assert complaints(f"allow: {networks}")[0].startswith(message)


def test_wrong_networks_of_the_plant_are_told_where_they_stand() -> None:
    with pytest.raises(ConfigError) as caught:
        plant(head="limits: {allow: [10.0.0.0/8, nobody]}\n")
    (problem,) = caught.value.problems
    assert (problem.path, problem.line, problem.column) == ("limits.allow.1", 9, 30)


def test_a_serial_line_has_no_networks() -> None:
    more = "  - {name: x, profile: box, endpoint: 'rtu:/dev/ttyX', allow: [127.0.0.1]}\n"
    assert complaints(more=more) == [
        "devices.1.allow: allow is given with rtu:, expected none: a serial line has no networks"
    ]


@pytest.mark.parametrize("endpoint", ["udp://127.0.0.1:502", "rtu:/dev/ttyX", "ascii+udp://127.0.0.1:503"])
def test_a_group_without_connections_takes_no_quirks_of_them(endpoint: str) -> None:
    entry = f"  - {{{{name: x, profile: box, endpoint: '{endpoint}', quirks: {{0}}}}}}\n"
    scheme = endpoint.partition(":")[0]
    assert complaints(
        more=entry.format("{max_registers: 5, one_request_in_flight: true, close_after: 1}")
    ) == [
        f"devices.1.quirks.{key}: {key} is given with {scheme}, expected none: it has no connections"
        for key in ("one_request_in_flight", "close_after")
    ]
    plant(more=entry.format("slow-serial-gateway"))  # a bundle has quirks of both kinds


def test_a_gateway() -> None:
    written = "gateway: {baudrate: 9600, parity: N, stopbits: 2, timeout: 500ms, turnaround: 20ms, queue: 8}"
    assert plant(written).groups[0].gateway == GatewayLine(9600, "N", 2, 0.5, 0.02, 8, alive=True)
    assert plant("gateway: {}").groups[0].gateway == GatewayLine(19200, "E", 1, 1.0, 0.005, 32, alive=True)
    dead = plant("gateway: {line: dead}").groups[0].gateway
    assert dead is not None and not dead.alive
    assert plant().groups[0].gateway is None


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ("gateway: {baudrate: 49}", "devices.0.gateway.baudrate: baudrate is 49, expected 50 or more"),
        ("gateway: {parity: X}", "devices.0.gateway.parity: parity is 'X', expected N, E or O"),
        ("gateway: {queue: 0}", "devices.0.gateway.queue: queue is 0, expected 1 or more"),
        ("gateway: {line: half}", "devices.0.gateway.line: line is 'half', expected alive or dead"),
        ("gateway: {baud: 9600}", "devices.0.gateway.baud: unknown key 'baud', expected baudrate"),
        ("gateway: {}, unit_id: 0", "devices.0.unit_id: unit_id 0 speaks to every device behind a gateway"),
    ],
)
def test_what_is_no_gateway(keys: str, message: str) -> None:
    assert complaints(keys)[0].startswith(message)


@pytest.mark.parametrize("endpoint", ["udp://127.0.0.1:502", "rtu+tcp://127.0.0.1:503", "rtu:/dev/ttyX"])
def test_a_gateway_stands_behind_tcp(endpoint: str) -> None:
    more = f"  - {{name: x, profile: box, endpoint: '{endpoint}', gateway: {{}}}}\n"
    scheme = endpoint.partition(":")[0]
    assert complaints(more=more) == [
        f"devices.1.gateway: gateway is given with {scheme}, expected an endpoint tcp or tls"
    ]
