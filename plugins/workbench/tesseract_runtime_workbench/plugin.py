"""The hooks of the plugin."""

from __future__ import annotations

from collections.abc import Iterable

from runtime_core.contracts import Command, Endpoint, Recipe, deferred, imported
from runtime_core.hookspecs import hookimpl


@hookimpl
def commands() -> Iterable[Command]:
    """Provide the commands `init`, `test` and `check-gradients`."""
    yield Command(
        name="init",
        summary="Write the files of a new Tesseract.",
        load=imported("tesseract_runtime_workbench.init.command:app"),
    )
    yield Command(
        name="test",
        summary="Hold the Tesseract against regression cases.",
        load=imported("tesseract_runtime_workbench.regression_test.command:test"),
    )
    yield Command(
        name="check-gradients",
        summary="Check gradients of endpoints against a finite difference approximation.",
        load=imported("tesseract_runtime_workbench.check_gradients.command:app"),
    )


@hookimpl
def endpoints() -> Iterable[Endpoint]:
    """Provide `POST /test`, which a server has with `--debug` only."""
    yield Endpoint(
        name="test",
        summary="Hold the Tesseract against one regression case.",
        bind=deferred("tesseract_runtime_workbench.regression_test.endpoint:bind"),
    )


@hookimpl
def recipes() -> Iterable[Recipe]:
    """Provide the recipe `base`."""
    yield Recipe(
        name="base",
        summary="A Tesseract in numpy, with a Jacobian.",
        files=deferred("tesseract_runtime_workbench.init.template:files"),
    )
