"""The command `plugins new`: the files that it writes, and what it refuses."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tesseract_runtime_workbench.new_files import write_new
from tesseract_runtime_workbench.new_plugin.command import HOOKS, LONGEST
from tesseract_runtime_workbench.new_plugin.distribution import files_of
from tests.conftest import REPOSITORY, Cli

PUBLIC = {
    tuple(line.split()) for line in (REPOSITORY / "tests/public_api.txt").read_text().splitlines()
}
"""The public names of the core, each with its module."""


def test_files_and_next_steps_are_listed(cli_here: Cli, tmp_path: Path) -> None:
    """The command writes a distribution, and says how to install and check it."""
    ended = cli_here("plugins", "new", "acme-hex", "--kind", "array-encoding")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.splitlines() == [
        "Wrote acme-hex/.gitignore",
        "Wrote acme-hex/README.md",
        "Wrote acme-hex/pyproject.toml",
        "Wrote acme-hex/src/acme_hex/__init__.py",
        "Wrote acme-hex/src/acme_hex/py.typed",
        "Wrote acme-hex/src/acme_hex/codec.py",
        "Wrote acme-hex/src/acme_hex/plugin.py",
        "Wrote acme-hex/tests/test_acme_hex.py",
        "",
        "Next:",
        "  cd acme-hex",
        '  pip install -e ".[test]"',
        "  tesseract-runtime plugins check acme-hex",
        "  pytest",
    ]
    again = cli_here("plugins", "new", "acme-hex", "--kind", "array-encoding")
    assert (again.returncode, "Nothing was written" in again.stderr) == (2, True)


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("acme", "formt", "Unknown kind 'formt'. Did you mean 'format'? Kinds: array-encoding, "),
        ("Acme_", "format", "'Acme_' is not a valid name of a plugin: take lower-case letters, "),
        ("a" * 31, "format", "single hyphens, at most 30 characters, such as acme-hex."),
        ("json", "format", "would be 'json', a name that Python has. Take another one, such as"),
        ("class", "format", "would be 'class', a name that Python has."),
        ("base64", "array-encoding", "would be 'base64', a name that Python has."),
        (
            "raw",
            "array-encoding",
            "Array encoding 'raw' exists already. Take another name",
        ),
    ],
)
def test_wrong_names_are_refused(cli_here: Cli, name: str, kind: str, message: str) -> None:
    """A name that cannot be one of a plugin, and an unknown kind, are errors of the call."""
    ended = cli_here("plugins", "new", name, "--kind", kind)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert message in ended.stderr


@pytest.mark.parametrize("name", ["q", "q" * LONGEST, "q" + "-q" * (LONGEST // 2 - 1)])
def test_names_of_any_length_fit_the_style(tmp_path: Path, name: str) -> None:
    """Lines are neither too long nor wrapped in vain, whatever the name."""
    for kind, hook in HOOKS.items():
        write_new(tmp_path / kind, files_of(name, hook))
    for action in (["check"], ["format", "--diff"]):
        ended = subprocess.run(
            [sys.executable, "-m", "ruff", *action, "."],
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.mark.parametrize("hook", HOOKS.values())
def test_public_names_alone_are_imported(hook: str) -> None:
    """A new plugin imports from the core what `public_api.txt` lists, and nothing else."""
    files = files_of("acme-example", hook)
    imported = {
        name for path, text in files.items() if path.endswith(".py") for name in core_names(text)
    }
    assert imported <= PUBLIC
    assert imported


def core_names(text: str) -> Iterator[tuple[str, str]]:
    """Yield the names that a module imports from the core."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("runtime_core"):
            yield from ((str(node.module), alias.name) for alias in node.names)
