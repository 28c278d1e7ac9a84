"""Backends with a state for each Tesseract, bodies of their own and options."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import BaseModel

from runtime_core.catalog import Catalog
from runtime_core.config import resolve
from runtime_core.contracts import Binding, GradientBackend, Settings, Unavailable
from runtime_core.description import describe
from runtime_core.runtime import local_runtime
from tests.builtin.conftest import JACOBIAN, JVP
from tests.conftest import DOUBLE
from tests.gradients.conftest import Make, reason, registered, with_backends

BODY = "\ndef apply_acme(inputs):\n    return {'y': 2 * inputs['x']}\n"


def stateful(notes: list[str], **facts: Any) -> GradientBackend:
    """Return a backend that notes what happens to it, and returns its state as derivatives."""

    def opened(binding: Binding, body: Any) -> Any:
        notes.append(f"open {getattr(body, '__name__', None)}")
        return SimpleNamespace(number=len(notes), close=lambda: notes.append("close"))

    def provide(endpoint: str, state: Any) -> Any:
        notes.append(endpoint)
        return lambda **_: {"y": {"x": [[float(state.number)]]}}

    facts = {"open": opened, "provide": provide, **facts}
    return GradientBackend(name="acme", summary="For tests.", **facts)


def test_a_state_is_opened_once_and_closed_at_teardown(made: Make) -> None:
    """All endpoints of a Tesseract share it; a Tesseract that is set up again has another."""
    notes: list[str] = []
    source = DOUBLE + "\nnotes = []\ndef teardown():\n    notes.append('teardown')\n"
    choice = f"{JACOBIAN}=acme,{JVP}=acme"
    runtime = made(source, stateful(notes), gradient_backend=choice)
    vars(runtime.api.module)["notes"] = notes
    payload = {"inputs": {"x": [1.0]}, "jac_inputs": ["x"], "jac_outputs": ["y"]}
    for number in (1, 6):
        with runtime.set_up():
            runtime.bound(JVP)
            blocks: Any = runtime.call("jacobian", payload)
            assert blocks.root["y"]["x"] == [[number]]
    assert notes == ["open None", JVP, JACOBIAN, "close", "teardown"] * 2


def test_a_state_needs_no_close(made: Make) -> None:
    """Any object is a state."""
    backend = stateful([], open=lambda: SimpleNamespace(number=5))
    runtime = made(DOUBLE, backend, gradient_backend="acme")
    with runtime.set_up():
        runtime.bound(JACOBIAN)


def test_the_first_body_that_the_file_has_is_differentiated(made: Make) -> None:
    """The description names it."""
    notes: list[str] = []
    backend = stateful(notes, bodies=("apply_torch", "apply_acme", "apply"))
    description = describe(made(DOUBLE + BODY, backend, gradient_backend="acme"))
    assert {e.name: e.body for e in description.endpoints}[JACOBIAN] == "apply_acme"
    assert notes[0] == "open apply_acme"


def test_a_file_without_a_body_is_not_served(made: Make) -> None:
    """The reason names the first body; the backend is not opened."""
    notes: list[str] = []
    backend = stateful(notes, bodies=("apply_acme", "apply_torch"))
    runtime = made(DOUBLE + BODY.replace("acme", "amce"), backend, gradient_backend="acme")
    assert "does not define a function 'apply_acme'. Did you mean" in reason(runtime, JACOBIAN)
    assert notes == []


class AcmeSettings(BaseModel):
    """An option."""

    size: float = 0.5


def test_a_backend_gets_the_options_of_its_plugin(
    catalog: Catalog, tesseract: Callable[..., Path]
) -> None:
    """Those of other plugins are left out."""
    found: list[Mapping[str, Any]] = []

    def provide(settings: Mapping[str, Any]) -> Unavailable:
        found.append(settings)
        return Unavailable("it is a test.")

    mine = with_backends(catalog, GradientBackend(name="acme", summary="Acme.", provide=provide))
    section = Settings(name="acme", summary="For tests.", load=lambda: AcmeSettings)
    entries = {**mine.settings.entries, "acme": registered(section, "settings")}
    mine = replace(mine, settings=replace(mine.settings, entries=entries))
    flags = {"api_path": str(tesseract(DOUBLE)), "acme_size": "0.25", "gradient_backend": "acme"}
    runtime = local_runtime(mine, resolve(mine, flags=flags, environment={}))
    assert isinstance(runtime.function(JACOBIAN), Unavailable)
    assert found == [{"acme": AcmeSettings(size=0.25)}]


def test_unusable_bodies_are_refused(made: Make) -> None:
    """A text would be taken letter by letter."""
    with pytest.raises(Exception, match="'apply' as bodies, expected a tuple of texts"):
        made(DOUBLE, stateful([], bodies="apply"))
