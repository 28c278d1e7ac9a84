"""The hooks of the plugin."""

from __future__ import annotations

from collections.abc import Iterable

from runtime_core.contracts import Command, Endpoint, Recipe, lazy_call, lazy_object
from runtime_core.hookspecs import hookimpl

_COMMANDS = {
    "init": ("Write the files of a new Tesseract.", "init.command:app"),
    "plugins check": (
        "Try each part of the installed plugins.",
        "check_plugins.command:check",
    ),
    "plugins new": ("Write the files of a new plugin.", "new_plugin.command:new"),
    "test": ("Run regression cases on the Tesseract.", "regression_test.command:command"),
    "check-gradients": (
        "Check gradients of endpoints against a finite difference approximation.",
        "check_gradients.command:app",
    ),
}


@hookimpl
def commands() -> Iterable[Command]:
    """Provide the commands of authors of Tesseracts, and of plugins."""
    for name, (summary, place) in _COMMANDS.items():
        load = lazy_object(f"tesseract_runtime_workbench.{place}")
        yield Command(name=name, summary=summary, load=load)


@hookimpl
def endpoints() -> Iterable[Endpoint]:
    """Provide `POST /test`, which a server has with `--debug` only."""
    yield Endpoint(
        name="test",
        summary="Run one regression case on the Tesseract.",
        bind=lazy_call("tesseract_runtime_workbench.regression_test.runner:bind"),
    )


@hookimpl
def recipes() -> Iterable[Recipe]:
    """Provide the recipe `base`."""
    yield Recipe(
        name="base",
        summary="A Tesseract in numpy, with a Jacobian.",
        files=lazy_call("tesseract_runtime_workbench.init.template:files"),
    )
