"""The selection of tests, their order, and their distribution over processes."""

from __future__ import annotations

import gc
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.patience import PATIENCE, allow
from tests.processes import name_their_tests

SLOW_FOLDERS = {
    "browser",
    "cli",
    "client",
    "composition",
    "docs",
    "end_to_end",
    "endurance",
    "engines",
    "ensemble",
    "features",
    "interop",
    "jax_recipes",
    "mlflow",
    "prometheus",
    "recipes",
    "run_logs",
    "schemas",
    "second_order",
    "server",
    "soak",
    "testing",
    "umbridge",
    "workbench",
    "workers",
}
"""The folders that `--quick` leaves out.

They test processes, whole commands, JAX, MLflow or random models.
"""

STARTING = {"subprocess.Popen", "os.fork", "os.posix_spawn"}
"""The audit events of a new process."""

SHARING = {"mlflow"}
"""Folders whose files share a fixture that is slow to make: a server of MLflow."""

PAGES = "tests/docs/test_code_blocks.py::test_blocks_of_page_do_what_they_say["
"""How the name of a test begins that runs a page, which takes as long as many a file."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--quick` to the options of pytest."""
    text = "run only tests that start no process: skip the others where they start one"
    parser.addoption("--quick", action="store_true", help=text)


def pytest_configure(config: pytest.Config) -> None:
    """Let tests interrupt programs, start none with `--quick`, and wait for slow machines."""
    name_their_tests()
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # As in the background of a shell; the programs that tests interrupt would ignore it too.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if config.getoption("--quick"):
        sys.addaudithook(skip_at_process)
    settings.register_profile(
        "patient", deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
    settings.load_profile("patient")
    config.option.loadscopereorder = False  # the order here is better


def skip_at_process(event: str, arguments: object) -> None:
    """Skip the test that is about to start a process."""
    if event in STARTING and "PYTEST_CURRENT_TEST" in os.environ:
        pytest.skip("starts a process")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave whole folders out of `--quick`."""
    folder = collection_path.parent == Path(__file__).parent and collection_path.name
    return True if config.getoption("--quick") and folder in SLOW_FOLDERS else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with tests that wait, so that the rest fills the gaps, and set the time limits."""
    items.sort(key=lambda item: folder_of(item.nodeid) not in SLOW_FOLDERS)
    if PATIENCE != 1:
        for item in items:
            allow(item)


def pytest_collection_finish() -> None:
    """Exempt what collection has made, which stays to the end, from every collection of garbage."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(optionalhook=True)  # the hook is unknown without pytest-xdist
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give each process whole files, so that it makes the fixtures of a file once."""
    from xdist.scheduler import LoadScopeScheduling

    scheduling = LoadScopeScheduling(config, log)
    scheduling._split_scope = unit_of
    return scheduling


def unit_of(test: str) -> str:
    """Return the unit of tests that stay together in one process."""
    if test.startswith(PAGES):
        return test
    folder = folder_of(test)
    return folder if folder in SHARING else test.partition("::")[0]


def folder_of(test: str) -> str:
    """Return the folder in `tests` that a test is in."""
    return test.partition("::")[0].split("/")[1]
