"""The installed plugins as plain data, for the command `plugins` and `GET /plugins`."""

from __future__ import annotations

from importlib.metadata import distributions
from typing import Any

from runtime_core.catalog import Catalog, Plugin
from runtime_core.plugins.discovery import NAMES_THE_CORE


def inventory(catalog: Catalog) -> dict[str, Any]:
    """List all plugins with the names they provide, the conflicts of names, and their failures."""
    return {
        "plugins": [plugin_facts(catalog, plugin) for plugin in catalog.plugins],
        "problems": list(catalog.problems),
        "faults": list(catalog.faults.texts),
    }


def libraries(catalog: Catalog) -> list[dict[str, str]]:
    """List the installed distributions that use the core and are not plugins, by name."""
    plugins = {plugin.distribution for plugin in catalog.plugins}
    return sorted(
        (
            {"distribution": name, "version": found.version, "summary": found.metadata["Summary"]}
            for found in distributions()
            if (name := found.metadata["Name"]) not in plugins
            and any(map(NAMES_THE_CORE.match, found.requires or ()))
        ),
        key=lambda library: library["distribution"],
    )


def plugin_facts(catalog: Catalog, plugin: Plugin) -> dict[str, Any]:
    """Describe a plugin, without the traceback of a failure, which shows local paths."""
    return {
        "name": plugin.name,
        "distribution": plugin.distribution,
        "version": plugin.version,
        "entry_point": plugin.entry_point,
        "status": str(plugin.status),
        "problem": plugin.problem,
        "seconds": round(plugin.seconds, 6),
        "provides": {
            hook: [{"name": name, "summary": _summary(catalog, hook, name)} for name in names]
            for hook, names in plugin.provides.items()
        },
    }


def _summary(catalog: Catalog, hook: str, name: str) -> str | None:
    entry = catalog.registry(hook).entries.get(name)
    return entry.value.summary if entry is not None else None
