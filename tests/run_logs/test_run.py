"""Runs and their names."""

from __future__ import annotations

import re
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime_core.errors import InvalidOption
from runtime_core.run_logs.run import checked_run_id, new_run_id


def test_new_ids_are_uuids() -> None:
    """Every new id is another UUID that is itself a valid id."""
    ids = {new_run_id() for _ in range(100)}
    assert len(ids) == 100
    assert all(str(UUID(run_id)) == checked_run_id(run_id) for run_id in ids)


@pytest.mark.parametrize("run_id", ["a", "fit-7.a_B", ".hidden", "x" * 128, "7", "-", "a.b.c"])
def test_names_of_folders_are_valid(run_id: str) -> None:
    """Letters, digits, `_`, `.` and `-` make an id."""
    assert checked_run_id(run_id) == run_id


@pytest.mark.parametrize(
    "run_id", ["", "..", "a..b", "a/b", "/", "a\\b", "x" * 129, "a b", "a\n", "é", "a\0", "%2e"]
)
def test_other_names_are_refused(run_id: str) -> None:
    """An id that could leave the folder of the runs is refused by name."""
    with pytest.raises(InvalidOption, match="1 to 128 letters, digits") as raised:
        checked_run_id(run_id)
    assert repr(run_id)[1:-1] in str(raised.value)


@given(st.text(max_size=200))
def test_valid_ids_stay_in_their_folder(run_id: str) -> None:
    """No id that passes can lead out of a folder."""
    try:
        checked_run_id(run_id)
    except InvalidOption:
        return
    assert re.fullmatch(r"[A-Za-z0-9_.-]{1,128}", run_id)
    assert ".." not in run_id


def test_long_ids_are_shortened_in_the_message() -> None:
    """A name of a million characters is shortened."""
    with pytest.raises(InvalidOption) as raised:
        checked_run_id("x" * 1_000_000)
    assert len(str(raised.value)) < 300
