"""``faults`` as files write them: the keys of ``when`` and ``then``.

The one rule: a model holds what it means, not what was written.  Which devices a rule is about is the
business of the plant file.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from simulator.documents.durations import Duration
from simulator.documents.models import FileModel
from simulator.documents.problems import one_of
from simulator.faults import fields, words

LONGEST_S = 86400.0  # of any wait


class WhenFile(FileModel):
    """Which requests a rule is about: those that every key that is given fits; without a key, all."""

    function: fields.Functions | None = None
    """Function codes: numbers, ranges or names such as read_holding_registers."""
    address: fields.Addresses | None = None
    """Addresses on the wire, from 0, one of which the request touches."""
    start: fields.Starts | None = None
    """Addresses on the wire, in which the first one of the request lies."""
    quantity: fields.Quantities | None = None
    """How many registers or bits the request asks for."""
    point: fields.Points | None = None
    """Points by name, one of which the request touches."""
    client: fields.Clients | None = None
    """The network the client is in, or a list of networks."""
    transport: fields.Transports | None = None
    """The scheme of the endpoint: tcp, rtu+tcp, …; serial is every serial line."""
    probability: Annotated[float, Field(ge=0, le=1)] = 1.0
    """How many of the requests, 0 to 1; drawn for each, from the seed of the plant."""
    every: Annotated[int, Field(ge=1)] = 1
    """Only each so-manieth request to a device."""
    after: Annotated[int, Field(ge=0)] = 0
    """So many requests to a device are spared first."""
    for_: Annotated[Duration | None, Field(alias="for")] = None
    """How long, in virtual time, until the rule switches itself off."""

    @property
    def is_about_requests(self) -> bool:
        """True when it can be told from a request only."""
        keys = (self.function, self.address, self.start, self.quantity, self.point)
        return any(key is not None for key in keys)

    @model_validator(mode="after")
    def _lasts(self) -> Self:
        if self.for_ == 0:
            raise ValueError("for is 0s, expected longer: the rule would never act")
        return self


class CorruptFile(FileModel):
    """Wrong values in an answer that is right otherwise."""

    type: Literal["stuck", "drift", "spike", "nan"]
    """stuck: they stand still; drift: they move away; spike: they jump; nan: what says that there is none."""
    value: float | None = None
    """Of stuck: where they stand, in engineering units; default where they were when the rule first acted."""
    rate: float | None = None
    """Of drift: how far a second of virtual time, in engineering units; default 1."""
    factor: float | None = None
    """Of spike: what they are multiplied with; default 10."""
    by: float | None = None
    """Of spike: what is added, in engineering units, in place of the factor."""

    @model_validator(mode="after")
    def _own_keys(self) -> Self:
        owners = {"value": "stuck", "rate": "drift", "factor": "spike", "by": "spike"}
        for key in sorted(self.model_fields_set - {"type"}):
            if owners[key] != self.type:
                raise ValueError(f"{key} is given with {self.type}, expected it with {owners[key]} only")
        if self.by is not None and self.factor is not None:
            raise ValueError("by is given beside factor, expected one of the two")
        return self


class SplitFile(FileModel):
    """An answer in pieces."""

    pieces: Annotated[int, Field(ge=2, le=1024)] = 2
    """How many."""
    gap: Duration = 0.05
    """The pause between two."""


class FlapFile(FileModel):
    """A link that comes and goes; it is down first."""

    down: Duration
    """How long it is down."""
    up: Duration
    """How long it is up."""


def _as_corruption(value: object) -> object:
    return {"type": value} if isinstance(value, str) else value


def _as_split(value: object) -> object:
    if isinstance(value, bool):
        return {} if value else None
    return {"pieces": value} if isinstance(value, int) else value


def _as_flap(value: object) -> object:
    return {"down": value, "up": value} if isinstance(value, str) else value


Corrupt = Annotated[CorruptFile, BeforeValidator(_as_corruption)]
Distribution = Literal["uniform", "normal", "lognormal", "pareto"]

SETTINGS = ("distribution",)  # keys of then that are no kind of fault
LINK_KINDS = ("refuse", "flap")  # what happens to a link, whatever is asked


class ThenFile(FileModel):
    """What is done to the exchange.  Several kinds act together."""

    delay: Duration | None = None
    """The answer leaves this much later."""
    jitter: Duration | None = None
    """How much the delay varies."""
    distribution: Distribution = "uniform"
    """Of the delay with its jitter."""
    drop: bool = False
    """No answer. The device has carried the request out."""
    slow_bytes: Duration | None = None
    """The answer is sent byte by byte, with this pause between two."""
    exception: fields.ExceptionCode | None = None
    """An exception in place of the answer: its name or code. The device has not carried the request out."""
    stale: bool = False
    """A read is answered with what the same request was answered when the rule first acted."""
    corrupt_values: Corrupt | None = None
    """The values read are wrong: stuck, drift, spike or nan, or a mapping with that type."""
    corrupt_checksum: bool = False
    """CRC or LRC of the answer is wrong."""
    wrong_transaction_id: fields.TransactionId | None = None
    """true: the next one; or the number."""
    wrong_unit_id: fields.UnitId | None = None
    """true: the next one; or the number."""
    wrong_function: fields.FunctionCode | None = None
    """true: the next one; or the number."""
    wrong_quantity: fields.Quantity | None = None
    """A well-formed answer with another number of values; true: one less."""
    truncate: fields.Kept | None = None
    """Only the first bytes of the answer are sent; true: half of them."""
    split: Annotated[SplitFile | None, BeforeValidator(_as_split)] = None
    """The answer comes in pieces; true: two of them, a number, or pieces and gap."""
    duplicate: fields.Copies | None = None
    """The answer is sent again; true: once."""
    garbage: fields.Noise | None = None
    """Bytes that mean nothing in place of the answer; true: as many random ones as it has."""
    extra_bytes: fields.Tail | None = None
    """Bytes behind the answer; true: two random ones."""
    close: fields.Close | None = None
    """The connection is closed in place of the answer, or after_answer."""
    reset: fields.Reset | None = None
    """The connection is reset in place of the answer, or after_answer."""
    refuse: bool = False
    """Clients that connect are reset at once."""
    hang: fields.Hang | None = None
    """From this request on the connection is silent: until the rule is off, or for a duration."""
    flap: Annotated[FlapFile | None, BeforeValidator(_as_flap)] = None
    """The link goes down and comes up again: a duration for both, or down and up."""

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds that are named, in the order of the reference."""
        return tuple(
            name
            for name in type(self).model_fields
            if name not in SETTINGS and getattr(self, name) is not None and getattr(self, name) is not False
        )

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        if not self.kinds:
            legal = [name for name in type(self).model_fields if name not in SETTINGS]
            raise ValueError(f"then has no kind of fault, expected {one_of(legal)}")
        if "distribution" in self.model_fields_set and not self.jitter:
            raise ValueError(
                f"distribution is {self.distribution} without jitter, expected a jitter beside it"
            )
        if self.distribution == "lognormal" and not self.delay:
            raise ValueError("distribution is lognormal without delay, expected a delay beside it")
        for name in ("delay", "jitter", "slow_bytes"):
            if (getattr(self, name) or 0.0) > LONGEST_S:
                raise ValueError(f"{name} is longer than a day, expected at most 1d")
        if self.flap is not None and not (self.flap.down > 0 and self.flap.up > 0):
            raise ValueError("flap has a time of 0, expected down and up longer than that")
        return self


class RuleFile(FileModel):
    """A fault: when it acts, what it does."""

    name: Annotated[str, Field(min_length=1)]
    """Unique among the faults of the plant."""
    when: WhenFile = WhenFile()
    """Which requests; without it, all of them."""
    then: ThenFile
    """What is done to them."""
    enabled: bool = True
    """false: the rule waits until something switches it on."""

    @model_validator(mode="after")
    def _fitting(self) -> Self:
        for kind in self.then.kinds:
            if kind in LINK_KINDS and self.when.is_about_requests:
                raise ValueError(
                    f"{kind} acts on connections, whatever is asked, expected no function, address, start, "
                    "quantity or point in when"
                )
            right = words.FUNCTIONS_OF.get(kind)
            if right and self.when.function and right.isdisjoint(self.when.function):
                named = one_of(sorted(right))
                asked = ", ".join(map(str, self.when.function))
                raise ValueError(f"{kind} never acts on function {asked}, expected one of {named}")
        return self
