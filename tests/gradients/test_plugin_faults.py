"""Backends whose `provide` fails."""

from __future__ import annotations

import pytest

from runtime_core.description import describe
from runtime_core.errors import InvalidOption
from tests.builtin.conftest import JACOBIAN
from tests.conftest import DOUBLE
from tests.gradients.conftest import (
    OWN_JACOBIAN,
    Make,
    backend,
    refusal,
    served_by,
    serving_backend,
)


@pytest.mark.parametrize("error", [RuntimeError("no GPU"), ImportError("No module named 'jax'")])
def test_a_backend_that_fails_takes_its_endpoints_away(error: Exception, made: Make) -> None:
    """The reason names distribution and version; everything else is served."""
    broken = backend("exact", 20, error=error)
    description = describe(made(DOUBLE, broken, gradient_backend="exact"))
    assert "apply" in served_by(description)
    assert (
        "Plugin acme (acme-gradients 2.0) failed in provide of gradient_backends 'exact': "
        f"{type(error).__name__}: {error}" in description.unavailable[JACOBIAN]
    )


def test_auto_goes_on_after_a_backend_that_fails(made: Make) -> None:
    """The next backend is used."""
    broken = backend("exact", 20, error=RuntimeError("no GPU"))
    runtime = made(DOUBLE, broken, backend("coarse", 90), gradient_backend="auto")
    assert serving_backend(runtime, JACOBIAN) == "coarse"


def test_a_named_backend_that_fails_is_a_wrong_option(made: Make) -> None:
    """If it was chosen by name, the message has the failure."""
    broken = backend("exact", error=RuntimeError("no GPU"))
    runtime = made(DOUBLE, broken, gradient_backend="jacobian=exact")
    message = refusal(runtime, InvalidOption, 2)
    assert "failed in provide of gradient_backends 'exact': RuntimeError: no GPU" in message


def test_a_backend_that_nobody_chose_may_fail(made: Make) -> None:
    """A broken plugin does not matter while it is not used."""
    broken = backend("exact", 20, error=RuntimeError("no GPU"))
    assert serving_backend(made(DOUBLE + OWN_JACOBIAN, broken), JACOBIAN) == "native"
