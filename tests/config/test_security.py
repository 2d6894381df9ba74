"""The ``tls`` of plant files: what it may say, where it comes from, what is wrong with it."""

from __future__ import annotations

from pathlib import Path

import pytest

import simulator.config.security as security
from simulator.config.loader import parse_plant
from simulator.config.plant import PlantConfig
from simulator.errors import ConfigError
from simulator.protocol.codes import Table
from simulator.roles import NOBODY, Rule

CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMII=\n-----END CERTIFICATE-----\n"
KEY = "-----BEGIN PRIVATE KEY-----\nMII=\n-----END PRIVATE KEY-----\n"
ENCRYPTED = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMII=\n-----END ENCRYPTED PRIVATE KEY-----\n"
TLS = "tls: {certificate: server.pem, key: server.key, ca: ca.pem}\n"
BOX = 'devices: [{name: box, profile: generic, endpoint: "tls://127.0.0.1:8802"}]\n'


@pytest.fixture(autouse=True)
def folder(tmp_path: Path) -> Path:
    files = {
        "server.pem": CERTIFICATE,
        "other.pem": CERTIFICATE,
        "both.pem": CERTIFICATE + KEY,
        "ca.pem": CERTIFICATE,
        "server.key": KEY,
        "secret.key": ENCRYPTED,
        "notes.txt": "hello",
    }
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    return tmp_path


@pytest.fixture
def load(folder):
    def load(text: str) -> PlantConfig:
        return parse_plant(text, file=str(folder / "plant.yaml"))

    return load


@pytest.fixture
def wrong(load, folder):
    """What is told about a plant: ``line:column: path: message`` for each problem."""

    def wrong(text: str) -> list[str]:
        with pytest.raises(ConfigError) as caught:
            load(text)
        return [str(problem).removeprefix(f"{folder}/plant.yaml:") for problem in caught.value.problems]

    return wrong


def test_files_are_named_relative_to_the_plant_file(load, folder):
    (group,) = load(TLS + BOX).groups
    settings = group.tls
    assert (settings.certificate, settings.key, settings.ca) == tuple(
        str(folder / name) for name in ("server.pem", "server.key", "ca.pem")
    )
    assert settings.roles is None, "everybody may do everything"
    assert (settings.minimum_version, settings.maximum_version) == ("1.2", "1.3")
    assert settings.handshake_timeout == 10


def test_the_standard_port_is_802(load):
    (listener,) = load(TLS + BOX.replace(":8802", "")).listeners
    assert listener.endpoint == "tls://127.0.0.1:802"


def test_the_keys_of_a_group_lie_over_those_of_the_plant(load, folder):
    plant = """\
tls: {certificate: server.pem, key: server.key, ca: ca.pem, roles: {a: {}}, handshake_timeout: 3s}
devices:
  - {name: one, profile: generic, endpoint: "tls://127.0.0.1:8802"}
  - {name: two, profile: generic, endpoint: "tls://127.0.0.1:8803", tls: {certificate: other.pem, roles: {b: {}}}}
  - {name: three, profile: generic, endpoint: "tcp://127.0.0.1:8804"}
"""
    one, two, three = (group.tls for group in load(plant).groups)
    assert one.certificate == str(folder / "server.pem")
    assert two.certificate == str(folder / "other.pem")
    assert two.key == one.key
    assert two.handshake_timeout == one.handshake_timeout == 3
    assert (list(one.roles), list(two.roles)) == (["a"], ["b"])
    assert three is None


def test_a_group_may_have_all_of_it(load):
    own = "tls: {certificate: both.pem, ca: ca.pem}"
    (group,) = load(BOX.replace("}]", f", {own}}}]")).groups
    assert group.tls.key == group.tls.certificate


def test_roles_are_rules_in_numbers(load):
    roles = """\
tls:
  certificate: server.pem
  key: server.key
  ca: ca.pem
  no_role: {functions: [1, 2]}
  roles:
    viewer: {functions: 1-4}
    operator:
      - {functions: 1-4}
      - {functions: [6, 0x10], tables: holding, addresses: "20-29,10-19,0x30", unit_ids: 1-2}
    engineer: {}
    nobody: []
"""
    (group,) = load(roles + BOX).groups
    assert group.tls.no_role == (Rule(functions=frozenset({1, 2})),)
    assert group.tls.roles == {
        "viewer": (Rule(functions=frozenset({1, 2, 3, 4})),),
        "operator": (
            Rule(functions=frozenset({1, 2, 3, 4})),
            Rule(
                frozenset({6, 16}),
                frozenset({Table.HOLDING_REGISTER}),
                ((10, 29), (48, 48)),
                frozenset({1, 2}),
            ),
        ),
        "engineer": (Rule(),),
        "nobody": NOBODY,
    }


def test_what_no_role_may_is_enough_to_look_for_roles(load):
    (group,) = load(TLS.replace("}", ", no_role: {functions: 3}}") + BOX).groups
    assert group.tls.roles == {}


@pytest.mark.parametrize("written", ["1.3", "'1.3'"])
def test_versions_may_be_written_as_numbers(load, written):
    (group,) = load(TLS.replace("}", f", minimum_version: {written}}}") + BOX).groups
    assert group.tls.minimum_version == "1.3"


@pytest.mark.parametrize(
    ("tls", "expected"),
    [
        (
            "{certificate: gone.pem, key: server.key, ca: ca.pem}",
            ["1:20: tls.certificate: file 'gone.pem' cannot be read: no such file or directory"],
        ),
        (
            "{certificate: ., key: server.key, ca: ca.pem}",
            ["1:20: tls.certificate: file '.' cannot be read: is a directory"],
        ),
        (
            "{certificate: notes.txt, key: server.pem, ca: server.key}",
            [
                "1:20: tls.certificate: file 'notes.txt' holds no certificate, expected one in PEM form",
                "1:36: tls.key: file 'server.pem' holds no private key, expected one in PEM form",
                "1:52: tls.ca: file 'server.key' holds no certificate, expected one in PEM form",
            ],
        ),
        (
            "{certificate: server.pem, key: secret.key, ca: ca.pem}",
            [
                "1:37: tls.key: the private key in 'secret.key' is encrypted, expected one without a passphrase",
            ],
        ),
        (
            "{certificate: server.pem, ca: ca.pem}",
            ["1:20: tls.certificate: file 'server.pem' holds no private key, expected one in PEM form"],
        ),
        (
            "{certificate: server.pem, key: server.key}",
            [
                "2:51: devices.0.endpoint: ca for TLS is missing, expected "
                "tls: {certificate: server.pem, key: server.key, ca: ca.pem} here or for the plant"
            ],
        ),
        (
            "{certificat: server.pem, key: server.key, ca: ca.pem}",
            [
                "1:7: tls.certificat: unknown key 'certificat', expected certificate, key, ca, roles, no_role, "
                "handshake_timeout, minimum_version or maximum_version; did you mean 'certificate'?"
            ],
        ),
        (
            "{certificate: server.pem, key: server.key, ca: ca.pem, minimum_version: 1.1}",
            ["1:78: tls.minimum_version: TLS version is 1.1, expected 1.2 or 1.3"],
        ),
        (
            "{certificate: server.pem, key: server.key, ca: ca.pem, minimum_version: 1.3, maximum_version: 1.2}",
            ["1:78: tls.minimum_version: minimum_version is 1.3, expected 1.2 or less: the maximum_version"],
        ),
        (
            "{certificate: server.pem, key: server.key, ca: ca.pem, handshake_timeout: 0s}",
            ["1:80: tls.handshake_timeout: handshake_timeout is 0s, expected more"],
        ),
        (
            "{certificate: server.pem, key: server.key, ca: ca.pem, roles: {a: {function: 3}}}",
            [
                "1:73: tls.roles.a.function: unknown key 'function', expected functions, tables, addresses or "
                "unit_ids; did you mean 'functions'?"
            ],
        ),
        (
            "{certificate: server.pem, key: server.key, ca: ca.pem, roles: {a: {functions: 0-3}}}",
            ["1:84: tls.roles.a.functions: function is 0, expected 1 to 127"],
        ),
        (
            "{certificate: server.pem, key: server.key, ca: ca.pem, roles: {a: {tables: [holdings]}}}",
            [
                "1:81: tls.roles.a.tables: unknown table 'holdings', expected coil, discrete_input, input_register "
                "or holding_register; did you mean 'holding_register'?"
            ],
        ),
        (
            "{certificate: server.pem, key: server.key, ca: ca.pem, roles: {a: {addresses: 0-65536}}}",
            ["1:84: tls.roles.a.addresses: address is 65536, expected 0 to 65535"],
        ),
        (
            "{certificate: server.pem, key: server.key, ca: ca.pem, roles: {a: [{unit_ids: 300}]}}",
            ["1:84: tls.roles.a.0.unit_ids: unit_id is 300, expected 0 to 255"],
        ),
    ],
)
def test_what_is_wrong_is_told_at_its_place(wrong, tls, expected):
    assert wrong(f"tls: {tls}\n{BOX}") == expected


def test_problems_of_a_group_are_told_there(wrong):
    plant = """\
devices:
  - name: box
    profile: generic
    endpoint: tls://127.0.0.1:8802
    tls: {certificate: gone.pem, key: server.key, ca: ca.pem}
  - {name: plain, profile: generic, endpoint: "tcp://127.0.0.1:8803", tls: {ca: ca.pem}}
"""
    assert wrong(plant) == [
        "5:24: devices.0.tls.certificate: file 'gone.pem' cannot be read: no such file or directory",
        "6:76: devices.1.tls: tls is given, expected an endpoint such as tls://127.0.0.1:802",
    ]


def test_a_file_that_many_groups_use_is_told_once(wrong):
    groups = "\n".join(
        f"  - {{name: box-{n}, profile: generic, endpoint: 'tls://127.0.0.1:{8802 + n}'}}" for n in range(5)
    )
    assert len(wrong(f"{TLS.replace('ca.pem', 'gone.pem')}devices:\n{groups}\n")) == 1


def test_groups_behind_one_listener_want_the_same(wrong, load):
    plant = """\
tls: {certificate: server.pem, key: server.key, ca: ca.pem}
devices:
  - {name: one, profile: generic, endpoint: "tls://127.0.0.1:8802", unit_id: 1}
  - {name: two, profile: generic, endpoint: "tls://127.0.0.1:8802", unit_id: 2, tls: {certificate: other.pem}}
"""
    assert wrong(plant) == [
        "4:86: devices.1.tls: tls is another one than that of devices.0 behind the same "
        "tls://127.0.0.1:8802, expected the same"
    ]
    assert load(plant.replace(", tls: {certificate: other.pem}", ", tls: {certificate: server.pem}"))


def test_roles_need_a_package_that_is_named(wrong, load, monkeypatch):
    monkeypatch.setattr(security, "find_spec", lambda name: None)
    assert load(TLS + BOX), "without roles it is not needed"
    assert wrong(TLS.replace("}", ", roles: {a: {}}}") + BOX) == [
        "1:68: tls.roles: roles are in certificates that cannot be read here, expected the package "
        "cryptography: pip install modsim[tls]"
    ]
