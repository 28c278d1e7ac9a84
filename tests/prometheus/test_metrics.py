"""The metrics of a server that has had a call of every outcome."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml
from prometheus_client import CollectorRegistry, Metric
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from runtime_core.contracts import AnsweredRequest
from tesseract_runtime_prometheus.call_metrics import CallMetrics
from tests.patience import wait_until
from tests.recipes.recipe import recipe
from tests.server.conftest import Served, serving

MODEL = """
import time
from pathlib import Path
from pydantic import BaseModel

class InputSchema(BaseModel):
    file: str | None = None
    error: str | None = None

class OutputSchema(BaseModel):
    pass

def apply(inputs: InputSchema) -> OutputSchema:
    if inputs.error:
        raise ValueError(inputs.error)
    while inputs.file and not Path(inputs.file).exists():
        time.sleep(0.01)
    return OutputSchema()
"""
"""A model that waits for a file, or fails."""

Numbers = dict[tuple[str, ...], float]
"""Numbers by the name of a metric and the values of its labels."""

KEY = {"authorization": "Bearer sesame"}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Return a server with a key, where no call waits."""
    path = tmp_path_factory.mktemp("metrics") / "tesseract_api.py"
    path.write_text(MODEL)
    key = {"TESSERACT_API_KEY": "sesame"}
    with serving(path, options=["--queue-size", "0"], environment=key) as server:
        yield server


def numbers(served: Served) -> Numbers:
    """Scrape a server, as the configuration of Prometheus has it."""
    [job] = yaml.safe_load(recipe("prometheus.yml"))["scrape_configs"]
    answer = served.get(job.get("metrics_path", "/metrics"), host="a.name.of.the.network")
    assert answer.status == 200
    families = text_string_to_metric_families(answer.body.decode())
    samples = [sample for family in families for sample in family.samples]
    return {(sample.name, *sample.labels.values()): sample.value for sample in samples}


def by_status(numbers: Numbers) -> dict[str, float]:
    """Return the counts of calls by their status."""
    return {key[2]: count for key, count in numbers.items() if key[0] == "tesseract_calls_total"}


def test_calls_are_counted_by_their_outcome(served: Served, tmp_path: Path) -> None:
    """Calls that are computed, wrong, failed, refused or stopped are told apart."""
    file = tmp_path / "file"
    with ThreadPoolExecutor() as threads:
        waiting = threads.submit(served.apply, {"file": str(file)}, **KEY)
        wait_until(lambda: numbers(served)["tesseract_calls_in_flight",] == 1)
        busy = numbers(served)
        refused = served.apply({}, **KEY)
        file.touch()
    answers = [
        waiting.result(),
        refused,
        served.apply({}),
        served.apply({"file": 1}, **KEY),
        served.apply({"error": "no mesh"}, **KEY),
        served.apply({"file": "missing"}, **KEY, request_timeout="0.1"),
    ]
    assert [answer.status for answer in answers] == [200, 503, 401, 422, 500, 504]
    wait_until(lambda: sum(by_status(numbers(served)).values()) == len(answers))
    wait_until(lambda: numbers(served)["tesseract_workers", "idle"] == 1)
    after = numbers(served)
    assert by_status(after) == {str(answer.status): 1 for answer in answers}
    assert after["tesseract_call_seconds_count", "apply"] == len(answers)
    assert after["tesseract_stage_seconds_count", "apply", "compute"] >= 1
    assert after["tesseract_received_bytes_total", "apply"] > 0
    assert after["tesseract_sent_bytes_total", "apply"] > 0
    workers = [("tesseract_workers", state) for state in ("busy", "idle", "loading")]
    assert [busy[state] for state in workers] == [1, 0, 0]
    assert [after[state] for state in workers] == [0, 1, 0]
    assert after["tesseract_worker_restarts_total",] - busy["tesseract_worker_restarts_total",] == 1
    assert after["tesseract_ready",] == 1
    assert after["tesseract_queue_size",] == after["tesseract_queue_length",] == 0


def test_format_is_that_which_prometheus_asks_for(served: Served) -> None:
    """Prometheus prefers OpenMetrics, and the text is valid."""
    answer = served.get("/metrics", accept="application/openmetrics-text;version=1.0.0")
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    parse: Callable[[str], Iterable[Metric]] = openmetrics.text_string_to_metric_families
    names = {family.name for family in parse(answer.body.decode())}
    assert {"tesseract_calls", "tesseract_workers", "tesseract_worker_restarts"} <= names


def test_requests_other_than_calls_are_not_counted() -> None:
    """Probes and pages have no endpoint; a client may leave before its answer."""
    registry = CollectorRegistry()
    metrics = CallMetrics(registry)
    metrics.observe(
        [
            AnsweredRequest(method="GET", path="/health", status=200),
            AnsweredRequest(method="POST", path="/apply", endpoint="apply", status=None),
        ]
    )
    counted = {
        tuple(sample.labels.values()): sample.value
        for family in registry.collect()
        for sample in family.samples
        if sample.name == "tesseract_calls_total"
    }
    assert counted == {("apply", "left"): 1}
