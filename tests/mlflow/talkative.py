"""A Tesseract that logs and prints much, and the expected contents of sinks."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from runtime_core.run_logs import StoredRun
from tests.mlflow.tracker import Tracker
from tests.server.conftest import Answer, Served

STEPS = 100
BLOCK = 250_000

SOURCE = r"""
import ctypes, subprocess, sys, tempfile
from pathlib import Path
from pydantic import BaseModel
from runtime_core.run_logs import log_artifact, log_metric, log_parameter

C = ctypes.PyDLL(None)  # its functions hold the GIL

CHILD = r'''
import sys
for step in range(100):
    sys.stdout.write(f"child {sys.argv[1]} {step}\n")
'''

class InputSchema(BaseModel):
    number: int
    loud: bool = False

class OutputSchema(BaseModel):
    number: int

def apply(inputs: InputSchema) -> OutputSchema:
    number = inputs.number
    for name in "abc":
        log_parameter(name, f"{name} of {number}")
    child = subprocess.Popen([sys.executable, "-S", "-c", CHILD, str(number)])
    for step in range(100):
        log_metric("loss", number + step / 1024)
        sys.stdout.write(f"line {number} {step}\n")
    child.wait()
    if inputs.loud:
        sys.stdout.flush()
        block = f"{number:04}".encode() * 250_000 + b"\n"
        assert C.write(1, block, len(block)) == len(block)
    with tempfile.TemporaryDirectory() as folder:
        note = Path(folder, "note.txt")
        note.write_text(f"note of {number}")
        log_artifact(note)
    return OutputSchema(number=number)
"""
"""Each line is one write, lest those of two processes mix; C prints a megabyte at once."""


@dataclass(frozen=True, kw_only=True)
class Spoken:
    """One call: its number, its run id, and whether it prints a megabyte."""

    number: int
    loud: bool = False

    @property
    def run_id(self) -> str:
        """Return the id that the caller gives the run."""
        return f"call-{self.number}"

    def made(self, served: Served) -> Answer:
        """Make the call."""
        body = json.dumps({"inputs": {"number": self.number, "loud": self.loud}})
        headers = {"Content-Type": "application/json"}
        return served.request("POST", f"/apply?run_id={self.run_id}", body, headers)

    def check_answer(self, answer: Answer) -> None:
        """Check that the call succeeded."""
        assert answer.status == 200, answer.body
        assert answer.json() == {"number": self.number}

    def check_files(self, output_path: Path) -> None:
        """Check that the run's own folder has everything of the run, and nothing else."""
        stored = StoredRun(output_path / f"run_{self.run_id}" / "logs")
        assert stored.status == "FINISHED"
        assert stored.parameters == self._parameters
        logged = [(metric.key, metric.step, metric.value) for metric in stored.metrics]
        assert logged == [("loss", step, value) for step, value in self._history]
        [note] = stored.artifacts
        assert (note.name, note.read_text()) == ("note.txt", f"note of {self.number}")
        printed, expected = Counter(stored.text.splitlines()), Counter(self._lines)
        assert (printed - expected, expected - printed) == (Counter(), Counter())

    def check_tracker(self, tracker: Tracker, folder: Path) -> None:
        """Check that MLflow has everything of the run, once."""
        run = tracker.run(self.run_id)
        assert run.info.status == "FINISHED"
        assert run.data.params == self._parameters
        assert tracker.history(run, "loss") == self._history
        notes = tracker.artifacts(run, folder / self.run_id)
        assert notes == {"note.txt": f"note of {self.number}".encode()}
        assert "tesseract.incomplete" not in run.data.tags

    @property
    def _parameters(self) -> dict[str, str]:
        return {name: f"{name} of {self.number}" for name in "abc"}

    @property
    def _history(self) -> list[tuple[int, float]]:
        return [(step, self.number + step / 1024) for step in range(STEPS)]

    @property
    def _lines(self) -> list[str]:
        block = [f"{self.number:04}" * (BLOCK)] if self.loud else []
        printed = [f"line {self.number} {step}" for step in range(STEPS)]
        return [*printed, *(f"child {self.number} {i}" for i in range(STEPS)), *block]


def made_at_once(calls: list[Spoken], served: Served) -> None:
    """Make all calls at the same time, and check that they succeed."""
    with ThreadPoolExecutor(len(calls)) as threads:
        answers = list(threads.map(lambda call: call.made(served), calls))
    for call, answer in zip(calls, answers, strict=True):
        call.check_answer(answer)


def ended_of(calls: Iterable[Spoken], tracker: Tracker) -> set[str]:
    """Return the ids of the runs of some calls that MLflow knows to have ended."""
    runs = tracker.client.search_runs(["0"], max_results=1_000)
    ended = {run.data.tags.get("tesseract.run_id") for run in runs if run.info.status != "RUNNING"}
    return {call.run_id for call in calls} & ended
