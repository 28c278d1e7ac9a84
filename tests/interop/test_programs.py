"""Programs that were written for the original do the same with this project's packages."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.interop.conftest import IN_NUMPY, RUNTIME, environment, serving, serving_original
from tests.patience import SECONDS

OUR_PYTHON = str(Path(RUNTIME[0]).with_name("python"))

DIFFERENCES = {
    "client: JavaScript numbers": "ours takes 3.0 for an integer",
    "client: image that is not there": "ours refuses images at once",
    "client: paths and format": "it takes no text for an input path",
}
"""Lines in which the original is wrong or has what we leave out."""

Outcomes = dict[str, Any]


def outcomes(python: str, program: str, *arguments: str) -> Outcomes:
    """Run a program with a Python, and return what each of its lines gives or raises."""
    done = subprocess.run(
        [python, "-m", f"tests.interop.programs.{program}", *arguments],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert done.returncode == 0, done.stderr
    found: Outcomes = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module", params=["client", "file_types", "tree_transforms"])
def program(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Outcomes, Outcomes]:
    """Return the name of a program, and what comes of its lines here and there."""
    name: str = request.param
    if name != "client":
        return name, outcomes(OUR_PYTHON, name), outcomes(sys.executable, name)
    folder = tmp_path_factory.mktemp("client")
    (folder / "tesseract_api.py").write_text(IN_NUMPY, encoding="utf-8")
    path = str(folder / "tesseract_api.py")
    with serving(folder) as url:
        ours = outcomes(OUR_PYTHON, name, path, url)
    with serving_original(folder) as url:
        return name, ours, outcomes(sys.executable, name, path, url)


def test_lines_do_alike(program: tuple[str, Outcomes, Outcomes]) -> None:
    """Values are equal, and what catches an exception there catches it here."""
    assert {*differing(*program)} == {name for name in DIFFERENCES if name.startswith(program[0])}


def differing(program: str, ours: Outcomes, originals: Outcomes) -> Iterator[str]:
    """Yield the names of the lines that do otherwise."""
    assert ours.keys() == originals.keys()
    for name, original in originals.items():
        if not is_alike(ours[name], original):
            print(f"{program}: {name}: {ours[name]} is not {original}")
            yield f"{program}: {name}"


def is_alike(ours: Any, original: Any) -> bool:
    """Check that two outcomes are equal, or that ours is an exception of the same classes."""
    if isinstance(ours, dict) and isinstance(original, dict) and "raises" in {*ours} & {*original}:
        return {*original["raises"]} <= {*ours["raises"]}
    return bool(ours == original)
