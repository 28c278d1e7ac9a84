"""The file of rows."""

from __future__ import annotations

from pathlib import Path

import pytest

from runtime_core.errors import InvalidOption, NotWritten
from tesseract_runtime_ensemble.journal import Journal, lines_of

ROWS = [b'{"index":%d,"status":"finished","outputs":null}\n' % index for index in range(3)]


def written(path: Path) -> Path:
    """Write three rows."""
    with Journal(path) as journal:
        for row in ROWS:
            journal.append(row)
    return path


def test_rows_are_appended(tmp_path: Path) -> None:
    """A journal that is opened again keeps what it has."""
    path = written(tmp_path / "rows")
    written(path)
    assert [*lines_of(path)] == 2 * [*enumerate(ROWS)]


@pytest.mark.parametrize("missing", range(1, len(ROWS[2])))
def test_a_torn_line_is_cut_off(tmp_path: Path, missing: int) -> None:
    """Wherever the write of the last row was interrupted, the rows before it stay."""
    path = tmp_path / "rows"
    path.write_bytes(b"".join(ROWS)[:-missing])
    assert [index for index, _ in lines_of(path)] == [0, 1]
    assert path.read_bytes() == ROWS[0] + ROWS[1]


def test_a_broken_line_between_others_is_refused(tmp_path: Path) -> None:
    """Rows that follow damage of another origin are not dropped."""
    path = tmp_path / "rows"
    path.write_bytes(ROWS[0] + b"\0\0\n" + ROWS[1])
    with pytest.raises(InvalidOption, match=r"^Line 2 of '.*rows' is not a row of results: remove"):
        list(lines_of(path))


def test_a_full_disk_is_an_error_with_the_next_step() -> None:
    """What was written before is kept."""
    with (
        pytest.raises(NotWritten, match=r"No space left on device\. The rows before it are kept: "),
        Journal(Path("/dev/full")) as journal,
    ):
        journal.append(ROWS[0])
