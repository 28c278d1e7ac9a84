"""The page on architecture names the files that a call passes through."""

from __future__ import annotations

import re
from pathlib import Path

from tests.conftest import REPOSITORY
from tests.server.conftest import serving

SOURCE = """
import traceback

from pydantic import BaseModel


class InputSchema(BaseModel):
    pass


class OutputSchema(BaseModel):
    files: list[str]


def apply(inputs):
    return {"files": [frame.filename for frame in traceback.extract_stack()]}
"""
"""A Tesseract whose result is the way to `apply`."""

WRAPPER = "runtime_core/tesseract/api.py"
"""The wrapper of the author's function, which the page names below its table."""


def test_the_files_of_a_call_are_those_of_the_page(tmp_path: Path) -> None:
    """From the loop of the worker to `apply` there are no others, in this order."""
    page = (REPOSITORY / "docs" / "architecture.md").read_text(encoding="utf-8")
    table = page.partition("## From bytes to `apply` and back")[0]
    named = re.findall(r"^\| `(\S+\.py)` \|", table, re.MULTILINE)
    assert len(named) == 9
    assert all((REPOSITORY / name).is_file() for name in named)
    path = tmp_path / "tesseract_api.py"
    path.write_text(SOURCE, encoding="utf-8")
    with serving(path) as server:
        files = server.apply({}).json()["files"]
    passed = [Path(file).relative_to(REPOSITORY) for file in files if "/runtime_core/" in file]
    loop = named.index("runtime_core/workers/worker_main.py")
    assert [*dict.fromkeys(map(str, passed))] == [*named[loop:], WRAPPER]
