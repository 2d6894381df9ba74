"""``modsim decode [HEX …]``: bytes of Modbus in words, field by field, with the clause behind each."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from simulator.cli import exits

if TYPE_CHECKING:
    from simulator.explanation.captures import Capture
    from simulator.explanation.guessing import Reading

FRAMINGS = ("auto", "mbap", "rtu", "ascii", "binary", "pdu")
DIRECTIONS = ("auto", "request", "response")
FILES = (".pcap", ".pcapng", ".cap", ".hex", ".txt")

DESCRIPTION = """\
Explain frames of Modbus field by field, with the clause of the specification behind each field. The
framing (Modbus TCP, RTU, ASCII, binary, or a bare PDU) and the direction are told from the bytes; a
frame that may be a request as well as a response is shown as both. Bytes that belong to no frame,
wrong lengths and wrong checksums are reported.

HEX is written as you have it: 0001, '00 01', 0x00,0x01, 00:01; ASCII frames as characters. Frames may
stand one behind the other, or each in an argument (in quotes) or line of its own. Without HEX they
are read from stdin. A capture (pcap, pcapng) is read with --file; TCP streams are put together and
responses are told with their requests."""

EPILOG = """\
examples:
  modsim decode 00 01 00 00 00 06 01 03 00 6B 00 03
  modsim decode '01 03 00 00 00 0A C5 CD' '01 83 02 C0 F1'
  modsim decode ':010300000001FB'
  modsim decode --file plant.pcap --brief
  grep -o 'TX: .*' driver.log | cut -c5- | modsim decode --json

exit codes:
  0   every byte belongs to a frame, and nothing is wrong with it
  1   something is wrong with a frame, or bytes belong to none
  2   the command line is wrong, or the text is no hexadecimal"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The bytes, what is known about them, and how to print."""
    parser.add_argument("hex", metavar="HEX", nargs="*", help="the bytes; - or nothing reads stdin")
    parser.add_argument(
        "--file", metavar="PATH", help="read a capture (pcap, pcapng), or lines of hexadecimal, from a file"
    )
    parser.add_argument("--framing", choices=FRAMINGS, default="auto", help="default: auto")
    parser.add_argument("--direction", choices=DIRECTIONS, default="auto", help="default: auto")
    parser.add_argument(
        "--port",
        type=int,
        action="append",
        default=[],
        metavar="N",
        help="captures: only this port, and it is the server's; may be given several times",
    )
    parser.add_argument("--brief", action="store_true", help="a line for each frame")
    parser.add_argument("--json", action="store_true", help="an array of objects, one for each frame")


def run(arguments: argparse.Namespace) -> int:
    """Explain what is given."""
    from simulator.explanation.captures import is_capture, read_capture

    try:
        data = _given(arguments)
        if isinstance(data, bytes) and is_capture(data):
            entries = list(_captured(read_capture(data), arguments))
        else:
            entries = list(_pasted(_chunks(data), arguments))
    except ValueError as error:
        print(f"modsim decode: {error}", file=sys.stderr)
        return exits.USAGE
    if arguments.json:
        print(json.dumps([entry.data for entry in entries], indent=2, ensure_ascii=False))
    else:
        print(("" if arguments.brief else "\n").join(entry.text for entry in entries), end="")
    if not entries:
        print("modsim decode: no frame found", file=sys.stderr)
        return exits.RUNTIME
    return exits.OK if all(entry.right for entry in entries) else exits.RUNTIME


class Entry:
    """A frame or noise: its text, its JSON, and whether all is right with it."""

    def __init__(self, text: str, data: dict[str, Any], right: bool) -> None:
        self.text = text
        self.data = data
        self.right = right


def _given(arguments: argparse.Namespace) -> bytes | list[str]:
    """The bytes of a file or of stdin, or the words of the command line."""
    words: list[str] = arguments.hex
    if (
        arguments.file is None
        and len(words) == 1
        and words[0].lower().endswith(FILES)
        and os.path.exists(words[0])
    ):
        arguments.file, words = words[0], []
    if arguments.file is not None:
        if words:
            raise ValueError("got HEX and --file, expected one of them")
        with open(arguments.file, "rb") as file:
            return file.read()
    return sys.stdin.buffer.read() if words in ([], ["-"]) else words


def _chunks(data: bytes | list[str]) -> list[bytes]:
    """Pieces of bytes: each line or argument is one, but single bytes as arguments belong together."""
    from simulator.explanation.hexadecimal import parse_hex

    if isinstance(data, bytes):
        lines = [line.strip() for line in data.decode("utf-8", "replace").splitlines()]
        texts = [line for line in lines if line and not line.startswith("#")]
    else:
        texts = [" ".join(data)] if all(len(word.strip(",;")) <= 4 for word in data) else data
    return [chunk for chunk in map(parse_hex, texts) if chunk]


def _pasted(chunks: Sequence[bytes], arguments: argparse.Namespace) -> Iterator[Entry]:
    from simulator.explanation.guessing import read_all

    framing = None if arguments.framing == "auto" else arguments.framing
    direction = None if arguments.direction == "auto" else arguments.direction
    number = 0
    for readings in read_all(chunks, framing, direction):
        for reading in readings:
            first = number
            for entry in _entries(reading, first, arguments.brief, alternative=len(readings) > 1):
                number = max(number, entry.data.get("frame", 0))
                yield entry


def _entries(reading: Reading, number: int, brief: bool, *, alternative: bool) -> Iterator[Entry]:
    from simulator.cli import frame_texts
    from simulator.explanation.guessing import Noise

    for part in reading.parts:
        if isinstance(part, Noise):
            yield Entry(frame_texts.noise_text(part), frame_texts.noise_data(part), False)
            continue
        number += 1
        for told in part:
            either = f", as a {told.direction}" if len(part) > 1 else ""
            either += f", as {reading.framing}" if alternative else ""
            if brief:
                text = f"{number}  {frame_texts.line(told)}\n"
            else:
                text = frame_texts.block(told, f"frame {number}{either}: {frame_texts.title(told)}")
            yield Entry(text, {"frame": number, **frame_texts.as_data(told)}, not told.problems)


def _captured(capture: Capture, arguments: argparse.Namespace) -> Iterator[Entry]:
    from simulator.cli import frame_texts
    from simulator.explanation.conversations import Conversations
    from simulator.explanation.guessing import Noise

    framing = None if arguments.framing == "auto" else arguments.framing
    began = capture.packets[0].time if capture.packets else 0.0
    for number, seen in enumerate(Conversations(arguments.port, framing).read(capture.packets), 1):
        packet, what = seen.packet, seen.what
        envelope = f"#{packet.number}  {packet.time - began:.6f} s  {packet.source} -> {packet.target}"
        data: dict[str, Any] = {
            "packet": packet.number,
            "time": packet.time,
            "transport": packet.transport,
            "source": str(packet.source),
            "target": str(packet.target),
        }
        if isinstance(what, Noise):
            yield Entry(
                f"{envelope}  {frame_texts.noise_text(what)}", data | frame_texts.noise_data(what), False
            )
            continue
        if arguments.direction not in ("auto", what.direction):
            continue
        data |= {"frame": number, "response_time_s": seen.delay, **frame_texts.as_data(what)}
        after = "" if seen.delay is None else f", after {seen.delay * 1000:.3f} ms"
        if arguments.brief:
            text = f"{envelope}  {frame_texts.line(what)}{after}\n"
        else:
            text = frame_texts.block(what, f"{envelope}  {frame_texts.title(what)}{after}")
        yield Entry(text, data, not what.problems)
