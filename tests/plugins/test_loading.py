"""Plugins are imported one by one, and a fault affects its own plugin only."""

from __future__ import annotations

import pytest

from runtime_core import load_catalog
from runtime_core.catalog import Plugin, PluginStatus
from runtime_core.errors import PluginFault
from runtime_core.plugins import PluginSelection
from tests.plugins.conftest import FORMAT, Install

HOOK = """
from runtime_core.hookspecs import hookimpl

@hookimpl
def formats():
    {body}
"""
"""The source of a plugin with one hook, whose body is `body`."""


def loaded(name: str) -> Plugin:
    """Return the record of a plugin."""
    [plugin] = [p for p in load_catalog(PluginSelection()).plugins if p.name == name]
    return plugin


def problem(name: str) -> str:
    """Return the problem of a failed plugin."""
    plugin = loaded(name)
    assert plugin.status is PluginStatus.FAILED
    assert plugin.provides == {}
    return plugin.problem


def test_declaration_has_its_provenance(install: Install) -> None:
    """What a plugin provides is registered with plugin, distribution and version."""
    install("acme", FORMAT)
    entry = load_catalog(PluginSelection()).formats.entries["NAME"]
    assert (entry.plugin, entry.origin) == ("acme", "tesseract-runtime-acme 1.0")


def test_record_says_what_is_provided(install: Install) -> None:
    """The record of a loaded plugin lists names by hook, and how long it took."""
    install("acme", FORMAT)
    plugin = loaded("acme")
    assert (plugin.status, plugin.provides) == (PluginStatus.LOADED, {"formats": ["NAME"]})
    assert (plugin.origin, plugin.entry_point) == (
        "tesseract-runtime-acme 1.0",
        "tesseract_runtime_acme",
    )
    assert 0 < plugin.seconds < 10
    assert (plugin.problem, plugin.trace) == ("", "")


def test_plugin_may_be_an_object(install: Install) -> None:
    """An entry point may name an object whose methods are the hooks."""
    source = """
        from runtime_core.contracts import Recipe
        from runtime_core.hookspecs import hookimpl

        class Plugin:
            @hookimpl
            def recipes(self):
                yield Recipe(name="NAME", summary="", files=dict)

        plugin = Plugin()
    """
    install("acme", source, target=":plugin")
    assert loaded("acme").provides == {"recipes": ["NAME"]}


def test_hook_may_provide_nothing(install: Install) -> None:
    """A hook may return no declarations."""
    install("acme", HOOK.format(body="return []"))
    assert loaded("acme").status is PluginStatus.LOADED


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("raise ValueError('wrong')", "ValueError: wrong"),
        ("raise ValueError", "ValueError"),
        ("import surely_missing", "ModuleNotFoundError: No module named 'surely_missing'"),
        ("import sys; sys.exit('bye')", "SystemExit: bye"),
        ("import sys; sys.exit()", "SystemExit"),
        (HOOK.format(body="raise ValueError('wrong')"), "ValueError: wrong"),
        (
            HOOK.format(body="raise SystemExit(3)"),
            "SystemExit: 3",
        ),
    ],
)
def test_whatever_a_plugin_raises_is_kept(install: Install, source: str, expected: str) -> None:
    """A plugin whose import or hook raises is recorded with one line."""
    install("acme", source)
    assert problem("acme") == expected


def test_failure_harms_nobody_else(install: Install) -> None:
    """The plugins after one that has failed are loaded."""
    install("acme", "raise ValueError")
    install("zebra", FORMAT)
    assert "NAME" in load_catalog(PluginSelection()).formats


def test_failure_keeps_its_traceback(install: Install) -> None:
    """The record of a failed plugin holds the traceback with the plugin's own line."""
    install("acme", "answer = 6 * 7\nraise ValueError(answer)")
    trace = loaded("acme").trace
    assert trace.startswith("Traceback (most recent call last):")
    assert 'tesseract_runtime_acme.py", line 2, in <module>' in trace
    assert trace.endswith("ValueError: 42\n")


def test_interrupt_ends_the_start(install: Install) -> None:
    """Ctrl-C during the import of a plugin is meant for the process."""
    install("acme", "raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        load_catalog(PluginSelection())


def test_plugin_that_fails_halfway_provides_nothing(install: Install) -> None:
    """A plugin is taken whole or not at all."""
    install("acme", FORMAT + "    raise ValueError('wrong')")
    assert problem("acme") == "ValueError: wrong"
    assert "NAME" not in load_catalog(PluginSelection()).formats


def test_misspelled_hook_is_refused(install: Install) -> None:
    """A hook that does not exist is a fault with a suggestion."""
    install("acme", FORMAT.replace("def formats", "def fromats"))
    assert problem("acme") == "Unknown hook 'fromats'. Did you mean 'formats'?"


def test_misspelled_field_is_refused(install: Install) -> None:
    """A field that a declaration does not have is a fault with a suggestion."""
    install("acme", FORMAT.replace("suffixes=", "sufixes="))
    assert problem("acme").endswith("keyword argument 'sufixes'. Did you mean 'suffixes'?")


def test_dashes_in_the_name_of_settings_are_refused(install: Install) -> None:
    """The name of a section is a part of variables; the message has one that fits."""
    install("acme", SETTINGS.replace('"acme"', '"acme-cstep"').replace("FIELD", "x: int = 1"))
    assert problem("acme").endswith("must match [a-z][a-z0-9_]*. Did you mean 'acme_cstep'?")


def test_hook_with_parameters_is_refused(install: Install) -> None:
    """A hook takes nothing; one that asks for something is a fault."""
    install("acme", FORMAT.replace("def formats()", "def formats(catalog)"))
    assert "catalog" in problem("acme")


def test_plugin_without_hooks_is_refused(install: Install) -> None:
    """A plugin that forgot to mark its hooks would silently provide nothing."""
    install("acme", FORMAT.replace("@hookimpl", ""))
    assert "hookimpl" in problem("acme")


@pytest.mark.parametrize(
    ("right", "wrong", "expected"),
    [
        ("suffixes=()", "suffixes='.x'", "'.x' as suffixes, expected a tuple of texts"),
        ("media_types=()", "media_types=(1,)", "media_types that are not all texts"),
        ("load=dict", "load=None", "None as load, expected a function"),
    ],
)
def test_a_wrong_field_is_refused(install: Install, right: str, wrong: str, expected: str) -> None:
    """A text where several are meant would be taken letter by letter."""
    install("acme", FORMAT.replace(right, wrong))
    assert problem("acme") == f"Hook 'formats' gave the format 'NAME' with {expected}"


SETTINGS = """
from collections.abc import Callable
from pydantic import BaseModel, ConfigDict
from runtime_core.contracts import Settings
from runtime_core.hookspecs import hookimpl

class Options(BaseModel):
    model_config = ConfigDict(defer_build=True)
    FIELD

@hookimpl
def settings():
    yield Settings(name="acme", summary="", load=lambda: Options)
"""


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        (
            "made: dict[str, Callable[[], int]] = {}",
            "'made' that no text can set: collections.abc.Callable[[], int]",
        ),
        ("size: int", "'size' without a default"),
    ],
)
def test_settings_that_no_text_can_set_are_refused(
    install: Install, field: str, expected: str
) -> None:
    """The plugin is at fault, with its version and the field."""
    install("acme", SETTINGS.replace("FIELD", field))
    problem = f"Settings section 'acme' has a field {expected}"
    (fault,) = load_catalog(PluginSelection()).plugin_faults
    assert fault == f"acme (tesseract-runtime-acme 1.0) failed: {problem}"


def test_foreign_object_is_refused(install: Install) -> None:
    """A declaration of another kind is a fault that names the right one."""
    install("acme", HOOK.format(body="yield 'arrow'"))
    assert problem("acme") == "Hook 'formats' must give Format objects, not 'arrow'"


def test_declaration_outside_of_a_list_is_refused(install: Install) -> None:
    """A hook that returns a single declaration is a fault that names the hook."""
    install("acme", FORMAT.replace("yield", "return"))
    assert problem("acme").startswith("Hook 'formats' must ")


def test_name_is_required(install: Install) -> None:
    """A declaration without a name is a fault."""
    install("acme", FORMAT.replace("NAME", " "))
    assert problem("acme").startswith("Hook 'formats' gave a format without a name: Format(")


def test_plugin_gives_a_name_once(install: Install) -> None:
    """A plugin that provides one name twice is at fault itself: no flag could settle that."""
    body = FORMAT.rpartition("def formats():\n")[2]
    install("acme", FORMAT + body)
    assert "'NAME'" in problem("acme")


def test_disabled_plugin_is_not_imported(install: Install) -> None:
    """A disabled plugin is not imported."""
    install("acme", "raise KeyboardInterrupt")
    catalog = load_catalog(PluginSelection(disabled=frozenset({"acme"})))
    [plugin] = [plugin for plugin in catalog.plugins if plugin.name == "acme"]
    assert plugin.status is PluginStatus.DISABLED


def test_selection_comes_from_the_environment(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Plain user code, which has no flags, obeys the environment."""
    install("acme", FORMAT)
    monkeypatch.setenv("TESSERACT_DISABLE_PLUGINS", "acme")
    assert "NAME" not in load_catalog().formats


def test_strict_start_names_every_fault(install: Install) -> None:
    """With `strict`, one error lists all faults, plugins before names."""
    install("acme", "raise ValueError('wrong')")
    install("one", FORMAT)
    install("two", FORMAT)
    with pytest.raises(PluginFault) as caught:
        load_catalog(PluginSelection(strict=True))
    assert str(caught.value) == (
        "Strict plugins: acme (tesseract-runtime-acme 1.0) failed: ValueError: wrong\n"
        "Format 'NAME' is provided by tesseract-runtime-one 1.0 and tesseract-runtime-two 1.0, "
        "so that neither is used. Disable one with --no-plugin one or --no-plugin two."
    )


def test_strict_start_takes_disabled_plugins(install: Install) -> None:
    """A disabled plugin is not a fault."""
    install("acme", "raise ValueError('wrong')")
    load_catalog(PluginSelection(disabled=frozenset({"acme"}), strict=True))
