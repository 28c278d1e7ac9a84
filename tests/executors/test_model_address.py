"""The address of a Tesseract, and the processes that refuse it."""

from __future__ import annotations

import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runtime_core import Runtime
from runtime_core.errors import ExecutorFailed
from runtime_core.executors.model_address import (
    address_of,
    digest_of,
    read_address,
    refuse_other_content,
    refuse_other_versions,
)
from tests.conftest import DOUBLE

SAME = {"Python": "3.11.7", "numpy": "2.1.0", "tesseract-runtime-core": "0.1.0", "acme": "1.0"}


def test_an_address_can_be_written_and_read(runtime: Callable[..., Runtime]) -> None:
    """It is text, with the options that a call has but those of this process."""
    made = runtime(name="beam", log_to_strict=True, executor="serial")
    address = address_of(made)
    assert read_address(address.text()) == address
    assert address.options == {
        "name": "beam",
        "log_to_strict": True,
        "input_path": made.config.input_path,
    }
    assert address.versions["Python"] == platform.python_version()


@pytest.mark.parametrize(
    "theirs",
    [
        {},
        {"Python": "3.11.2", "numpy": "2.3.4"},
        {"plugin-that-is-only-there": "7"},
    ],
)
def test_small_differences_are_accepted(theirs: Any) -> None:
    """Patch versions of Python and minor versions of numpy do not matter, nor absent plugins."""
    refuse_other_versions({**SAME, **theirs}, SAME)


@pytest.mark.parametrize(
    ("name", "version"),
    [("Python", "3.12.7"), ("numpy", "1.26.4"), ("tesseract-runtime-core", "0.2"), ("acme", "1.1")],
)
def test_other_versions_are_refused(name: str, version: str) -> None:
    """The message names both versions."""
    with pytest.raises(ExecutorFailed) as caught:
        refuse_other_versions({**SAME, name: version}, SAME)
    assert f"has {name} {SAME[name]} instead of {version}. Install the same" in str(caught.value)


def test_the_digest_is_that_of_what_is_imported(tesseract: Callable[..., Path]) -> None:
    """Modules beside the file count if it imports them."""
    path = tesseract("import sibling\n" + DOUBLE, sibling="import deep", deep="A = 1", other="")
    before = digest_of(path)
    path.with_name("other.py").write_text("B = 2")
    path.with_name("data.csv").write_text("1,2")
    assert digest_of(path) == before
    path.with_name("deep.py").write_text("A = 2")
    assert digest_of(path) != before


def test_a_missing_file_is_refused(runtime: Callable[..., Runtime]) -> None:
    """The message says that all processes must see it."""
    address = address_of(made := runtime())
    made.api.path.unlink()
    with pytest.raises(ExecutorFailed, match=r"finds no Tesseract at .* shared file system, "):
        refuse_other_content(address)
