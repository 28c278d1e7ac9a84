"""The voice of the project: the mechanical patterns that plain English avoids."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

_PATTERNS = re.compile(
    r"\b(somebody|nobody|whoever|whomever|held against|to be had|is no [a-z]+)\b", re.IGNORECASE
)
_OPENINGS = re.compile(r"Return (what|who|how|where|why)\b")

_ALLOWED = frozenset[tuple[str, str]]()
"""At most ten places, as path and the words found there, that say it best that way."""

_OF_OTHERS = ("tests/golden/", "tests/test_voice.py", "CHANGELOG.md")
"""Recorded documents, and this list itself."""


def _sources() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "*.py", "*.md"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    return [Path(name) for name in listed.stdout.split() if not name.startswith(_OF_OTHERS)]


def _spoken(path: Path, text: str) -> Iterator[tuple[int, str]]:
    """Yield the line and the words of each pattern in a file."""
    for number, line in enumerate(text.splitlines(), start=1):
        yield from ((number, match[0]) for match in _PATTERNS.finditer(line))
    if path.suffix == ".py":
        yield from _openings(ast.parse(text))


def _openings(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            match = _OPENINGS.match(ast.get_docstring(node) or "")
            if match is not None:
                yield getattr(node, "lineno", 1), match[0]


@pytest.mark.skipif(not (REPOSITORY / ".git").exists(), reason="the sources are not a clone")
def test_sources_name_the_thing_and_the_action() -> None:
    """No docstring, comment, message or page uses the patterns that HOUSE style avoids."""
    found = [
        f"{path}:{number}: {words}"
        for path in _sources()
        for number, words in _spoken(path, (REPOSITORY / path).read_text(encoding="utf-8"))
        if (str(path), words) not in _ALLOWED
    ]
    assert found == []


def test_exceptions_stay_few() -> None:
    """The list of exceptions has at most ten entries."""
    assert len(_ALLOWED) <= 10


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('"""Return what it holds."""', "Return what"),
        ("# nobody reads this", "nobody"),
        ('raise ValueError(f"{x!r} is no number")', "is no number"),
    ],
)
def test_patterns_are_found(text: str, words: str) -> None:
    """Each kind of pattern is found where it stands."""
    assert [found for _, found in _spoken(Path("a.py"), text)] == [words]
