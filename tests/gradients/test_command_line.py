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
    ("flags", "code", "words"),
    [
        (["--gradient-backend=jacks"], 2, "Unknown gradient backend 'jacks'."),
        (["--gradient-backend=derivd"], 2, "Did you mean 'derived'?"),
        (["--gradient-backend=jacobain=auto"], 2, "Did you mean 'jacobian'?"),
        (["--gradient-backend=jacobian="], 2, "--gradient-backend='jacobian=': expected BACKEND"),
        (
            ["--gradient-backend=jacobian=derived"],
            2,
            "jacobian cannot be served as chosen. Gradient backend 'derived' cannot: ",
        ),
        (["--gradient-backend=jacobian=native"], 2, "does not define a function 'jacobian'"),
    ],
)
@pytest.mark.parametrize("command", [("check",), ("serve", "-p", "0")])
def test_wrong_choices_on_the_command_line(
    flags: list[str],
    code: int,
    words: str,
    command: tuple[str, ...],
    cli: Cli,
    cli_here: Cli,
    tesseract: Tesseract,
) -> None:
    """A wrong option ends every command that loads the whole Tesseract, in one sentence."""
    ended = (cli_here if command == ("check",) else cli)(
        "--api-path", str(tesseract()), *flags, *command
    )
    assert (ended.returncode, ended.stdout) == (code, "")
    assert ended.stderr.startswith("Error: ")
    assert words in ended.stderr
    assert ended.stderr.count("\n") == 1


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
    assert plugins["endpoint_backends"] == {JVP: "derived", VJP: "derived"}
    assert (refused.status, told in refused.json()["detail"]) == (404, True)
    checked = cli_here("--api-path", str(path), *flags, "check")
    assert (checked.returncode, f"  jacobian: not served: {told}" in checked.stdout) == (0, True)
    ended = cli_here("--api-path", str(path), *flags, "jacobian", "{}")
    assert (ended.returncode, told in ended.stderr) == (2, True)
