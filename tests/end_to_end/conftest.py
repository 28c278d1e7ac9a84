"""A virtual environment of its own, as a user would have it, with wheels of this repository."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from uv import find_uv_bin

from runtime_core.testing.served import Served, serving
from tests.conftest import REPOSITORY, clean_environment
from tests.patience import SECONDS

PROJECTS = [
    REPOSITORY,
    *sorted(path.parent for path in REPOSITORY.glob("plugins/*/pyproject.toml")),
    *sorted(path.parent for path in Path(__file__).parent.glob("scratch/*/pyproject.toml")),
]
"""The folders that wheels are built of."""

BUILD = """
import os, sys
from hatchling.build import build_wheel

target, *folders = sys.argv[1:]
for folder in folders:
    os.chdir(folder)
    build_wheel(target)
"""
"""A program that builds many wheels in the time that one takes alone."""


@dataclass(frozen=True, kw_only=True)
class Environment:
    """A virtual environment that holds the core, the names for authors, and what tests install.

    Its programs run in `folder`, without options of the runtime in their variables.
    """

    programs: Path
    wheels: Path
    folder: Path

    def install(self, *names: str, options: Sequence[str] = ()) -> None:
        """Install plugins by the names of their folders, with further options of uv."""
        self.change("install", *options, *map(self.wheel, names))

    def uninstall(self, *names: str) -> None:
        """Remove plugins; what they need stays."""
        distributions = [f"tesseract-runtime-{name}" for name in names]
        self.change("uninstall", *distributions)

    def change(self, *arguments: str) -> None:
        """Let uv do to this environment what pip would do, in a tenth of the time."""
        [action, *rest] = arguments
        python = self.programs / "python"
        subprocess.run(
            [find_uv_bin(), "pip", action, "--quiet", f"--python={python}", *rest],
            check=True,
            timeout=2 * SECONDS,
        )

    @contextmanager
    def installed(self, *names: str, options: Sequence[str] = ()) -> Iterator[None]:
        """Have plugins inside the `with`."""
        self.install(*names, options=options)
        try:
            yield
        finally:
            self.uninstall(*names)

    @contextmanager
    def without(self, *names: str) -> Iterator[None]:
        """Lack plugins inside the `with`."""
        self.uninstall(*names)
        try:
            yield
        finally:
            self.install(*names)

    def wheel(self, name: str) -> str:
        """Return the wheel of a plugin."""
        [path] = self.wheels.glob(f"tesseract_runtime_{name}-*.whl")
        return str(path)

    def runtime(self, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run `tesseract-runtime`; options as those of `run`."""
        return self.run("tesseract-runtime", *arguments, **options)

    def python(self, source: str) -> str:
        """Run Python code and return its output, stripped."""
        return self.run("python", "-c", source, check=True).stdout.strip()

    def run(
        self,
        program: str,
        *arguments: str,
        variables: Mapping[str, str] | None = None,
        **options: Any,
    ) -> subprocess.CompletedProcess[str]:
        """Run a program of the environment; `variables` are added to its own, if given."""
        return subprocess.run(
            [str(self.programs / program), *arguments],
            **self._surroundings(variables),
            **{
                "stdout": subprocess.PIPE,
                "stderr": subprocess.PIPE,
                "timeout": 2 * SECONDS,
                **options,
            },
        )

    def serving(
        self, *arguments: str, variables: Mapping[str, str] | None = None
    ) -> AbstractContextManager[Served]:
        """Serve with global options inside the `with`, on a free port."""
        command = [str(self.programs / "tesseract-runtime"), *arguments, "serve"]
        return serving(command, self.folder / "server.log", **self._surroundings(variables))

    def _surroundings(self, variables: Mapping[str, str] | None) -> dict[str, Any]:
        plain = {k: v for k, v in clean_environment().items() if not k.startswith("PYTHONPATH")}
        wide = {"COLUMNS": "200", "PYTHONDONTWRITEBYTECODE": ""}  # uv compiles nothing
        environment = {**plain, **wide, **(variables or {})}
        return {"env": environment, "cwd": self.folder, "text": True}


@pytest.fixture(scope="session")
def prepared_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    """Build all wheels, and install the core and the names for authors until the session ends."""
    root = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(root / "venv")], check=True)
    work = root / "work"
    work.mkdir()
    environment = Environment(programs=root / "venv" / "bin", wheels=root / "wheels", folder=work)
    build = [sys.executable, "-c", BUILD, str(environment.wheels), *map(str, PROJECTS)]
    subprocess.run(build, stdout=subprocess.DEVNULL, check=True, timeout=2 * SECONDS)
    environment.install("core", "authoring")
    yield environment
    shutil.rmtree(root)  # pytest would keep some hundred megabytes of each of three sessions


@pytest.fixture
def environment(prepared_environment: Environment, tmp_path: Path) -> Environment:
    """Return the environment, whose programs run in an empty folder."""
    folder = tmp_path / "work"
    folder.mkdir()
    return replace(prepared_environment, folder=folder)


Write = Callable[..., Path]
"""The type of the fixture `tesseract`: writes a `tesseract_api.py` and returns its path."""
