"""The import of plugins and the collection of their declarations."""

from __future__ import annotations

import os
import re
import time
import traceback
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from types import ModuleType
from typing import Any

import pluggy

from runtime_core import hookspecs
from runtime_core.catalog import (
    KINDS,
    Catalog,
    Kind,
    Plugin,
    PluginFaults,
    PluginStatus,
    Registered,
)
from runtime_core.config import CORE_OPTIONS
from runtime_core.contracts import Settings
from runtime_core.errors import PluginFailed, PluginFault, did_you_mean
from runtime_core.message_texts import exception_text
from runtime_core.option_sources import flag_name
from runtime_core.plugin_options import options_of
from runtime_core.plugins.assembly import assemble
from runtime_core.plugins.declarations import guarded, preload
from runtime_core.plugins.discovery import Candidate, PluginSelection, discover

Declarations = Mapping[str, Sequence[Registered[Any]]]
"""The declarations of one plugin, by hook."""


def load_catalog(
    selection: PluginSelection | None = None, *, extra: Iterable[ModuleType] = ()
) -> Catalog:
    """Find and import all installed plugins, and collect their declarations.

    A plugin that fails is recorded with the reason, and the others work. With `selection.strict`,
    any fault raises `PluginFault`. The modules `extra` are plugins too, for tests of plugins that
    are not installed; other processes do not have them.
    """
    selection = selection or PluginSelection.from_environment(os.environ)
    discovery = discover(selection, extra)
    manager = _Manager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    loaded = [load(candidate, manager) for candidate in discovery.candidates]
    catalog = assemble(
        plugins=[*(record for record, _ in loaded), *discovery.left_out],
        declarations=[declarations for _, declarations in loaded],
    )
    if selection.strict:
        _preload(catalog)
        if catalog.plugin_faults:
            raise PluginFault("Strict plugins: " + "\n".join(catalog.plugin_faults))
    return replace(catalog, faults=PluginFaults(strict=selection.strict))


class _Manager(pluggy.PluginManager):
    """Looks for hooks among the names of a plugin that the author chose."""

    def parse_hookimpl_opts(self, plugin: object, name: str) -> pluggy.HookimplOpts | None:
        """Pass over the names that Python gives every module, which take most of the time."""
        return None if name.startswith("__") else super().parse_hookimpl_opts(plugin, name)


def _preload(catalog: Catalog) -> None:
    """Import everything that plugins leave to its first use."""
    for hook in KINDS:
        for declaration in catalog.registry(hook):
            try:
                preload(declaration)
            except PluginFailed as fault:
                catalog.faults.tolerate(fault)


def load(candidate: Candidate, manager: pluggy.PluginManager) -> tuple[Plugin, Declarations]:
    """Import a plugin and call its hooks; an exception becomes part of the record."""
    start = time.perf_counter()
    declarations: Declarations = {}
    plugin = None
    try:
        plugin = candidate.entry_point.load()
        manager.register(plugin)
        declarations = _declarations(plugin, candidate, manager)
    # An import may do anything, even exit the process; the other plugins must work.
    except (Exception, SystemExit) as error:
        status = PluginStatus.FAILED
        facts = {"problem": _problem(error), "trace": traceback.format_exc()}
    else:
        status, facts = PluginStatus.LOADED, {}
    finally:
        if manager.is_registered(plugin):  # the hooks of the next plugin are called on it alone
            manager.unregister(plugin)
    names = {hook: [entry.value.name for entry in given] for hook, given in declarations.items()}
    seconds = time.perf_counter() - start
    return candidate.plugin(status, provides=names, seconds=seconds, **facts), declarations


def _problem(error: BaseException) -> str:
    if isinstance(error, PluginFault):
        return str(error)
    text = exception_text(error)
    types = {kind.type.__name__: kind.type for kind in KINDS.values()}
    wrong = _UNKNOWN_FIELD.fullmatch(text)
    if wrong is None or wrong[1] not in types:
        return text
    return f"{text}.{did_you_mean(wrong[2], [each.name for each in fields(types[wrong[1]])])}"


_UNKNOWN_FIELD = re.compile(r"TypeError: (\w+)\.__init__\(\) got an .* keyword argument '(\w+)'")


def _declarations(plugin: Any, candidate: Candidate, manager: pluggy.PluginManager) -> Declarations:
    """Call every hook of a registered plugin."""
    callers = manager.get_hookcallers(plugin) or []
    if not callers:
        raise PluginFault(
            f"{candidate.entry_point.value!r} has no hooks; mark them with "
            "runtime_core.hookspecs.hookimpl"
        )
    for caller in callers:
        if not caller.has_spec():
            raise PluginFault(f"Unknown hook {caller.name!r}.{did_you_mean(caller.name, KINDS)}")
    return {
        caller.name: [
            _registered(value, candidate, KINDS[caller.name])
            for value in _given(caller(), KINDS[caller.name])
        ]
        for caller in callers
    }


def _registered(value: Any, candidate: Candidate, kind: Kind[Any]) -> Registered[Any]:
    entry = Registered(
        value=value,
        plugin=candidate.name,
        distribution=candidate.distribution,
        version=candidate.version,
    )
    entry = guarded(entry, kind)
    if isinstance(value, Settings):
        _check_flags(entry.value)
    return entry


def _given(answers: Sequence[Any], kind: Kind[Any]) -> list[Any]:
    """Collect and validate the declarations of one hook of a plugin."""
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
        swapped = [value.name.lower().replace(*swap) for swap in ("-_", "_-")]
        fitting = [f" Did you mean {name!r}?" for name in swapped if re.fullmatch(form, name)]
        raise PluginFault(
            f"Hook {kind.hook!r} gave the name {value.name!r}, which must match {form}."
            + "".join(fitting[:1])
        )
    return value


# These names become URLs, commands, flags and variables.
_FORMS = {
    "endpoints": "[a-z][a-z0-9_]*",
    "commands": "(plugins )?[a-z][a-z0-9-]*",
    "settings": "[a-z][a-z0-9_]*",
}


def _check_flags(settings: Settings) -> None:
    """Refuse options that no text can set, and the names of the core's own.

    The model is not built: that takes longer than the rest of a plugin, and few commands need it.
    """
    for option in options_of(settings).values():
        if option.name in (*CORE_OPTIONS, "no_plugin", "strict_plugins", "help_all"):
            raise PluginFault(
                f"Settings section {settings.name!r} has a field {'.'.join(option.path)!r}, whose "
                f"flag {flag_name(option.name)} is the runtime's own"
            )
