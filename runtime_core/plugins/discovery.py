"""Which plugins are installed, and which of them may be imported."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.metadata import EntryPoint, entry_points, version
from typing import Any

from runtime_core.catalog import CORE, Plugin, PluginStatus
from runtime_core.errors import PluginFault, did_you_mean, listed
from runtime_core.hookspecs import PROJECT
from runtime_core.plugins.hints import known_distributions


@dataclass(frozen=True, kw_only=True)
class PluginSelection:
    """The user's choice of plugins: which are disabled, and whether faults end the start."""

    disabled: frozenset[str] = frozenset()
    strict: bool = False

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> PluginSelection:
        """Read `TESSERACT_DISABLE_PLUGINS` (names with commas) and `TESSERACT_STRICT_PLUGINS`."""
        names = environment.get("TESSERACT_DISABLE_PLUGINS", "").split(",")
        strict = environment.get("TESSERACT_STRICT_PLUGINS", "").lower()
        return cls(
            disabled=frozenset(name.strip() for name in names if name.strip()),
            strict=strict not in ("", "0", "false", "no", "off"),
        )

    def disables(self, candidate: Candidate) -> bool:
        """Say whether a plugin is disabled, by its entry point's or distribution's name."""
        return not self.disabled.isdisjoint((candidate.name, candidate.distribution))


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """An installed entry point that has not been imported."""

    name: str
    entry_point: EntryPoint
    distribution: str
    version: str
    requires: Sequence[str] = ()

    @classmethod
    def of(cls, entry_point: EntryPoint) -> Candidate:
        """Read name, distribution and requirements of an entry point."""
        distribution = entry_point.dist
        # Its `name` and `version` would each parse all of the metadata again.
        facts = distribution.metadata if distribution else {"Name": "unknown", "Version": "unknown"}
        return cls(
            name=entry_point.name,
            entry_point=entry_point,
            distribution=facts["Name"],
            version=facts["Version"],
            requires=tuple((distribution.requires if distribution else None) or ()),
        )

    @cached_property
    def misfit(self) -> str | None:
        """Return how the plugin's requirement of the core is not met, if so."""
        return _misfit(self.requires)

    def plugin(self, status: PluginStatus, **facts: Any) -> Plugin:
        """Return the record of what became of this candidate."""
        return Plugin(
            name=self.name,
            entry_point=self.entry_point.value,
            distribution=self.distribution,
            version=self.version,
            status=status,
            **facts,
        )


@dataclass(frozen=True, kw_only=True)
class Discovery:
    """The installed plugins: those to import, and those that are left out with the reason."""

    candidates: Sequence[Candidate]
    left_out: Sequence[Plugin]


def discover(selection: PluginSelection) -> Discovery:
    """Find all installed plugins and decide which of them may be imported.

    Raises `PluginFault` for a disabled name that belongs to nothing installed or known.
    """
    found = [Candidate.of(entry_point) for entry_point in entry_points(group=PROJECT)]
    _refuse_wrong_names(selection.disabled, found)
    fit = [c for c in found if not selection.disables(c) and c.misfit is None]
    count = Counter(c.name for c in fit)
    candidates, left_out = [], []
    for candidate in sorted(found, key=_core_first):
        reason = _reason_to_leave_out(candidate, selection, count)
        if reason is None:
            candidates.append(candidate)
        else:
            left_out.append(candidate.plugin(reason[0], problem=reason[1]))
    return Discovery(candidates=candidates, left_out=left_out)


def _core_first(candidate: Candidate) -> tuple[bool, str, str]:
    return candidate.distribution != CORE, candidate.name, candidate.distribution


def _reason_to_leave_out(
    candidate: Candidate, selection: PluginSelection, count: Mapping[str, int]
) -> tuple[PluginStatus, str] | None:
    if selection.disables(candidate):
        return PluginStatus.DISABLED, "--no-plugin or TESSERACT_DISABLE_PLUGINS names it"
    if candidate.misfit is not None:
        return PluginStatus.INCOMPATIBLE, candidate.misfit
    if count[candidate.name] > 1 and candidate.distribution != CORE:
        return PluginStatus.CONFLICT, (
            f"Another distribution has an entry point of the same name {candidate.name!r}. "
            f"Settle it with --no-plugin {candidate.distribution}, or uninstall one"
        )
    return None


def _misfit(requires: Sequence[str]) -> str | None:
    for line in filter(_NAMES_THE_CORE.match, requires):
        # 15 ms, only where a plugin is installed
        from packaging.requirements import InvalidRequirement, Requirement

        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            return f"Its requirement {line!r} cannot be read"
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        if not requirement.specifier.contains(_core_version(), prereleases=True):
            return f"It requires {line}, and {CORE} is {_core_version()}"
    return None


@cache  # it is read from a file
def _core_version() -> str:
    return version(CORE)


# All spellings of one name, as the specification of names has them (PEP 503).
_NAMES_THE_CORE = re.compile(r"tesseract[-_.]+runtime(?![\w.-])", re.IGNORECASE)


def _refuse_wrong_names(disabled: Iterable[str], found: Sequence[Candidate]) -> None:
    installed = {name for c in found for name in (c.name, c.distribution)}
    core = {name for c in found if c.distribution == CORE for name in (c.name, c.distribution)}
    for name in sorted(disabled):
        if name in core:
            raise PluginFault(f"{name!r} is the runtime itself and cannot be disabled.")
        if name not in installed | known_distributions():
            raise PluginFault(
                f"There is no plugin {name!r} to disable."
                f"{did_you_mean(name, installed)} Installed: {listed({c.name for c in found})}."
            )
