"""The command `check`: what it warns of in a file that loads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from tests.conftest import WRITING

if TYPE_CHECKING:
    from tests.cli.conftest import Here


def test_reading_of_the_shared_output_path_is_told(
    here: Here, tesseract: Callable[..., Path]
) -> None:
    """The warning has the line and the next step, and the file is valid all the same."""
    ended = here("--api-path", str(tesseract(WRITING)), "check")
    assert ended.code == 0
    assert ended.stdout.startswith("tesseract_api.py is a valid Tesseract.\n")
    assert ended.stderr == (
        "Warning: output_path of get_config(), which is read at tesseract_api.py:7, is a folder "
        "that calls share: a file that two of them write spoils both results. Write to "
        "run_directory() of tesseract_core.runtime.experimental, which is the folder of one call.\n"
    )
