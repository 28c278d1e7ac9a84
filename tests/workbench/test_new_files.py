"""New files are all written, or none."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime_core.errors import InvalidOption, MissingFile
from tesseract_runtime_workbench.new_files import write_new
from tests.workbench.init.conftest import tree

PATHS = st.lists(st.sampled_from("abc"), min_size=1, max_size=3).map("/".join)


def possible(paths: Iterable[str]) -> set[str]:
    """Return the paths that files can have together, with priority to the first ones."""
    kept: set[str] = set()
    for path in paths:
        if not any(is_inside(path, other) or is_inside(other, path) for other in kept):
            kept.add(path)
    return kept


def is_inside(path: str, folder: str) -> bool:
    """Check whether a path is a folder or inside of it."""
    return f"{path}/".startswith(f"{folder}/")


@settings(deadline=None)  # it waits for the disk
@given(old=st.lists(PATHS).map(possible), new=st.dictionaries(PATHS, st.text("xyz\n")))
def test_all_or_nothing(old: set[str], new: dict[str, str]) -> None:
    """Either all new files are added to the old ones, or nothing changes."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for path in old:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text("old")
        before = tree(folder)
        try:
            written = write_new(folder, new)
        except (InvalidOption, MissingFile):
            assert tree(folder) == before
            assert len(possible([*old, *new])) < len(old) + len(new)
        else:
            assert written == [folder / path for path in new]
            files = {path: text for path, text in tree(folder).items() if text is not None}
            assert files == {**dict.fromkeys(old, "old"), **new}


def test_any_failure_is_undone(tmp_path: Path) -> None:
    """A text that cannot be encoded fails while it is written, and leaves nothing."""
    with pytest.raises(UnicodeEncodeError):
        write_new(tmp_path / "new" / "folder", {"a": "text", "b/c": "\ud800"})
    assert tree(tmp_path) == {}
