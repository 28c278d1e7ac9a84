"""The discovery of installed plugins, and the selection of those to import."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from operator import ge, lt
from types import MappingProxyType, ModuleType
from typing import Any

from runtime_core.catalog import Plugin, PluginStatus
from runtime_core.distributions import CORE
from runtime_core.errors import PluginFault, did_you_mean, listed
from runtime_core.hookspecs import PROJECT
from runtime_core.plugins.hints import is_first_party, known_distributions


@dataclass(frozen=True, kw_only=True)
class PluginSelection:
    """The disabled plugins, and whether a faulty plugin is an error at start."""

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


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """An installed entry point that is not imported yet, with its distribution's metadata."""

    name: str
    entry_point: EntryPoint
    distribution: str
    version: str
    requires: Sequence[str] = ()

    @classmethod
    def of(cls, entry_point: EntryPoint) -> Candidate:
        """Read the metadata of an entry point's distribution."""
        fields = _metadata(entry_point)
        single = dict(fields)
        return cls(
            name=entry_point.name,
            entry_point=entry_point,
            distribution=single.get("Name", "unknown"),
            version=single.get("Version", "unknown"),
            requires=[value for name, value in fields if name == "Requires-Dist"],
        )

    @classmethod
    def of_module(cls, module: ModuleType) -> Candidate:
        """Take an imported module as a plugin, without a distribution."""
        name = module.__name__
        entry_point = EntryPoint(name=name, value=name, group=PROJECT)
        return cls(name=name, entry_point=entry_point, distribution=name, version="unknown")

    def plugin(self, status: PluginStatus, **facts: Any) -> Plugin:
        """Make the record of this plugin with its status."""
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
    """The installed plugins: those to import, and the records of those left out."""

    candidates: Sequence[Candidate]
    left_out: Sequence[Plugin]


def discover(selection: PluginSelection, extra: Iterable[ModuleType] = ()) -> Discovery:
    """Find all installed plugins and select those to import.

    The modules `extra` are plugins too, unless they are installed. Raises `PluginFault` for a
    disabled name that is not a plugin.
    """
    found = [Candidate.of(entry_point) for entry_point in entry_points(group=PROJECT)]
    installed = {candidate.entry_point.module for candidate in found}
    found += [Candidate.of_module(each) for each in extra if each.__name__ not in installed]
    _refuse_wrong_names(selection.disabled, found)
    core_version = next((c.version for c in found if c.distribution == CORE), "0")
    usable, left_out = [], []
    for candidate in sorted(found, key=_core_first):
        if selection.disabled & {candidate.name, candidate.distribution}:
            problem = "--no-plugin or TESSERACT_DISABLE_PLUGINS names it"
            left_out.append(candidate.plugin(PluginStatus.DISABLED, problem=problem))
        elif incompatibility := _incompatibility(candidate, core_version):
            left_out.append(candidate.plugin(PluginStatus.INCOMPATIBLE, problem=incompatibility))
        else:
            usable.append(candidate)
    count = Counter(candidate.name for candidate in usable)
    rivals = [c for c in usable if count[c.name] > 1 and not is_first_party(c.distribution)]
    left_out += [c.plugin(PluginStatus.CONFLICT, problem=_conflict(c)) for c in rivals]
    return Discovery(candidates=[c for c in usable if c not in rivals], left_out=left_out)


def _core_first(candidate: Candidate) -> tuple[bool, bool, str, str]:
    distribution = candidate.distribution
    foreign = not is_first_party(distribution)
    return distribution != CORE, foreign, candidate.name, distribution


def _conflict(candidate: Candidate) -> str:
    return (
        f"Another distribution has an entry point of the same name {candidate.name!r}. "
        f"Disable one with --no-plugin {candidate.distribution}, or uninstall one"
    )


def _metadata(entry_point: EntryPoint) -> Sequence[tuple[str, str]]:
    """Read the headers of a distribution's metadata as pairs of name and value.

    `Distribution.metadata` parses the file as an e-mail, which takes longer than everything else
    about a plugin at start. The headers used here are never folded over several lines.
    """
    assert entry_point.dist is not None  # only entry points made by hand have none
    text = entry_point.dist.read_text("METADATA")
    if text is None:  # an egg has other files
        fields = entry_point.dist.metadata.items()  # type: ignore[attr-defined]  # a Message
        return [*fields, *(("Requires-Dist", line) for line in entry_point.dist.requires or ())]
    headers = (line.partition(": ") for line in text.partition("\n\n")[0].splitlines())
    return [(name, value) for name, _, value in headers]


def _incompatibility(candidate: Candidate, core_version: str) -> str | None:
    """Describe the unmet requirement of the core, if any."""
    for line in filter(NAMES_THE_CORE.match, candidate.requires):
        if _is_within_plain_bounds(core_version, line):
            continue
        # takes 15 ms, only for a requirement that is unusual or not met
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
    """Check a version against a requirement such as `name<0.2,>=0.1`; false when in doubt."""
    if not (_PLAIN_REQUIREMENT.fullmatch(requirement) and _PLAIN_VERSION.fullmatch(version)):
        return False
    return all(
        _COMPARISONS[sign](_release(version), _release(bound))
        for sign, bound in _BOUND.findall(requirement)
    )


def _release(version: str) -> list[int]:
    """Split a version into numbers, without trailing zeros."""
    return [int(part) for part in re.sub(r"(\.0+)+$", "", version).split(".")]


_COMPARISONS = MappingProxyType({">=": ge, "<": lt})
_PLAIN_VERSION = re.compile(r"\d+(\.\d+)*")
_BOUND = re.compile(r"(>=|<)(\d+(?:\.\d+)*)")
_PLAIN_REQUIREMENT = re.compile(rf"[\w.-]+({_BOUND.pattern}(,(?!$)|$))*")

# All equivalent spellings of the name (PEP 503).
NAMES_THE_CORE = re.compile(r"tesseract[-_.]+runtime[-_.]+core(?![\w.-])", re.IGNORECASE)


def _refuse_wrong_names(disabled: Iterable[str], found: Sequence[Candidate]) -> None:
    installed = {name for c in found for name in (c.name, c.distribution)}
    core = {name for c in found if c.distribution == CORE for name in (c.name, c.distribution)}
    for name in sorted(disabled):
        if name in core:
            raise PluginFault(f"{name!r} is the runtime itself and cannot be disabled.")
        if name not in installed | known_distributions():
            raise PluginFault(
                f"Unknown plugin {name!r} to disable."
                f"{did_you_mean(name, installed)} Installed: {listed({c.name for c in found})}."
            )
