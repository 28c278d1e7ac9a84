"""The recipe: a new Tesseract that works without changes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from runtime_core.catalog import Catalog
from tests.conftest import Cli

INPUTS = {"inputs": {"time": [0.0, 0.5, 1.0], "frequency": 2.0, "damping": 0.5}}
GRADIENTS = ("jacobian", "jacobian_vector_product", "vector_jacobian_product")


@pytest.fixture
def written(catalog: Catalog, tmp_path: Path) -> Path:
    """Return a folder with the files of the recipe."""
    folder = tmp_path / "oscillator"
    for name, text in catalog.recipes.find("jax").files().items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def oscillator(written: Path, cli: Cli) -> Callable[..., str]:
    """Return a function that runs a command on the new Tesseract and returns its output."""

    def run(*arguments: str) -> str:
        ended = cli("--api-path", "tesseract_api.py", *arguments, cwd=written)
        assert (ended.returncode, ended.stderr) == (0, ""), ended.stderr + ended.stdout
        return ended.stdout

    return run


def test_the_recipe_has_its_files(written: Path) -> None:
    """There is a file, a README and a regression case."""
    names = {str(path.relative_to(written)) for path in written.rglob("*") if path.is_file()}
    assert names == {"tesseract_api.py", "README.md", "test_cases/apply.json"}


def test_it_checks(oscillator: Callable[..., str]) -> None:
    """Every endpoint is served by a function of the file."""
    told = oscillator("check")
    for endpoint in GRADIENTS:
        assert f"{endpoint}: served by native" in told
    assert "abstract_eval: served" in told


def test_it_passes_its_own_test(oscillator: Callable[..., str]) -> None:
    """The regression case that comes with it holds."""
    assert "1 passed, 0 failed, 0 errors" in oscillator("test", "test_cases")


def test_its_gradients_hold(oscillator: Callable[..., str]) -> None:
    """Finite differences find nothing wrong."""
    told = oscillator("check-gradients", json.dumps(INPUTS))
    for endpoint in GRADIENTS:
        assert f"Gradient check for {endpoint} passed (0 failures" in told


def test_the_readme_says_how_to_call_it(written: Path) -> None:
    """The inputs in the README are those of the regression case."""
    case = json.loads((written / "test_cases" / "apply.json").read_text())
    assert case["payload"] == INPUTS
    assert json.dumps(INPUTS) in (written / "README.md").read_text()


def test_gradients_of_jax_are_the_same(written: Path, oscillator: Callable[..., str]) -> None:
    """Without these functions, the backend `jax` returns the same results."""
    payload = json.dumps(
        INPUTS | {"jac_inputs": ["frequency", "damping"], "jac_outputs": ["energy"]}
    )
    own = json.loads(oscillator("jacobian", payload))
    other = json.loads(oscillator("--gradient-backend", "jax", "jacobian", payload))
    for path, block in own["energy"].items():
        expected = block["data"]["buffer"]
        assert other["energy"][path]["data"]["buffer"] == pytest.approx(expected, rel=1e-12)
