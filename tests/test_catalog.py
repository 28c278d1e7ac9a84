"""The catalog: lookups by name, and messages for unknown names."""

from __future__ import annotations

from dataclasses import fields, replace

import pluggy
import pytest

from runtime_core import hookspecs
from runtime_core.catalog import (
    KINDS,
    Catalog,
    Hints,
    Plugin,
    PluginStatus,
    Registered,
    Registry,
    command_name,
)
from runtime_core.contracts import Recipe
from runtime_core.distributions import install_command
from runtime_core.errors import UnknownName
from runtime_core.plugins import assemble

NOTE = Recipe(name="note", summary="Notes.", files=dict)

REGISTRY = Registry(
    kind=KINDS["recipes"],
    entries={
        "note": Registered(
            value=NOTE, plugin="note", distribution="tesseract-runtime-note", version="1.0"
        )
    },
)


def unusable(status: PluginStatus) -> Plugin:
    """Return the record of a plugin that did not load."""
    return Plugin(
        name="acme",
        entry_point="tesseract_runtime_acme",
        distribution="tesseract-runtime-acme",
        version="1.0",
        status=status,
        problem="Something is wrong",
    )


def test_kinds_hooks_and_registries_are_the_same() -> None:
    """Each hook has a kind and a registry of its name, and there are no others."""
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    hooks = {name for name in vars(manager.hook) if not name.startswith("_")}
    assert set(KINDS) == hooks
    assert {field.name for field in fields(Catalog)} == hooks | {"plugins", "problems", "faults"}


def test_registry_finds_by_name() -> None:
    """A declaration is found under its name."""
    assert REGISTRY.find("note") is NOTE
    assert "note" in REGISTRY
    assert list(REGISTRY) == [NOTE]
    assert REGISTRY.names == ("note",)


def test_catalog_has_a_registry_for_each_hook(catalog: Catalog) -> None:
    """Registries are found by the name of their hook, for code that lists them all."""
    for hook, kind in KINDS.items():
        assert catalog.registry(hook).kind is kind


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nota", "Unknown recipe 'nota'. Did you mean 'note'? Available: note."),
        ("zebra", "Unknown recipe 'zebra'. Available: note."),
    ],
)
def test_unknown_name_is_explained(name: str, message: str) -> None:
    """A name that nothing has is refused with the nearest one and all there are."""
    assert name not in REGISTRY
    with pytest.raises(UnknownName) as caught:
        REGISTRY.find(name)
    assert str(caught.value) == message


def test_empty_registry_says_so() -> None:
    """Where nothing is installed, nothing is available."""
    assert replace(REGISTRY, entries={}).explain("note") == (
        "Unknown recipe 'note'. Available: none."
    )


@pytest.mark.parametrize(
    ("status", "fate"),
    [
        (PluginStatus.FAILED, "which failed to load"),
        (PluginStatus.DISABLED, "which is disabled"),
        (PluginStatus.INCOMPATIBLE, "which requires another version of the runtime"),
        (PluginStatus.CONFLICT, "which is in conflict with another plugin"),
    ],
)
@pytest.mark.parametrize("name", ["acme", "tesseract-runtime-acme"])
def test_unusable_plugin_is_named(status: PluginStatus, fate: str, name: str) -> None:
    """A plugin that did not load explains its absence to who asks by its names."""
    catalog = assemble(plugins=[unusable(status)], declarations=[])
    assert catalog.recipes.explain(name) == (
        f"Recipe {name!r} may come from tesseract-runtime-acme 1.0, {fate}:\n"
        "  Something is wrong. See: tesseract-runtime plugins show acme"
    )


def test_installable_name_is_explained() -> None:
    """A name that a plugin of ours provides comes with the line that installs it."""
    hints = Hints(installable={"recipes": {"sketch": "tesseract-runtime-acme"}})
    assert replace(REGISTRY, hints=hints).explain("sketch") == (
        "Recipe 'sketch' is not available. "
        f"Install it with: {install_command('tesseract-runtime-acme')}"
    )


def test_command_has_dashes() -> None:
    """The command of an endpoint is its name with dashes."""
    assert command_name("vector_jacobian_product") == "vector-jacobian-product"
