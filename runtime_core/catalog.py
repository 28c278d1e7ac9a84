"""The catalog: everything that the installed plugins provide, read-only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Generic, TypeVar

from runtime_core.contracts import (
    ArrayEncoding,
    CallWrapper,
    Command,
    Compressor,
    Endpoint,
    ExecutorProvider,
    Format,
    GradientBackend,
    Recipe,
    RunSink,
    ServerExtension,
    Settings,
)
from runtime_core.distributions import CORE, install_command
from runtime_core.errors import PluginFailed, UnknownName, did_you_mean, listed, shortened

__all__ = [
    "KINDS", "Catalog", "Kind", "Plugin", "PluginStatus", "Registered", "Registry", "command_name",
]  # fmt: skip

D = TypeVar("D")
D_co = TypeVar("D_co", covariant=True)


@dataclass(frozen=True, kw_only=True)
class Kind(Generic[D]):
    """A kind of declaration: the hook that provides it and its name in messages."""

    hook: str
    noun: str
    type: type[D]


KINDS: Mapping[str, Kind[Any]] = MappingProxyType(
    {
        kind.hook: kind
        for kind in (
            Kind(hook="endpoints", noun="endpoint", type=Endpoint),
            Kind(hook="formats", noun="format", type=Format),
            Kind(hook="encodings", noun="array encoding", type=ArrayEncoding),
            Kind(hook="compressors", noun="compression", type=Compressor),
            Kind(hook="gradient_backends", noun="gradient backend", type=GradientBackend),
            Kind(hook="run_sinks", noun="run sink", type=RunSink),
            Kind(hook="executors", noun="executor", type=ExecutorProvider),
            Kind(hook="call_wrappers", noun="call wrapper", type=CallWrapper),
            Kind(hook="commands", noun="command", type=Command),
            Kind(hook="server_extensions", noun="server extension", type=ServerExtension),
            Kind(hook="settings", noun="settings section", type=Settings),
            Kind(hook="recipes", noun="recipe", type=Recipe),
        )
    }
)


@dataclass(frozen=True, kw_only=True)
class Registered(Generic[D_co]):
    """A declaration with its provenance."""

    value: D_co
    plugin: str
    distribution: str
    version: str

    @property
    def origin(self) -> str:
        """Distribution and version, as messages name them."""
        return f"{self.distribution} {self.version}"


class PluginStatus(StrEnum):
    """The state of an installed plugin."""

    LOADED = "loaded"
    FAILED = "failed"
    DISABLED = "disabled"
    INCOMPATIBLE = "incompatible"
    CONFLICT = "conflict"


@dataclass(frozen=True, kw_only=True)
class Plugin:
    """An installed plugin: its entry point, its state and the names it provides.

    `problem` is one line on why it is not usable; `trace` is the traceback of a failed import.
    `provides` maps hooks to names. `seconds` is the duration of its import and hooks.
    """

    name: str
    entry_point: str
    distribution: str
    version: str
    status: PluginStatus
    problem: str = ""
    trace: str = ""
    provides: Mapping[str, Sequence[str]] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def origin(self) -> str:
        """Distribution and version, as messages name them."""
        return f"{self.distribution} {self.version}"

    @property
    def fault(self) -> str:
        """The reason why it is not used."""
        return f"{self.name} ({self.origin}) {self.status}: {self.problem}"


@dataclass(frozen=True, kw_only=True)
class Hints:
    """Explains names that no usable plugin provides.

    `installable` maps hooks to names to the distributions that provide them; `plugins` are the
    installed ones.
    """

    installable: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    plugins: Sequence[Plugin] = ()

    def for_name(self, kind: Kind[Any], name: str) -> str | None:
        """Return the next step towards a name, if one is known."""
        distribution = self.installable.get(kind.hook, {}).get(name)
        asked = f"{kind.noun.capitalize()} {name!r}"
        for plugin in self.plugins:
            loaded = plugin.status is PluginStatus.LOADED
            if loaded and plugin.distribution == distribution:
                return (
                    f"{asked} is not in {plugin.origin}. Install another version of it with: "
                    f"{install_command(distribution, '--upgrade')}"
                )
            names = (plugin.name, plugin.distribution)
            if not loaded and (plugin.distribution == distribution or name in names):
                return (
                    f"{asked} may come from {plugin.origin}, {_STATUS_PHRASES[plugin.status]}:\n"
                    f"  {plugin.problem}. See: tesseract-runtime plugins show {plugin.name}"
                )
        if distribution is None:
            return None
        return f"{asked} is not available. Install it with: {install_command(distribution)}"


_STATUS_PHRASES: Mapping[PluginStatus, str] = MappingProxyType(
    {
        PluginStatus.FAILED: "which failed to load",
        PluginStatus.DISABLED: "which is disabled",
        PluginStatus.INCOMPATIBLE: "which requires another version of the runtime",
        PluginStatus.CONFLICT: "which is in conflict with another plugin",
    }
)


@dataclass(frozen=True, kw_only=True)
class Registry(Generic[D]):
    """All declarations of one kind, by name.

    A name that several plugins provide is in `conflicts`, and unusable unless one of them is the
    project's own.
    """

    kind: Kind[D]
    entries: Mapping[str, Registered[D]]
    conflicts: Mapping[str, Sequence[Registered[D]]] = field(default_factory=dict)
    hints: Hints = field(default_factory=Hints)

    def __iter__(self) -> Iterator[D]:
        return (entry.value for entry in self.entries.values())

    def __contains__(self, name: str) -> bool:
        return name in self.entries

    @property
    def names(self) -> Sequence[str]:
        """The usable names in the order of their registration."""
        return tuple(self.entries)

    def find(self, name: str, *, also: Sequence[str] = ()) -> D:
        """Return the declaration of a name; `UnknownName` gives the next step.

        `also` are choices without a declaration, for the message.
        """
        entry = self.entries.get(name)
        if entry is None:
            raise UnknownName(self.explain(name, also=also))
        return entry.value

    def of_scheme(self, target: str, option: str) -> Registered[D]:
        """Return the entry with the scheme of a target, such as `dask://host` or `file`.

        `UnknownName` names the option and gives the next step.
        """
        entries: Mapping[str, Registered[Any]] = self.entries
        scheme = target.partition(":")[0]
        for entry in entries.values():
            if scheme in entry.value.schemes:
                return entry
        name = scheme.partition("+")[0]  # a declaration is named like its schemes
        if name in entries:
            addresses = " or ".join(f"{each}://HOST:PORT" for each in entries[name].value.schemes)
            reason = f"{self.kind.noun} {name!r} needs an address: {addresses}."
        elif name in self.conflicts or self.hints.for_name(self.kind, name):
            reason = self.explain(name)
        else:
            reason = self._unknown(scheme, [s for e in entries.values() for s in e.value.schemes])
        raise UnknownName(f"{option} {shortened(target)!r}: {reason}")

    def explain(self, name: str, *, also: Sequence[str] = ()) -> str:
        """Explain why a name cannot be used, and the next step."""
        if name in self.conflicts:
            rivals, used = self.conflicts[name], self.entries.get(name)
            return conflict_message(self.kind, name, rivals, used)
        known = [*self.names, *also]
        return self.hints.for_name(self.kind, shortened(name)) or self._unknown(name, known)

    def _unknown(self, name: str, known: Sequence[str]) -> str:
        return (
            f"Unknown {self.kind.noun} {shortened(name)!r}.{did_you_mean(shortened(name), known)} "
            f"Available: {listed(known)}."
        )


def command_name(endpoint: str) -> str:
    """Return the name of an endpoint's command.

    >>> command_name("input_schema")
    'input-schema'
    """
    return endpoint.replace("_", "-")


def conflict_message(
    kind: Kind[Any],
    name: str,
    rivals: Sequence[Registered[Any]],
    used: Registered[Any] | None,
) -> str:
    """Name the providers of a name, the one that is used, and the flags that disable them."""
    origins = " and ".join(rival.origin for rival in rivals)
    foreign = [rival for rival in rivals if rival.distribution != CORE]
    flags = " or ".join(f"--no-plugin {rival.plugin}" for rival in foreign)
    outcome = "neither is used" if used is None else f"that of {used.distribution} is used"
    return (
        f"{kind.noun.capitalize()} {name!r} is provided by {origins}, so that {outcome}. "
        f"Disable one with {flags}."
    )


class PluginFaults:
    """The failures of plugins in this process, of each callable the first."""

    def __init__(self, *, strict: bool = False) -> None:
        self._strict = strict
        self._texts: dict[str, str] = {}

    @property
    def texts(self) -> Sequence[str]:
        """The failures in the order of their occurrence."""
        return tuple(self._texts.values())

    def tolerate(self, fault: PluginFailed) -> str:
        """Note a failure and return its text; raise it instead if plugins are strict."""
        if self._strict:
            raise fault
        self.note(str(fault))
        return str(fault)

    def note(self, text: str) -> bool:
        """Note the text of a failure, also one of another process; false if it is known."""
        place = text.partition(": ")[0]
        is_new = place not in self._texts and len(self._texts) < _MOST_FAULTS
        if is_new:
            self._texts[place] = text
        return is_new


_MOST_FAULTS = 1000  # a plugin may have any number of endpoints


@dataclass(frozen=True, kw_only=True)
class Catalog:
    """Everything that the installed plugins provide, with one registry per hook."""

    endpoints: Registry[Endpoint]
    formats: Registry[Format]
    encodings: Registry[ArrayEncoding]
    compressors: Registry[Compressor]
    gradient_backends: Registry[GradientBackend]
    run_sinks: Registry[RunSink]
    executors: Registry[ExecutorProvider]
    call_wrappers: Registry[CallWrapper]
    commands: Registry[Command]
    server_extensions: Registry[ServerExtension]
    settings: Registry[Settings]
    recipes: Registry[Recipe]
    plugins: Sequence[Plugin] = ()
    problems: Sequence[str] = ()
    faults: PluginFaults = field(default_factory=PluginFaults)

    @property
    def missing_plugins(self) -> Sequence[Plugin]:
        """The plugins that are not loaded, without having been disabled."""
        wanted = (PluginStatus.LOADED, PluginStatus.DISABLED)
        return [plugin for plugin in self.plugins if plugin.status not in wanted]

    @property
    def plugin_faults(self) -> Sequence[str]:
        """The reasons why plugins, or parts of them, are not used, one text each."""
        missing = [plugin.fault for plugin in self.missing_plugins]
        return (*missing, *self.problems, *self.faults.texts)

    def sections_of(self, entry: Registered[Any]) -> Sequence[str]:
        """Return the names of the settings of the plugin that has provided a declaration."""
        owner = entry.plugin, entry.distribution
        return [
            section.value.name
            for section in self.settings.entries.values()
            if (section.plugin, section.distribution) == owner
        ]

    def registry(self, hook: str) -> Registry[Any]:
        """Return the registry of a hook."""
        registry: Registry[Any] = getattr(self, hook)
        return registry
