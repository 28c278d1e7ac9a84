"""`tesseract_core.runtime.experimental`: names of plugins, imported at first use."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Callable

import pytest

from runtime_core import Runtime
from tesseract_core.runtime import experimental
from tests.builtin.conftest import JACOBIAN, JVP, VJP, answer, ask, numbers
from tests.conftest import DOUBLE, clean_environment

PACKAGES = {
    "BinrefArray": "tesseract_runtime_binref",
    "BinrefWriter": "tesseract_runtime_binref",
    "InputPath": "tesseract_runtime_authoring",
    "LazySequence": "tesseract_runtime_authoring",
    "OutputPath": "tesseract_runtime_authoring",
    "SKIP_REQUIRED_FILE_CHECK": "tesseract_runtime_authoring",
    "TesseractReference": "tesseract_runtime_authoring",
    "finite_difference_jacobian": "tesseract_runtime_finite_differences",
    "finite_difference_jvp": "tesseract_runtime_finite_differences",
    "finite_difference_vjp": "tesseract_runtime_finite_differences",
    "jacobian_from_jvp": "tesseract_runtime_finite_differences",
    "jacobian_from_vjp": "tesseract_runtime_finite_differences",
    "jvp_from_jacobian": "tesseract_runtime_finite_differences",
    "require_file": "tesseract_runtime_authoring",
    "vjp_from_jacobian": "tesseract_runtime_finite_differences",
}


@pytest.mark.parametrize("name", PACKAGES)
def test_a_name_is_that_of_its_plugin(name: str) -> None:
    """Authors get the same object that the plugin exports."""
    assert getattr(experimental, name) is getattr(importlib.import_module(PACKAGES[name]), name)


@pytest.mark.parametrize("name", experimental.__all__)
def test_every_public_name_is_there(name: str) -> None:
    """Every name in `__all__` can be imported."""
    assert getattr(experimental, name) is not None


def test_names_of_gradients_are_public() -> None:
    """Every exported name is in `__all__`."""
    assert set(PACKAGES) <= set(experimental.__all__)


def test_a_star_import_gives_the_public_names() -> None:
    """`from ... import *` imports the names of `__all__`."""
    names: dict[str, object] = {}
    exec("from tesseract_core.runtime.experimental import *", names)
    assert set(experimental.__all__) <= names.keys()


def test_an_unknown_name_is_an_attribute_error() -> None:
    """An unknown name raises the usual error, in both forms."""
    with pytest.raises(AttributeError, match=r"'tesseract_core.runtime.experimental' has no"):
        experimental.nothing  # noqa: B018  # the access is the test
    with pytest.raises(ImportError, match="cannot import name 'nothing'"):
        exec("from tesseract_core.runtime.experimental import nothing")


def test_importing_it_imports_no_plugin() -> None:
    """Only the plugin of a used name is imported."""
    program = (
        "import sys\n"
        "import tesseract_core.runtime.experimental as experimental\n"
        "def plugins():\n"
        "    return sorted({m.split('.')[0] for m in sys.modules if 'tesseract_runtime_' in m})\n"
        "print(plugins(), 'numpy' in sys.modules)\n"
        "experimental.jvp_from_jacobian\n"
        "print(plugins())\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program],
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    first, second = ended.stdout.splitlines()
    assert first.startswith("[] ")
    assert second == "['tesseract_runtime_finite_differences']"


GRADIENTS_OF_A_FILE = (
    DOUBLE
    + """
from tesseract_core.runtime.experimental import (
    finite_difference_jacobian, finite_difference_jvp, finite_difference_vjp
)

def jacobian(inputs, jac_inputs, jac_outputs):
    return finite_difference_jacobian(apply, inputs, jac_inputs, jac_outputs, eps=0.5)

def jacobian_vector_product(inputs, jvp_inputs, jvp_outputs, tangent_vector):
    return finite_difference_jvp(apply, inputs, jvp_inputs, jvp_outputs, tangent_vector, eps=0.5)

def vector_jacobian_product(inputs, vjp_inputs, vjp_outputs, cotangent_vector):
    return finite_difference_vjp(apply, inputs, vjp_inputs, vjp_outputs, cotangent_vector, eps=0.5)
"""
)


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        (JACOBIAN, {"y": {"x": [[2.0]]}}),
        (JVP, {"y": [2.0]}),
        (VJP, {"x": [2.0]}),
    ],
)
def test_a_file_is_written_with_them(
    endpoint: str, expected: object, runtime: Callable[..., Runtime]
) -> None:
    """An author implements an endpoint in one line."""
    made = runtime(GRADIENTS_OF_A_FILE)
    assert numbers(answer(made, endpoint, ask(endpoint, {"x": [3.0]}))) == expected
