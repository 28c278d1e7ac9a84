"""Tests of the command."""

from collections.abc import Callable
from subprocess import CompletedProcess


def test_name_is_printed(cli_here: Callable[..., CompletedProcess[str]]) -> None:
    """The command prints the name of `--name`."""
    arguments = ["--greeting", "Welcome", "--name", "cantilever"]
    ended = cli_here("acme-example", *arguments)
    assert (ended.returncode, ended.stdout) == (0, "Welcome cantilever\n")
