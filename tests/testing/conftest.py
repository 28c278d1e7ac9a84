"""The option `--mutations`, and plugins of third parties with suites of their own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY, clean_environment
from tests.patience import SECONDS

SCRATCH = REPOSITORY / "tests" / "end_to_end" / "scratch"

OPTIONS = ("-rA", "--tb=no", "-p", "no:cacheprovider", "-p", "runtime_core.pytest")

Outcomes = Mapping[str, str]
Suite = Callable[..., Outcomes]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option."""
    parser.addoption(
        "--mutations",
        type=int,
        default=300,
        help="Number of damaged documents for each format.",
    )


@pytest.fixture
def mutations(pytestconfig: pytest.Config) -> int:
    """Return the number of damaged documents for each format."""
    count: int = pytestconfig.getoption("--mutations")
    return count


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    """Return a function that runs tests in a process of their own, and gives their outcomes.

    `scratch` names plugins of the end-to-end tests, and `plugin` is the source of one more, that
    are installed there. `chosen` is an expression of pytest's `-k`.
    """

    def run(
        tests: str, *, chosen: str = "", scratch: Sequence[str] = (), plugin: str = ""
    ) -> Outcomes:
        (tmp_path / "test_suite.py").write_text(tests, encoding="utf-8")
        (tmp_path / "tesseract_runtime_own.py").write_text(plugin, encoding="utf-8")
        _install(tmp_path, "tesseract_runtime_own", {"own": "tesseract_runtime_own"})
        for name in scratch:
            project = tomllib.loads((SCRATCH / name / "pyproject.toml").read_text("utf-8"))
            entry_points = project["project"]["entry-points"]["tesseract_runtime"]
            _install(tmp_path, f"tesseract_runtime_{name}", entry_points)
        return _outcomes(tmp_path, chosen, [tmp_path, *(SCRATCH / name for name in scratch)])

    return run


def _outcomes(folder: Path, chosen: str, packages: Sequence[Path]) -> Outcomes:
    """Run pytest in a folder and return the outcomes of its tests by name."""
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", *OPTIONS, "-k", chosen],
        env=clean_environment()
        | {
            "PYTHONPATH": os.pathsep.join(map(str, packages)),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # the suites need none, and some load much
        },
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=2 * SECONDS,
    )
    lines = re.findall(r"^([A-Z]+) test_suite\.py::(.*?)(?: - .*)?$", ended.stdout, re.MULTILINE)
    assert lines, ended.stdout + ended.stderr
    return {name: outcome for outcome, name in lines}


def _install(site: Path, module: str, entry_points: Mapping[str, str]) -> None:
    """Write the metadata of a distribution, as an installer would."""
    metadata = site / f"{module}-1.0.dist-info"
    metadata.mkdir()
    name = module.replace("_", "-")
    facts = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
    (metadata / "METADATA").write_text(facts, encoding="utf-8")
    lines = [f"{key} = {target}" for key, target in entry_points.items()]
    text = "\n".join(["[tesseract_runtime]", *lines, ""])
    (metadata / "entry_points.txt").write_text(text, encoding="utf-8")
