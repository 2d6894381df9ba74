"""The objects of device identification, and the bytes of function 43/14 (V1.1b3 §6.21).

Objects 0x00 to 0x02 are basic, 0x03 to 0x06 regular, 0x80 to 0xFF extended; 0x07 to 0x7F are reserved.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from struct import Struct
from typing import Self

from simulator.protocol.codes import ENCAPSULATED_INTERFACE_TRANSPORT, MAX_PDU, MEI_READ_DEVICE_IDENTIFICATION
from simulator.protocol.contract import UNKNOWN_LENGTH, MessageError, Request, Response, check, settle

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


def request_length(head: bytes) -> int | None:
    """4 bytes; the length of another MEI type is not known."""
    if len(head) < 2:
        return None
    return REQUEST.size if head[1] == MEI_READ_DEVICE_IDENTIFICATION else UNKNOWN_LENGTH


def response_length(head: bytes) -> int | None:
    """The length of a response, known with the length of its last object."""
    if len(head) < 2:
        return None
    if head[1] != MEI_READ_DEVICE_IDENTIFICATION:
        return UNKNOWN_LENGTH
    if len(head) < 7:
        return None
    stop = 7
    for _ in range(head[6]):
        if len(head) < stop + 2:
            return None if stop <= MAX_PDU else stop  # too long already: nothing more needs to be known
        stop += 2 + head[stop + 1]
    return stop


@dataclass(frozen=True, slots=True)
class ReadDeviceIdentificationRequest(Request):
    """43/14 (V1.1b3 §6.21): read a stream of objects (codes 1 to 3) or a single one (code 4)."""

    function = ENCAPSULATED_INTERFACE_TRANSPORT
    length = staticmethod(request_length)
    read_code: int
    object_id: int = 0

    def __post_init__(self) -> None:
        check("read device id code", self.read_code, BASIC, INDIVIDUAL)
        check("object id", self.object_id, 0, 0xFF)

    def encode(self) -> bytes:
        """The PDU: MEI type, read device id code and object id."""
        return REQUEST.pack(self.function, MEI_READ_DEVICE_IDENTIFICATION, self.read_code, self.object_id)

    @classmethod
    def decode(cls, pdu: bytes) -> Self:
        """What a PDU asks for; another MEI type is refused with code 01."""
        _check_mei_type(cls.body(pdu, least=1)[0])
        _, read_code, object_id = cls.body(pdu, 3)
        return cls(read_code, object_id)


@dataclass(frozen=True, slots=True)
class ReadDeviceIdentificationResponse(Response):
    """43/14 (V1.1b3 §6.21): objects by id, in order.

    ``next_object`` is where to go on when not all fitted, else None.
    """

    function = ENCAPSULATED_INTERFACE_TRANSPORT
    length = staticmethod(response_length)
    read_code: int
    conformity_level: int
    objects: tuple[tuple[int, bytes], ...]
    next_object: int | None = None

    def __post_init__(self) -> None:
        check("read device id code", self.read_code, BASIC, INDIVIDUAL)
        check("conformity level", self.conformity_level & ~INDIVIDUAL_ACCESS, BASIC, EXTENDED)
        objects = tuple((object_id, bytes(value)) for object_id, value in self.objects)
        settle(self, "objects", objects)
        for object_id, _ in objects:
            check("object id", object_id, 0, 0xFF)
        if self.next_object is not None:
            check("next object id", self.next_object, 0, 0xFF)
        check("size of all objects", sum(2 + len(value) for _, value in objects), 0, MAX_PDU - 7)

    def encode(self) -> bytes:
        """The PDU: MEI type, codes, more follows, next object, number of objects and the objects."""
        more, following = (0, 0) if self.next_object is None else (0xFF, self.next_object)
        head = (self.function, MEI_READ_DEVICE_IDENTIFICATION, self.read_code, self.conformity_level)
        carried = b"".join(bytes((object_id, len(value))) + value for object_id, value in self.objects)
        return bytes((*head, more, following, len(self.objects))) + carried

    @classmethod
    def decode(cls, pdu: bytes) -> Self:
        """The objects of a PDU."""
        _check_mei_type(cls.body(pdu, least=6)[0])
        _, _, read_code, level, more, following, count = pdu[:7]
        if more not in (0x00, 0xFF):
            raise MessageError(f"more follows is {more:#04x}, expected 0xff or 0x00")
        length = response_length(pdu)
        if length != len(pdu):
            raise MessageError(f"PDU is {len(pdu)} bytes, expected {length or 'more'} for {count} objects")
        return cls(read_code, level, tuple(_objects(pdu)), following if more else None)


def _objects(pdu: bytes) -> list[tuple[int, bytes]]:
    found = []
    offset = 7
    while offset < len(pdu):
        stop = offset + 2 + pdu[offset + 1]
        found.append((pdu[offset], pdu[offset + 2 : stop]))
        offset = stop
    return found


def _check_mei_type(mei_type: int) -> None:
    if mei_type != MEI_READ_DEVICE_IDENTIFICATION:
        raise MessageError(f"MEI type is {mei_type}, expected {MEI_READ_DEVICE_IDENTIFICATION}", code=0x01)
