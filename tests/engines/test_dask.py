"""Evaluations on clusters of Dask."""

from __future__ import annotations

import asyncio
import json
import logging
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from distributed import Client, LocalCluster

from runtime_core.catalog import Catalog
from runtime_core.errors import ExecutorFailed
from runtime_core.testing import ExecutorConformance
from tesseract_runtime_dask.executor import DaskExecutor
from tests.engines.conftest import Make, jacobian, killed
from tests.patience import wait_until


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    """Return the address of a cluster that others operate."""
    with cluster(workers=2) as address:
        yield address


@contextmanager
def cluster(*, workers: int) -> Iterator[str]:
    """Start a cluster that others operate, and return its address."""
    with LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        silence_logs=logging.CRITICAL,
    ) as opened:
        yield opened.scheduler_address.removeprefix("tcp://")


class TestLocalCluster(ExecutorConformance):
    """A cluster that the plugin starts."""

    target = "dask://local?workers=2"


@pytest.mark.parametrize("target", ["dask://x:1", "dask+file://x", "dask://local"])
def test_targets_are_found_by_their_schemes(catalog: Catalog, target: str) -> None:
    """Both schemes are those of the plugin."""
    found = catalog.executors.of_scheme(target, "--executor")
    assert found.value.name == "dask"


def test_a_missing_scheduler_file_is_named(made: Make, tmp_path: Path) -> None:
    """It is not awaited."""
    with pytest.raises(ExecutorFailed, match=r"the file '.*none\.json' does not exist\. Start"):
        made(f"dask+file://{tmp_path}/none.json").executor.current()


@pytest.mark.parametrize("content", ["{}", "[]", "tcp://127.0.0.1:1"])
def test_a_scheduler_file_without_an_address_is_named(
    made: Make, tmp_path: Path, content: str
) -> None:
    """Another file is not that of a scheduler."""
    file = tmp_path / "other.json"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(ExecutorFailed, match=r"other\.json' has no address of a scheduler\. Start"):
        made(f"dask+file://{file}").executor.current()


def test_a_cluster_is_named_by_its_address_or_its_file(
    made: Make, address: str, tmp_path: Path
) -> None:
    """Both give the bits of `serial`, and leave the cluster to others."""
    file = tmp_path / "scheduler.json"
    file.write_text(json.dumps({"address": f"tcp://{address}"}), encoding="utf-8")
    expected = jacobian(made("serial"))
    assert jacobian(made(f"dask://{address}")) == expected
    assert jacobian(made(f"dask+file://{file}")) == expected


def test_tasks_have_the_name_of_the_tesseract(made: Make, address: str) -> None:
    """Dashboards show it."""
    jacobian(made(f"dask://{address}", name="beam"))
    with Client(f"tcp://{address}", set_as_default=False) as client:
        prefixes = client.run_on_scheduler(lambda dask_scheduler: [*dask_scheduler.task_prefixes])
    assert "beam" in prefixes


def test_interrupt_while_a_task_is_submitted_cancels_it(
    made: Make, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C before `submit` returns leaves no task that later ones wait for."""
    executor = made(f"dask://{address}").executor.current()
    assert isinstance(executor, DaskExecutor)
    submit = asyncio.run_coroutine_threadsafe

    def interrupted(*arguments: Any) -> None:
        monkeypatch.undo()
        submit(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(asyncio, "run_coroutine_threadsafe", interrupted)
    with pytest.raises(KeyboardInterrupt):
        executor.submit(time.sleep, 60)
    wait_until(lambda: not executor._client.futures)


def test_a_cluster_without_workers_is_an_error(made: Make, tmp_path: Path) -> None:
    """A Jacobian whose last worker was killed does not wait for ever."""
    notes = tmp_path / "notes"
    notes.mkdir()
    with cluster(workers=0) as address:
        program = [sys.executable, "-m", "distributed.cli.dask_worker", f"tcp://{address}"]
        options = ["--no-nanny", "--nthreads=1", "--no-dashboard", f"--local-directory={tmp_path}"]
        worker = subprocess.Popen([*program, *options], stderr=subprocess.DEVNULL)
        runtime = made(f"dask://{address}")
        jacobian(runtime)
        with ThreadPoolExecutor(1) as thread:
            thread.submit(killed, notes, most=1)
            with pytest.raises(ExecutorFailed, match=r"^The cluster of Dask has no worker\."):
                jacobian(runtime, notes=str(notes))
        worker.wait()
