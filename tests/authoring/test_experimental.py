"""`tesseract_core.runtime.experimental`: names of plugins, imported when they are first used."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from runtime_core import Runtime
from runtime_core.catalog import install_command
from tesseract_core.runtime import experimental
from tesseract_core.runtime.lazy_exports import lazy_exports
from tests.builtin.conftest import JACOBIAN, JVP, VJP, answer, ask, numbers
from tests.conftest import DOUBLE, clean_environment

PACKAGES = {
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
    """Authors get the very function that the plugin has."""
    assert getattr(experimental, name) is getattr(importlib.import_module(PACKAGES[name]), name)


@pytest.mark.parametrize("name", experimental.__all__)
def test_every_public_name_is_there(name: str) -> None:
    """Every name in `__all__` can be imported."""
    assert getattr(experimental, name) is not None


def test_names_of_gradients_are_public() -> None:
    """Every exported name is in `__all__`."""
    assert set(PACKAGES) <= set(experimental.__all__)


def test_a_star_import_gives_the_public_names() -> None:
    """`from ... import *` gives what `__all__` promises."""
    names: dict[str, object] = {}
    exec("from tesseract_core.runtime.experimental import *", names)
    assert set(experimental.__all__) <= names.keys()


def test_an_unknown_name_is_an_attribute_error() -> None:
    """A name that nothing has is the usual error, in both forms."""
    with pytest.raises(AttributeError, match=r"'tesseract_core.runtime.experimental' has no"):
        experimental.nothing  # noqa: B018  # the access is the test
    with pytest.raises(ImportError, match="cannot import name 'nothing'"):
        exec("from tesseract_core.runtime.experimental import nothing")


def test_importing_it_imports_no_plugin() -> None:
    """A plugin is imported for its first name, and only that one."""
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


def test_a_plugin_that_is_not_installed_is_named() -> None:
    """The error says what to install, and does not show how it was looked for."""
    get = lazy_exports("here", {"solve": "tesseract_runtime_not_there"})
    with pytest.raises(ImportError) as caught:
        get("solve")
    assert str(caught.value) == (
        "solve is part of tesseract-runtime-not-there, which is not installed. Install it with: "
        f"{install_command('tesseract-runtime-not-there')}"
    )
    assert caught.value.name == "tesseract_runtime_not_there"
    assert caught.value.__suppress_context__


def test_what_an_installed_plugin_lacks_is_its_own_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plugin that is there, but misses something itself, is not to be installed again."""
    (tmp_path / "tesseract_runtime_partial.py").write_text("import no_such_dependency\n")
    monkeypatch.syspath_prepend(tmp_path)
    get = lazy_exports("here", {"solve": "tesseract_runtime_partial"})
    with pytest.raises(ModuleNotFoundError, match="No module named 'no_such_dependency'"):
        get("solve")


def test_a_plugin_of_another_version_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that the installed plugin does not have is an error that names it."""
    (tmp_path / "tesseract_runtime_older.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    get = lazy_exports("here", {"solve": "tesseract_runtime_older"})
    with pytest.raises(AttributeError, match="solve"):
        get("solve")


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
    """An author implements an endpoint by one line."""
    made = runtime(GRADIENTS_OF_A_FILE)
    assert numbers(answer(made, endpoint, ask(endpoint, {"x": [3.0]}))) == expected
