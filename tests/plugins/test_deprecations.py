"""Authors of plugins are warned by name of what the contracts will lose."""

from __future__ import annotations

import sys
import warnings
from types import ModuleType

import pytest

from runtime_core import load_catalog
from runtime_core.plugins import declarations

SOURCE = """
from runtime_core.contracts import Endpoint, Unavailable
from runtime_core.hookspecs import hookimpl

def bind(binding):
    return Unavailable("it is a test.")

@hookimpl
def endpoints():
    yield Endpoint(name="old", summary="Use what goes.", bind=bind, gradient=True)
    yield Endpoint(name="new", summary="Use what stays.", bind=lambda: bind(None))
"""

ADVICE = "since 0.3, and goes with 0.4: use `kind`"


def warned(monkeypatch: pytest.MonkeyPatch, *names: str) -> list[str]:
    """Return the warnings for a plugin, where some names are deprecated."""
    plugin = ModuleType("acme")
    exec(SOURCE, vars(plugin))
    monkeypatch.setitem(sys.modules, plugin.__name__, plugin)
    monkeypatch.setattr(declarations, "DEPRECATED", dict.fromkeys(names, ADVICE))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        load_catalog(extra=[plugin])
    assert {each.category for each in caught} <= {DeprecationWarning}
    return [str(each.message) for each in caught if "acme" in str(each.message)]


@pytest.mark.parametrize("name", ["endpoints.gradient", "endpoints.bind.binding"])
def test_field_and_argument_that_go_are_named_with_their_plugin(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A declaration that does not use them is passed over."""
    [text] = warned(monkeypatch, name)
    assert "plugin 'acme', declaration 'old'" in text
    assert f"{name} is deprecated {ADVICE}." in text


def test_hook_that_goes_is_named_for_each_declaration(monkeypatch: pytest.MonkeyPatch) -> None:
    """The plugin's other hooks are not."""
    assert len(warned(monkeypatch, "endpoints", "formats")) == 2


def test_nothing_is_warned_of_that_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """No installed plugin uses what is deprecated today."""
    assert warned(monkeypatch) == []
