"""Function 43/14: read device identification (V1.1b3 §6.21)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.errors import IllegalDataAddress, IllegalDataValue, IllegalFunction
from simulator.functions.table import function
from simulator.protocol import codes, identification

if TYPE_CHECKING:
    from simulator.device import Device


@function(codes.ENCAPSULATED_INTERFACE_TRANSPORT)
def encapsulated_interface_transport(device: Device, pdu: bytes) -> bytes:
    """43: only MEI type 14 belongs to a server; another one answers 01."""
    if len(pdu) > 1 and pdu[1] != codes.MEI_READ_DEVICE_IDENTIFICATION:
        raise IllegalFunction(f"MEI type is {pdu[1]}, expected {codes.MEI_READ_DEVICE_IDENTIFICATION}")
    return read_device_identification(device, pdu)


def read_device_identification(device: Device, pdu: bytes) -> bytes:
    """43/14: a stream of objects from one on (codes 1 to 3), or a single one (code 4).

    A stream asked to begin at an object that does not exist begins at its first; a single object that
    does not exist answers 02.
    """
    _, _, read_code, object_id = identification.REQUEST.unpack(pdu)
    objects = device.identity()
    if not objects:
        raise IllegalFunction("the device has no identification")
    level = identification.conformity_level(objects)
    if read_code == identification.INDIVIDUAL:
        if object_id not in objects:
            raise IllegalDataAddress(f"object {object_id:#04x} does not exist")
        return identification.response(read_code, level, [(object_id, objects[object_id])])
    if read_code not in identification.LAST_OBJECT:
        raise IllegalDataValue(f"read device id code is {read_code}, expected 1 to 4")
    # a device asked for more than its level answers with all it has (V1.1b3 §6.21)
    last = identification.LAST_OBJECT[read_code]
    stream = [item for item in sorted(objects.items()) if item[0] <= last]
    first = object_id if any(key == object_id for key, _ in stream) else 0
    return identification.response(read_code, level, [item for item in stream if item[0] >= first])
