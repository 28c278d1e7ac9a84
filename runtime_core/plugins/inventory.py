"""The installed plugins as plain data, for the command `plugins` and `GET /plugins`."""

from __future__ import annotations

from typing import Any

from runtime_core.catalog import Catalog, Plugin


def inventory(catalog: Catalog) -> dict[str, Any]:
    """List all plugins with the names they provide, the conflicts of names, and their failures."""
    return {
        "plugins": [plugin_facts(catalog, plugin) for plugin in catalog.plugins],
        "problems": list(catalog.problems),
        "faults": list(catalog.faults.texts),
    }


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
