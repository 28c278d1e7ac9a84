"""The targets of the runs of a configuration, each with its sink."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from runtime_core.catalog import Catalog, Registered
from runtime_core.config import RuntimeConfig
from runtime_core.contracts import Run, RunHandle, RunSink
from runtime_core.errors import InvalidOption, PluginFailed

FILES = "file"
"""The target of the files of runs, which needs no sink."""


@dataclass(frozen=True, kw_only=True)
class LogTarget:
    """A sink, and the target that its runs are opened with."""

    sink: Registered[RunSink]
    target: str

    def __str__(self) -> str:
        return f"{self.target} ({self.sink.origin})"

    def open(self, run: Run, config: RuntimeConfig) -> RunHandle:
        """Open a run; errors are those of the plugin."""
        return self.sink.value.open(run=run, target=self.target, config=config)


def configured_targets(catalog: Catalog, config: RuntimeConfig) -> Sequence[LogTarget]:
    """Return the targets of `--log-to` and of the options of plugins, without that of files.

    Raises `UnknownName` for an unknown scheme, `InvalidOption` for a place of files, and the errors
    of the checks of sinks.
    """
    sinks = catalog.run_sinks
    asked = [
        LogTarget(sink=sinks.of_scheme(target, "--log-to"), target=target)
        for target in config.log_to
        if not _is_files(target)
    ]
    asked += _from_options(catalog, config)
    for each in asked:
        _check(each, config)
    return list(dict.fromkeys(asked))


def _is_files(target: str) -> bool:
    """Check whether a target is the folder of each run, which has its record in any case."""
    scheme, _, place = target.partition(":")
    if scheme == FILES and place:
        raise InvalidOption(
            f"--log-to {target!r}: write just 'file'; the files are put where --output-path says."
        )
    return scheme == FILES


def _check(target: LogTarget, config: RuntimeConfig) -> None:
    if target.sink.value.check is not None:
        target.sink.value.check(target=target.target, config=config)


def _from_options(catalog: Catalog, config: RuntimeConfig) -> Iterator[LogTarget]:
    """Yield the targets of the options of plugins, without those of a plugin that fails."""
    for entry in catalog.run_sinks.entries.values():
        if entry.value.target_from is None:
            continue
        try:
            target = entry.value.target_from(config=config)
        except PluginFailed as fault:
            catalog.faults.tolerate(fault)
        else:
            if target:
                yield LogTarget(sink=entry, target=target)
