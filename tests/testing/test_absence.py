"""Plugins of formats, encodings and compressors that are missing, disabled or broken."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from runtime_core import Call, Wire, load_catalog
from runtime_core.catalog import KINDS, Catalog, PluginStatus
from runtime_core.config import resolve
from runtime_core.distributions import install_command
from runtime_core.errors import FaultKind, UnknownName
from runtime_core.plugins import PluginSelection, assemble
from runtime_core.runtime import local_runtime
from tests.conftest import Cli, clean_environment

PAYLOAD = '{"inputs": {"x": [1.0]}}'


@dataclass(frozen=True, kw_only=True)
class Provided:
    """A name that a plugin provides: the hook, its word in messages, and the plugin."""

    hook: str
    noun: str
    name: str
    plugin: str

    def __str__(self) -> str:
        """Return the name of the test's parameter."""
        return f"{self.noun} {self.name}"

    @property
    def asked(self) -> str:
        """The first words of messages."""
        return f"{self.noun.capitalize()} {self.name!r}"


PROVIDED = (
    Provided(hook="formats", noun="format", name="msgpack", plugin="msgpack"),
    Provided(hook="formats", noun="format", name="json+binref", plugin="binref"),
    Provided(hook="encodings", noun="array encoding", name="binref", plugin="binref"),
    Provided(hook="compressors", noun="compression", name="lz4", plugin="lz4"),
)

every_name = pytest.mark.parametrize("provided", PROVIDED, ids=str)
every_plugin = pytest.mark.parametrize("plugin", ["msgpack", "binref", "lz4"])


def explanation(catalog: Catalog, provided: Provided) -> str:
    """Return the error message for a name."""
    with pytest.raises(UnknownName) as caught:
        catalog.registry(provided.hook).find(provided.name)
    return str(caught.value)


def without(plugin: str) -> Catalog:
    """Return the catalog of an environment without a plugin."""
    present = load_catalog(PluginSelection(disabled=frozenset({plugin})))
    declarations = {hook: list(present.registry(hook).entries.values()) for hook in KINDS}
    plugins = [other for other in present.plugins if other.name != plugin]
    return assemble(plugins=plugins, declarations=[declarations])


@every_name
def test_missing_name_can_be_installed(provided: Provided) -> None:
    """The error for a missing plugin has the command that installs it."""
    assert explanation(without(provided.plugin), provided) == (
        f"{provided.asked} is not available. "
        f"Install it with: {install_command(f'tesseract-runtime-{provided.plugin}')}"
    )


@every_name
@pytest.mark.parametrize("prefix", ["", "tesseract-runtime-"])
def test_disabled_name_is_explained(provided: Provided, prefix: str) -> None:
    """The error for a plugin disabled by either of its names says so."""
    disabled = frozenset({prefix + provided.plugin})
    text = explanation(load_catalog(PluginSelection(disabled=disabled)), provided)
    assert text.startswith(
        f"{provided.asked} may come from tesseract-runtime-{provided.plugin} 0.1.0, "
        "which is disabled:\n"
    )


@every_name
def test_broken_plugin_is_named(provided: Provided, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error for a plugin that failed to load says what failed."""
    monkeypatch.setitem(sys.modules, f"tesseract_runtime_{provided.plugin}.plugin", None)
    text = explanation(load_catalog(PluginSelection()), provided)
    assert text.startswith(
        f"{provided.asked} may come from tesseract-runtime-{provided.plugin} 0.1.0, "
        "which failed to load:\n  ModuleNotFoundError: "
    )
    assert text.endswith(f"See: tesseract-runtime plugins show {provided.plugin}")


@every_plugin
def test_the_rest_works_without(plugin: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plugin that fails takes away its own names and nothing else."""
    whole = load_catalog(PluginSelection())
    monkeypatch.setitem(sys.modules, f"tesseract_runtime_{plugin}.plugin", None)
    rest = load_catalog(PluginSelection())
    [record] = [record for record in rest.plugins if record.name == plugin]
    assert (record.status, record.provides) == (PluginStatus.FAILED, {})
    lost = {
        (hook, name)
        for hook in KINDS
        for name in set(whole.registry(hook).names) - set(rest.registry(hook).names)
    }
    assert lost == {(p.hook, p.name) for p in PROVIDED if p.plugin == plugin}


@every_plugin
def test_registration_imports_no_library(plugin: str) -> None:
    """Registration does not load the libraries of a plugin."""
    program = (
        "import sys; from runtime_core.plugins import load_catalog; "
        f"assert {plugin!r} in {{plugin.name for plugin in load_catalog().plugins}}; "
        "print(*sys.modules)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program],
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = set(ended.stdout.split())
    assert f"tesseract_runtime_{plugin}.plugin" in loaded
    assert not loaded & {"msgpack", "lz4", "numpy", "fsspec", "pytest", "hypothesis"}


OPTIONS: Mapping[str, tuple[str, ...]] = {
    "msgpack": ("apply", "-f", "msgpack", "-o", "results", PAYLOAD),
    "binref": ("apply", "-f", "json+binref", "-o", "results", PAYLOAD),
    "lz4": ("--compression", "lz4", "apply", "-f", "json+base64", "-o", "results", PAYLOAD),
}
"""Commands that use what each plugin provides."""


@every_plugin
def test_command_line_uses_it(
    plugin: str, cli: Cli, tesseract: Callable[..., Path], tmp_path: Path
) -> None:
    """The commands of the tests below work with the plugin."""
    ended = cli("--api-path", str(tesseract()), *OPTIONS[plugin])
    assert (ended.returncode, ended.stderr) == (0, "")
    assert list((tmp_path / "results").iterdir())


@every_plugin
def test_command_line_explains_what_is_disabled(
    plugin: str, cli: Cli, tesseract: Callable[..., Path], tmp_path: Path
) -> None:
    """A command that needs a disabled plugin ends with 2, one clear message and no file."""
    ended = cli("--no-plugin", plugin, "--api-path", str(tesseract()), *OPTIONS[plugin])
    assert (ended.returncode, ended.stdout) == (2, "")
    assert f"may come from tesseract-runtime-{plugin} 0.1.0, which is disabled" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not [*(tmp_path / "results").glob("results.*")]


def with_modules_of(folder: Path) -> Mapping[str, str]:
    """Return the variable that puts the modules of a folder before all others."""
    return {"PYTHONPATH": os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])}


@pytest.mark.parametrize(
    ("plugin", "library", "asked"),
    [("msgpack", "msgpack", "formats 'msgpack'"), ("lz4", "lz4", "compressors 'lz4'")],
)
def test_broken_library_is_no_fault_of_the_payload(
    plugin: str,
    library: str,
    asked: str,
    cli: Cli,
    tesseract: Callable[..., Path],
    tmp_path: Path,
) -> None:
    """When a library cannot be imported, the message says what needs it and why it fails."""
    site = tmp_path / "site"
    site.mkdir()
    (site / f"{library}.py").write_text("raise ImportError('libacme.so: no such file')")
    arguments = ("--api-path", str(tesseract()), *OPTIONS[plugin])
    ended = cli(*arguments, environment=with_modules_of(site))
    assert (ended.returncode, ended.stdout) == (1, "")
    assert f"Plugin {plugin} (tesseract-runtime-{plugin} 0.1.0) failed in" in ended.stderr
    assert asked in ended.stderr
    assert "libacme.so: no such file" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_broken_library_is_no_fault_of_a_document(
    cli: Cli, tesseract: Callable[..., Path], tmp_path: Path
) -> None:
    """A payload that no library could read is not reported as invalid."""
    (tmp_path / "msgpack.py").write_text("raise ImportError('libacme.so: no such file')")
    (tmp_path / "payload.msgpack").write_bytes(b"\x80")
    arguments = ("--api-path", str(tesseract()), "apply", "@payload.msgpack")
    ended = cli(*arguments, environment=with_modules_of(tmp_path))
    assert ended.returncode == 1
    assert "is not valid" not in ended.stderr
    assert "failed in load of formats 'msgpack'" in ended.stderr
    assert "libacme.so: no such file" in ended.stderr


MISSING = (
    ("binref", {"buffer": "a.bin", "encoding": "binref"}, "Array encoding 'binref'"),
    ("lz4", {"buffer": "AAAA", "encoding": "base64", "compression": "lz4"}, "Compression 'lz4'"),
)


@pytest.mark.parametrize(("plugin", "data", "asked"), MISSING)
def test_documents_are_told_what_is_missing(
    plugin: str, data: Any, asked: str, tesseract: Callable[..., Path]
) -> None:
    """A document with a missing encoding or compression is refused with the remedy."""
    catalog = without(plugin)
    config = resolve(catalog, flags={"api_path": str(tesseract())}, environment={})
    leaf = {"shape": [1], "dtype": "float64", "data": data}
    call = Call(
        endpoint="apply",
        run_id="r",
        body=json.dumps({"inputs": {"x": leaf}}).encode(),
        body_format="json",
        output=Wire(format="json"),
    )
    fault = local_runtime(catalog, config).invoke(call).fault
    assert fault is not None
    assert fault.kind is FaultKind.INVALID_PAYLOAD
    assert f"{asked} is not available. Install it with: pip install" in fault.message
