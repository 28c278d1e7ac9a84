"""What of the contracts will be removed, and the warning to the authors of plugins that use it."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, Field, fields
from typing import Any

from runtime_core.catalog import Registered

DEPRECATED: Mapping[str, str] = {}
"""What to use instead, and when it goes, by name.

A name is that of a hook (`endpoints`), of a field of its declarations (`endpoints.gradient`) or of
an argument of a function among them (`endpoints.bind.binding`). A value reads on after "is
deprecated", such as "since 0.3, and goes with 0.4: use `kind`".
"""


def warn_of_use(entry: Registered[Any], hook: str, deprecated: Mapping[str, str]) -> None:
    """Warn of a deprecated hook, and of fields that are not left at their defaults."""
    if not deprecated:
        return
    declaration = entry.value
    used = (each for each in fields(declaration) if getattr(declaration, each.name) != _left(each))
    warn(entry, [hook, *(f"{hook}.{each.name}" for each in used)], deprecated)


def warn(entry: Registered[Any], used: Iterable[str], deprecated: Mapping[str, str]) -> None:
    """Warn of each deprecated name that a plugin uses, with the plugin and its declaration."""
    for name in used:
        if name in deprecated:
            text = (
                f"{entry.distribution} {entry.version} (plugin {entry.plugin!r}, declaration "
                f"{entry.value.name!r}): {name} is deprecated {deprecated[name]}."
            )
            # The line that warns is in the runtime, not in the plugin, so each text counts alone.
            warnings.warn(text, DeprecationWarning, stacklevel=2)


def _left(field: Field[Any]) -> object:
    return field.default_factory() if field.default_factory is not MISSING else field.default
