"""The current call's surroundings."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable

from runtime_core import Runtime
from runtime_core.calls import scope
from runtime_core.contracts import Run

CURRENT = """
from pydantic import BaseModel
from runtime_core.calls import scope

class InputSchema(BaseModel):
    pass

class OutputSchema(BaseModel):
    name: str
    run: str | None

def apply(inputs):
    current = scope.current()
    return OutputSchema(name=current.config.name, run=current.run and current.run.id)
"""


def test_plain_user_code_has_a_default_scope() -> None:
    """Outside of any call the scope has the installed plugins and no run."""
    current = scope.current()
    assert current.run is None
    assert "json" in current.catalog.formats
    assert current.config.output_format == "json"
    assert not current.files.confined


def test_default_scope_is_made_once() -> None:
    """Plugins of plain user code are loaded once in a process."""
    assert scope.current() is scope.current()
    assert scope.current().catalog is scope.current().catalog


def test_entered_scope_is_the_current_one(runtime: Callable[..., Runtime]) -> None:
    """A scope is current inside of its `with`, and the one before it afterwards."""
    before = scope.current()
    outer, inner = runtime().scope(), runtime().scope(Run(id="a", endpoint="apply"))
    with scope.enter(outer):
        with scope.enter(inner) as entered:
            assert entered is inner
            assert scope.current() is inner
        assert scope.current() is outer
    assert scope.current() is before


def test_scope_is_left_when_something_fails(runtime: Callable[..., Runtime]) -> None:
    """An exception does not leave a scope behind."""
    before = scope.current()
    try:
        with scope.enter(runtime().scope()):
            raise ValueError
    except ValueError:
        pass
    assert scope.current() is before


def test_user_code_sees_the_scope_of_its_runtime(runtime: Callable[..., Runtime]) -> None:
    """`apply` works with the configuration of the runtime that calls it."""
    first, second = runtime(CURRENT, name="first"), runtime(CURRENT, name="second")
    names = [made.call("apply", {"inputs": {}}).model_dump()["name"] for made in (first, second)]
    assert names == ["first", "second"]


def test_context_carries_the_scope_into_a_thread(runtime: Callable[..., Runtime]) -> None:
    """A thread that is started in a copied context works with the scope of its call."""
    seen = []
    with scope.enter(runtime().scope()) as entered:
        context = contextvars.copy_context()
        thread = threading.Thread(target=context.run, args=(lambda: seen.append(scope.current()),))
        thread.start()
        thread.join()
    assert seen == [entered]
