"""Plugins that are installed for one test: a module and the metadata of its distribution."""

from __future__ import annotations

import importlib
import sys
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

import pytest

FORMAT = """
from runtime_core.contracts import Format
from runtime_core.hookspecs import hookimpl

@hookimpl
def formats():
    yield Format(
        name="NAME", summary="", media_types=(), suffixes=(), array_encoding="json", load=dict
    )
"""
"""The source of a plugin with one format, named `NAME`."""


class Install(Protocol):
    """Installs a plugin `tesseract-runtime-NAME` 1.0 whose module has a source."""

    def __call__(
        self,
        name: str,
        source: str = "",
        *,
        entry_point: str | None = None,
        target: str = "",
        requires: Sequence[str] = (),
    ) -> None:
        """Write the module and its metadata; `target` follows the module's name."""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Return a function that installs a plugin until the end of the test."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(site)
    modules = []

    def write(
        name: str,
        source: str = "",
        *,
        entry_point: str | None = None,
        target: str = "",
        requires: Sequence[str] = (),
    ) -> None:
        module = f"tesseract_runtime_{name.replace('-', '_')}"
        modules.append(module)
        (site / f"{module}.py").write_text(textwrap.dedent(source), encoding="utf-8")
        metadata = site / f"{module}-1.0.dist-info"
        metadata.mkdir()
        lines = ["Metadata-Version: 2.1", f"Name: tesseract-runtime-{name}", "Version: 1.0"]
        lines += [f"Requires-Dist: {requirement}" for requirement in requires]
        (metadata / "METADATA").write_text("\n".join(lines) + "\n", encoding="utf-8")
        (metadata / "entry_points.txt").write_text(
            f"[tesseract_runtime]\n{entry_point or name} = {module}{target}\n", encoding="utf-8"
        )
        importlib.invalidate_caches()

    yield write
    for module in modules:
        sys.modules.pop(module, None)
