"""Importing the plugins that may be imported, each on its own risk."""

from __future__ import annotations

import os
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pluggy

from runtime_core import hookspecs
from runtime_core.catalog import KINDS, Catalog, Kind, Plugin, PluginStatus, Registered
from runtime_core.errors import PluginFault, did_you_mean
from runtime_core.plugins.assembly import assemble
from runtime_core.plugins.discovery import Candidate, PluginSelection, discover


@dataclass(frozen=True, kw_only=True)
class LoadedPlugin:
    """What became of one candidate, with everything that it declared."""

    record: Plugin
    declarations: Mapping[str, Sequence[Registered[Any]]]


def load_catalog(selection: PluginSelection | None = None) -> Catalog:
    """Find, import and ask all installed plugins.

    A plugin that fails is recorded with its reason and the rest works; under
    `selection.strict` any fault is a `PluginFault`.
    """
    selection = selection or PluginSelection.from_environment(os.environ)
    discovery = discover(selection)
    loaded = [load(candidate) for candidate in discovery.candidates]
    catalog = assemble(
        plugins=[*(plugin.record for plugin in loaded), *discovery.left_out],
        declarations=[plugin.declarations for plugin in loaded],
    )
    if selection.strict:
        _refuse_faults(catalog)
    return catalog


def load(candidate: Candidate) -> LoadedPlugin:
    """Import one plugin and ask its hooks; whatever it raises becomes part of the record."""
    start = time.perf_counter()
    try:
        declarations = _declarations(candidate)
    # A plugin may do anything while it is imported, also end the process; the rest must work.
    except (Exception, SystemExit) as error:
        record = candidate.plugin(
            PluginStatus.FAILED,
            problem=f"{type(error).__name__}: {error}".rstrip(": "),
            trace=traceback.format_exc(),
        )
        declarations = {}
    else:
        record = candidate.plugin(
            PluginStatus.LOADED,
            provides={
                hook: [entry.value.name for entry in entries]
                for hook, entries in declarations.items()
            },
        )
    seconds = time.perf_counter() - start
    return LoadedPlugin(record=replace(record, seconds=seconds), declarations=declarations)


def _declarations(candidate: Candidate) -> dict[str, list[Registered[Any]]]:
    """Ask every hook of one plugin; a manager of its own keeps the plugins apart."""
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    plugin = candidate.entry_point.load()
    manager.register(plugin)
    callers = manager.get_hookcallers(plugin) or []
    for caller in callers:
        if not caller.has_spec():
            raise PluginFault(
                f"There is no hook {caller.name!r}.{did_you_mean(caller.name, KINDS)}"
            )
    return {
        caller.name: [
            Registered(
                value=_checked(value, KINDS[caller.name]),
                plugin=candidate.name,
                distribution=candidate.distribution,
                version=candidate.version,
            )
            for values in caller()
            for value in values
        ]
        for caller in callers
    }


def _checked(value: Any, kind: Kind[Any]) -> Any:
    if not isinstance(value, kind.type):
        raise PluginFault(
            f"Hook {kind.hook!r} must give {kind.type.__name__} objects, not {value!r:.80}"
        )
    if not isinstance(value.name, str) or not value.name.strip():
        raise PluginFault(f"Hook {kind.hook!r} gave a {kind.noun} without a name: {value!r:.80}")
    return value


def _refuse_faults(catalog: Catalog) -> None:
    faults = [
        f"{plugin.name} ({plugin.origin}) {plugin.status}: {plugin.problem}"
        for plugin in catalog.plugins
        if plugin.status not in (PluginStatus.LOADED, PluginStatus.DISABLED)
    ]
    if faults or catalog.problems:
        raise PluginFault("Strict plugins: " + "\n".join([*faults, *catalog.problems]))
