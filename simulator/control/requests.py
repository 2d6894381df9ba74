"""From a request to the arguments of an operation, checked.

A model for each line of the table says what its parameters may be; the OpenAPI document shows the same
models.  The one rule: nothing is converted silently, but the texts of a query, which have no other way.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Annotated, Any, NoReturn

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, create_model

from simulator.control.refusals import Refusal, Unfit
from simulator.control.verbs import TABLE, Parameter, Verb
from simulator.documents.wording import one_of, show, unknown

LONGEST = 200  # characters of a name or a pattern
MOST = 10_000  # entries of a list
LONGEST_NUMBER = 40  # digits
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?", re.ASCII)
_TEXT = Annotated[str, Field(min_length=1, max_length=LONGEST)]


class Arguments(BaseModel):
    """The arguments of an operation."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _integer(value: object) -> object:
    """1.0 is a whole number in JSON Schema."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _kind(parameter: Parameter) -> Any:
    bounds = Field(ge=parameter.low, le=parameter.high)
    if parameter.kind == "texts":
        return Annotated[
            list[_TEXT],
            Field(min_length=1, max_length=MOST),
            BeforeValidator(
                _listed,
                json_schema_input_type=_TEXT | Annotated[list[_TEXT], Field(min_length=1, max_length=MOST)],
            ),
        ]
    if parameter.kind == "integer":
        return Annotated[int, bounds, BeforeValidator(_integer)]
    if parameter.kind == "number":
        return Annotated[float, bounds]
    if parameter.kind == "values":
        return Annotated[
            list[Annotated[int, Field(ge=0, le=0xFFFF), BeforeValidator(_integer)]],
            Field(min_length=1, max_length=MOST),
        ]
    if parameter.kind == "mapping":
        return Annotated[dict[_TEXT, Any], Field(min_length=1, max_length=MOST)]
    if parameter.choices:
        return Annotated[str, Field(json_schema_extra={"enum": list(parameter.choices)})]
    return _TEXT


def _model(verb: Verb) -> type[Arguments]:
    fields: dict[str, Any] = {}
    for each in verb.parameters:
        kind = _kind(each)
        if not each.required and each.default is None:
            kind = kind | None if each.where == "body" else kind
        default = ... if each.required else each.default
        fields[each.name] = (kind, Field(default, description=each.help))
    return create_model(verb.name, __base__=Arguments, __doc__=verb.summary, **fields)


MODELS = {verb.name: _model(verb) for verb in TABLE}


def body_of(content: bytes) -> Mapping[str, Any]:
    """The JSON object of a body; an empty one for none.  Raises Refusal."""
    if not content:
        return {}
    try:
        found = json.loads(content, parse_constant=_no_number, parse_int=_whole)
    except RecursionError:
        raise Refusal("the body is nested too deeply, expected a JSON object") from None
    except ValueError as error:
        raise Refusal(f"the body is no JSON ({error}), expected a JSON object") from None
    if not isinstance(found, dict):
        raise Refusal(f"the body is {show(found)}, expected a JSON object")
    return found


def _whole(digits: str) -> int:
    if len(digits) > LONGEST_NUMBER:
        raise ValueError(f"a number has {len(digits)} digits, expected {LONGEST_NUMBER} at most")
    return int(digits)


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number of JSON")


def arguments(
    verb: Verb, path: Mapping[str, str], query: Mapping[str, list[str]], body: Mapping[str, Any]
) -> dict[str, Any]:
    """The arguments of an operation.  Raises Unfit with what is wrong with the first that is."""
    given: dict[str, Any] = dict(path)
    known = {each.name: each for each in verb.parameters}
    for name, texts in query.items():
        parameter = known.get(name)
        if parameter is None or parameter.where != "query":
            raise Unfit(unknown("query parameter", name, _names(verb, "query")))
        if len(texts) > 1:
            raise Unfit(f"{name} is given {len(texts)} times, expected it once")
        given[name] = _of_text(parameter, texts[0])
    for name, value in body.items():
        if name not in known or known[name].where != "body":
            raise Unfit(unknown("key", name, _names(verb, "body")))
        given[name] = value
    try:
        found = MODELS[verb.name].model_validate(given)
    except ValidationError as error:
        raise Unfit(_worded(error, known)) from None
    taken = {name: getattr(found, name) for name in known}
    for name, parameter in known.items():
        if parameter.choices and taken[name] not in parameter.choices:
            raise Unfit(unknown(name, taken[name], parameter.choices))
    return taken


def _names(verb: Verb, where: str) -> list[str]:
    return [each.name for each in verb.parameters if each.where == where]


def _of_text(parameter: Parameter, text: str) -> object:
    """What the text of a query stands for; the text itself where that is nothing."""
    if parameter.kind not in ("integer", "number") or not _NUMBER.fullmatch(text) or len(text) > 40:
        return text
    if re.fullmatch("-?[0-9]+", text):
        return int(text)
    number = float(text)
    return int(number) if parameter.kind == "integer" and number.is_integer() else number


def _worded(error: ValidationError, known: Mapping[str, Parameter]) -> str:
    first = error.errors(include_url=False)[0]
    name, *rest = map(str, first["loc"])
    expected = f"expected {_expected(known[name])}"
    if first["type"] == "missing":
        return f"{name} is missing, {expected}"
    place = ".".join([name, *(part for part in rest if part.isdigit())])
    return f"{place} is {show(first['input'])}: {first['msg'].lower()}; {expected}"


def _expected(parameter: Parameter) -> str:
    if parameter.choices:
        return one_of(parameter.choices)
    bounds = "" if parameter.low is None else f", {parameter.low:g} to {parameter.high:g}"
    what = {
        "text": "a text",
        "texts": "a text or a list of texts",
        "integer": "a whole number",
        "number": "a number",
        "values": "a list of whole numbers, 0 to 65535",
        "mapping": "an object",
    }[parameter.kind]
    return f"{what}{bounds} ({parameter.help})"
