"""The choice of a backend on the command line and over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.builtin.conftest import JACOBIAN, JVP, VJP
from tests.conftest import DOUBLE, Cli
from tests.gradients.conftest import OWN_JACOBIAN
from tests.server.conftest import serving

Tesseract = Callable[..., Path]


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        ("jacks", "Unknown gradient backend 'jacks'."),
        ("derivd", "Did you mean 'derived'?"),
        ("autp", "Did you mean 'auto'? Available: auto, derived, "),
        ("jacobain=auto", "Did you mean 'jacobian'?"),
        ("jacobian=", "--gradient-backend='jacobian=': expected BACKEND"),
        ("jacobian=derived", "jacobian cannot be served as chosen. Gradient backend 'derived' "),
        ("jacobian=native", "does not define a function 'jacobian'"),
    ],
)
def test_wrong_choices_on_the_command_line(
    choice: str, words: str, cli_here: Cli, tesseract: Tesseract
) -> None:
    """A wrong option ends a command that loads the whole Tesseract, in one sentence."""
    flags = ["--api-path", str(tesseract()), f"--gradient-backend={choice}"]
    ended = cli_here(*flags, "check")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("Error: ")
    assert words in ended.stderr
    assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize("choice", ["jacks", "jacobian=derived"])
def test_a_wrong_choice_is_not_served(choice: str, cli_here: Cli, tesseract: Tesseract) -> None:
    """A server says the same as `check`."""
    flags = ["--api-path", str(tesseract()), f"--gradient-backend={choice}"]
    ended = cli_here(*flags, "serve", "-p", "0")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == cli_here(*flags, "check").stderr


def test_a_wrong_choice_of_the_file_on_the_command_line(
    cli_here: Cli, tesseract: Tesseract
) -> None:
    """The exit code is 1, and the file is named."""
    path = tesseract(DOUBLE + "gradient_backend = 'jacks'\n")
    for command in (("check",), ("apply", '{"inputs": {"x": [1.0]}}')):
        ended = cli_here("--api-path", str(path), *command)
        assert (ended.returncode, ended.stdout) == (1, "")
        assert ended.stderr.startswith(
            "Error: gradient_backend of tesseract_api.py: Unknown gradient backend 'jacks'."
        )


def test_flag_and_variables_are_put_together(cli_here: Cli, tesseract: Tesseract) -> None:
    """Options, variables and the file are combined for each endpoint."""
    source = DOUBLE + OWN_JACOBIAN + "gradient_backend = 'vector_jacobian_product=derived'\n"
    ended = cli_here(
        "--api-path",
        str(tesseract(source)),
        "--gradient-backend=jacobian=finite-differences",
        "check",
        environment={
            "TESSERACT_GRADIENT_BACKEND": "jacobian_vector_product=derived",
            "TESSERACT_RUNTIME_GRADIENT_BACKEND": "jacobian_vector_product=finite-differences",
        },
    )
    lines = ended.stdout.splitlines()
    assert "  jacobian: served by finite-differences" in lines
    assert "  jacobian_vector_product: served by finite-differences" in lines
    assert "  vector_jacobian_product: served by derived" in lines


def test_what_a_bare_choice_cannot_serve_is_told_everywhere(
    cli_here: Cli, tesseract: Tesseract
) -> None:
    """`check`, `GET /plugins`, the command and the 404 say the same."""
    path = tesseract(DOUBLE + OWN_JACOBIAN)
    flags = ("--gradient-backend", "derived")
    words = "Gradient backend 'derived' cannot: "
    with serving(path, *flags) as served:
        plugins = served.get("/plugins").json()
        refused = served.request("POST", "/jacobian", "{}")
    told = plugins["unavailable_endpoints"][JACOBIAN]
    assert told.startswith(words)
    backends = plugins["endpoint_backends"]
    assert (backends[JVP], backends[VJP], JACOBIAN in backends) == ("derived", "derived", False)
    assert (refused.status, told in refused.json()["detail"]) == (404, True)
    checked = cli_here("--api-path", str(path), *flags, "check")
    assert (checked.returncode, f"  jacobian: not served: {told}" in checked.stdout) == (0, True)
    ended = cli_here("--api-path", str(path), *flags, "jacobian", "{}")
    assert (ended.returncode, told in ended.stderr) == (2, True)
