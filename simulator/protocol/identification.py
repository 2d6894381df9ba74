"""The objects of device identification, and the bytes of function 43/14 (V1.1b3 §6.21).

Objects 0x00 to 0x02 are basic, 0x03 to 0x06 regular, 0x80 to 0xFF extended; 0x07 to 0x7F are reserved.
"""

from __future__ import annotations

from collections.abc import Mapping
from struct import Struct

from simulator.protocol.codes import ENCAPSULATED_INTERFACE_TRANSPORT, MAX_PDU, MEI_READ_DEVICE_IDENTIFICATION

REQUEST = Struct(">BBBB")  # function, MEI type, read device id code, object id
BASIC, REGULAR, EXTENDED, INDIVIDUAL = 1, 2, 3, 4  # read device id codes
LAST_OBJECT = {BASIC: 0x02, REGULAR: 0x7F, EXTENDED: 0xFF}
INDIVIDUAL_ACCESS = 0x80  # in the conformity level: stream and individual access
OBJECT_IDS = {
    "vendor_name": 0x00,
    "product_code": 0x01,
    "revision": 0x02,
    "vendor_url": 0x03,
    "product_name": 0x04,
    "model_name": 0x05,
    "user_application_name": 0x06,
}
MAX_OBJECT = MAX_PDU - 9  # 7 bytes of response head, 2 of object head


def conformity_level(objects: Mapping[int, bytes]) -> int:
    """The level a device with these objects states: basic, regular or extended, with individual access."""
    last = max(objects, default=0)
    level = next(code for code, limit in LAST_OBJECT.items() if last <= limit)
    return level | INDIVIDUAL_ACCESS


def response(read_code: int, level: int, objects: list[tuple[int, bytes]]) -> bytes:
    """The PDU that carries as many of ``objects`` as fit, saying where to go on when not all do."""
    carried: list[bytes] = []
    room = MAX_PDU - 7
    more = 0
    following = 0
    for object_id, value in objects:
        if 2 + len(value) > room:
            more, following = 0xFF, object_id
            break
        carried.append(bytes((object_id, len(value))) + value)
        room -= 2 + len(value)
    head = bytes(
        (
            ENCAPSULATED_INTERFACE_TRANSPORT,
            MEI_READ_DEVICE_IDENTIFICATION,
            read_code,
            level,
            more,
            following,
            len(carried),
        )
    )
    return head + b"".join(carried)
