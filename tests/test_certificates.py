"""The role in a certificate, and certificates to test with."""

from __future__ import annotations

import shutil
import subprocess
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from simulator.certificates import ROLE_OID, Authority, RoleError, make_key, role_of

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module", params=["ec", "rsa"])
def authority(request) -> Authority:
    return Authority.make("authority", now=NOW, days=100, key_type=request.param)


def der(pair) -> bytes:
    return pair.certificate.public_bytes(Encoding.DER)


def with_extension(value: bytes, oid: str = ROLE_OID) -> bytes:
    """A certificate whose extension holds these bytes."""
    key = make_key("ec")
    name = x509.Name([])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, NOW, NOW + timedelta(days=1))
    extension = x509.UnrecognizedExtension(x509.ObjectIdentifier(oid), value)
    builder = builder.add_extension(extension, critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


@pytest.mark.parametrize(
    "role", ["operator", "Überwacher", "x" * 127, "x" * 128, "x" * 300, "with space, and comma", ""]
)
def test_the_role_is_the_whole_text_of_the_extension(authority, role):
    assert role_of(der(authority.client("client", [role]))) == role


def test_a_certificate_without_the_extension_has_no_role(authority):
    assert role_of(der(authority.client("client"))) is None
    assert role_of(with_extension(b"\x0c\x01x", "1.3.6.1.4.1.50316.802.2")) is None


def test_two_roles_are_told(authority):
    pair = authority.client("client", ["operator", "engineer"])
    with pytest.raises(RoleError) as caught:
        role_of(der(pair))
    assert str(caught.value) == "client certificate has two roles, expected one"
    pair.certificate.verify_directly_issued_by(authority.pair.certificate)  # signed all the same


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (b"\x13\x01x", "13 01 78"),  # a PrintableString
        (b"\x0c\x02x", "0c 02 78"),  # cut short
        (b"\x0c\x01xy", "0c 01 78 79"),  # bytes behind
        (b"\x0c\x01\xff", "0c 01 ff"),  # no UTF-8
        (b"operator", "6f 70 65 72 61 74 6f 72"),  # no ASN.1 at all
        (b"\x0c", "0c"),
        (b"\x0c\x84", "0c 84"),
    ],
)
def test_what_is_no_utf8_string_is_no_role(value, shown):
    with pytest.raises(RoleError) as caught:
        role_of(with_extension(value))
    assert str(caught.value) == f"role in the client certificate is {shown}, expected an ASN.1 UTF8String"


@pytest.mark.parametrize("garbage", [b"", b"\x30", b"\x30\x03\x02\x01\x01", bytes(100)])
def test_garbage_is_no_certificate(garbage):
    with pytest.raises(RoleError, match="client certificate cannot be read"):
        role_of(garbage)


def test_certificates_are_valid_when_they_should_be(authority):
    expired = authority.client("late", first_day=-60, last_day=-30).certificate
    assert expired.not_valid_after_utc == NOW - timedelta(days=30)
    early = authority.client("early", first_day=10, last_day=20).certificate
    assert NOW < early.not_valid_before_utc < early.not_valid_after_utc
    usual = authority.server("server", ["localhost", "::1"]).certificate
    assert usual.not_valid_before_utc < NOW
    assert usual.not_valid_after_utc == NOW + timedelta(days=100)
    names = usual.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(name.value) for name in names] == ["localhost", "::1"]


@pytest.mark.skipif(shutil.which("openssl") is None, reason="there is no openssl here")
def test_openssl_agrees(authority, tmp_path):
    """Strictly, as clients of tomorrow look at certificates."""
    (tmp_path / "ca.pem").write_bytes(authority.pair.certificate_pem())
    pairs = {
        "client": authority.client("client", ["operator"]),
        "server": authority.server("server", ["127.0.0.1"]),
    }
    at = str(int(NOW.timestamp()))
    for purpose, pair in pairs.items():
        (tmp_path / "it.pem").write_bytes(pair.certificate_pem())
        words = [
            "openssl",
            "verify",
            "-x509_strict",
            "-attime",
            at,
            "-purpose",
            f"ssl{purpose}",
            "-CAfile",
            "ca.pem",
            "it.pem",
        ]
        done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.stdout == "it.pem: OK\n", done.stderr
    text = subprocess.run(
        ["openssl", "asn1parse", "-in", "it.pem"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert "X509v3 Subject Alternative Name" in text.stdout
