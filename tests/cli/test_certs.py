"""``modsim certs``: what it makes fits together, and what is bad is bad in one way only."""

from __future__ import annotations

import stat
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from simulator.certificates import RoleError, role_of
from simulator.cli.app import main

BAD_CLIENTS = ["expired", "no-role", "not-yet-valid", "two-roles", "wrong-ca"]
BAD_SERVERS = ["expired", "not-yet-valid", "wrong-ca", "wrong-host"]


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("made") / "certs"
    assert main(["certs", str(folder), "--host", "plant.example", "--host", "192.0.2.7"]) == 0
    return folder


def certificate(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def names(path: Path) -> list[str]:
    found = certificate(path).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return [str(name.value) for name in found]


def role(path: Path) -> str | None:
    return role_of(certificate(path).public_bytes(Encoding.DER))


def is_signed_by(path: Path, authority: Path) -> bool:
    try:
        certificate(path).verify_directly_issued_by(certificate(authority))
    except Exception:
        return False
    return True


def test_there_is_one_of_each(made):
    files = {str(path.relative_to(made)) for path in made.rglob("*") if path.is_file()}
    pairs = [
        "ca",
        "server",
        "client-operator",
        "client-engineer",
        *(f"bad/client-{name}" for name in BAD_CLIENTS),
    ]
    expected = {f"{name}.{kind}" for name in pairs for kind in ("pem", "key")}
    assert files == expected | {f"bad/server-{name}.pem" for name in BAD_SERVERS} | {"bad/another-ca.pem"}


def test_keys_belong_to_their_certificates_and_are_for_their_owner_only(made):
    for path in made.rglob("*.key"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
        key = load_pem_private_key(path.read_bytes(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        assert key.public_key() == certificate(path.with_suffix(".pem")).public_key(), path
    key = load_pem_private_key((made / "server.key").read_bytes(), None).public_key()
    for name in BAD_SERVERS:
        assert certificate(made / f"bad/server-{name}.pem").public_key() == key, "one key serves all"


def test_the_good_ones_are_good(made):
    now = datetime.now(UTC)
    for name in ("server", "client-operator", "client-engineer"):
        path = made / f"{name}.pem"
        assert is_signed_by(path, made / "ca.pem")
        assert certificate(path).not_valid_before_utc < now
        days = certificate(path).not_valid_after_utc - now
        assert timedelta(days=364) < days <= timedelta(days=365)
    assert names(made / "server.pem") == ["localhost", "127.0.0.1", "::1", "plant.example", "192.0.2.7"]
    assert role(made / "client-operator.pem") == "operator"
    assert role(made / "client-engineer.pem") == "engineer"


def test_the_bad_ones_are_bad_in_their_way_only(made):
    now = datetime.now(UTC)
    for path in (made / "bad").glob("*.pem"):
        if path.stem == "another-ca":
            continue
        kind = path.stem.partition("-")[2]
        found = certificate(path)
        assert is_signed_by(path, made / "ca.pem") is (kind != "wrong-ca"), path
        assert is_signed_by(path, made / "bad/another-ca.pem") is (kind == "wrong-ca"), path
        assert (found.not_valid_after_utc < now) is (kind == "expired"), path
        assert (found.not_valid_before_utc > now) is (kind == "not-yet-valid"), path
        if path.stem.startswith("server"):
            assert ("127.0.0.1" in names(path)) is (kind != "wrong-host"), path
        elif kind == "two-roles":
            with pytest.raises(RoleError, match="two roles"):
                role(path)
        else:
            assert role(path) == (None if kind == "no-role" else "operator"), path


def test_what_is_printed_is_a_plant(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["certs", "certs", "--role", "viewer", "--role", "chief"]) == 0
    printed = capsys.readouterr().out
    begin, end = printed.index("tls:\n"), printed.index("\n\n", printed.index("devices:"))
    (tmp_path / "plant.yaml").write_text(printed[begin:end].replace("8802", "0") + "\n")
    assert "    viewer: {functions: 1-4}\n    chief: {}\n" in printed
    assert main(["check", "plant.yaml"]) == 0


def test_what_exists_is_kept(tmp_path, capsys):
    (tmp_path / "server.pem").write_text("mine")
    assert main(["certs", str(tmp_path)]) == 1
    assert (
        capsys.readouterr().err == f"modsim: {tmp_path}/server.pem exists and is kept; name another folder\n"
    )
    assert (tmp_path / "server.pem").read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["server.pem"], "nothing else was written"


def test_rsa_keys_and_days(tmp_path):
    assert main(["certs", str(tmp_path), "--key-type", "rsa", "--days", "3", "--role", "one"]) == 0
    assert isinstance(load_pem_private_key((tmp_path / "server.key").read_bytes(), None), rsa.RSAPrivateKey)
    left = certificate(tmp_path / "client-one.pem").not_valid_after_utc - datetime.now(UTC)
    assert timedelta(days=2) < left <= timedelta(days=3)
    with pytest.raises(RoleError, match="two roles"):
        role(tmp_path / "bad/client-two-roles.pem")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (
            ["--role", "../x"],
            "role is '../x', expected letters, digits, '.', '-' and '_': it is part of a file's name",
        ),
        (
            ["--role", ""],
            "role is '', expected letters, digits, '.', '-' and '_': it is part of a file's name",
        ),
        (["--host", "a b"], "host is 'a b', expected a name such as plant.example, or an address"),
        (["--days", "0"], "days is 0, expected 1 to 3650"),
    ],
)
def test_what_is_wrong_with_the_arguments_is_told(tmp_path, capsys, words, expected):
    assert main(["certs", str(tmp_path / "certs"), *words]) == 2
    assert capsys.readouterr().err == f"modsim certs: {expected}\n"
    assert not (tmp_path / "certs").exists()


def test_the_package_that_is_missing_is_named(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "cryptography", None)
    assert main(["certs", str(tmp_path / "certs")]) == 1
    expected = "modsim: certs needs the package cryptography: pip install modsim[tls]\n"
    assert capsys.readouterr().err == expected


def test_a_folder_that_cannot_be_made_is_told(tmp_path, capfd):
    (tmp_path / "file").write_text("")
    assert main(["certs", str(tmp_path / "file" / "certs")]) == 1
    assert capfd.readouterr().err == f"modsim: {tmp_path}/file/certs: Not a directory\n"
