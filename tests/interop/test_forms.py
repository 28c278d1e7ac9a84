"""`tesseract-streamlit` makes a page of the OpenAPI document, which shows the defaults.

`INTEROP_FORMS` is the Python of an environment with that program.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from tests.interop.conftest import serving, serving_original
from tests.patience import SECONDS

PYTHON = Path(os.environ.get("INTEROP_FORMS", ""))

SHOW = Path(__file__).with_name("form_page.py")

SOURCE = """
import numpy as np
from pydantic import BaseModel, Field
from tesseract_core.runtime import Array, Differentiable, Float32, Float64, Int32

class Wave(BaseModel):
    rate: Float64 = 2.0
    times: Array[(None,), Float64] = [1, 2]
    count: int = 3

class InputSchema(BaseModel):
    number: Differentiable[Float64] = 1.0
    described: Float64 = Field(1, description="A number.")
    whole: Int32 = 4
    matrix: Array[(2, 2), Float64] = [[1, 2], [3, 4]]
    wave: Wave = Wave()
    plain: float = 1.5
    name: str = "abc"
    flag: bool = True

class OutputSchema(BaseModel):
    sum: Float64

def apply(inputs):
    return OutputSchema(sum=inputs.number)
"""

VALUES = {
    "number.number": 1.0,
    "number.described": 1.0,
    "number.whole": 4.0,
    "textarea.matrix": "",  # a page has no values for arrays
    "number.wave.rate": 2.0,
    "textarea.wave.times": "",
    "int.wave.count": 3,
    "number.plain": 1.5,
    "int.name": "abc",
    "boolean.flag": True,
}
"""The values of the page's widgets, by key."""

MORE_FIELDS = """
    of_numpy: Float32 = np.float32(2.5)
    vector: Array[(2,), Float64] = np.array([1.0, 2.0])
    text_for_number: float = Field("The scale.")
    text_for_array: Float64 = Field("The weight.")
"""

MORE_VALUES = {
    "number.of_numpy": 2.5,
    "textarea.vector": "",
    "number.text_for_number": None,
    "number.text_for_array": None,
}

needs_forms = pytest.mark.skipif(not PYTHON.is_file(), reason="INTEROP_FORMS is not set")


@needs_forms
@pytest.mark.parametrize("serve", [serving, serving_original])
def test_a_page_shows_the_defaults(
    serve: Callable[[Path], AbstractContextManager[str]], tmp_path: Path
) -> None:
    """Every default is cast to the type of its widget, as with the original's document."""
    assert page_of(SOURCE, serve, tmp_path) == {"exceptions": [], "values": VALUES}


@needs_forms
def test_a_page_shows_defaults_that_only_this_project_writes(tmp_path: Path) -> None:
    """Defaults of numpy are numbers, and texts that do not fit are left out."""
    source = SOURCE.replace("\n    plain:", f"{MORE_FIELDS}    plain:")
    assert page_of(source, serving, tmp_path) == {"exceptions": [], "values": VALUES | MORE_VALUES}


def page_of(
    source: str, serve: Callable[[Path], AbstractContextManager[str]], folder: Path
) -> dict[str, Any]:
    """Return the exceptions and the values of the page of a Tesseract."""
    (folder / "tesseract_api.py").write_text(source, encoding="utf-8")
    page, shown = folder / "page.py", folder / "shown.json"
    home = {**os.environ, "XDG_DATA_HOME": str(folder)}
    with serve(folder) as url:
        make = [str(PYTHON.with_name("tesseract-streamlit")), url, str(page)]
        subprocess.run(make, env=home, check=True, timeout=SECONDS)
    show = [str(PYTHON), str(SHOW), str(page), str(shown)]
    subprocess.run(show, env=home, check=True, timeout=SECONDS)
    found: dict[str, Any] = json.loads(shown.read_text(encoding="utf-8"))
    return found
