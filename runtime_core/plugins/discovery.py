"""Finds the installed plugins and decides which of them may be imported."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from operator import ge, lt
from types import MappingProxyType
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
        """Tell whether a plugin is disabled, by its entry point's or distribution's name."""
        return not self.disabled.isdisjoint((candidate.name, candidate.distribution))


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """An installed entry point that has not been imported, with its distribution's metadata."""

    name: str
    entry_point: EntryPoint
    distribution: str
    version: str
    requires: Sequence[str] = ()

    @classmethod
    def of(cls, entry_point: EntryPoint) -> Candidate:
        """Read the metadata of an entry point's distribution, once."""
        fields = _metadata(entry_point)
        return cls(
            name=entry_point.name,
            entry_point=entry_point,
            distribution=_first(fields, "Name"),
            version=_first(fields, "Version"),
            requires=[value for name, value in fields if name == "Requires-Dist"],
        )

    def plugin(self, status: PluginStatus, **facts: Any) -> Plugin:
        """Make the record of this candidate with its status."""
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
    core_version = next((c.version for c in found if c.distribution == CORE), "0")
    usable, left_out = [], []
    for candidate in sorted(found, key=_core_first):
        if selection.disables(candidate):
            problem = "--no-plugin or TESSERACT_DISABLE_PLUGINS names it"
            left_out.append(candidate.plugin(PluginStatus.DISABLED, problem=problem))
        elif incompatibility := _incompatibility(candidate, core_version):
            left_out.append(candidate.plugin(PluginStatus.INCOMPATIBLE, problem=incompatibility))
        else:
            usable.append(candidate)
    count = Counter(candidate.name for candidate in usable)
    rivals = [c for c in usable if count[c.name] > 1 and c.distribution != CORE]
    left_out += [c.plugin(PluginStatus.CONFLICT, problem=_conflict(c)) for c in rivals]
    return Discovery(candidates=[c for c in usable if c not in rivals], left_out=left_out)


def _core_first(candidate: Candidate) -> tuple[bool, str, str]:
    return candidate.distribution != CORE, candidate.name, candidate.distribution


def _conflict(candidate: Candidate) -> str:
    return (
        f"Another distribution has an entry point of the same name {candidate.name!r}. "
        f"Disable one with --no-plugin {candidate.distribution}, or uninstall one"
    )


def _metadata(entry_point: EntryPoint) -> Sequence[tuple[str, str]]:
    """Read the headers of a distribution's metadata as pairs of name and value.

    `Distribution.metadata` parses the file as an e-mail, which takes longer than all else that a
    plugin costs at start. None of the headers of interest is ever folded over several lines.
    """
    assert entry_point.dist is not None  # only entry points that are made by hand have none
    text = entry_point.dist.read_text("METADATA")
    if text is None:  # an egg, which has other files
        return list(entry_point.dist.metadata.items())  # type: ignore[attr-defined]  # a Message
    headers = (line.partition(": ") for line in text.partition("\n\n")[0].splitlines())
    return [(name, value) for name, _, value in headers]


def _first(fields: Iterable[tuple[str, str]], name: str) -> str:
    return next((value for field, value in fields if field == name), "unknown")


def _incompatibility(candidate: Candidate, core_version: str) -> str | None:
    """Say which requirement of the core is not met, if any."""
    for line in filter(_NAMES_THE_CORE.match, candidate.requires):
        if _is_within_plain_bounds(core_version, line):
            continue
        # 15 ms, only where a requirement is unusual or not met
        from packaging.requirements import InvalidRequirement, Requirement

        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            return f"Its requirement {line!r} cannot be read"
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        if not requirement.specifier.contains(core_version, prereleases=True):
            return f"It requires {line}, and {CORE} is {core_version}"
    return None


def _is_within_plain_bounds(version: str, requirement: str) -> bool:
    """Tell whether a version meets a requirement such as `name<0.2,>=0.1`; false when in doubt."""
    if not (_PLAIN_REQUIREMENT.fullmatch(requirement) and _PLAIN_VERSION.fullmatch(version)):
        return False
    return all(
        _COMPARISONS[sign](_release(version), _release(bound))
        for sign, bound in _BOUND.findall(requirement)
    )


def _release(version: str) -> list[int]:
    """Split a version into numbers without zeros at its end, which mean nothing."""
    return [int(part) for part in re.sub(r"(\.0+)+$", "", version).split(".")]


_COMPARISONS = MappingProxyType({">=": ge, "<": lt})
_PLAIN_VERSION = re.compile(r"\d+(\.\d+)*")
_BOUND = re.compile(r"(>=|<)(\d+(?:\.\d+)*)")
_PLAIN_REQUIREMENT = re.compile(rf"[\w.-]+({_BOUND.pattern}(,(?!$)|$))*")

# All spellings of one name, as the specification of names has them (PEP 503).
_NAMES_THE_CORE = re.compile(r"tesseract[-_.]+runtime[-_.]+core(?![\w.-])", re.IGNORECASE)


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
