"""Times of a day as files write them, and where in its day or week a virtual instant lies.

``"06:00"`` and ``"06:00:30"`` are seconds since midnight, ``"24:00"`` is the end of a day;
``utc_offset: "+02:00"`` says how far the clocks of the devices are ahead of UTC.  One rule: a time is a text
in quotes with a colon, so that nobody reads it as a number of minutes.  There is no daylight saving time.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import PlainValidator, ValidationInfo, WithJsonSchema

from simulator.documents.problems import show

DAY_S = 86400.0
WEEK_S = 7 * DAY_S
_MONDAY_S = 4 * DAY_S  # 1970-01-05, the first Monday of Unix time
_TIME = re.compile(r"([0-2]?[0-9]):([0-5][0-9])(?::([0-5][0-9]))?", re.ASCII)
_OFFSET = re.compile(r"([+-])([01][0-9]):([0-5][0-9])", re.ASCII)
_TIME_SCHEMA = {"type": "string", "pattern": f"^{_TIME.pattern}$", "examples": ["06:00", "20:30:00"]}
_OFFSET_SCHEMA = {"type": "string", "pattern": f"^{_OFFSET.pattern}$", "examples": ["+02:00", "-05:30"]}


def parse_time(value: object) -> float:
    """Seconds since midnight of a text such as ``06:00``, 0 to 86400; ``ValueError`` for anything else."""
    match = _TIME.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is not None:
        hours, minutes, seconds = (int(part or 0) for part in match.groups())
        if (found := hours * 3600.0 + minutes * 60 + seconds) <= DAY_S:
            return found
    raise ValueError(f'time is {show(value)}, expected a time of day such as "06:00", at most "24:00"')


def _time(value: object, info: ValidationInfo) -> float:
    try:
        return parse_time(value)
    except ValueError as error:
        raise ValueError(str(error).replace("time", str(info.field_name), 1)) from None


def _offset(value: object, info: ValidationInfo) -> float:
    match = _OFFSET.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f'{info.field_name} is {show(value)}, expected a text such as "+02:00"')
    sign, hours, minutes = match.groups()
    return (int(hours) * 3600.0 + int(minutes) * 60) * (-1 if sign == "-" else 1)


TimeOfDay = Annotated[float, PlainValidator(_time), WithJsonSchema(_TIME_SCHEMA)]
"""A time of day; seconds since midnight in the program."""
UtcOffset = Annotated[float, PlainValidator(_offset), WithJsonSchema(_OFFSET_SCHEMA)]
"""How far local clocks are ahead of UTC; seconds in the program."""


def second_of_day(unix: float) -> float:
    """Seconds since midnight of an instant of Unix time, already moved by the offset from UTC."""
    return unix % DAY_S


def second_of_week(unix: float) -> float:
    """Seconds since Monday 00:00 of an instant of Unix time, already moved by the offset from UTC."""
    return (unix - _MONDAY_S) % WEEK_S
