"""Exports whose sources are imported when a name is first used."""

from __future__ import annotations

from pathlib import Path

import pytest

from runtime_core.distributions import install_command
from runtime_core.lazy_exports import lazy_exports


def test_a_plugin_that_is_not_installed_is_named() -> None:
    """The error has the install command, without the failed import as its context."""
    get, _ = lazy_exports("here", {"tesseract_runtime_not_there": ["solve"]})
    with pytest.raises(ImportError) as caught:
        get("solve")
    assert str(caught.value) == (
        "solve is part of tesseract-runtime-not-there, which is not installed. Install it with: "
        f"{install_command('tesseract-runtime-not-there')}"
    )
    assert caught.value.name == "tesseract_runtime_not_there"
    assert caught.value.__suppress_context__


def test_missing_dependency_of_a_plugin_is_raised_unchanged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An installed plugin without one of its dependencies is not reported as missing."""
    (tmp_path / "tesseract_runtime_partial.py").write_text("import no_such_dependency\n")
    monkeypatch.syspath_prepend(tmp_path)
    get, _ = lazy_exports("here", {"tesseract_runtime_partial": ["solve"]})
    with pytest.raises(ModuleNotFoundError, match="No module named 'no_such_dependency'"):
        get("solve")


def test_name_that_the_plugin_lacks_is_an_attribute_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error names the missing name of an installed plugin of another version."""
    (tmp_path / "tesseract_runtime_older.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    get, _ = lazy_exports("here", {"tesseract_runtime_older": ["solve"]})
    with pytest.raises(AttributeError, match="solve"):
        get("solve")
