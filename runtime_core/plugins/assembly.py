"""The assembly of a catalog from the declarations of all plugins."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from runtime_core.catalog import (
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
from runtime_core.plugin_options import options_of
from runtime_core.plugins.hints import installable, is_first_party


def assemble(
    *, plugins: Sequence[Plugin], declarations: Sequence[Mapping[str, Sequence[Registered[Any]]]]
) -> Catalog:
    """Make a catalog of declarations; names with several providers become unusable."""
    hints = Hints(installable=installable(), plugins=plugins)
    registries: dict[str, Any] = {
        hook: _registry(kind, [e for d in declarations for e in d.get(hook, ())], hints)
        for hook, kind in KINDS.items()
    }
    _refuse_commands_of_foreign_endpoints(registries)
    _refuse_settings_with_equal_flags(registries)
    problems = [
        conflict_message(registry.kind, name, rivals, _used(rivals))
        for registry in registries.values()
        for name, rivals in registry.conflicts.items()
    ]
    problems += _shared_keys(registries)
    return Catalog(plugins=tuple(plugins), problems=tuple(problems), **registries)


def _used(rivals: Sequence[Registered[Any]]) -> Registered[Any] | None:
    return next((rival for rival in rivals if is_first_party(rival.distribution)), None)


def _registry(kind: Kind[Any], entries: list[Registered[Any]], hints: Hints) -> Registry[Any]:
    by_name: dict[str, list[Registered[Any]]] = {}
    for entry in entries:
        by_name.setdefault(entry.value.name, []).append(entry)
    conflicts = {name: rivals for name, rivals in by_name.items() if len(rivals) > 1}
    usable = {
        name: providers[0]
        for name, providers in by_name.items()
        if name not in conflicts or is_first_party(providers[0].distribution)
    }
    return Registry(
        kind=kind,
        entries=MappingProxyType(usable),
        conflicts=MappingProxyType(conflicts),
        hints=hints,
    )


def _refuse_commands_of_foreign_endpoints(registries: dict[str, Registry[Any]]) -> None:
    """Make names unusable that are an endpoint of one distribution and a command of another.

    A command of the endpoint's own distribution replaces the derived one; the project's own stay
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
    registries["endpoints"] = _without(endpoints, {e: pair for (e, _), pair in rivals.items()})
    registries["commands"] = _without(commands, {c: pair for (_, c), pair in rivals.items()})


def _refuse_settings_with_equal_flags(registries: dict[str, Registry[Any]]) -> None:
    """Make sections unusable whose fields have the same flag, such as `a` + `b_c`, `a_b` + `c`."""
    settings = registries["settings"]
    owners: dict[str, list[Registered[Any]]] = {}
    for entry in settings.entries.values():
        for option in options_of(entry.value):
            owners.setdefault(option, []).append(entry)
    shared = {
        entry.value.name: rivals
        for rivals in owners.values()
        if len(rivals) > 1
        for entry in rivals
    }
    registries["settings"] = _without(settings, shared)


def _shared_keys(registries: Mapping[str, Registry[Any]]) -> Iterator[str]:
    """Describe the keys of declarations that a foreign plugin shares with another, which has them.

    Our own formats share the suffix `.json`, as they are all JSON.
    """
    for hook, keys in _KEYS.items():
        owners: dict[tuple[str, str], Registered[Any]] = {}
        for entry in registries[hook].entries.values():
            for noun, key in keys(entry.value):
                owner = owners.setdefault((noun, key), entry)
                if owner is not entry and not is_first_party(entry.distribution):
                    kind = registries[hook].kind.noun
                    yield (
                        f"{noun} {key!r} of {kind} {entry.value.name!r} ({entry.origin}) selects "
                        f"{kind} {owner.value.name!r} ({owner.origin}), which has it too. Disable "
                        f"one with --no-plugin {entry.plugin}."
                    )


def _keys_of_format(format_: Any) -> Iterator[tuple[str, str]]:
    yield from (("Media type", name) for name in format_.media_types)
    yield from (("Suffix", name) for name in format_.suffixes)


def _keys_of_schemes(declaration: Any) -> Iterator[tuple[str, str]]:
    yield from (("Scheme", name) for name in declaration.schemes)


def _keys_of_encoding(encoding: Any) -> Iterator[tuple[str, str]]:
    if "title" in encoding.data_schema:
        yield "Schema title", encoding.data_schema["title"]


_KEYS: Mapping[str, Callable[[Any], Iterator[tuple[str, str]]]] = MappingProxyType(
    {
        "formats": _keys_of_format,
        "encodings": _keys_of_encoding,
        "run_sinks": _keys_of_schemes,
        "executors": _keys_of_schemes,
    }
)
"""The keys by which declarations are selected besides their names, each with its noun."""


def _without(
    registry: Registry[Any], conflicts: Mapping[str, Sequence[Registered[Any]]]
) -> Registry[Any]:
    usable = {
        name: entry
        for name, entry in registry.entries.items()
        if name not in conflicts or is_first_party(entry.distribution)
    }
    conflicts = MappingProxyType({**registry.conflicts, **conflicts})
    return replace(registry, entries=MappingProxyType(usable), conflicts=conflicts)
