"""The import cost and the public names of the package."""

from __future__ import annotations

import doctest
import importlib
import json
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import tesseract_runtime_authoring
from tests.conftest import clean_environment

MODULES = [
    module.name
    for module in pkgutil.iter_modules(
        tesseract_runtime_authoring.__path__, "tesseract_runtime_authoring."
    )
]


@pytest.mark.parametrize("name", tesseract_runtime_authoring.__all__)
def test_public_names_are_there(name: str) -> None:
    """Every public name can be imported and has a docstring."""
    assert getattr(tesseract_runtime_authoring, name).__doc__


@pytest.mark.parametrize("module", MODULES)
def test_examples_in_docstrings_are_right(
    module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The examples in the docstrings of a module are right."""
    monkeypatch.chdir(tmp_path)
    assert doctest.testmod(importlib.import_module(module)).failed == 0


def test_importing_it_loads_nothing_heavy() -> None:
    """File systems, servers and the client are imported at first use."""
    program = (
        "import tesseract_runtime_authoring, json, sys\nprint(json.dumps(sorted(sys.modules)))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program],
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    heavy = {"numpy", "fsspec", "fastapi", "typer", "http.client", "tesseract_runtime_client"}
    assert heavy & set(json.loads(ended.stdout)) == set()
