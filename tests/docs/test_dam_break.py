"""The example of a program in C is compiled, and right."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runtime_core import Runtime
from tests.conftest import REPOSITORY
from tests.scripts import module_of

EXAMPLE = REPOSITORY / "docs" / "examples" / "dam_break"
PROGRAM = "dam_break"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the example with its program, compiled without a warning."""
    folder = tmp_path_factory.mktemp("dam") / "example"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns(PROGRAM))
    strict = ["cc", "-O2", "-Wall", "-Wextra", "-Werror", "-o", PROGRAM, f"{PROGRAM}.c", "-lm"]
    subprocess.run(strict, cwd=folder, check=True)
    return folder


@pytest.fixture(scope="module")
def runtime(folder: Path) -> Runtime:
    """Return the example."""
    return Runtime.from_file(folder / "tesseract_api.py", output_path=folder / "out")


def computed(runtime: Runtime, **inputs: Any) -> Any:
    """Return the outputs of the example."""
    return runtime.call("apply", {"inputs": inputs}).root  # type: ignore[attr-defined]  # a RootModel


def exact(folder: Path) -> Any:
    """Return the exact solution of `compare.py`."""
    return module_of(folder / "compare.py").exact


@pytest.mark.parametrize("downstream", [0.0, 2.0])
def test_water_is_where_it_is_known_to_be(
    folder: Path, runtime: Runtime, downstream: float
) -> None:
    """Depth and discharge are those of Stoker's solution, the better the more cells there are."""
    errors = []
    for cells in (250, 1000):
        found = computed(runtime, upstream=10, downstream=downstream, time=50, cells=cells)
        depth, velocity = exact(folder)(10.0, downstream, 50.0, found.x)
        moved = np.abs(found.depth * found.velocity - depth * velocity).mean()
        errors.append((np.abs(found.depth - depth).mean(), moved))
    assert np.all(np.array(errors[1]) < [0.025, 0.3])
    assert np.all(np.divide(errors[0], errors[1]) > 2)


def test_exact_solution_of_dry_ground_is_that_of_ritter(folder: Path) -> None:
    """Where the dam was, the depth is 4/9 of that behind it at all times, and the flow critical."""
    depth, velocity = exact(folder)(9.0, 0.0, 7.0, np.zeros(1))
    assert depth == pytest.approx(4)
    assert velocity == pytest.approx(np.sqrt(9.81 * 4))


def test_water_is_not_lost(runtime: Runtime) -> None:
    """The walls at both ends hold all of it."""
    found = computed(runtime, upstream=3, downstream=1, time=1000, length=500, cells=100)
    assert found.depth.mean() == pytest.approx(2, rel=1e-12)


def test_last_words_of_the_program_are_told(runtime: Runtime, folder: Path) -> None:
    """A program that fails says why."""
    program = folder / PROGRAM
    kept = program.rename(folder / "kept")
    try:
        program.write_text("#!/bin/sh\necho 'dam_break: the dam holds' >&2\nexit 2\n")
        program.chmod(0o755)
        with pytest.raises(RuntimeError, match="the dam holds"):
            computed(runtime, upstream=3, time=1)
    finally:
        kept.rename(program)
