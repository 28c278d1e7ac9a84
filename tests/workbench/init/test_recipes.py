"""Every recipe is a Tesseract that works unchanged."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from tests.conftest import Cli


@pytest.fixture
def cli(cli_here: Cli) -> Cli:
    """Return the command line in this process: no test here needs another one."""
    return cli_here


@pytest.fixture(params=["base", "jax"])
def folder(request: pytest.FixtureRequest, cli: Cli, tmp_path: Path) -> Path:
    """Return a new Tesseract of each recipe."""
    ended = cli("init", "--recipe", request.param, "new")
    assert (ended.returncode, ended.stderr) == (0, "")
    return tmp_path / "new"


def test_check_finds_every_gradient_and_shape(cli: Cli, folder: Path) -> None:
    """The file is valid and serves every endpoint."""
    ended = cli("check", cwd=folder)
    assert ended.returncode == 0, ended.stderr
    assert "tesseract_api.py is a valid Tesseract." in ended.stdout
    served = re.findall(r"^  (\w+): served", ended.stdout, re.MULTILINE)
    assert served[:5] == [
        "apply",
        "jacobian",
        "jacobian_vector_product",
        "vector_jacobian_product",
        "abstract_eval",
    ]


def test_cases_pass(cli: Cli, folder: Path) -> None:
    """The regression cases of the recipe pass."""
    ended = cli("test", cwd=folder)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.endswith("1 passed, 0 failed, 0 errors\n")


def test_gradients_are_right(cli: Cli, folder: Path) -> None:
    """All first derivatives are checked, and agree with finite differences to five digits."""
    case = json.loads((folder / "test_cases" / "apply.json").read_text())
    payload = json.dumps(case["payload"])
    ended = cli("check-gradients", payload, "--rtol", "1e-5", "--seed", "7", cwd=folder)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    passed = re.findall(
        r"^Gradient check for (\w+) passed \(0 failures / (\d+)", ended.stdout, re.M
    )
    assert {name for name, checks in passed if int(checks) > 0} >= {
        "jacobian",
        "jacobian_vector_product",
        "vector_jacobian_product",
    }


def test_readme_does_what_it_says(cli: Cli, folder: Path) -> None:
    """Every command of the README succeeds, except for `pip` and `serve`."""
    commands = commands_of((folder / "README.md").read_text())
    assert ["check"] in commands
    for command in commands:
        if command != ["serve"]:
            ended = cli(*command, cwd=folder)
            assert ended.returncode == 0, ended.stderr


def commands_of(text: str) -> list[list[str]]:
    """Return the arguments of each use of `tesseract-runtime` in the console blocks of a text."""
    blocks = re.findall(r"^```console\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    calls = re.findall(r"^\$ tesseract-runtime ((?:.*\\\n)*.*)", "".join(blocks), re.MULTILINE)
    return [shlex.split(call.replace("\\\n", "")) for call in calls]
