"""Values that MLflow refuses are changed, with a warning."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime_core.contracts import Metric, Parameter, RunStatus
from tesseract_runtime_mlflow import limits
from tests.mlflow.conftest import OpenRun
from tests.mlflow.test_runs import metric
from tests.mlflow.tracker import Tracker

Warnings = Callable[[], list[str]]

KEYS = (
    "plain",
    "with space",
    "a/b.c-d:e",
    "ä",
    "x[0]",
    "x(0)",
    "../up",
    "/root",
    "a//b",
    ".",
    "",
    "new\nline",
    "k" * 300,
    "k" * 299 + "z",
    "\ud800",
)
"""Keys of which MLflow takes the first four."""


@pytest.fixture
def warnings(caplog: pytest.LogCaptureFixture) -> Warnings:
    """Return a function that returns the warnings of the plugin."""
    caplog.set_level(logging.WARNING)

    def messages() -> list[str]:
        ours = (record for record in caplog.records if record.name.startswith("tesseract_runtime"))
        return [record.getMessage() for record in ours]

    return messages


def test_all_keys_are_kept_apart(opened: OpenRun, tracker: Tracker, warnings: Warnings) -> None:
    """Every key has a name of its own, the key itself if MLflow takes it."""
    run, handle = opened()
    handle.write([metric(key, float(number)) for number, key in enumerate(KEYS)])
    handle.write([Parameter(key=key, value=number) for number, key in enumerate(KEYS)])
    found = tracker.run(run.id).data
    assert sorted(found.metrics.values()) == [float(number) for number in range(len(KEYS))]
    assert set(found.params) == set(found.metrics) >= set(KEYS[:4])
    assert sorted(found.params.values(), key=int) == [str(number) for number in range(len(KEYS))]
    assert len(warnings()) == 2 * (len(KEYS) - 4)
    assert warnings()[0] == (
        f"Metric 'x[0]' of run {run.id} is called 'x_0_' in MLflow, which does not take that key."
    )


def test_names_of_keys_stay(opened: OpenRun, tracker: Tracker, warnings: Warnings) -> None:
    """A key has the same name in every batch, and one warning."""
    run, handle = opened()
    for step in range(3):
        handle.write([metric("x[0]", 1.0, step), metric("x(0)", 2.0, step)])
    found = tracker.run(run.id)
    assert len(found.data.metrics) == 2
    assert tracker.history(found, "x_0_") == [(0, 1.0), (1, 1.0), (2, 1.0)]
    assert len(warnings()) == 2


@given(key=st.text(max_size=400))
def test_allowed_keys_follow_the_rules_of_mlflow(key: str) -> None:
    """MLflow accepts the name of any key."""
    from mlflow.utils.validation import _validate_metric_name

    allowed = limits.allowed_key(key)
    _validate_metric_name(allowed)  # type: ignore[no-untyped-call]  # MLflow has few types
    assert 0 < len(allowed) <= limits.LONGEST_KEY
    assert limits.allowed_key(allowed) == allowed


def test_constants_are_those_of_mlflow() -> None:
    """The limits are not greater than those of MLflow."""
    from mlflow.utils import validation

    assert limits.LONGEST_KEY == validation.MAX_ENTITY_KEY_LENGTH
    assert limits.LONGEST_PARAMETER == validation.MAX_PARAM_VAL_LENGTH
    assert limits.LONGEST_TAG <= validation.MAX_TAG_VAL_LENGTH
    assert limits.MOST_PARAMETERS == validation.MAX_PARAMS_TAGS_PER_BATCH
    assert limits.MOST_METRICS + limits.MOST_PARAMETERS == validation.MAX_ENTITIES_PER_BATCH


def test_long_parameters_are_cut(opened: OpenRun, tracker: Tracker, warnings: Warnings) -> None:
    """A long text is cut, with a mark at its end."""
    run, handle = opened()
    handle.write([Parameter(key="mesh", value="x" * 7_000)])
    assert tracker.run(run.id).data.params == {"mesh": "x" * 5_999 + "…"}
    assert warnings() == [
        f"Parameter 'mesh' of run {run.id} has 7000 characters, of which MLflow takes 6000."
    ]


@pytest.mark.parametrize("value", ["a\x00b", "\ud800", "日本 🧪", "", "line\nline"])
def test_texts_of_all_kinds_are_taken(opened: OpenRun, tracker: Tracker, value: str) -> None:
    """Characters that databases refuse are replaced, the rest stays."""
    run, handle = opened()
    handle.write([Parameter(key="text", value=value)])
    expected = value.replace("\x00", "\ufffd").replace("\ud800", "?")
    assert tracker.run(run.id).data.params == {"text": expected}


def test_parameters_do_not_change(opened: OpenRun, tracker: Tracker, warnings: Warnings) -> None:
    """The first value of a parameter stays; another one is reported."""
    run, handle = opened()
    handle.write([Parameter(key="rate", value=1), Parameter(key="rate", value=1)])
    handle.write([Parameter(key="rate", value=2), Parameter(key="size", value=3)])
    assert tracker.run(run.id).data.params == {"rate": "1", "size": "3"}
    assert warnings() == [
        f"Parameter 'rate' of run {run.id} stays '1' in MLflow, where parameters do not change; "
        "'2' is not there."
    ]


def test_many_records_are_sent_at_once(opened: OpenRun, tracker: Tracker) -> None:
    """More metrics and parameters than a request takes all arrive, in order."""
    run, handle = opened()
    handle.write(
        [metric("loss", float(step), step) for step in range(2_345)]
        + [Parameter(key=f"p{number}", value=number) for number in range(234)]
    )
    handle.close(RunStatus.FINISHED)
    found = tracker.run(run.id)
    assert tracker.history(found, "loss") == [(step, float(step)) for step in range(2_345)]
    assert found.data.params == {f"p{number}": str(number) for number in range(234)}


def test_large_records_are_sent_in_pieces(opened: OpenRun, tracker: Tracker) -> None:
    """Texts of which a hundred are more than the megabyte of a request all arrive."""
    run, handle = opened()
    handle.write([Parameter(key=f"p{number}", value="🧪" * 6_000) for number in range(100)])
    assert len(tracker.run(run.id).data.params) == 100


@given(
    sizes=st.lists(st.integers(1, 500_000), max_size=50),
    most=st.integers(1, 10),
)
def test_batches_are_small_and_whole(sizes: list[int], most: int) -> None:
    """Batches are in order, not too many and not too large, unless one item is so alone."""
    batches = list(limits.batches(sizes, most, lambda size: size))
    assert [size for batch in batches for size in batch] == sizes
    assert all(len(batch) <= most for batch in batches)
    assert all(sum(batch) <= 450_000 or len(batch) == 1 for batch in batches)


def test_facts_are_tags(opened: OpenRun, tracker: Tracker) -> None:
    """Runs are found by their Tesseract, their caller, or the request that they belong to."""
    facts = {"digest": "d", "versions": {"numpy": "2"}, "caller": "ann"}
    run, _ = opened(metadata={"x-request-id": "7"}, **facts)
    tags = tracker.run(run.id).data.tags
    names = ("digest", "versions", "caller", "metadata.x-request-id")
    assert [tags[f"tesseract.{name}"] for name in names] == ["d", '{"numpy": "2"}', "ann", "7"]


def test_strange_tags_are_changed(opened: OpenRun, tracker: Tracker) -> None:
    """Tags of users follow the same rules."""
    run, _ = opened({"tags": {"a[0]": "x" * 6_000, "none": None}})
    tags = tracker.run(run.id).data.tags
    assert tags["a_0_"] == "x" * 4_999 + "…"
    assert "none" not in tags


def test_metrics_before_the_epoch_are_kept(opened: OpenRun, tracker: Tracker) -> None:
    """A metric before the epoch is kept."""
    run, handle = opened()
    handle.write([Metric(key="loss", value=1.0, step=0, timestamp=-5.0)])
    assert tracker.history(tracker.run(run.id), "loss") == [(0, 1.0)]
