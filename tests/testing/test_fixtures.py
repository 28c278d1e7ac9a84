"""The fixtures that pytest finds in every environment with the runtime."""

from __future__ import annotations

import re

import pytest

import runtime_core.server.application
import runtime_core.testing.echo  # noqa: F401  # pytester forgets modules, and numpy loads once

pytest_plugins = ["pytester"]

TESTS = '''
import json, os, sys
import pytest
from runtime_core import load_catalog
from runtime_core.contracts import Recipe
from runtime_core.hookspecs import hookimpl

TRIPLE = """
from pydantic import BaseModel
from sibling import FACTOR

class InputSchema(BaseModel):
    n: int

class OutputSchema(BaseModel):
    n: int

def apply(inputs):
    return OutputSchema(n=FACTOR * inputs.n)
"""

@hookimpl
def recipes():
    yield Recipe(name="mine", summary="For tests.", files=dict)

def test_catalog_has_what_is_installed(catalog):
    assert "json" in catalog.formats

def test_module_is_a_plugin():
    catalog = load_catalog(extra=[sys.modules[__name__]])
    assert catalog.recipes.entries["mine"].plugin == __name__

def test_tesseract_has_siblings(tesseract, runtime):
    tesseract(TRIPLE, sibling="FACTOR = 3")
    assert runtime(TRIPLE).call("apply", {"inputs": {"n": 2}}).root.n == 6

def test_earlier_tesseract_is_forgotten():
    assert "sibling" not in sys.modules

def test_command_is_run_here(cli_here, tesseract):
    ended = cli_here("apply", '{"inputs": {"x": [1]}}', "--api-path", str(tesseract()))
    assert (ended.returncode, ended.stderr) == (0, "")
    assert json.loads(ended.stdout)["y"]["data"]["buffer"] == [2.0]

def test_server_answers(serve):
    served = serve()
    answer = served.ask("/apply", '{"inputs": {"x": [1]}}', accept="application/json")
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json()["y"]["data"]["buffer"] == [2.0]
    assert served.ask("/health").json() == {"status": "ok"}

@pytest.mark.usefixtures("unchanged_environment")
def test_monkeypatch_is_allowed(monkeypatch):
    monkeypatch.setenv("HOME", "elsewhere")

@pytest.mark.usefixtures("unchanged_environment")
def test_change_is_found():
    os.environ["HOME"], os.environ["TESSERACT_NAME"], os.environ["OTHER"] = "elsewhere", "x", "y"
'''


def test_fixtures_serve_tests_of_plugins(pytester: pytest.Pytester) -> None:
    """Each fixture does what it says, and the guard names exactly what a test has changed."""
    pytester.makepyfile(TESTS)
    with pytest.MonkeyPatch.context() as patch:  # restores what the last test changes
        patch.setenv("TESSERACT_NAME", "x")
        patch.delenv("TESSERACT_NAME")
        ended = pytester.runpytest_inprocess("-p", "runtime_core.pytest", "-p", "no:xdist")
    ended.assert_outcomes(passed=8, errors=1)
    assert "Failed: The test has changed HOME, TESSERACT_NAME." in ended.stdout.str()


def test_server_that_does_not_start_is_explained(pytester: pytest.Pytester) -> None:
    """A test whose Tesseract cannot be served shows the message of the server."""
    pytester.makepyfile("def test_it(serve): serve('import nowhere')")
    ended = pytester.runpytest_inprocess("-p", "runtime_core.pytest", "-p", "no:xdist")
    assert re.search(r"The server does not start:\nE +.*nowhere", ended.stdout.str())
