"""The discovery of plugins, and the selection of those to import."""

from __future__ import annotations

from importlib.metadata import Distribution, version
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet

from runtime_core.catalog import Plugin, PluginStatus
from runtime_core.distributions import CORE
from runtime_core.errors import PluginFault
from runtime_core.hookspecs import PROJECT
from runtime_core.plugins import PluginSelection, discover
from runtime_core.plugins.discovery import Candidate, _is_within_plain_bounds
from tests.plugins.conftest import Install

CORE_VERSION = version("tesseract-runtime-core")


def disabled(*names: str) -> PluginSelection:
    """Return a selection without some plugins."""
    return PluginSelection(disabled=frozenset(names))


def candidate(name: str, selection: PluginSelection | None = None) -> Candidate | None:
    """Return the candidate of a name, if there is one."""
    found = discover(selection or PluginSelection()).candidates
    return next((candidate for candidate in found if candidate.name == name), None)


def left_out(name: str, selection: PluginSelection | None = None) -> Plugin | None:
    """Return the record of a plugin that is left out, if it is."""
    found = discover(selection or PluginSelection()).left_out
    return next((plugin for plugin in found if plugin.name == name), None)


def test_plugin_is_found_with_its_provenance(install: Install) -> None:
    """A candidate has its entry point, its distribution and its requirements."""
    install("acme", requires=["tesseract-runtime-core", "numpy>=2"])
    found = candidate("acme")
    assert found is not None
    assert found.entry_point.value == "tesseract_runtime_acme"
    assert (found.distribution, found.version) == ("tesseract-runtime-acme", "1.0")
    assert list(found.requires) == ["tesseract-runtime-core", "numpy>=2"]


def test_core_comes_first_then_our_plugins_and_then_others(install: Install) -> None:
    """Each by name: the order of plugins does not depend on the order of installation."""
    install("zebra")
    install("acme")
    names = [candidate.name for candidate in discover(PluginSelection()).candidates]
    assert names == ["core", *sorted(names[1:-2]), "acme", "zebra"]


@pytest.mark.parametrize("name", ["acme", "tesseract-runtime-acme"])
def test_plugin_is_disabled_by_either_name(install: Install, name: str) -> None:
    """Both the name of the entry point and that of the distribution disable a plugin."""
    install("acme")
    plugin = left_out("acme", disabled(name))
    assert plugin is not None
    assert plugin.status is PluginStatus.DISABLED
    assert plugin.problem == "--no-plugin or TESSERACT_DISABLE_PLUGINS names it"


def test_unknown_name_cannot_be_disabled(install: Install) -> None:
    """A name that nothing installed has is an error with a suggestion and the choices."""
    install("acme")
    with pytest.raises(PluginFault) as caught:
        discover(disabled("akme"))
    message = str(caught.value)
    assert message.startswith(
        "Unknown plugin 'akme' to disable. Did you mean 'acme'? Installed: acme, "
    )
    assert message.endswith(".")


@pytest.mark.parametrize("name", ["core", "tesseract-runtime-core"])
def test_core_cannot_be_disabled(name: str) -> None:
    """The core cannot be disabled."""
    with pytest.raises(PluginFault) as caught:
        discover(disabled(name))
    assert str(caught.value) == f"{name!r} is the runtime itself and cannot be disabled."


@pytest.mark.parametrize(
    "requirement",
    [
        "tesseract-runtime-core>=99",
        "tesseract-runtime-core[all] >= 99",
        "tesseract_runtime_core>=99",
        "Tesseract.Runtime.Core<0.0.1",
        'tesseract-runtime-core>=99; python_version >= "3"',
    ],
)
def test_plugin_of_another_core_is_incompatible(install: Install, requirement: str) -> None:
    """A plugin whose requirement of the core is not met is left out, however it is spelled."""
    install("acme", requires=[requirement])
    plugin = left_out("acme")
    assert plugin is not None
    assert plugin.status is PluginStatus.INCOMPATIBLE
    assert plugin.problem == (
        f"It requires {requirement}, and tesseract-runtime-core is {CORE_VERSION}"
    )


def test_requirements_of_an_egg_are_read(tmp_path: Path) -> None:
    """An egg has its requirements in a file of their own."""
    (tmp_path / "PKG-INFO").write_text("Metadata-Version: 1.0\nName: acme\nVersion: 2.0\n")
    (tmp_path / "requires.txt").write_text("tesseract-runtime-core>=99\n")
    (tmp_path / "entry_points.txt").write_text(f"[{PROJECT}]\nacme = acme.plugin\n")
    [entry_point] = Distribution.at(tmp_path).entry_points
    found = Candidate.of(entry_point)
    assert (found.distribution, found.version) == ("acme", "2.0")
    assert found.requires == ["tesseract-runtime-core>=99"]


@pytest.mark.parametrize(
    "requirement",
    [
        "tesseract-runtime-core",
        f"tesseract-runtime-core=={CORE_VERSION}",
        "tesseract-runtime-core-other>=99",
        'tesseract-runtime-core>=99; python_version < "3"',
        'tesseract-runtime-core>=99; extra == "later"',
    ],
)
def test_plugin_of_this_core_is_a_candidate(install: Install, requirement: str) -> None:
    """Requirements that are met, do not apply here or are of something else do no harm."""
    install("acme", requires=[requirement])
    assert candidate("acme") is not None


versions = st.lists(st.integers(0, 2), min_size=1, max_size=4).map(
    lambda parts: ".".join(map(str, parts))
)
bounds = st.lists(st.tuples(st.sampled_from([">=", "<", "==", "~="]), versions), max_size=2)


@given(version=versions, bounds=bounds)
def test_short_way_agrees_with_packaging(version: str, bounds: list[tuple[str, str]]) -> None:
    """A requirement that is met without `packaging` is met for `packaging` too."""
    specifiers = ",".join(sign + bound for sign, bound in bounds)
    met = _is_within_plain_bounds(version, f"{CORE}{specifiers}")
    plain = all(sign in (">=", "<") for sign, _ in bounds)
    assert met == (plain and SpecifierSet(specifiers).contains(version))


def test_unreadable_requirement_harms_its_plugin_alone(install: Install) -> None:
    """A requirement of the core that cannot be read makes a plugin incompatible."""
    install("acme", requires=["tesseract-runtime-core>=newest"])
    install("zebra")
    assert candidate("zebra") is not None
    plugin = left_out("acme")
    assert plugin is not None
    assert plugin.status is PluginStatus.INCOMPATIBLE
    assert "tesseract-runtime-core>=newest" in plugin.problem


def test_two_plugins_of_one_name_are_in_conflict(install: Install) -> None:
    """Two entry points of the same name are not imported; each has the flag that disables it."""
    install("one", entry_point="twin")
    install("two", entry_point="twin")
    discovery = discover(PluginSelection())
    assert "twin" not in {candidate.name for candidate in discovery.candidates}
    twins = [plugin for plugin in discovery.left_out if plugin.name == "twin"]
    assert [plugin.status for plugin in twins] == [PluginStatus.CONFLICT] * 2
    assert twins[0].problem == (
        "Another distribution has an entry point of the same name 'twin'. "
        "Disable one with --no-plugin tesseract-runtime-one, or uninstall one"
    )


def test_disabling_one_of_two_settles_the_conflict(install: Install) -> None:
    """A plugin is not in conflict with a disabled one."""
    install("one", entry_point="twin")
    install("two", entry_point="twin")
    found = candidate("twin", disabled("tesseract-runtime-one"))
    assert found is not None
    assert found.distribution == "tesseract-runtime-two"


def test_incompatible_plugin_is_in_conflict_with_nobody(install: Install) -> None:
    """A plugin is not in conflict with one that is left out for another reason."""
    install("one", entry_point="twin", requires=["tesseract-runtime-core>=99"])
    install("two", entry_point="twin")
    found = candidate("twin")
    assert found is not None
    assert found.distribution == "tesseract-runtime-two"


def test_core_is_never_in_conflict(install: Install) -> None:
    """A plugin that takes the name of the core's own harms only itself."""
    install("acme", entry_point="core")
    found = candidate("core")
    assert found is not None
    assert found.distribution == "tesseract-runtime-core"
    plugin = left_out("core")
    assert plugin is not None
    assert (plugin.distribution, plugin.status) == ("tesseract-runtime-acme", PluginStatus.CONFLICT)


def test_a_foreign_plugin_cannot_disable_one_of_ours(install: Install) -> None:
    """An entry point with the name of one of the project's own harms only itself."""
    install("acme", entry_point="lz4")
    found = candidate("lz4")
    assert found is not None
    assert found.distribution == "tesseract-runtime-lz4"
    plugin = left_out("lz4")
    assert plugin is not None
    assert (plugin.distribution, plugin.status) == ("tesseract-runtime-acme", PluginStatus.CONFLICT)


@pytest.mark.parametrize(
    ("value", "names"),
    [("", set()), ("acme", {"acme"}), (" acme, ,zebra,", {"acme", "zebra"})],
)
def test_disabled_plugins_are_read_from_the_environment(value: str, names: set[str]) -> None:
    """`TESSERACT_DISABLE_PLUGINS` holds names with commas between them."""
    selection = PluginSelection.from_environment({"TESSERACT_DISABLE_PLUGINS": value})
    assert selection == PluginSelection(disabled=frozenset(names))


@pytest.mark.parametrize(
    ("value", "strict"), [("1", True), ("true", True), ("0", False), ("No", False), ("", False)]
)
def test_strictness_is_read_from_the_environment(value: str, strict: bool) -> None:
    """`TESSERACT_STRICT_PLUGINS` takes the words that other flags take."""
    selection = PluginSelection.from_environment({"TESSERACT_STRICT_PLUGINS": value})
    assert selection.strict is strict
