"""What columns, keys and attributes of register maps are called.

One rule: case, spaces and punctuation do not count, and what stands in brackets is a remark, of which only
``hex`` means something.  ``type`` alone may be the table or the data type: the value tells.
"""

from __future__ import annotations

import functools
import re

_NAMES: dict[str, str] = {
    "name": "point point_name tag tag_name parameter parameter_name variable variable_name signal_name "
    "register_name key symbol measurement item",
    "table": "register_type registertype object_type object store area memory space input_type "
    "register_class modbus_type primary_table block",
    "function": "function_code fc func modbus_function fn read_function function_codes",
    "type": "",
    "address": "addr register register_address reg start start_address start_register register_number "
    "register_no reg_no modbus_address address_dec dec_address hex_address address_hex protocol_address "
    "first_register register_start reg_addr pdu_address wire_address adr",
    "reference": "modicon modicon_address plc_address reference_number modbus_reference",
    "data_type": "datatype dtype format encoding value_type data_format number_format coding "
    "register_format variable_type",
    "size": "length registers register_count words number_of_registers no_of_registers num_registers "
    "num_regs quantity no_of_words reg_count nb_registers qty regs register_length word_count "
    "length_registers",
    "count": "elements array array_size array_length",
    "scale": "factor multiplier gain scale_factor scaling resolution mult coefficient multiply",
    "divisor": "divider divide divide_by scale_divisor",
    "offset": "bias value_offset",
    "unit_of_measurement": "unit units uom eu engineering_unit engineering_units dimension measurement_unit",
    "access": "rw read_write access_mode permission permissions mode access_type access_rights "
    "read_write_access",
    "value": "initial initial_value default default_value preset current_value val",
    "min": "minimum min_value minimum_value low_limit lower_limit low",
    "max": "maximum max_value maximum_value high_limit upper_limit high",
    "precision": "decimals decimal_places digits",
    "description": "desc comment comments remark remarks note notes info meaning details long_name "
    "explanation definition",
    "enum": "enumeration labels options states value_map value_labels value_names",
    "bits": "bit_names bitfield flags bit_labels",
    "bit": "bit_number bit_index bit_position bit_offset bit_no",
    "byte_order": "order endian endianness byte_endianness endianess swap swapping",
    "word_order": "word_endianness word_swap register_order words_order",
    "string_order": "",
    "padding": "",
    "on_invalid": "",
    "hold": "",
    "overlap": "",
    "device": "device_name slave slave_id unit_id unitid slaveid station server device_id server_id",
}
FIELDS = tuple(_NAMES)
INHERITED = ("table", "function", "type", "device", "byte_order", "word_order")
"""What a list or element may say once for all rows in it."""

_REMARK = re.compile(r"\([^)]*\)|\[[^\]]*\]")
_PLAIN = re.compile(r"[^a-z0-9]")


def plain(text: str) -> str:
    """A text in lower case, of letters and digits only."""
    return _PLAIN.sub("", text.lower())


_FIELD_OF = {plain(word): field for field, words in _NAMES.items() for word in (field, *words.split())}


@functools.lru_cache(maxsize=1024)
def field_of(written: str) -> str | None:
    """The field that a column, key or attribute is, None for one that nobody knows."""
    return _FIELD_OF.get(plain(_REMARK.sub("", written))) or _FIELD_OF.get(plain(written))


def is_hex(written: str) -> bool:
    """Whether the numbers of a column are said to be hexadecimal."""
    return re.search(r"hex", written, re.IGNORECASE) is not None
