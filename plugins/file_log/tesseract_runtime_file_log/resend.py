"""Resending runs from files to other sinks, such as a tracker that was unreachable."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from runtime_core.calls import exception_text
from runtime_core.catalog import Catalog
from runtime_core.config import RuntimeConfig
from runtime_core.contracts import RunStatus
from runtime_core.errors import InvalidOption, RunNotLogged
from runtime_core.run_logs import LogTarget, configured_targets
from tesseract_runtime_file_log.reading import StoredRun

_BATCH = 1_000


def other_targets(catalog: Catalog, config: RuntimeConfig) -> Sequence[LogTarget]:
    """Return the targets other than files; `InvalidOption` if there are none."""
    targets = [t for t in configured_targets(catalog, config) if not t.sink.value.default]
    if not targets:
        raise InvalidOption(
            "Name where to send the run with --log-to, such as mlflow+http://host:5000."
        )
    return targets


def send(stored: StoredRun, target: LogTarget, config: RuntimeConfig) -> None:
    """Send a whole run; `RunNotLogged` gives the reason of a failure."""
    if stored.is_running:
        raise RunNotLogged(f"Run {stored.id} has not ended yet: it is sent when it has.")
    status = RunStatus.__members__.get(stored.status, RunStatus.FINISHED)
    records = stored.records
    try:
        handle = target.open(stored.run, config)
        while batch := list(islice(records, _BATCH)):
            handle.write(batch)
        handle.close(status)
    # A tracker may fail in any way; the user must learn the reason.
    except Exception as error:
        raise RunNotLogged(
            f"Run {stored.id} cannot be sent to {target}: {exception_text(error)}."
        ) from error
