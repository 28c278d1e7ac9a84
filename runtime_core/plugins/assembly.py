"""The assembly of a catalog from the declarations of all plugins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from runtime_core.catalog import (
    CORE,
    KINDS,
    Catalog,
    Hints,
    Kind,
    Plugin,
    Registered,
    Registry,
    command_name,
    conflict_message,
)
from runtime_core.plugins.hints import installable


def assemble(
    *, plugins: Sequence[Plugin], declarations: Sequence[Mapping[str, Sequence[Registered[Any]]]]
) -> Catalog:
    """Make a catalog of declarations; names with several providers become unusable."""
    hints = Hints(installable=installable(), plugins=plugins)
    registries = {
        hook: _registry(kind, [e for d in declarations for e in d.get(hook, ())], hints)
        for hook, kind in KINDS.items()
    }
    _refuse_commands_of_foreign_endpoints(registries)
    _refuse_settings_with_equal_flags(registries)
    problems = [
        conflict_message(registry.kind, name, rivals)
        for registry in registries.values()
        for name, rivals in registry.conflicts.items()
    ]
    return Catalog(plugins=tuple(plugins), problems=tuple(problems), **registries)


def _registry(kind: Kind[Any], entries: list[Registered[Any]], hints: Hints) -> Registry[Any]:
    by_name: dict[str, list[Registered[Any]]] = {}
    for entry in entries:
        by_name.setdefault(entry.value.name, []).append(entry)
    conflicts = {name: rivals for name, rivals in by_name.items() if len(rivals) > 1}
    usable = {
        name: providers[0]
        for name, providers in by_name.items()
        if name not in conflicts or providers[0].distribution == CORE
    }
    return Registry(
        kind=kind,
        entries=MappingProxyType(usable),
        conflicts=MappingProxyType(conflicts),
        hints=hints,
    )


def _refuse_commands_of_foreign_endpoints(registries: dict[str, Registry[Any]]) -> None:
    """Make names unusable that are an endpoint of one distribution and a command of another.

    A command of the endpoint's own distribution replaces the derived one; the core's endpoints stay
    usable.
    """
    endpoints, commands = registries["endpoints"], registries["commands"]
    rivals = {
        (endpoint.value.name, command.value.name): (endpoint, command)
        for endpoint in endpoints.entries.values()
        for command in commands.entries.values()
        if command.value.name == command_name(endpoint.value.name)
        and command.distribution != endpoint.distribution
    }
    foreign = {e: pair for (e, _), pair in rivals.items() if pair[0].distribution != CORE}
    registries["endpoints"] = _without(endpoints, foreign)
    registries["commands"] = _without(commands, {c: pair for (_, c), pair in rivals.items()})


def _refuse_settings_with_equal_flags(registries: dict[str, Registry[Any]]) -> None:
    """Make sections unusable whose fields have the same flag, such as `a` + `b_c`, `a_b` + `c`."""
    settings = registries["settings"]
    owners: dict[str, list[Registered[Any]]] = {}
    for entry in settings.entries.values():
        for field in entry.value.load().model_fields:
            owners.setdefault(f"{entry.value.name}_{field}", []).append(entry)
    shared = {
        entry.value.name: rivals
        for rivals in owners.values()
        if len(rivals) > 1
        for entry in rivals
    }
    registries["settings"] = _without(settings, shared)


def _without(
    registry: Registry[Any], conflicts: Mapping[str, Sequence[Registered[Any]]]
) -> Registry[Any]:
    usable = {name: entry for name, entry in registry.entries.items() if name not in conflicts}
    conflicts = MappingProxyType({**registry.conflicts, **conflicts})
    return replace(registry, entries=MappingProxyType(usable), conflicts=conflicts)
