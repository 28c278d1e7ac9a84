"""`tesseract_core.Tesseract`: the client under the name that existing programs import."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import version

import pytest

import tesseract_core
import tesseract_runtime_client
from runtime_core.distributions import install_command
from tests.conftest import clean_environment


def test_tesseract_is_that_of_the_client() -> None:
    """Programs get the very class of the plugin."""
    assert tesseract_core.Tesseract is tesseract_runtime_client.Tesseract
    assert tesseract_core.__all__ == ["Tesseract", "__version__"]


def test_version_is_that_of_the_distribution() -> None:
    """Programs report the version that is installed."""
    assert tesseract_core.__version__ == version("tesseract-runtime-authoring")


def test_client_is_imported_when_it_is_used() -> None:
    """Authors who import array types do not load the client."""
    program = (
        "import sys; from tesseract_core.runtime import Array;"
        "assert 'tesseract_runtime_client' not in sys.modules;"
        "from tesseract_core import Tesseract;"
        "assert 'tesseract_runtime_client' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True, env=clean_environment())


def test_client_that_is_missing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the plugin, the import says how to install it."""
    monkeypatch.setitem(sys.modules, "tesseract_runtime_client", None)
    with pytest.raises(ImportError, match=re.escape(install_command("tesseract-runtime-client"))):
        from tesseract_core import Tesseract  # noqa: F401  # importing it is what is tested
