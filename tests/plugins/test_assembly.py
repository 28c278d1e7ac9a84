"""Declarations become a catalog; a name is usable, or its error has the reason."""

from __future__ import annotations

from typing import Any

import pytest

from runtime_core.catalog import Registered
from runtime_core.contracts import ArrayEncoding, Command, Endpoint, Format, Recipe, lazy_call
from runtime_core.errors import UnknownName
from runtime_core.plugins import assemble


def registered(value: Any, plugin: str, distribution: str = "") -> Registered[Any]:
    """Return a declaration with its provenance."""
    distribution = distribution or f"tesseract-runtime-{plugin}"
    return Registered(value=value, plugin=plugin, distribution=distribution, version="1.0")


def recipe(name: str) -> Recipe:
    """Return the smallest of declarations."""
    return Recipe(name=name, summary="", files=dict)


def endpoint(name: str) -> Endpoint:
    """Return an endpoint that is never bound."""
    return Endpoint(name=name, summary="", bind=lazy_call("runtime_core.contracts:Unavailable"))


def command(name: str) -> Command:
    """Return a command."""
    return Command(name=name, summary="", load=dict)


def test_names_stand_in_the_order_of_registration() -> None:
    """The order of plugins and of their declarations is kept."""
    catalog = assemble(
        plugins=[],
        declarations=[
            {"recipes": [registered(recipe("z"), "one"), registered(recipe("a"), "one")]},
            {"recipes": [registered(recipe("m"), "two")]},
        ],
    )
    assert catalog.recipes.names == ("z", "a", "m")
    assert [recipe.name for recipe in catalog.recipes] == ["z", "a", "m"]


def test_name_of_two_plugins_is_unusable() -> None:
    """A name with two providers is unusable, and the message says how to disable one."""
    catalog = assemble(
        plugins=[],
        declarations=[
            {"recipes": [registered(recipe("a"), "one"), registered(recipe("b"), "one")]},
            {"recipes": [registered(recipe("a"), "two")]},
        ],
    )
    assert catalog.recipes.names == ("b",)
    message = (
        "Recipe 'a' is provided by tesseract-runtime-one 1.0 and tesseract-runtime-two 1.0, "
        "so that neither is used. Disable one with --no-plugin one or --no-plugin two."
    )
    assert catalog.problems == (message,)
    with pytest.raises(UnknownName) as caught:
        catalog.recipes.find("a")
    assert str(caught.value) == message


def test_core_keeps_its_names() -> None:
    """A name of the core stays usable, because the core cannot be disabled to settle it."""
    catalog = assemble(
        plugins=[],
        declarations=[
            {"recipes": [registered(recipe("a"), "core", "tesseract-runtime-core")]},
            {"recipes": [registered(recipe("a"), "acme")]},
        ],
    )
    assert catalog.recipes.entries["a"].plugin == "core"
    [problem] = catalog.problems
    assert "tesseract-runtime-acme 1.0" in problem
    assert problem.endswith("Disable one with --no-plugin acme.")


def test_our_own_plugins_keep_their_names() -> None:
    """A foreign plugin cannot make a name unusable that one of the project's own provides."""
    ours = registered(command("check-gradients"), "workbench", "tesseract-runtime-workbench")
    catalog = assemble(
        plugins=[],
        declarations=[
            {"commands": [ours]},
            {
                "commands": [registered(command("check-gradients"), "acme")],
                "endpoints": [registered(endpoint("check_gradients"), "acme")],
            },
        ],
    )
    assert catalog.commands.entries["check-gradients"] is ours
    assert catalog.endpoints.names == ()
    assert len(catalog.problems) == 2
    for problem in catalog.problems:
        assert "so that that of tesseract-runtime-workbench is used" in problem


def test_a_shared_key_is_reported_with_its_provider() -> None:
    """The first format of a media type or suffix has it, and the first encoding of a title."""

    def provided(name: str) -> dict[str, list[Registered[Any]]]:
        format_ = Format(
            name=f"{name}-format",
            summary="",
            media_types=("application/a",),
            suffixes=(".a", f".{name}"),
            array_encoding="json",
            load=lazy_call("a:b"),
        )
        schema = {"title": "AData", "properties": {}}
        encoding = ArrayEncoding(
            name=f"{name}-array", summary="", data_schema=schema, load=lazy_call("a:b")
        )
        return {
            "formats": [registered(format_, name)],
            "encodings": [registered(encoding, name)],
        }

    catalog = assemble(plugins=[], declarations=[provided("one"), provided("two")])
    owner, advice = "(tesseract-runtime-one 1.0), which has it too.", "Disable one with --no-plugin"
    place = "'two-format' (tesseract-runtime-two 1.0) selects format 'one-format'"
    array = "'two-array' (tesseract-runtime-two 1.0) selects array encoding 'one-array'"
    assert catalog.problems == (
        f"Media type 'application/a' of format {place} {owner} {advice} two.",
        f"Suffix '.a' of format {place} {owner} {advice} two.",
        f"Schema title 'AData' of array encoding {array} {owner} {advice} two.",
    )


def test_one_name_may_be_of_several_kinds() -> None:
    """A name is unique among declarations of its kind only."""
    catalog = assemble(
        plugins=[],
        declarations=[
            {"recipes": [registered(recipe("a"), "one")]},
            {"commands": [registered(command("a"), "two")]},
        ],
    )
    assert "a" in catalog.recipes
    assert "a" in catalog.commands


def test_command_replaces_that_of_its_own_endpoint() -> None:
    """A distribution may write the command of its endpoint by hand."""
    catalog = assemble(
        plugins=[],
        declarations=[
            {
                "endpoints": [registered(endpoint("do_it"), "one")],
                "commands": [registered(command("do-it"), "one")],
            }
        ],
    )
    assert catalog.endpoints.names == ("do_it",)
    assert catalog.commands.names == ("do-it",)
    assert catalog.problems == ()


def test_command_of_a_foreign_endpoint_is_a_conflict() -> None:
    """A command with the name of another distribution's endpoint makes both unusable."""
    catalog = assemble(
        plugins=[],
        declarations=[
            {"endpoints": [registered(endpoint("do_it"), "one")]},
            {"commands": [registered(command("do-it"), "two")]},
        ],
    )
    assert catalog.endpoints.names == ()
    assert catalog.commands.names == ()
    settle = (
        "is provided by tesseract-runtime-one 1.0 and tesseract-runtime-two 1.0, "
        "so that neither is used. Disable one with --no-plugin one or --no-plugin two."
    )
    assert catalog.problems == (f"Endpoint 'do_it' {settle}", f"Command 'do-it' {settle}")


def test_catalog_cannot_be_changed() -> None:
    """An assembled catalog cannot be changed."""
    catalog = assemble(plugins=[], declarations=[{"recipes": [registered(recipe("a"), "one")]}])
    entries: Any = catalog.recipes.entries
    with pytest.raises(TypeError):
        entries["b"] = entries["a"]
    with pytest.raises(AttributeError):
        catalog.recipes = catalog.formats  # type: ignore[assignment,misc]  # what must not work
