"""The command `check`: what it warns of in a file that loads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.conftest import DOUBLE, WRITING

if TYPE_CHECKING:
    from tests.cli.conftest import Here


NOTHING = """
from collections.abc import Callable
from pydantic import BaseModel
from runtime_core import Array, Float64

class InputSchema(BaseModel):
    x: Array[(None,), Float64]

class OutputSchema(BaseModel):
    y: Array[(None,), Float64]
    f: Callable | None = None

def apply(inputs):
    return {"y": inputs.x}
"""
X = '{"inputs": {"x": [1]}}'
PLAIN = NOTHING.replace("    f: Callable | None = None\n", "")
SPARSE = DOUBLE + "jacobian_sparsity = {'z': {'x': 'diagonal'}}\n"


@pytest.mark.parametrize("backend", ["native", "auto"])
def test_reason_of_many_endpoints_is_one_line(
    here: Here, tesseract: Callable[..., Path], backend: str
) -> None:
    """Where nothing is differentiable, that is said once, and no backend is recommended."""
    ended = here("--api-path", str(tesseract(PLAIN)), "--gradient-backend", backend, "check")
    [line] = [line for line in ended.stdout.splitlines() if "differentiable" in line]
    names, _, reason = line.partition(": not served: ")
    assert {"jacobian", "vector_jacobian_product"} <= set(names.strip().split(", "))
    assert reason == "InputSchema has nothing differentiable: mark an array as Differentiable[...]."


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (NOTHING, "ApplyOutputSchema has a type that no JSON Schema can describe"),
        (PLAIN + "def abstract_eval(a, b): ...\n", "abstract_eval(a, b) cannot be called as"),
        (PLAIN + "def jacobian(inputs, jac_inputs, jac_outputs): ...\n", "There is a function"),
        (PLAIN + "gradient_backend = 'jacobian=auto'\n", "jacobian cannot be served as chosen."),
        (PLAIN + "gradient_backend = 'jacks'\n", "Unknown gradient backend 'jacks'"),
        (PLAIN + "def setup(): raise OSError('no licence')\n", "setup of tesseract_api.py failed"),
        (SPARSE + "gradient_backend = 'auto'\n", "jacobian_sparsity of tesseract_api.py names 'z'"),
    ],
)
def test_apply_refuses_what_check_refuses(
    here: Here, tesseract: Callable[..., Path], source: str, message: str
) -> None:
    """A fault of another function is reported by both commands, in the same words."""
    path = str(tesseract(source))
    ended = here("--api-path", path, "check")
    assert (ended.code, ended.stdout) == (1, "")
    assert message in ended.stderr
    assert here("--api-path", path, "apply", X) == ended


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


def test_sparsity_without_finite_differences_is_not_read(
    here: Here, tesseract: Callable[..., Path]
) -> None:
    """Neither command refuses a declaration that nothing uses."""
    path = str(tesseract(SPARSE))
    codes = [here("--api-path", path, "check").code, here("--api-path", path, "apply", X).code]
    assert codes == [0, 0]


def test_tesseract_is_not_set_up_while_an_image_is_built(
    here: Here, tesseract: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files that `setup` reads may be missing there, as those of `require_file`."""
    path = str(tesseract(PLAIN + "def setup(): raise OSError('no weights')\n"))
    monkeypatch.setenv("_TESSERACT_IS_BUILDING", "1")
    assert here("--api-path", path, "check").code == 0
