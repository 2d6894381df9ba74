"""What files of each format are read as."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.errors import ConfigError
from simulator.profiles.loader import profile_in
from simulator.profiles.maps.document import MapDocument, map_of


def read(text: str, format: str = "csv", **options: Any) -> MapDocument:
    return map_of(text, f"map.{format}", f".{format}", **options)


def points(text: str, format: str = "csv", **options: Any) -> dict[str, Any]:
    document = read(text, format, **options)
    assert document.problems == []
    profile_in(document, "map")
    return dict(document.data["points"])


def refused(text: str, format: str = "csv", **options: Any) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        profile_in(read(text, format, **options), "map")
    return [str(problem) for problem in caught.value.problems]


VENDOR = """\
Acme Metering - EM3;;;;
;;;;
Register;Name;Data Type;Scale;Unit;R/W;Value;Remarks
Measurements;;;;
40001;Voltage L1-N;FLOAT32 CDAB;;V;R;231,5;"phase; to neutral"
40003;Current;int16;0,1;A;RO;1.5;
40004.0;Alarm;;;;;;
40004.3;Trip;;;;;;
30001;Serial;STRING[16];;;;"SN 1";
40010-40011;Energy;U32;x0.01;kWh;r/w;;
"""


def test_a_vendors_csv_with_lines_above_the_header_and_headings_between() -> None:
    assert points(VENDOR) == {
        "voltage_l1_n": {
            "table": "holding_register", "address": 0, "data_type": "float32", "byte_order": "CDAB",
            "unit_of_measurement": "V", "access": "ro", "value": 231.5, "description": "phase; to neutral",
        },
        "current": {
            "table": "holding_register", "address": 2, "data_type": "int16", "scale": 0.1,
            "unit_of_measurement": "A", "access": "ro", "value": 1.5,
        },
        "alarm": {"table": "holding_register", "address": 3, "data_type": "bool", "bit": 0},
        "trip": {"table": "holding_register", "address": 3, "data_type": "bool", "bit": 3},
        "serial": {"table": "input_register", "address": 0, "data_type": "string", "length": 8, "value": "SN 1"},
        "energy": {
            "table": "holding_register", "address": 9, "data_type": "uint32", "scale": 0.01,
            "unit_of_measurement": "kWh", "access": "rw",
        },
    }  # fmt: skip


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_every_delimiter(delimiter: str) -> None:
    text = "name,table,address,scale\na,hr,5,0.5\n".replace(",", delimiter)
    assert points(text) == {"a": {"table": "holding_register", "address": 5, "scale": 0.5}}


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_quotes_hold_delimiters_quotes_and_lines(ending: str) -> None:
    text = ending.join(
        ["name,table,address,description", 'a,hr,1,"x, ""y""', 'z"', "b , hr , 2 , plain ", ""]
    )
    found = points(text)
    assert found["a"]["description"] == 'x, "y"\nz'
    assert found["b"] == {"table": "holding_register", "address": 2, "description": "plain"}


def test_columns_for_a_file_without_header() -> None:
    columns = ["address", "size", "function", "name", "description"]
    text = "1,2,hr,power,in watts\n4,1,co,relay,\n"
    expected = {
        "power": {"table": "holding_register", "address": 1, "count": 2, "description": "in watts"},
        "relay": {"table": "coil", "address": 4},
    }
    assert points(text, columns=columns) == expected
    assert points("Address,Size,Func,Name,Desc\n" + text, columns=columns) == expected


def test_columns_that_nobody_knows_are_named() -> None:
    assert read("name,table,address,colour\na,hr,1,red\n").unused == ["colour"]


@pytest.mark.parametrize(
    ("text", "base", "address"),
    [
        ("table,address\nhr,5\n", 0, 5),
        ("table,address\nhr,40006\n", "modicon", 5),
        ("table,address\nhr,400006\n", "modicon", 5),
        ("table,address\nhr,40000\nhr,40070\n", 0, 40000),  # SunSpec counts as on the wire
        ("name,address\na,40006\n", "modicon", 5),
        ("table,address\nhr,0x0005\n", 0, 5),
        ("table,address (hex)\nhr,1F\n", 0, 31),
        ("name,address\na,4x0006\n", 0, 5),
        ("name,address\na,HR5\n", 0, 5),
        ("table,address,reference\nhr,6,40006\n", 0, 5),
        ("table,address,reference\nhr,5,40006\n", 0, 5),
        ("table,address\nhr,5.0\n", 0, 5),
    ],
)
def test_how_addresses_count_is_found_out(text: str, base: object, address: int) -> None:
    document = read(text)
    assert document.base == base
    assert next(iter(document.data["points"].values()))["address"] == address
    assert document.problems == []


def test_how_addresses_count_can_be_told() -> None:
    text = "table,address\nhr,40001\n"
    assert points(text, address_base=0)["holding_register_40001"]["address"] == 40001
    assert points(text, address_base=1)["holding_register_40000"]["address"] == 40000
    assert points("table,address\nco,1\nhr,40001\n", address_base="modicon")["coil_0"]["address"] == 0


def test_names_become_ones_that_formulas_can_use() -> None:
    text = "name,table,address\nOil temp. [°C],hr,1\n3rd phase,hr,2\nok,hr,3\nReserved,hr,4\nReserved,hr,5\n,ir,7\n"
    assert list(points(text)) == [
        "oil_temp_deg_c",
        "p_3rd_phase",
        "ok",
        "reserved",
        "reserved_5",
        "input_register_7",
    ]


NESTED = {
    "list": '[{"name": "a", "table": "hr", "address": 1, "value": 7}]',
    "points": '{"name": "m", "points": [{"name": "a", "table": "hr", "address": 1, "value": 7}]}',
    "by name": '{"a": {"table": "hr", "address": 1, "value": 7}}',
    "by table": '{"holding_registers": [{"name": "a", "address": 1, "value": 7}]}',
    "by table and address": '{"holding_registers": {"1": {"name": "a", "value": 7}}}',
    "by unit and address": '{"1": {"1": {"name": "a", "function": "hr", "value": 7}}}',
    "deep": '{"devices": {"x": {"registers": {"hr": [{"name": "a", "address": 1, "value": 7}]}}}}',
}


@pytest.mark.parametrize("text", NESTED.values(), ids=NESTED)
def test_json_however_nested(text: str) -> None:
    found = points(text, "json")["a"]
    assert (found["table"], found["address"], found["value"]) == ("holding_register", 1, 7)


def test_json_with_raw_values_by_address() -> None:
    text = '{"0x1": {"coils": {"0": true, "2": false}, "holding-registers": {"1": 22}}}'
    assert points(text, "json") == {
        "coil_0": {"table": "coil", "address": 0, "value": True},
        "coil_2": {"table": "coil", "address": 2, "value": False},
        "holding_register_1": {"table": "holding_register", "address": 1, "value": 22},
    }


@pytest.mark.parametrize(
    "text",
    [
        '<map><point name="a" table="hr" address="1" value="7"/></map>',
        "<m><register><name>a</name><type>holding register</type><address>1</address><value>7</value></register></m>",
        '<context><slave id="1"><store function="holding-registers">'
        '<entry address="1" name="a">7</entry></store></slave></context>',
        '<d xmlns="urn:x"><holding_registers><r addr="1" name="a" default="7"/></holding_registers></d>',
    ],
)
def test_xml_by_attributes_elements_and_nesting(text: str) -> None:
    found = points(text, "xml")["a"]
    assert (found["table"], found["address"], found["value"]) == ("holding_register", 1, 7)


def test_one_device_of_several() -> None:
    text = "device,table,address,value\nm1,hr,0,5\nm2,hr,0,6\n"
    assert points(text, device="m2")["holding_register_0"]["value"] == 6
    assert refused(text) == ["map.csv:3:1: map has 2 devices (m1, m2), expected one, or to be told which"]
    assert refused(text, device="m3") == ["map.csv: device 'm3' is not in the map, expected one of m1, m2"]


def test_everything_wrong_is_told_at_once_with_its_place() -> None:
    text = (
        "name,table,address,data type,scale,access,value,byte order\n"
        "a,hr,x1,uint16,1,rw,1,\n"
        "b,holing,2,uint16,1,rw,1,\n"
        "c,hr,3,flaot32,1,rw,1,\n"
        "d,hr,4,uint16,ten,maybe,1,middle\n"
        "e,hr,70000,uint16,1,rw,1,\n"
        "f,hr,6,uint16,1,rw,99999,\n"
        "g,hr,10,uint16,1,rw,1,\n"
        "i,hr,10,uint16,1,rw,1,\n"
        "h,ir,8,uint16,1,rw,1,\n"
    )
    assert refused(text) == [
        "map.csv:2:6: points.a.address: address is 'x1', expected a number such as 40 or 0x28",
        "map.csv:3:3: points.b.table: table is 'holing', expected coil, discrete_input, input_register or holding_register",
        "map.csv:4:8: points.c.data_type: data type is 'flaot32', expected a data type such as uint16, int32, float32, "
        "bool, string or bits; did you mean 'float32'?",
        "map.csv:5:15: points.d.scale: scale is 'ten', expected a number such as 0.1",
        "map.csv:5:19: points.d.access: access is 'maybe', expected ro, rw or wo",
        "map.csv:5:27: points.d.byte_order: byte order is 'middle', expected ABCD, CDAB, BADC, DCBA, big or little",
        "map.csv:6:6: points.e.address: address is 70000, expected 0 to 65535",
        "map.csv:7:20: points.f.value: value does not fit uint16, got 99999, expected 0 to 65535",
        "map.csv:9:1: points.i: point 'i' overlaps point 'g', got holding_register 10 and 10, expected different addresses "
        "or overlap: true",
        "map.csv:10:17: points.h.access: access is rw in input_register, expected ro: clients cannot write there",
    ]


@pytest.mark.parametrize(
    ("format", "text", "expected"),
    [
        ("csv", "", "map.csv:1:1: map has no header, got an empty file"),
        ("csv", "time,power\n0,5\n", "map.csv:1:1: map has no header, got 'time,power'"),
        ("csv", 'name,table,address\n"a,hr,1\n', "map.csv:2:1: quote is never closed"),
        ("csv", 'name,table,address\n"a"b,hr,1\n', "map.csv:2:4: text goes on behind its closing quote, got 'b'"),
        ("csv", "name,table,address\na,hr,1,2\n", "map.csv:2:8: row has 4 columns, got '2' in column 4"),
        ("json", '{"a": [1, }', "map.json:1:11: JSON: no value, got '}'"),
        ("json", '[{"address": 1}\n {"address": 2}]', "map.json:2:2: JSON: an entry does not end, got '{'"),
        ("json", '{"a": 1, "a": 2}', "map.json:1:10: JSON: key 'a' is a duplicate"),
        ("json", '{"a": "\n"}', "map.json:1:8: JSON: invalid control character at, expected a text"),
        ("json", "[" * 60, "map.json:1:52: JSON: more than 50 levels"),
        ("json", "[1, 2]", "map.json:1:1: map has no points"),
        ("json", "7", "map.json:1:1: map is 7, expected a list or a mapping"),
        ("xml", "<map><point address='1'></map>", "map.xml:1:27: XML: mismatched tag"),
        ("xml", "<map/>", "map.xml:1:1: map has no points"),
        ("xml", "<a>" * 60, "map.xml:1:151: XML: more than 50 levels"),
        (
            "xml",
            '<!DOCTYPE m [<!ENTITY a "aaa"><!ENTITY b "&a;&a;&a;">]><m><p address="1" name="&b;"/></m>',
            "map.xml:1:13: XML: file declares a document type, expected none",
        ),
        (
            "xml",
            '<?xml version="1.0"?>\n<!DOCTYPE m SYSTEM "file:///etc/passwd"><m><p address="1"/></m>',
            "map.xml:2:40: XML: file declares a document type, expected none",
        ),
    ],
)  # fmt: skip
def test_a_file_that_is_no_map_is_refused_with_the_place(format: str, text: str, expected: str) -> None:
    found = refused(text, format)
    assert len(found) == 1
    assert found[0].startswith(expected)


def test_what_a_profile_refuses_is_told_with_the_place_of_the_cell() -> None:
    text = (
        "name,table,address,hold,on invalid,value,enum,count\n"
        "a,hr,1,never,clamp,1,,\n"
        "b,hr,2,,explode,1,,\n"
        "c,hr,3,,,walk,0=stop; 1=run,\n"
        f"d,hr,{'9' * 20},,,1,,\n"
        f"e,hr,5,,,{'[' * 5000},,2\n"
    )
    assert refused(text) == [
        "map.csv:2:8: points.a.hold: hold is 'never', expected a duration such as 30s, forever or none",
        "map.csv:3:9: points.b.on_invalid: on_invalid is 'explode', expected illegal_data_value, ignore or clamp",
        "map.csv:4:10: points.c.value: label is unknown, got 'walk', expected one of stop, run",
        f"map.csv:5:6: points.d.address: address is '{'9' * 20}', expected a number such as 40 or 0x28",
        "map.csv:6:10: points.e.value: value is '[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[...', expected a "
        "number, or a list such as [1, 2]",
    ]


def test_an_address_and_a_reference_that_disagree() -> None:
    assert refused("name,table,address,reference\na,hr,12,40006\n") == [
        "map.csv:2:6: points.a.address: address is '12' beside reference 40006, expected the same place in both"
    ]


def test_a_row_without_address_and_one_without_table() -> None:
    assert refused("name,table,address,value\na,hr,,5\nb,,7,5\nc,hr,8,5\n") == [
        "map.csv:2:1: points.a.address: address is missing, expected a number",
        "map.csv:3:4: points.b.table: table is missing beside address 7, expected a column table, or a reference such as "
        "40001 or 400001",
    ]
