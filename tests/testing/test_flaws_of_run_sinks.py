"""The suite of run sinks finds what is wrong: each flaw fails the test that is about it."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from types import MappingProxyType

from tests.testing.conftest import Suite

PLUGIN = """
import json, math, shutil, threading
from dataclasses import replace
from runtime_core.contracts import Artifact, Metric, Parameter, RunSink
from runtime_core.hookspecs import hookimpl

class Right:
    '''Keeps a run as lines of JSON, and artifacts beside.'''

    def __init__(self, run, target, config):
        self.folder = run.log_folder
        self.folder.mkdir(parents=True, exist_ok=True)

    def write(self, records):
        for record in records:
            getattr(self, type(record).__name__.lower())(record)

    def metric(self, record):
        self.line("metric", record.key, record.step, record.value)

    def parameter(self, record):
        self.line("parameter", record.key, record.value)

    def artifact(self, record):
        copy = shutil.copytree if record.path.is_dir() else shutil.copy
        self.place(record).parent.mkdir(parents=True, exist_ok=True)
        copy(record.path, self.place(record))

    def close(self, status):
        self.line("status", status)

    def place(self, artifact):
        return self.folder / "artifacts" / artifact.name

    def line(self, *facts):
        with open(self.folder / "lines", "a") as lines:
            print(json.dumps(facts), file=lines)

{classes}

@hookimpl
def run_sinks():
    for sink in ({names}):
        name = sink.__name__.lower()
        yield RunSink(name=name, summary="", schemes=(name,), open=sink)
"""

TESTS = """
import json
from collections import defaultdict
import pytest
from runtime_core.testing import LoggedRun, RunSinkConformance

class Lines(RunSinkConformance):
    @pytest.fixture
    def target(self):
        return self.sink

    def read(self, run, target):
        metrics, parameters, status = defaultdict(list), {}, None
        for line in (run.log_folder / "lines").read_text().splitlines():
            kind, *facts = json.loads(line)
            if kind == "metric":
                metrics[facts[0]].append(tuple(facts[1:]))
            elif kind == "parameter":
                parameters[facts[0]] = facts[1]
            else:
                [status] = facts
        folder = run.log_folder / "artifacts"
        files = {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in folder.rglob("*") if path.is_file()
        }
        return LoggedRun(parameters=parameters, metrics=metrics, artifacts=files, status=status)
"""

FLAWS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "Forgetful": (
            "def write(self, records):\n    super().write(records[-1:])",
            "test_metrics_come_back",
        ),
        "Small": (
            "def write(self, records):\n    super().write(records[:1000])",
            "test_many_metrics_come_back",
        ),
        "Stepless": (
            "def metric(self, record):\n    super().metric(replace(record, step=0))",
            "test_metrics_come_back",
        ),
        "Jealous": (
            "seen = set()\n"
            "def parameter(self, record):\n"
            "    if (id(self), record.key) in self.seen: raise KeyError(record.key)\n"
            "    self.seen.add((id(self), record.key))\n"
            "    super().parameter(record)",
            "test_parameters_may_be_logged_again",
        ),
        "Numeric": (
            "def metric(self, record):\n"
            "    if not math.isfinite(record.value): raise ValueError(record.value)\n"
            "    super().metric(record)",
            "test_numbers_that_are_none_do_no_harm",
        ),
        "Careless": (
            "def metric(self, record):\n"
            "    (self.folder / record.key).write_text('')\n"
            "    super().metric(record)",
            "test_strange_keys_are_kept",
        ),
        "Simplifying": (
            "def metric(self, record):\n    if record.key.isascii(): super().metric(record)",
            "test_strange_keys_are_kept",
        ),
        "Flat": (
            "def artifact(self, record):\n    if record.path.is_file(): super().artifact(record)",
            "test_folders_come_back",
        ),
        "Original": (
            "def artifact(self, record):\n"
            "    if not self.place(record).exists(): super().artifact(record)",
            "test_files_may_be_logged_again",
        ),
        "Cheerful": (
            "def close(self, status):\n    super().close('FINISHED')",
            "test_status_is_kept",
        ),
        "Mixing": (
            "opened = []\n"
            "def __init__(self, *facts):\n"
            "    super().__init__(*facts)\n"
            "    self.opened.append(self.folder)\n"
            "def line(self, *facts):\n"
            "    self.folder = self.opened[-1]\n"
            "    super().line(*facts)",
            "test_runs_do_not_mix",
        ),
        "Bound": (
            "def __init__(self, *facts):\n"
            "    super().__init__(*facts)\n"
            "    self.thread = threading.get_ident()\n"
            "def close(self, status):\n"
            "    if threading.get_ident() != self.thread: raise RuntimeError('another thread')\n"
            "    super().close(status)",
            "test_threads_may_change",
        ),
        "Talkative": (
            "def close(self, status):\n    print(status)\n    super().close(status)",
            "test_nothing_is_printed",
        ),
        "Silent": (
            "def open(self): pass",
            "test_what_does_not_answer_is_given_up",
        ),
    }
)
"""What a flawed sink adds to the right one, and the test that finds what is wrong with it."""


def source(flaws: Mapping[str, tuple[str, str]]) -> str:
    """Return the plugin with some flawed sinks beside the right one."""
    classes = "\n".join(
        f"class {name}(Right):\n{textwrap.indent(body, '    ')}\n"
        for name, (body, _) in flaws.items()
    )
    names = "".join(f"{name}, " for name in ("Right", *flaws))
    return PLUGIN.replace("{classes}", classes).replace("{names}", names)


def suites(*names: str, **facts: str) -> str:
    """Return the tests of some sinks, with facts of the suite."""
    own = "".join(f"    {name} = {value!r}\n" for name, value in facts.items())
    classes = (f"class Test{name}(Lines):\n    sink = {name.lower()!r}\n{own}" for name in names)
    return "\n".join([TESTS, *classes, "del Lines, RunSinkConformance"])


def test_right_sink_passes(suite: Suite) -> None:
    """A sink that was written by its contract passes every test that is about it."""
    outcomes = suite(suites("Right"), plugin=source({}))
    assert {name for name, outcome in outcomes.items() if outcome != "PASSED"} == set()
    assert len(outcomes) > 15


def test_flaws_are_found(suite: Suite) -> None:
    """Sinks that lose, mix up or delay what is logged, or do harm, fail the suite."""
    outcomes = suite(
        suites(*FLAWS, unreachable="nowhere"),
        chosen=" or ".join(f"(Test{name} and {test})" for name, (_, test) in FLAWS.items()),
        plugin=source(FLAWS),
    )
    failed = {name for name, outcome in outcomes.items() if outcome == "FAILED"}
    expected = {name: f"Test{name}::{test}" for name, (_, test) in FLAWS.items()}
    undetected = [
        name for name, test in expected.items() if not any(f.startswith(test) for f in failed)
    ]
    assert undetected == []
