"""Code that reads the output path, which calls share, is found by its lines."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from runtime_core.tesseract.shared_output import shared_output_lines

Tesseract = Callable[..., Path]

READING = {
    "direct": "x = Path(get_config().output_path, 'a')",
    "module": "x = config.get_config().output_path",
    "renamed": "from t.config import get_config as current\n\nx = current().output_path",
    "assigned": "c = get_config()\n\nx = c.output_path",
    "annotated": "c: Any = get_config()\n\nx = c.output_path",
    "walrus": "if c := get_config():\n    x = 1\nx = c.output_path",
    "nested": "def f():\n    def g():\n        return get_config().output_path",
}

OTHER = {
    "another_option": "x = get_config().input_path",
    "another_object": "x = settings.output_path",
    "own_folder": "x = get_config().output_path\ny = run_directory() / 'a'",
    "folder_by_module": "x = get_config().output_path\ny = experimental.run_directory()",
    "folder_renamed": "from t import run_directory as mine\nx = get_config().output_path; mine()",
}


@pytest.mark.parametrize("source", READING.values(), ids=READING)
def test_reading_line_is_found(tesseract: Tesseract, source: str) -> None:
    """The line is the last one of each source."""
    path = tesseract(source)
    assert shared_output_lines(path) == [f"tesseract_api.py:{len(source.splitlines())}"]


@pytest.mark.parametrize("source", OTHER.values(), ids=OTHER)
def test_other_code_is_not_found(tesseract: Tesseract, source: str) -> None:
    """Other options are not folders, and code that calls `run_directory` knows what it does."""
    assert shared_output_lines(tesseract(source)) == []


def test_function_that_is_only_imported_does_not_count(tesseract: Tesseract) -> None:
    """The function has to be called."""
    source = "from t import run_directory\nx = get_config().output_path\n"
    assert shared_output_lines(tesseract(source)) == ["tesseract_api.py:2"]


def test_modules_beside_the_file_are_read_too(tesseract: Tesseract) -> None:
    """The lines are those of the file and of the modules beside it that it imports."""
    reading = "x = get_config().output_path\n"
    path = tesseract(f"import solver\n{reading}", solver=reading, unused=reading)
    assert shared_output_lines(path) == ["tesseract_api.py:2", "solver.py:1"]
    path.with_name("solver.py").write_text("x = run_directory()\n")
    assert shared_output_lines(path) == []
