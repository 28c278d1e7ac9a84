"""Many calls at a time: every run has what its own call has logged and printed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.mlflow.talkative import SOURCE, Spoken, ended_of, made_at_once
from tests.mlflow.tracker import Tracker
from tests.patience import wait_until
from tests.server.conftest import serving

CALLS = [Spoken(number=number, loud=number % 8 == 0) for number in range(1000, 1024)]


@pytest.mark.timeout(900)  # MLflow takes a tenth of a second for each request
def test_every_run_has_exactly_its_own(
    tesseract: Callable[..., Path], tracker: Tracker, tmp_path: Path
) -> None:
    """24 calls over 4 workers, half of the lines from subprocesses, keep apart in both sinks."""
    output_path = tmp_path / "output"
    with serving(
        tesseract(SOURCE),
        *("--output-path", str(output_path), "--log-to", "file", "--log-to", tracker.target),
        options=("--num-workers", "4", "--queue-size", "64"),
    ) as served:
        made_at_once(CALLS, served)
        for call in CALLS:
            call.check_files(output_path)
        wait_for_all(lambda: len(ended_of(CALLS, tracker)))
        for call in CALLS:
            call.check_tracker(tracker, tmp_path / "downloads")
        assert served.end() == 0
    assert sorted(path.name for path in output_path.iterdir()) == sorted(
        f"run_{call.run_id}" for call in CALLS
    )


def wait_for_all(arrived: Callable[[], int]) -> None:
    """Wait until all runs have arrived, as long as more of them do."""
    while (before := arrived()) < len(CALLS):
        wait_until(lambda before=before: arrived() > before)  # type: ignore[misc]  # a default
