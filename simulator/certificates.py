"""Certificates for Modbus/TCP Security: the role in one, and a set of them to test with.

Needs the package ``cryptography`` (the extra ``tls``), imported when it is used.  The role stands in an
extension of the client's certificate as an ASN.1 UTF8String; there is one at most (MODBUS/TCP Security, R-21
to R-23, R-65).  The one rule: nothing is random but keys and serial numbers, and nothing reads the clock.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from cryptography import x509

ROLE_OID = "1.3.6.1.4.1.50316.802.1"
SUBSTITUTE_OID = "1.3.6.1.4.1.50316.802.2"  # as long as the other one, never leaves this module
KeyType = Literal["ec", "rsa"]

_UTF8_STRING, _SEQUENCE, _BIT_STRING = 0x0C, 0x30, 0x03  # tags of ASN.1, X.690 §8


class RoleError(ValueError):
    """A certificate whose role cannot be told."""


def role_of(certificate: bytes) -> str | None:
    """The role in a certificate, in DER form; None when it has none.  Raises RoleError."""
    from cryptography import x509

    try:
        extensions = x509.load_der_x509_certificate(certificate).extensions
        extension = extensions.get_extension_for_oid(x509.ObjectIdentifier(ROLE_OID))
    except x509.ExtensionNotFound:
        return None
    except x509.DuplicateExtension as error:
        oid = error.oid.dotted_string
        twice = "two roles" if oid == ROLE_OID else f"extension {oid} twice"
        raise RoleError(f"client certificate has {twice}, expected one") from None
    except ValueError as error:
        raise RoleError(f"client certificate cannot be read: {error}") from None
    return _text(extension.value.value)  # type: ignore[attr-defined]  # an extension nobody knows is bytes


def _text(value: bytes) -> str:
    """The text of an ASN.1 UTF8String."""
    try:
        length, start = value[1], 2
        if length & 0x80:
            start += length & 0x7F
            length = int.from_bytes(value[2:start], "big")
        if value[0] != _UTF8_STRING or len(value) != start + length:
            raise ValueError
        return value[start:].decode("utf-8")
    except (IndexError, ValueError):
        shown = value[:16].hex(" ")
        raise RoleError(f"role in the client certificate is {shown}, expected an ASN.1 UTF8String") from None


def _der(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


@dataclass(frozen=True)
class Pair:
    """A certificate and its private key."""

    certificate: x509.Certificate
    key: Any

    def certificate_pem(self) -> bytes:
        """For a file anybody may read."""
        from cryptography.hazmat.primitives.serialization import Encoding

        return self.certificate.public_bytes(Encoding.PEM)

    def key_pem(self) -> bytes:
        """For a file only its owner may read."""
        from cryptography.hazmat.primitives import serialization as s

        form = s.PrivateFormat.PKCS8
        return bytes(self.key.private_bytes(s.Encoding.PEM, form, s.NoEncryption()))


@dataclass(frozen=True)
class Authority:
    """A certificate authority for tests: what it signs is valid ``days`` from ``now``, or as it is asked."""

    pair: Pair
    now: datetime
    days: int
    key_type: KeyType

    @classmethod
    def make(cls, name: str, *, now: datetime, days: int, key_type: KeyType = "ec") -> Authority:
        """A new one that signs itself."""
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes

        key = make_key(key_type)
        identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        builder = _builder(name, name, key, now - timedelta(hours=1), now + timedelta(days=days + 1))
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        builder = builder.add_extension(_usage("key_cert_sign", "crl_sign"), critical=True)
        builder = builder.add_extension(identifier, critical=False)
        return cls(Pair(builder.sign(key, hashes.SHA256()), key), now, days, key_type)

    def server(self, name: str, hosts: Iterable[str], *, key: Any = None, **valid: int) -> Pair:
        """The certificate of a server known under these names and addresses."""
        from cryptography import x509
        from cryptography.x509.oid import ExtendedKeyUsageOID

        names = x509.SubjectAlternativeName([_host(host) for host in hosts])
        return self._sign(name, ExtendedKeyUsageOID.SERVER_AUTH, [names], key, **valid)

    def client(self, name: str, roles: Sequence[str] = (), **valid: int) -> Pair:
        """The certificate of a client with a role, with none, or with two as the specification forbids."""
        from cryptography import x509
        from cryptography.x509.oid import ExtendedKeyUsageOID

        extensions = [
            x509.UnrecognizedExtension(x509.ObjectIdentifier(oid), _der(_UTF8_STRING, role.encode()))
            for oid, role in zip((ROLE_OID, SUBSTITUTE_OID), roles, strict=False)
        ]
        pair = self._sign(name, ExtendedKeyUsageOID.CLIENT_AUTH, extensions, None, **valid)
        return replace(pair, certificate=self._repeated(pair.certificate)) if len(roles) > 1 else pair

    def _sign(
        self,
        name: str,
        purpose: x509.ObjectIdentifier,
        extensions: Sequence[x509.ExtensionType],
        key: Any,
        *,
        first_day: int = 0,
        last_day: int | None = None,
    ) -> Pair:
        """A certificate valid from ``first_day`` to ``last_day``, counted from now."""
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes

        key = key or make_key(self.key_type)
        begin = self.now + timedelta(days=first_day) - timedelta(hours=1)
        end = self.now + timedelta(days=self.days if last_day is None else last_day)
        issuer = self.pair.certificate
        known = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        builder = _builder(name, _common_name(issuer), key, begin, end)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        builder = builder.add_extension(_usage("digital_signature", "key_encipherment"), critical=True)
        builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        builder = builder.add_extension(identifier, critical=False)
        parent = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(known)
        builder = builder.add_extension(parent, critical=False)
        for extension in extensions:
            builder = builder.add_extension(extension, critical=False)
        return Pair(builder.sign(self.pair.key, hashes.SHA256()), key)

    def _repeated(self, certificate: x509.Certificate) -> x509.Certificate:
        """The same with the substitute become a second role, which no builder puts in; signed again."""
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import ec, padding

        inner = certificate.tbs_certificate_bytes.replace(_oid(SUBSTITUTE_OID), _oid(ROLE_OID))
        how: tuple[Any, ...]
        if self.key_type == "rsa":
            how = (padding.PKCS1v15(), hashes.SHA256())
        else:
            how = (ec.ECDSA(hashes.SHA256()),)
        signature = _der(_BIT_STRING, b"\0" + self.pair.key.sign(inner, *how))
        algorithm = _algorithm(certificate)
        return x509.load_der_x509_certificate(_der(_SEQUENCE, inner + algorithm + signature))


def make_key(key_type: KeyType) -> Any:
    """A private key: P-256, or RSA with 2048 bits."""
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    if key_type == "rsa":
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return ec.generate_private_key(ec.SECP256R1())


def _builder(name: str, issuer: str, key: Any, begin: datetime, end: datetime) -> x509.CertificateBuilder:
    from cryptography import x509

    builder = x509.CertificateBuilder(_named(issuer), _named(name), key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    return builder.not_valid_before(begin).not_valid_after(end)


def _named(name: str) -> x509.Name:
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _common_name(certificate: x509.Certificate) -> str:
    from cryptography.x509.oid import NameOID

    return str(certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)


def _usage(*allowed: str) -> x509.KeyUsage:
    from cryptography import x509

    names = (
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
        "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
    )  # fmt: skip
    return x509.KeyUsage(**{name: name in allowed for name in names})


def _host(host: str) -> x509.GeneralName:
    from cryptography import x509

    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _oid(dotted: str) -> bytes:
    """An object identifier in DER form, X.690 §8.19."""
    first, second, *rest = map(int, dotted.split("."))
    content = bytearray([40 * first + second])
    for number in rest:
        groups = [number & 0x7F]
        while number := number >> 7:
            groups.append(0x80 | number & 0x7F)
        content += bytes(reversed(groups))
    return _der(0x06, bytes(content))


def _algorithm(certificate: x509.Certificate) -> bytes:
    """The signature algorithm of a certificate: what stands behind its inner part."""
    from cryptography.hazmat.primitives.serialization import Encoding

    whole = certificate.public_bytes(Encoding.DER)
    inner = certificate.tbs_certificate_bytes
    behind = whole[whole.index(inner) + len(inner) :]
    return behind[: 2 + behind[1]]  # shorter than 128 bytes for the algorithms used here
