"""What a profile says of itself."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from simulator.profiles.profile import Profile

Load = Callable[..., Profile]
Complaints = Callable[..., list[str]]


def test_every_object(load: Load) -> None:
    profile = load(
        "parameters: {rated: 5}\n"
        "identity: {vendor_name: Acme, product_code: EM3, revision: '1.4', vendor_url: 'https://example.com',\n"
        "  product_name: Meter, model_name: 'EM3-{rated}', user_application_name: '{name}',\n"
        "  objects: {0xFF: '0x00FF', 0x80: text}}"
    )
    assert profile.identity == {
        0: "Acme",
        1: "EM3",
        2: "1.4",
        3: "https://example.com",
        4: "Meter",
        5: "EM3-{rated}",
        6: "{name}",
        0x80: "text",
        0xFF: b"\0\xff",
    }
    assert list(profile.identity) == sorted(profile.identity)


@pytest.mark.parametrize(
    ("identity", "expected"),
    [
        ("revision: 1.4", "1:22: identity.revision: revision is 1.4, expected text"),
        (
            "revison: '1'",
            (
                "1:12: identity.revison: unknown key 'revison', expected vendor_name, product_code, revision, "
                "vendor_url, product_name, model_name, user_application_name or objects; did you mean 'revision'?"
            ),
        ),
        (
            "model_name: '{nmae}'",
            "1:24: identity.model_name: '{nmae}' uses {nmae}, expected one of {i}, {n}, {name}",
        ),
        (
            "model_name: '{n.real}'",
            "1:24: identity.model_name: '{n.real}' uses {n.real}, expected a plain name such as {i} or {n}",
        ),
        (
            "objects: {0x7F: a}",
            "1:22: identity.objects.127: object id is 127, expected 0x80 to 0xFF (128 to 255)",
        ),
        (
            "objects: {256: a}",
            "1:22: identity.objects.256: object id is 256, expected 0x80 to 0xFF (128 to 255)",
        ),
        (
            "objects: {0x80: '0x1'}",
            "1:28: identity.objects.128: object is '0x1', expected pairs of hex digits after 0x",
        ),
        (
            f"objects: {{0x80: '{'x' * 245}'}}",
            "1:28: identity.objects.128: object has 245 bytes, expected at most 244",
        ),
        (
            f"objects: {{0x80: '0x{'00' * 245}'}}",
            "1:28: identity.objects.128: object has 245 bytes, expected at most 244",
        ),
    ],
)
def test_a_mistake_is_told(complaints: Complaints, identity: str, expected: str) -> None:
    assert complaints(f"identity: {{{identity}}}") == [f"p.yaml:{expected}"]


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ("i: 1", "14: parameters.i: parameter is named 'i', expected another name: every device has its own i"),
        ("name: x", "14: parameters.name: parameter is named 'name', expected another name: every device has its own name"),
        ("a b: 1", "14: parameters.a b: parameter is named 'a b', expected letters, digits and underscores"),
        ("a: true", "17: parameters.a: a is true, expected a whole number, a number or text"),
    ],
)  # fmt: skip
def test_a_parameter_is_a_name_and_a_value(complaints: Complaints, parameters: str, expected: str) -> None:
    assert complaints(f"parameters: {{{parameters}}}") == [f"p.yaml:1:{expected}"]
