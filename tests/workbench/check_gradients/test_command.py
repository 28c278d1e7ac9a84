"""The command: options in, text and exit code out."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Cli, clean_environment
from tests.patience import SECONDS
from tests.workbench.check_gradients.test_gradient_check import SQUARES

PAYLOAD = '{"inputs": {"x": [1.0, 2.0]}}'

WRONG = SQUARES.replace("FACTOR = [1.0]", "FACTOR = [-1.0]")


@pytest.fixture
def command(cli_here: Cli, tesseract: Callable[..., Path]) -> Cli:
    """Return a function that checks the gradients of a source."""

    def run(source: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return cli_here("--api-path", str(tesseract(source)), "check-gradients", *arguments)

    return run


def test_right_gradients_are_exit_code_0(cli: Cli, tesseract: Callable[..., Path]) -> None:
    """Stdout has the report only."""
    path = tesseract(SQUARES + "print('loading')\n")
    done = cli("--api-path", str(path), "check-gradients", PAYLOAD, "--seed", "3")
    assert (done.returncode, done.stderr) == (0, "loading\n")
    assert done.stdout.splitlines()[:4] == [
        "Gradient check for jacobian_vector_product passed (0 failures / 4 checks)",
        "Gradient check for vector_jacobian_product passed (0 failures / 4 checks)",
        "Dot-product test of jacobian_vector_product and vector_jacobian_product passed "
        "(0 failures / 5 checks)",
        "",
    ]
    assert done.stdout.endswith("\nRepeat with --seed 3.\n")


def test_wrong_gradients_are_exit_code_1(command: Cli) -> None:
    """Stdout has the failures and the seed that repeats them."""
    done = command(WRONG, PAYLOAD, "--endpoints", "jacobian_vector_product", "--max-failures", "1")
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith(
        "Gradient check for jacobian_vector_product failed (2 failures / 4 checks)\n"
        "  x[0] -> y[0]: gradient -2, finite difference 2\n"
        "  ... and 1 more. Show them with a larger --max-failures.\n"
    )
    assert re.search(r"\nRepeat with --seed \d+\.\n$", done.stdout)


def test_the_payload_may_be_the_inputs_alone(command: Cli) -> None:
    """`--inputs` is that of the gradient commands."""
    done = command(SQUARES, "--inputs", '{"x": [1.0, 2.0]}')
    assert (done.returncode, done.stderr) == (0, "")


def test_the_taylor_test_is_an_option(command: Cli) -> None:
    """It takes the place of differences, and has the same exit codes."""
    for source, code in ((SQUARES, 0), (WRONG, 1)):
        done = command(source, PAYLOAD, "--taylor")
        assert (done.returncode, done.stderr) == (code, "")
        assert "  The remainder has the order " in done.stdout
        assert "finite difference" not in done.stdout


def test_all_options_reach_the_check(command: Cli) -> None:
    """Options with several values are repeated; a step can be set by path."""
    source = SQUARES.replace("(None,), Float64", "(None,), Float32")
    done = command(
        source,
        '{"inputs": {"x": [100000, 0]}}',
        *("--endpoints", "jacobian_vector_product", "--endpoints", "vector_jacobian_product"),
        *("--input-paths", "x", "--output-paths", "y", "--eps", "1e-9", "--eps-for", "x=100"),
        *("--rtol", "0.5", "--max-evals", "2"),
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "(0 failures / 1 checks)" in done.stdout


def test_a_payload_may_be_a_file(command: Cli, tmp_path: Path) -> None:
    """Files are read as by the commands of endpoints."""
    (tmp_path / "inputs.json").write_text(PAYLOAD, encoding="utf-8")
    done = command(SQUARES, "@inputs.json")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{"], "Error: The payload is not valid json: EOF while parsing an object"),
        (
            ['{"inputs": {"x": "a", "z": 1}}'],
            "Error: The payload is not valid:\n  inputs.x: Could not parse",
        ),
        ([PAYLOAD, "--endpoints", "apply"], "Error: 'apply' is not a gradient endpoint."),
        (
            [PAYLOAD, "--input-paths", "z"],
            "Error: The inputs have no differentiable array at 'z'. Valid: x.",
        ),
        (
            [PAYLOAD, "--eps-for", "x"],
            "Error: --eps-for cannot be 'x': it must be PATH=VALUE, such as x=0.01.",
        ),
        ([PAYLOAD, "--eps", "0"], "Error: --eps cannot be 0.0: it must be a number above 0."),
    ],
)
def test_a_wrong_call_is_exit_code_2(command: Cli, arguments: list[str], message: str) -> None:
    """One clear message on stderr, and nothing on stdout."""
    done = command(SQUARES, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(message)
    assert "Traceback" not in done.stderr


def test_apply_that_fails_is_exit_code_1(cli: Cli, tesseract: Callable[..., Path]) -> None:
    """The author's exception is reported in one line, or with its traceback in debug mode."""
    source = SQUARES.replace('return {"y": inputs.x**2}', "raise ValueError('too stiff')")
    path = str(tesseract(source))
    done = cli("--api-path", path, "check-gradients", PAYLOAD)
    line = 1 + source[: source.index("raise")].count("\n")
    error = f"Error: ValueError: too stiff ({path}:{line} in apply)\n"
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"{error}--debug shows the traceback.\n"
    debugged = cli("--api-path", path, "--debug", "check-gradients", PAYLOAD)
    assert debugged.stderr.startswith("Traceback")
    assert debugged.stderr.endswith(f"\n{error}")


def test_help_names_every_option(cli: Cli) -> None:
    """The help needs no Tesseract."""
    done = cli("check-gradients", "--help")
    assert done.returncode == 0
    for option in (
        *("--endpoints", "--input-paths", "--output-paths", "--eps", "--eps-for", "--rtol"),
        *("--max-evals", "--max-failures", "--seed", "--show-progress"),
    ):
        assert re.search(rf"^  {option} ", done.stdout, re.MULTILINE)


def test_progress_is_shown_on_a_terminal(tesseract: Callable[..., Path], tmp_path: Path) -> None:
    """A bar names the stages on stderr, and stdout has the report only."""
    master, slave = pty.openpty()
    program = str(Path(sys.executable).with_name("tesseract-runtime"))
    api = ["--api-path", str(tesseract(SQUARES))]
    done = subprocess.run(
        [program, *api, "check-gradients", "--show-progress", PAYLOAD],
        env=clean_environment() | {"TERM": "xterm"},
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=slave,
        text=True,
        timeout=SECONDS,
    )
    os.close(slave)
    shown = os.read(master, 2**16).decode()
    os.close(master)
    assert "differences by x" in shown
    assert "vector_jacobian_product of y" in shown
    assert done.returncode == 0
    assert done.stdout.startswith("Gradient check for jacobian_vector_product passed")


def test_no_progress_is_shown_elsewhere(command: Cli) -> None:
    """The bar is for terminals only."""
    done = command(SQUARES, PAYLOAD, "--show-progress")
    assert (done.returncode, done.stderr) == (0, "")
