"""The imports of the plugin, and its messages without JAX."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import tesseract_runtime_jax
from runtime_core.catalog import Catalog
from runtime_core.distributions import install_command
from tests.conftest import clean_environment

LINE = install_command("tesseract-runtime-jax")

WITHOUT_JAX = """
import sys
sys.modules["jax"] = None
"""


def printed_by(program: str) -> str:
    """Return the output of a new interpreter."""
    ended = subprocess.run(
        [sys.executable, "-c", program],
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    return ended.stdout


@pytest.mark.parametrize(
    "statements",
    [
        "import tesseract_runtime_jax",
        "from tesseract_runtime_jax import jax_vjp",
        "import tesseract_runtime_jax.plugin as p; list(p.gradient_backends()), list(p.recipes())",
        "from tesseract_runtime_jax import *; set_jax_vjp_cache_size(1); jax_vjp_cache_info()",
        "from tesseract_runtime_jax.template import files; files()",
    ],
)
def test_jax_is_imported_when_it_is_used_first(statements: str) -> None:
    """Names, hooks, the size of the cache and the recipe can be had without it."""
    program = f"import json, sys\n{statements}\nprint(json.dumps(sorted(sys.modules)))"
    assert {"jax", "jaxlib"} & set(json.loads(printed_by(program))) == set()


def test_registering_imports_neither_numpy_nor_pydantic() -> None:
    """The hooks declare without importing the implementation."""
    program = (
        "import json, sys\nimport tesseract_runtime_jax.plugin as p\n"
        "list(p.gradient_backends()), list(p.recipes())\nprint(json.dumps(sorted(sys.modules)))"
    )
    loaded = set(json.loads(printed_by(program)))
    assert {"numpy", "pydantic", "tesseract_runtime_jax.backend"} & loaded == set()


@pytest.mark.parametrize(
    "call",
    [
        "t.jax_apply(f, None)",
        "t.jax_jacobian(f, None, {'x'}, {'y'})",
        "t.jax_jvp(f, None, {'x'}, {'y'}, {})",
        "t.jax_vjp(f, None, {'x'}, {'y'}, {})",
        "t.jax_abstract_eval(f, None)",
    ],
)
def test_functions_say_how_to_install_jax(call: str) -> None:
    """A missing JAX is an error of the runtime with the line that installs it."""
    told = printed_by(
        WITHOUT_JAX
        + f"""
import tesseract_runtime_jax as t
from runtime_core.errors import TesseractRuntimeError
f = None
try:
    {call}
except TesseractRuntimeError as error:
    print(error)
"""
    )
    assert told.startswith("JAX cannot be imported (")
    assert told.endswith(f"Install it with: {LINE}\n")


def test_the_backend_says_how_to_install_jax() -> None:
    """Without JAX the backend has nothing to offer, and the reason has the line too."""
    told = printed_by(
        WITHOUT_JAX
        + """
from tesseract_runtime_jax.backend import provide
print(provide("jacobian", None, lambda inputs: inputs).reason)
"""
    )
    assert told.endswith(f"Install it with: {LINE}\n")


def test_the_catalog_has_it(catalog: Catalog) -> None:
    """The backend ranks among the exact ones."""
    assert catalog.gradient_backends.find("jax").auto_rank == 20
    assert "jax" in catalog.recipes.names


@pytest.mark.parametrize("name", tesseract_runtime_jax.__all__)
def test_public_names_are_there(name: str) -> None:
    """Every public name is that of its module, with a docstring."""
    assert getattr(tesseract_runtime_jax, name).__doc__
