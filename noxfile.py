"""Every check that CI runs, under the name that a person would type: `nox -s tests`."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import nox

nox.needs_version = ">=2025.2"
nox.options.default_venv_backend = "uv"
nox.options.download_python = "never"
nox.options.sessions = ["lint", "types", "imports", "docs", "tests", "lowest", "wheels", "soak"]

PYTHONS = ["3.11", "3.12", "3.13"]
OLDEST, NEWEST = PYTHONS[0], PYTHONS[-1]

PROCESSES = f"-n{(os.cpu_count() or 1) + 1}"
"""How many processes share the tests: one more than there are processors, as many tests wait."""

KEEP_BYTECODE = {"PYTHONDONTWRITEBYTECODE": ""}
"""The tests start programs by the thousand; compiling all modules each time is half of the time."""

PLUGINS = sorted(path.parent for path in Path("plugins").glob("*/pyproject.toml"))
CHECKOUT = ["-e", ".", *(part for path in PLUGINS for part in ("-e", f"./{path}"))]


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run the whole test suite against the checkout."""
    session.install(*CHECKOUT, "--group", "test")
    session.run("pytest", PROCESSES, *session.posargs, env=KEEP_BYTECODE)


@nox.session(python=OLDEST)
def lowest(session: nox.Session) -> None:
    """Run the test suite with the oldest dependencies that are allowed."""
    session.install(*CHECKOUT, "--group", "test", "--resolution=lowest-direct")
    chosen = session.posargs or ["--deselect", "tests/docs"]
    session.run("pytest", PROCESSES, *chosen, env=KEEP_BYTECODE)


@nox.session(python=OLDEST)
def lint(session: nox.Session) -> None:
    """Check style and format."""
    session.install("--group", "lint")
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")


@nox.session(python=OLDEST)
def types(session: nox.Session) -> None:
    """Check types, strictly, in sources and tests."""
    session.install(*CHECKOUT, "--group", "types", "--group", "test", "nox")
    session.run("mypy")


@nox.session(python=OLDEST)
def imports(session: nox.Session) -> None:
    """Hold the layers of the core to the order of their imports."""
    session.install(*CHECKOUT, "--group", "imports")
    session.run("lint-imports")


@nox.session(python=OLDEST)
def docs(session: nox.Session) -> None:
    """Build the documentation; a warning is an error."""
    session.install(*CHECKOUT, "--group", "docs")
    session.run("sphinx-build", "-W", "-q", "-b", "html", "docs", "docs/_build/html")


@nox.session(python=NEWEST)
def wheels(session: nox.Session) -> None:
    """Build every distribution and run the end-to-end tests against the installed wheels."""
    shutil.rmtree("dist", ignore_errors=True)
    session.install("--group", "test")
    for folder in [Path(), *PLUGINS]:
        session.run("python", "-m", "build", "--installer=uv", "--outdir=dist", str(folder))
    session.install(*(str(wheel) for wheel in Path("dist").glob("*.whl")))
    session.run("pytest", "tests/end_to_end", *session.posargs, env=KEEP_BYTECODE)


@nox.session(python=OLDEST)
def bench(session: nox.Session) -> None:
    """Measure what GOALS names; `-- --original` measures the original beside it."""
    session.install(*CHECKOUT)
    session.run("python", "-m", "benchmarks", *session.posargs)


@nox.session(python=OLDEST)
def soak(session: nox.Session) -> None:
    """Load a server whose workers are killed, for a minute or for `-- SECONDS`."""
    session.install(*CHECKOUT, "--group", "test")
    seconds = session.posargs[0] if session.posargs else "60"
    session.run("pytest", "tests/soak", "-s", env={**KEEP_BYTECODE, "SOAK_SECONDS": seconds})


@nox.session(python=OLDEST)
def mutations(session: nox.Session) -> None:
    """Damage 100,000 documents of each format in their bytes, and as many in their trees."""
    session.install(*CHECKOUT, "--group", "test")
    count = ["--mutations", "100000"]
    session.run("pytest", "tests/testing/test_mutations.py", *count, *session.posargs)


@nox.session(python=OLDEST)
def interop(session: nox.Session) -> None:
    """Let the clients of the original call Tesseracts that this checkout serves."""
    runtime = Path(session.create_tmp(), "runtime")  # both have a package `tesseract_core`
    session.run_install("uv", "venv", "--clear", f"--python={session.python}", str(runtime))
    session.run_install("uv", "pip", "install", f"--python={runtime}", *CHECKOUT)
    session.install("tesseract-core[runtime]==1.15.0", "tesseract-jax==0.4.0", "pytest>=8.3")
    command = {"INTEROP_RUNTIME": str(runtime / "bin" / "tesseract-runtime")}
    session.run("pytest", "tests/interop", *session.posargs, env=command)
