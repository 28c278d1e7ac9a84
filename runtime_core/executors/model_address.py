"""The address of a Tesseract, by which another process loads the same one."""

from __future__ import annotations

import hashlib
import platform
import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json, to_json

from runtime_core.catalog import Catalog, PluginStatus
from runtime_core.config import CORE_OPTIONS, Flag, dump
from runtime_core.errors import ExecutorFailed
from runtime_core.plugin_options import options_of
from runtime_core.tesseract.module_clashes import own_sources

if TYPE_CHECKING:
    from runtime_core.runtime import Runtime


@dataclass(frozen=True, kw_only=True)
class ModelAddress:
    """A Tesseract as plain data.

    `module` is the name of its module where its inputs come from, `digest` that of its file and of
    the modules beside it that it imports, and `versions` those of Python and of distributions. A
    folder that is `shipped`, by the digest of its archive, has the file of the same name.
    """

    path: str
    module: str
    digest: str
    versions: Mapping[str, str]
    options: Mapping[str, Any]
    disabled_plugins: Sequence[str]
    confined: bool
    shipped: str = ""

    def text(self) -> str:
        """Return the address as JSON, which `read_address` reads."""
        return to_json(asdict(self), fallback=str).decode()


def read_address(text: str) -> ModelAddress:
    """Return the address of a text."""
    return ModelAddress(**from_json(text))


def address_of(runtime: Runtime, shipped: str = "") -> ModelAddress:
    """Return the address of a loaded Tesseract, with the options that concern others."""
    catalog, config = runtime.catalog, runtime.config
    options = {name: value for name, value in dump(config).items() if name not in _LOCAL}
    return ModelAddress(
        path=str(runtime.api.path),
        module=runtime.api.module.__name__,
        digest=digest_of(runtime.api.path),
        versions=versions(catalog),
        options={**options, "input_path": config.input_path},
        disabled_plugins=[p.name for p in catalog.plugins if p.status is PluginStatus.DISABLED],
        confined=runtime.confined,
        shipped=shipped,
    )


_LOCAL = frozenset({"api_path", "executor", "executor_ship", "output_path", "profiling", "tracing"})
"""Options that do not concern a computation in another process."""


def identity_of(runtime: Runtime) -> str:
    """Return the content, the versions and the options of a Tesseract that can change a result."""
    config = runtime.config
    incidental = {*_INCIDENTAL, *_incidental_options(runtime.catalog)}
    options = {name: value for name, value in dump(config).items() if name not in incidental}
    if "input_path" in options:
        options["input_path"] = config.input_path  # absolute
    return to_json(
        [digest_of(runtime.api.path), versions(runtime.catalog), sorted(options.items())],
        fallback=str,
    ).decode()


_INCIDENTAL = frozenset({*CORE_OPTIONS} - {"gradient_backend", "input_path", "version"})
"""Options of the core that cannot change a result, except those that functions look at."""


def _incidental_options(catalog: Catalog) -> Iterator[str]:
    """Yield the options of plugins that cannot change a result, and those that are secret."""
    for section in catalog.settings:
        for name, option in options_of(section).items():
            flags = [each for each in option.field.metadata if isinstance(each, Flag)]
            if option.is_secret or not all(flag.changes_results for flag in flags):
                yield name


def digest_of(path: Path) -> str:
    """Return a digest of a Tesseract's file and of the modules beside it that it imports."""
    digest = hashlib.sha256()
    for source in sorted(own_sources(path)):
        content = source.read_bytes()
        digest.update(f"{source.relative_to(path.parent)}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def versions(catalog: Catalog) -> dict[str, str]:
    """Return the versions of Python, numpy, the core and the loaded plugins."""
    loaded = [plugin for plugin in catalog.plugins if plugin.status is PluginStatus.LOADED]
    return {
        **{plugin.distribution: plugin.version for plugin in loaded},
        "Python": platform.python_version(),
        "numpy": metadata.version("numpy"),
    }


def refuse_other_versions(theirs: Mapping[str, str], ours: Mapping[str, str]) -> None:
    """Raise `ExecutorFailed` if this process differs from the one that asks it to evaluate."""
    differing = list(_differing(theirs, ours))
    if differing:
        raise ExecutorFailed(
            f"A process of the executor on {socket.gethostname()} has {', '.join(differing)}. "
            "Install the same versions on both sides."
        )


def _differing(theirs: Mapping[str, str], ours: Mapping[str, str]) -> Iterator[str]:
    for name in sorted(theirs.keys() & ours.keys()):
        parts = _COMPARED_PARTS.get(name)
        if theirs[name].split(".")[:parts] != ours[name].split(".")[:parts]:
            yield f"{name} {ours[name]} instead of {theirs[name]}"


_COMPARED_PARTS: Mapping[str, int | None] = {"Python": 2, "numpy": 1}
"""The number of parts of a version that must be equal; of others all."""


def refuse_other_content(address: ModelAddress) -> None:
    """Raise `ExecutorFailed` if this process finds another Tesseract at the path, or none."""
    path, host = Path(address.path), socket.gethostname()
    if not path.is_file():
        raise ExecutorFailed(
            f"A process of the executor on {host} finds no Tesseract at {address.path!r}. All "
            "processes must see its folder under the same path, as on a shared file system, "
            "unless --executor-ship sends it."
        )
    found = digest_of(path)
    if found != address.digest:
        raise ExecutorFailed(
            f"A process of the executor on {host} finds another content of {address.path!r} "
            f"({found[:12]}) than the one that is loaded here ({address.digest[:12]}). Start this "
            "command or server again, and make sure that all processes see the same files."
        )
