"""Backends in descriptions."""

from __future__ import annotations

from dataclasses import asdict

from runtime_core.contracts import Description
from runtime_core.description import describe
from tests.builtin.conftest import JACOBIAN, VJP
from tests.conftest import DOUBLE
from tests.gradients.conftest import OWN_JACOBIAN, Make, backend, served_by


def test_the_description_has_the_backend_of_each_gradient(made: Make) -> None:
    """Other endpoints have a backend only if the function is not the author's."""
    able = backend("exact", 20, serves=(VJP, "abstract_eval"))
    description = describe(made(DOUBLE + OWN_JACOBIAN, able, gradient_backend="auto"))
    assert {name: by for name, by in served_by(description).items() if by} == {
        JACOBIAN: "native",
        VJP: "exact",
        "abstract_eval": "exact",
    }


def test_a_description_survives_the_way_to_another_process(made: Make) -> None:
    """The front of a server has the description of its worker."""
    description = describe(made(DOUBLE, backend("exact"), gradient_backend="exact"))
    assert Description.from_data(asdict(description)) == description
