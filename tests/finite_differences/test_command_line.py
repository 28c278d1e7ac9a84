"""The backend on the command line and over HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import DOUBLE, Cli
from tests.server.conftest import serving

Tesseract = Callable[..., Path]

PAYLOAD = json.dumps({"inputs": {"x": [1, 2]}, "jac_inputs": ["x"], "jac_outputs": ["y"]})
RESULT = (
    '{"y":{"x":{"object_type":"array","shape":[2,2],"dtype":"float64",'
    '"data":{"buffer":[[2.0,0.0],[0.0,2.0]],"encoding":"json"}}}}\n'
)


@pytest.fixture
def cli(cli_here: Cli) -> Cli:
    """Return the command line in this process, which is enough for this module."""
    return cli_here


def test_a_file_with_apply_alone_has_a_jacobian(cli: Cli, tesseract: Tesseract) -> None:
    """One flag before the command is enough."""
    flags = ("--api-path", str(tesseract()), "--gradient-backend", "finite-differences")
    ended = cli(*flags, "jacobian", PAYLOAD)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, RESULT, "")


@pytest.mark.parametrize(
    ("flags", "environment", "words"),
    [
        (["--finite-differences-eps=-1"], {}, "--finite-differences-eps='-1': "),
        (["--finite-differences-algorithm", "best"], {}, "--finite-differences-algorithm='best': "),
        (
            [],
            {"TESSERACT_FINITE_DIFFERENCES_ALGORITHM": "best"},
            "TESSERACT_FINITE_DIFFERENCES_ALGORITHM='best': ",
        ),
    ],
)
def test_wrong_options_are_wrong_calls(
    flags: list[str], environment: dict[str, str], words: str, cli: Cli, tesseract: Tesseract
) -> None:
    """The exit code is 2, with one line on stderr."""
    ended = cli("--api-path", str(tesseract()), *flags, "check", environment=environment)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith(f"Error: {words}")
    assert ended.stderr.count("\n") == 1


def test_a_failure_beside_the_inputs_ends_with_1(cli: Cli, tesseract: Tesseract) -> None:
    """The message is short; the traceback is shown with --debug."""
    source = DOUBLE + "def check(x):\n    assert x[1] <= 2, 'too large'\n"
    source = source.replace("    return Out", "    check(inputs.x)\n    return Out")
    flags = ("--api-path", str(tesseract(source)), "--gradient-backend", "finite-differences")
    ended = cli(*flags, "jacobian", PAYLOAD)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith("Error: apply failed where input 'x' at index (1,) is changed")
    error, hint = ended.stderr.splitlines()
    assert "AssertionError: too large (" in error
    assert error.endswith(" in check)")
    assert hint.endswith("--debug shows it.")
    assert "Traceback" not in ended.stderr
    assert "in check" in cli("--debug", *flags, "jacobian", PAYLOAD).stderr


def test_a_file_with_apply_alone_has_a_jacobian_over_http(tesseract: Tesseract) -> None:
    """The choice and its options arrive where the file is loaded."""
    flags = ("--gradient-backend", "auto", "--finite-differences-eps", "0.5")
    with serving(tesseract(), *flags) as served:
        answer = served.request("POST", "/jacobian", PAYLOAD)
        listed = served.get("/plugins").json()
    assert (answer.status, answer.body.decode() + "\n") == (200, RESULT)
    assert listed["endpoint_backends"].keys() >= {
        "jacobian",
        "jacobian_vector_product",
        "vector_jacobian_product",
    }


def test_without_the_backend_its_name_has_an_installation(cli: Cli, tesseract: Tesseract) -> None:
    """Without the plugin the message names its distribution."""
    flags = ("--api-path", str(tesseract()), "--no-plugin", "finite-differences")
    ended = cli(*flags, "--gradient-backend", "finite-differences", "jacobian", PAYLOAD)
    assert ended.returncode == 2
    assert "tesseract-runtime-finite-differences" in ended.stderr
