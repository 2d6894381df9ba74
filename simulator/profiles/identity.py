"""What a profile says of itself: identification objects and parameters.

One rule: texts are templates that render for every device, and an object fits one response.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from simulator.profiles.layers import LayeredDocument
from simulator.profiles.resolving import DEVICE_FIELDS, Setting
from simulator.profiles.schema import IdentityFile
from simulator.protocol.identification import MAX_OBJECT, OBJECT_IDS

FIRST_PRIVATE, LAST_OBJECT = 0x80, 0xFF  # V1.1b3 §6.21: extended objects; 0x07 to 0x7F are reserved
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_HEX = re.compile(r"0[xX]((?:[0-9a-fA-F]{2})+)", re.ASCII)


def resolve_identity(
    file: IdentityFile, setting: Setting, document: LayeredDocument
) -> dict[int, str | bytes]:
    """Object id -> text template, or the bytes of a ``0x…`` text."""
    found: dict[int, str | bytes] = {}
    for key, number in OBJECT_IDS.items():
        text = getattr(file, key)
        if text is not None:
            _check_text(text, ("identity", key), setting, document)
            found[number] = text
    for number, text in file.objects.items():
        path = ("identity", "objects", number)
        if not FIRST_PRIVATE <= number <= LAST_OBJECT:
            document.report(path, f"object id is {number}, expected 0x80 to 0xFF (128 to 255)", key=True)
        elif text[:2] in ("0x", "0X"):
            found[number] = _bytes(text, path, document)
        else:
            _check_text(text, path, setting, document)
            found[number] = text
    return dict(sorted(found.items()))


def usable_parameters(
    parameters: Mapping[str, float | str], document: LayeredDocument
) -> dict[str, float | str]:
    """The parameters whose names templates can use; a problem for each of the others."""
    usable = dict(parameters)
    for name in parameters:
        if name in DEVICE_FIELDS:
            expected = f"another name: every device has its own {name}"
        elif not _NAME.fullmatch(name):
            expected = "letters, digits and underscores"
        else:
            continue
        document.report(("parameters", name), f"parameter is named {name!r}, expected {expected}", key=True)
        del usable[name]
    return usable


def _check_text(text: str, path: tuple[str | int, ...], setting: Setting, document: LayeredDocument) -> None:
    try:
        example = setting.example(text).encode()
    except ValueError as error:
        document.report(path, str(error))
    else:
        _check_size(example, path, document)


def _bytes(text: str, path: tuple[str | int, ...], document: LayeredDocument) -> bytes:
    match = _HEX.fullmatch(text)
    if match is None:
        document.report(path, f"object is {text!r}, expected pairs of hex digits after 0x")
        return b""
    content = bytes.fromhex(match[1])
    _check_size(content, path, document)
    return content


def _check_size(content: bytes, path: tuple[str | int, ...], document: LayeredDocument) -> None:
    if len(content) > MAX_OBJECT:
        document.report(path, f"object has {len(content)} bytes, expected at most {MAX_OBJECT}")
