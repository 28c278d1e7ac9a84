"""The functions of backends: their results and failures."""

from __future__ import annotations

from typing import Any

from runtime_core.contracts import Binding, GradientBackend, Unavailable
from runtime_core.errors import GradientFailed
from tests.builtin.conftest import JACOBIAN, answer, ask, fault, numbers
from tests.conftest import DOUBLE
from tests.gradients.conftest import Make, backend, reason, serving_backend


def test_the_function_of_a_backend_answers(made: Make) -> None:
    """Its result is handled like an author's."""
    runtime = made(DOUBLE, backend("exact", value=7), gradient_backend="exact")
    found = answer(runtime, JACOBIAN, ask(JACOBIAN, {"x": [1.0]}))
    assert numbers(found) == {"y": {"x": [[7.0]]}}


def test_the_answer_of_a_backend_is_checked(made: Make) -> None:
    """A wrong shape is refused like that of an author's function."""
    runtime = made(DOUBLE, backend("exact"), gradient_backend="exact")
    wrong = fault(runtime, JACOBIAN, ask(JACOBIAN, {"x": [1.0, 2.0]}))
    assert "jacobian of 'y' by 'x' returned an array of shape (1, 1)" in wrong.message


def test_a_gradient_that_cannot_be_computed_is_told(made: Make) -> None:
    """An error of a backend is the fault of this call, in its own words."""

    def fail(**named: Any) -> Any:
        raise GradientFailed("The gradient is undefined at a kink.")

    def provide(endpoint: str, binding: Binding) -> Any:
        return fail if endpoint == JACOBIAN else Unavailable("It only fails.")

    broken = GradientBackend(name="exact", summary="For tests.", provide=provide)
    runtime = made(DOUBLE, broken, gradient_backend="exact")
    wrong = fault(runtime, JACOBIAN, ask(JACOBIAN, {"x": [1.0]}))
    assert wrong.message == "The gradient is undefined at a kink."
    assert (wrong.kind.status, wrong.kind.exit_code) == (500, 1)


def test_a_backend_may_use_the_authors_functions(made: Make) -> None:
    """The binding has the functions of the file, or the reason why one is missing."""

    def provide(endpoint: str, binding: Binding) -> Any:
        return binding.api.function("derivative")

    by_hand = GradientBackend(name="by-hand", summary="For tests.", provide=provide)
    source = DOUBLE + "def derivative(**named):\n    return {'y': {'x': [[2.0]]}}\n"
    assert serving_backend(made(source, by_hand, gradient_backend="by-hand"), JACOBIAN) == "by-hand"
    without = made(DOUBLE, by_hand, gradient_backend="by-hand")
    assert "does not define a function 'derivative'" in reason(without, JACOBIAN)
