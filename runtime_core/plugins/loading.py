"""Importing the plugins that may be imported, each on its own risk."""

from __future__ import annotations

import os
import re
import time
import traceback
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pluggy

from runtime_core import hookspecs
from runtime_core.catalog import KINDS, Catalog, Kind, Plugin, PluginStatus, Registered
from runtime_core.config import CORE_OPTIONS, flag_name
from runtime_core.contracts import Settings
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
            problem=_problem(error),
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


def _problem(error: BaseException) -> str:
    if isinstance(error, PluginFault):
        return str(error)
    return f"{type(error).__name__}: {error}".rstrip(": ")


def _declarations(candidate: Candidate) -> dict[str, list[Registered[Any]]]:
    """Ask every hook of one plugin; a manager of its own keeps the plugins apart."""
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    plugin = candidate.entry_point.load()
    manager.register(plugin)
    callers = manager.get_hookcallers(plugin) or []
    if not callers:
        raise PluginFault(
            f"{candidate.entry_point.value!r} has no hooks; mark them with "
            "runtime_core.hookspecs.hookimpl"
        )
    for caller in callers:
        if not caller.has_spec():
            raise PluginFault(
                f"There is no hook {caller.name!r}.{did_you_mean(caller.name, KINDS)}"
            )
    return {
        caller.name: [
            Registered(
                value=value,
                plugin=candidate.name,
                distribution=candidate.distribution,
                version=candidate.version,
            )
            for value in _given(caller(), KINDS[caller.name])
        ]
        for caller in callers
    }


def _given(answers: Sequence[Any], kind: Kind[Any]) -> list[Any]:
    """Return what one hook of one plugin gives, once it has been checked."""
    values = []
    for answer in answers:
        if not isinstance(answer, Iterable):
            raise PluginFault(
                f"Hook {kind.hook!r} must give an iterable of {kind.type.__name__} objects, "
                f"not {answer!r:.80}"
            )
        values += [_checked(value, kind) for value in answer]
    for name, count in Counter(value.name for value in values).items():
        if count > 1:
            raise PluginFault(f"Hook {kind.hook!r} gave the name {name!r} {count} times")
    return values


def _checked(value: Any, kind: Kind[Any]) -> Any:
    if not isinstance(value, kind.type):
        raise PluginFault(
            f"Hook {kind.hook!r} must give {kind.type.__name__} objects, not {value!r:.80}"
        )
    if not isinstance(value.name, str) or not value.name.strip():
        raise PluginFault(f"Hook {kind.hook!r} gave a {kind.noun} without a name: {value!r:.80}")
    form = _FORMS.get(kind.hook)
    if form is not None and not re.fullmatch(form, value.name):
        raise PluginFault(
            f"Hook {kind.hook!r} gave the name {value.name!r}, which must match {form}"
        )
    if isinstance(value, Settings):
        _check_flags(value)
    return value


# These become paths of URLs, commands, flags and variables.
_FORMS = {
    "endpoints": "[a-z][a-z0-9_]*",
    "commands": "[a-z][a-z0-9-]*",
    "settings": "[a-z][a-z0-9_]*",
}


def _check_flags(settings: Settings) -> None:
    """Load the model of settings; refuse options without a default or that the core has already."""
    model = settings.load()
    model()  # whatever it raises says which default is missing
    for field in model.model_fields:
        option = f"{settings.name}_{field}"
        if option in (*CORE_OPTIONS, "no_plugin", "strict_plugins"):
            raise PluginFault(
                f"Settings section {settings.name!r} has a field {field!r}, whose flag "
                f"{flag_name(option)} is the runtime's own"
            )


def _refuse_faults(catalog: Catalog) -> None:
    faults = [
        f"{plugin.name} ({plugin.origin}) {plugin.status}: {plugin.problem}"
        for plugin in catalog.plugins
        if plugin.status not in (PluginStatus.LOADED, PluginStatus.DISABLED)
    ]
    if faults or catalog.problems:
        raise PluginFault("Strict plugins: " + "\n".join([*faults, *catalog.problems]))
