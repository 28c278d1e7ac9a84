"""The table of first-party names, and the hints that it gives users."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime_core import load_catalog
from runtime_core.distributions import install_command
from runtime_core.errors import UnknownName
from runtime_core.plugins import PluginSelection, discover, hints
from tests.plugins.conftest import Install

TABLE = {
    "formats": {"packed": "tesseract-runtime-packed"},
    "gradient_backends": {"exact": "tesseract-runtime-exact"},
}


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Replace the table of installable names by `TABLE`."""
    path = tmp_path / "hints.json"
    path.write_text(json.dumps(TABLE), encoding="utf-8")
    monkeypatch.setattr(hints, "TABLE", path)
    hints.installable.cache_clear()
    yield
    hints.installable.cache_clear()


def explanation(name: str) -> str:
    """Return the message for an unknown format."""
    with pytest.raises(UnknownName) as caught:
        load_catalog(PluginSelection()).formats.find(name)
    return str(caught.value)


def test_first_party_plugins_are_known_by_both_names(table: None) -> None:
    """A plugin of ours is known by its distribution and by the name after the prefix."""
    assert hints.known_distributions() == {
        "tesseract-runtime-packed",
        "packed",
        "tesseract-runtime-exact",
        "exact",
    }


@pytest.mark.parametrize("name", ["packed", "tesseract-runtime-packed"])
def test_known_plugin_may_be_disabled_before_it_is_installed(table: None, name: str) -> None:
    """A deployment may disable a plugin of ours whether or not it is there."""
    discover(PluginSelection(disabled=frozenset({name})))


def test_installable_name_is_explained(table: None) -> None:
    """The message for a name of a first-party plugin has the command that installs it."""
    assert explanation("packed") == (
        "Format 'packed' is not available. "
        f"Install it with: {install_command('tesseract-runtime-packed')}"
    )


def test_name_of_another_hook_is_not_explained(table: None) -> None:
    """The name of a gradient backend gives no hint for a format."""
    assert explanation("exact").startswith("Unknown format 'exact'.")


def test_noun_is_that_of_the_hook(table: None) -> None:
    """The hint names the kind of the missing name."""
    assert load_catalog(PluginSelection()).gradient_backends.explain("exact") == (
        "Gradient backend 'exact' is not available. "
        f"Install it with: {install_command('tesseract-runtime-exact')}"
    )


@pytest.mark.parametrize(
    ("requirement", "source", "fate"),
    [
        (
            "tesseract-runtime-core",
            "import surely_missing",
            "which failed to load:\n  ModuleNotFoundError: No module named 'surely_missing'.",
        ),
        (
            "tesseract-runtime-core>=99",
            "",
            "which requires another version of the runtime:\n"
            "  It requires tesseract-runtime-core>=99,",
        ),
    ],
)
def test_failed_provider_is_remembered(
    table: None, install: Install, requirement: str, source: str, fate: str
) -> None:
    """The hint has the reason why an installed plugin is unusable."""
    install("packed", source, entry_point="p", requires=[requirement])
    message = explanation("packed")
    assert message.startswith(f"Format 'packed' may come from tesseract-runtime-packed 1.0, {fate}")
    assert message.endswith(" See: tesseract-runtime plugins show p")


def test_disabled_provider_is_remembered(table: None, install: Install) -> None:
    """The hint says that the plugin of a name is disabled."""
    install("packed")
    catalog = load_catalog(PluginSelection(disabled=frozenset({"packed"})))
    assert catalog.formats.explain("packed") == (
        "Format 'packed' may come from tesseract-runtime-packed 1.0, which is disabled:\n"
        "  --no-plugin or TESSERACT_DISABLE_PLUGINS names it. "
        "See: tesseract-runtime plugins show packed"
    )


def test_provider_of_another_version_is_to_be_upgraded(table: None, install: Install) -> None:
    """If the plugin that should provide a name is installed without it, the hint is an upgrade."""
    install(
        "packed",
        """
        from runtime_core.hookspecs import hookimpl

        @hookimpl
        def formats():
            return []
        """,
    )
    message = explanation("packed")
    assert "tesseract-runtime-packed 1.0" in message
    assert install_command("tesseract-runtime-packed", "--upgrade") in message
