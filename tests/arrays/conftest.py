"""What the tests of arrays share: reading one value, and scopes with scratch plugins."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from runtime_core.calls import scope
from runtime_core.calls.scope import Scope, Workspace
from runtime_core.catalog import KINDS, Catalog, Registered
from runtime_core.config import resolve
from runtime_core.files import FileAccess
from runtime_core.plugins.assembly import assemble
from runtime_core.plugins.declarations import guarded

Read = Callable[..., Any]
Refusal = Callable[..., tuple[str, str]]
ScopeWith = Callable[..., AbstractContextManager[Scope]]


@pytest.fixture
def read() -> Read:
    """Return a function that validates a value as an array type, with a pydantic context."""

    def validate(annotation: Any, value: Any, **context: Any) -> Any:
        return TypeAdapter(annotation).validate_python(value, context=context or None)

    return validate


@pytest.fixture
def refusal(read: Read) -> Refusal:
    """Return a function that gives type and text of the one error of a refused value."""

    def refuse(annotation: Any, value: Any, **context: Any) -> tuple[str, str]:
        with pytest.raises(ValidationError) as caught:
            read(annotation, value, **context)
        (error,) = caught.value.errors()
        return error["type"], error["msg"]

    return refuse


@pytest.fixture
def scope_with(catalog: Catalog, tmp_path: Path) -> ScopeWith:
    """Return a function that enters a scope of the core's own plugin and further declarations."""

    @contextmanager
    def enter(**declarations: list[Any]) -> Iterator[Scope]:
        scratch = {
            hook: [
                guarded(
                    Registered(value=value, plugin="scratch", distribution="scratch", version="1"),
                    KINDS[hook],
                )
                for value in values
            ]
            for hook, values in declarations.items()
        }
        extended = assemble(plugins=(), declarations=[_core_of(catalog), scratch])
        config = resolve(extended, flags={}, environment={})
        files = FileAccess(root=str(tmp_path))
        workspace = Workspace(catalog=extended, config=config, files=files)
        with scope.enter(Scope(workspace=workspace)) as entered:
            yield entered

    return enter


def _core_of(catalog: Catalog) -> dict[str, list[Registered[Any]]]:
    return {
        hook: [entry for entry in catalog.registry(hook).entries.values() if entry.plugin == "core"]
        for hook in KINDS
    }
