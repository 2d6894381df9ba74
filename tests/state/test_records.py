"""The file of a state: what is written is read, and what is not whole is refused."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from simulator.errors import ConfigError
from simulator.state import locks, records
from simulator.state.records import Record, record_of


def record(rows=3, kind="value", width=2) -> Record:
    numbers = np.arange(rows) / 3 if kind in ("held", "memory") else np.empty(0)
    width = 0 if kind == "memory" else width
    wire = np.arange(rows * width, dtype=np.uint8).reshape(rows, width)
    return Record("m-{n}", kind, "level", "uint16 1", np.arange(rows) * 2, wire, numbers)


def save(path, *found: Record) -> None:
    records.write(str(path), [each.line() for each in found], {"plant": "p"})


@given(
    st.text(),
    arrays.arrays(np.int64, st.integers(0, 20), elements=st.integers(0, 2**32 - 1)),
    st.sampled_from(records.KINDS),
    st.integers(1, 9),
    st.data(),
)
def test_a_record_is_read_as_it_was_written(name, rows, kind, width, data):
    numbers = np.empty(0)
    if kind in ("held", "memory"):
        numbers = data.draw(arrays.arrays(np.float64, len(rows)))
    width = 0 if kind == "memory" or not len(rows) else width
    wire = data.draw(arrays.arrays(np.uint8, (len(rows), width)))
    was = Record(name, kind, name, "form", rows, wire, numbers)
    now = record_of(json.loads(was.line()))
    assert (now.names, now.kind, now.place, now.form) == (name, kind, name, "form")
    assert np.array_equal(now.rows, rows)
    assert np.array_equal(now.wire, wire)
    assert np.array_equal(now.numbers, numbers, equal_nan=True)


def test_a_file_is_written_and_read(tmp_path):
    path = tmp_path / "state.json"
    found = [record(kind=kind) for kind in records.KINDS]
    save(path, *found)
    again = records.read(str(path))
    assert again is not None
    assert [each.line() for each in again] == [each.line() for each in found]
    assert [file.name for file in tmp_path.iterdir()] == ["state.json"]
    save(path)
    assert records.read(str(path)) == []


def test_no_file_is_no_state(tmp_path):
    assert records.read(str(tmp_path / "none")) is None


def test_a_file_that_cannot_be_replaced_stays(tmp_path, monkeypatch):
    path = tmp_path / "state.json"
    save(path, record())
    before = path.read_bytes()

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        save(path, record(rows=9))
    assert path.read_bytes() == before


def test_every_cut_and_every_changed_byte_is_noticed(tmp_path):
    path = tmp_path / "state.json"
    save(path, record(), record(kind="held"))
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(ConfigError):
            records.read(str(path))
    first = whole.index(b"\n") + 1
    for place in range(first, len(whole), 7):
        path.write_bytes(whole[:place] + bytes((whole[place] ^ 1,)) + whole[place + 1 :])
        with pytest.raises(ConfigError):
            records.read(str(path))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "file is no state, expected a state as modsim writes it; move the file away"),
        (b"name: plant\n", "file is no state"),
        (b'{"modsim_state": 2}\n', "state has version 2, expected at most 1: a newer modsim has written it"),
        (b'{"modsim_state": 1}\n', "state is corrupt: its end is missing"),
        (b'{"modsim_state": 1}\n{"records": 0, "sha256": "0"}\n', "state is corrupt: its checksum differs"),
        (b"\xff\xfe\x00", "file is no state"),
    ],
)
def test_what_is_wrong_is_said(tmp_path, content, said):
    path = tmp_path / "state.json"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        records.read(str(path))
    assert said in str(caught.value)
    assert str(caught.value).startswith(str(path))


def test_lines_that_are_no_records_are_corrupt_whatever_the_checksum(tmp_path):
    path = tmp_path / "state.json"
    good = json.loads(record().line())
    for wrong in (
        {},
        [],
        {**good, "kind": "x"},
        {**good, "rows": "?"},
        {**good, "wire": "AAAAAAA="},
        {**good, "numbers": "AAAAAAAAAAA="},
    ):
        records.write(str(path), [json.dumps(wrong).encode() + b"\n"], {})
        with pytest.raises(ConfigError, match=r"state\.json:2:1: state is corrupt: this is no record"):
            records.read(str(path))


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(ConfigError, match="state cannot be read: is a directory"):
        records.read(str(tmp_path))


def test_a_file_belongs_to_one_plant_at_a_time(tmp_path):
    path = str(tmp_path / "state.json")
    locks.check(path)
    first, second = locks.Lock(path), locks.Lock(path)
    first.take()
    for attempt in (second.take, lambda: locks.check(path)):
        with pytest.raises(ConfigError, match=f"state is of another plant, process {os.getpid()}, expected"):
            attempt()
    first.drop()
    locks.check(path)
    second.take()
    second.drop()
    second.drop()
