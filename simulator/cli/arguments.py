"""Arguments that several verbs share, so that they read the same everywhere."""

from __future__ import annotations

import argparse

LEVELS = ("debug", "info", "warning", "error")
FORMATS = ("auto", "text", "json")


def add_plant_file(parser: argparse.ArgumentParser) -> None:
    """``FILE``, the plant file."""
    parser.add_argument("file", metavar="FILE", help="the plant file (YAML), - for standard input")


def add_seed(parser: argparse.ArgumentParser) -> None:
    """``--seed``: randomness other than the file's."""
    parser.add_argument(
        "--seed", type=int, metavar="N", help="seed of all randomness, instead of the plant file's"
    )


def add_time_scale(parser: argparse.ArgumentParser) -> None:
    """``--time-scale``: a pace of virtual time other than the file's."""
    parser.add_argument(
        "--time-scale",
        type=_scale,
        metavar="X",
        help="virtual seconds a second, 0.001 to 100000, instead of the plant file's: "
        "60 runs an hour in a minute",
    )


def _scale(text: str) -> float:
    from simulator.config.clock import check_scale

    try:
        number = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no number") from None
    try:
        return check_scale(number)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def add_http(parser: argparse.ArgumentParser) -> None:
    """``--http``: where the API is, instead of what the file says."""
    parser.add_argument(
        "--http",
        type=_address,
        metavar="ADDRESS:PORT",
        help="serve the API here, instead of control.http of the plant file; port 0 is a free one; "
        "another address than one of the loopback needs a token: control.token, or MODSIM_TOKEN",
    )


def _address(text: str) -> tuple[str, int]:
    from simulator.config.control import parse_address

    try:
        return parse_address(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def add_running(parser: argparse.ArgumentParser) -> None:
    """What a verb that serves takes: where to announce readiness, what to log and how."""
    parser.add_argument(
        "--ready-file",
        metavar="PATH",
        help="write a JSON file when everything answers (pid, devices, every endpoint with its port); "
        "removed when the program ends",
    )
    parser.add_argument(
        "--log-level", choices=LEVELS, default="info", help="least level to log (default: info)"
    )
    parser.add_argument(
        "--log-format",
        choices=FORMATS,
        default="auto",
        help="log lines: text, json (one object a line), or auto: text on a terminal, "
        "json otherwise (default: auto)",
    )
    parser.add_argument(
        "--log-file",
        metavar="PATH",
        help="append the log to this file instead of writing it to stderr; SIGUSR2 opens it anew",
    )
    parser.add_argument(
        "--duration",
        type=_duration,
        metavar="TIME",
        help="end by itself, with exit code 0, after so much real time of being ready: 90s, 10m, 1h",
    )


def _duration(text: str) -> float:
    from simulator.documents.durations import parse_duration

    try:
        return parse_duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
