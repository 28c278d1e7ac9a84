"""Every check that CI runs, under the name that a person would type: `nox -s tests`.

Without a name nox runs `SESSIONS`. On request only: `soak -- 600`, `endurance`, `mutations`,
`fuzz`, `growth`, `bench` and the tests on the other versions of Python.
"""

from __future__ import annotations

import json
import os
import random
import shutil
from pathlib import Path

import nox
from nox.command import CommandFailed

PYTHONS = ["3.11", "3.12", "3.13"]
OLDEST, MIDDLE, NEWEST = PYTHONS

SESSIONS = [
    "lint",
    "types",
    "imports",
    "docs",
    "quick",
    f"tests-{OLDEST}",
    f"tests-{NEWEST}",
    "heavy",
    "lowest",
    "wheels",
    "interop",
    "engines",
    "browser",
    "soak",
]

nox.needs_version = ">=2025.2"
nox.options.default_venv_backend = "uv"
nox.options.sessions = SESSIONS

PLUGINS = sorted(path.parent for path in Path("plugins").glob("*/pyproject.toml"))

HEAVY = {"jax", "mlflow"}
"""The plugins whose dependencies take more room than everything else together."""

ENGINES = {"dask", "ray"}
"""The plugins that compute on clusters, which are tested in a session of their own."""


def checkout(*heavy: str) -> list[str]:
    """Return the arguments that install the checkout, with the named heavy plugins only."""
    special = (HEAVY | ENGINES) - {*heavy}
    wanted = [path for path in PLUGINS if path.name not in special]
    return ["-e", ".", *(part for path in wanted for part in ("-e", f"./{path}"))]


PROCESSORS = os.cpu_count() or 1

SECOND_CHANCES = 3
"""The most failed tests of a session that are run once more."""


def run_pytest(session: nox.Session, *arguments: str, **variables: str | None) -> None:
    """Run pytest; a few tests that fail are run once more, alone.

    Those that pass then are named by a warning: they mind what runs beside them, which is a fault.
    """
    cache = session.cache_dir.absolute() / session.name  # a `create_tmp` is where tests would write
    shutil.rmtree(cache, ignore_errors=True)
    # Without it the names of failed tests would begin at a pytest.ini of their folder.
    options = ["-q", "--rootdir=.", "-o", f"cache_dir={cache}"]
    try:
        session.run("pytest", *options, *arguments, env=variables)
    except CommandFailed:
        told = cache / "v/cache/lastfailed"
        failed = [*json.loads(told.read_text())] if told.exists() else []
        if not 0 < len(failed) <= SECOND_CHANCES:
            raise
        alone = [argument for argument in arguments if argument.startswith("--confcutdir=")]
        session.run("pytest", *options, "-n0", *alone, *failed, env=variables)
        session.warn(f"Failed among the others, and passed alone: {', '.join(failed)}")


def run_tests(session: nox.Session, *arguments: str, **variables: str) -> None:
    """Run pytest in a process for each processor and one more, as tests wait."""
    processes = f"-n{PROCESSORS + 1}"
    environment: dict[str, str | None] = {
        # Tests start many programs; compiling all modules each time would be half of their time.
        "PYTHONDONTWRITEBYTECODE": "",
        # pytest shows the whole of what it compares when it sees these, however large that is.
        "CI": None,
        "BUILD_NUMBER": None,
        **variables,
    }
    run_pytest(session, processes, "--maxfail=50", *arguments, **environment)


OTHERS = [
    "tests/browser",
    "tests/docs",
    "tests/end_to_end",
    "tests/endurance",
    "tests/engines",
    "tests/ensemble",
    "tests/interop",
    "tests/jax_recipes",
    "tests/mlflow",
    "tests/prometheus",
    "tests/recipes",
    "tests/soak",
    "tests/test_benchmarks.py",
    "tests/test_imports.py",
    "tests/test_mypy.py",
    "tests/umbridge",
]
"""What other sessions run, and on one version of Python."""


def tests(session: nox.Session) -> None:
    """Run the tests; without a version, with the Python that runs nox."""
    session.install(*checkout(*HEAVY), "--group=test-all")
    others = [] if session.posargs else [f"--ignore={path}" for path in OTHERS]
    run_tests(session, *others, *session.posargs)


nox.session(name="tests")(tests)
for _python in PYTHONS:
    nox.session(name=f"tests-{_python}", python=_python)(tests)


@nox.session(python=MIDDLE)
def quick(session: nox.Session) -> None:
    """Run the tests that start no process."""
    session.install(*checkout("jax"), "--group=test")  # some recipes and names are those of JAX
    run_tests(session, "--quick", f"-n{PROCESSORS}", *session.posargs)  # these do not wait


@nox.session(python=OLDEST)
def lowest(session: nox.Session) -> None:
    """Run the quick and the end-to-end tests with the oldest dependencies that are allowed."""
    groups = ["--group=test", "--group=wheels"]
    session.install(*checkout("jax"), *groups, "--resolution=lowest-direct")
    run_tests(session, "--quick", *session.posargs)
    others = ["tests/features", "tests/workbench", "tests/end_to_end"]
    run_tests(session, *others, *session.posargs, UV_RESOLUTION="lowest-direct")


@nox.session(python=NEWEST)
def heavy(session: nox.Session) -> None:
    """Run the tests of the benchmarks and of the plugins with many dependencies."""
    session.install(*checkout(*HEAVY), "--group=test-all")
    parts = ["jax_recipes", "mlflow", "ensemble", "prometheus", "umbridge", "test_benchmarks.py"]
    run_tests(session, *(f"tests/{part}" for part in parts), *session.posargs)


@nox.session(python=OLDEST)
def lint(session: nox.Session) -> None:
    """Check style and format."""
    session.install("--group=lint")
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")


@nox.session(python=OLDEST)
def types(session: nox.Session) -> None:
    """Check types, strictly, in sources and tests, and as editors do in files of authors."""
    session.install(*checkout(*HEAVY), "--group=types")
    session.run("mypy")
    session.run("pyright", "--warnings")
    run_tests(session, "tests/test_mypy.py")


@nox.session(python=OLDEST)
def imports(session: nox.Session) -> None:
    """Check that each layer imports only from those below it, and no package in vain."""
    session.install(*checkout(*HEAVY), "--group=test")
    folders = os.pathsep.join(map(str, [Path(), *PLUGINS]))  # of those that are not installed too
    session.run("lint-imports", env={"PYTHONPATH": folders})
    run_tests(session, "tests/test_imports.py")


@nox.session(python=OLDEST)
def docs(session: nox.Session) -> None:
    """Build the documentation, where a warning is an error, and run every block of its code."""
    session.install(*checkout(*HEAVY), "--group=docs", "--group=test-all")
    session.run("sphinx-build", "-W", "-q", "-b", "html", "docs", "docs/_build/html")
    run_tests(session, "tests/docs", *session.posargs)


@nox.session(python=NEWEST)
def wheels(session: nox.Session) -> None:
    """Build every distribution and run the end-to-end tests and the recipes with the wheels."""
    shutil.rmtree("dist", ignore_errors=True)
    session.install("--group=test", "--group=wheels")
    for folder in [Path(), *PLUGINS]:
        session.run("uv", "build", "--quiet", "--out-dir=dist", str(folder), external=True)
    names = {f"tesseract_runtime_{name}" for name in HEAVY | ENGINES}
    built = [wheel for wheel in Path("dist").glob("*.whl") if wheel.name.split("-")[0] not in names]
    session.install(*map(str, built))
    run_tests(session, "tests/end_to_end", "tests/recipes", *session.posargs)


@nox.session(python=OLDEST)
def interop(session: nox.Session) -> None:
    """Let the clients of the original call Tesseracts that this checkout serves."""
    runtime = Path(
        session.create_tmp(), "runtime"
    ).absolute()  # both have a package `tesseract_core`
    session.run_install("uv", "venv", "--clear", f"--python={session.python}", str(runtime))
    session.run_install("uv", "pip", "install", f"--python={runtime}", *checkout(*HEAVY))
    forms = Path(session.create_tmp(), "forms")  # its dependencies are those of no client
    session.run_install("uv", "venv", "--clear", f"--python={session.python}", str(forms))
    pages = "tesseract-streamlit==0.1.0"
    session.run_install("uv", "pip", "install", f"--python={forms}", pages)
    clients = ["tesseract-core[runtime]==1.15.0", "tesseract-jax==0.4.0"]
    used = ["equinox", "matplotlib", "pandas", "xarray"]  # by files of tests/features
    plugins = ["pytest-timeout>=2.3", "pytest-xdist>=3.6"]
    session.install(*clients, *used, "pytest>=8.3", *plugins)
    command = str(runtime / "bin" / "tesseract-runtime")
    # The environment of the clients lacks our core, which the tests of other folders import.
    arguments = ["--confcutdir=tests/interop", "tests/interop", *session.posargs]
    programs = {"INTEROP_RUNTIME": command, "INTEROP_FORMS": str(forms / "bin" / "python")}
    processes = [f"-n{PROCESSORS}", "--dist=loadfile"]
    run_pytest(session, *processes, *arguments, **programs, PYTHONPATH=".")


@nox.session(python=OLDEST)
def engines(session: nox.Session) -> None:
    """Compute evaluations on local clusters of the engines that plugins use."""
    session.install(*checkout(*ENGINES), "--group=engines")
    processes = [f"-n{PROCESSORS}", "--dist=loadfile"]
    run_pytest(session, *processes, "tests/engines", *session.posargs)


@nox.session(python=OLDEST)
def browser(session: nox.Session) -> None:
    """Fill in and look at the page of models in Chromium, which is a package of Debian."""
    session.install(*checkout("jax"), "--group=browser")
    folder = session.cache_dir.absolute() / "axe"
    session.run("npm", "install", "--silent", "--prefix", str(folder), "axe-core@4")
    axe = str(folder / "node_modules/axe-core/axe.min.js")
    processes = [f"-n{PROCESSORS}", "--dist=loadfile"]
    run_pytest(session, *processes, "tests/browser", *session.posargs, AXE=axe)


@nox.session(python=OLDEST)
def endurance(session: nox.Session) -> None:
    """Compute 2,000 payloads on each executor, with kills of the command and of processes."""
    session.install(*checkout(*ENGINES), "--group=engines")
    session.run("pytest", "-q", "tests/endurance", "--timeout=3600", *session.posargs)


@nox.session(python=OLDEST)
def soak(session: nox.Session) -> None:
    """Load a server with ordinary and hostile clients, for a minute or for `-- SECONDS`."""
    session.install(*checkout(), "--group=test")
    seconds = session.posargs[0] if session.posargs else "60"
    session.run("pytest", "-q", "-s", "tests/soak", env={"SOAK_SECONDS": seconds})


@nox.session(python=OLDEST)
def mutations(session: nox.Session) -> None:
    """Damage 100,000 documents of each format in their bytes, and as many in their trees."""
    session.install(*checkout(), "--group=test")
    count = ["--mutations=100000"]
    session.run("pytest", "-q", "tests/testing/test_mutations.py", *count, *session.posargs)


@nox.session(python=OLDEST)
def fuzz(session: nox.Session) -> None:
    """Send 20,000 random connections to a server; `-- SEED` repeats those of a seed."""
    session.install(*checkout(), "--group=test")
    seed = session.posargs[0] if session.posargs else str(random.getrandbits(32))
    variables = {"FUZZ_CONNECTIONS": "20000", "FUZZ_SEED": seed}
    session.run("pytest", "-q", "-s", "tests/server/test_fuzz.py", env=variables)


@nox.session(python=OLDEST)
def growth(session: nox.Session) -> None:
    """Measure how the work for payloads grows with their sizes: no exponent is above 1.2."""
    session.install(*checkout())
    session.run("python", "tools/growth.py")


@nox.session(python=OLDEST)
def bench(session: nox.Session) -> None:
    """Measure calls and commands beside peers; `-- --original` adds the original."""
    session.install(*checkout(*HEAVY, *ENGINES), "--group=browser")
    session.run("python", "-m", "benchmarks", *session.posargs)
