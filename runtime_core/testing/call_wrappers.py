"""The conformance suite of call wrappers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest

from runtime_core.contracts import Wire
from runtime_core.runtime import Runtime, local_runtime
from runtime_core.testing.calls import PLUS_ONE, call_of, result_of


@pytest.mark.usefixtures("unchanged_environment")
class CallWrapperConformance:
    """Tests that a call wrapper answers in every format, and leaves faults as they are.

    A subclass names the wrapper. `flags` are the options with which it wraps calls. One that
    replaces results sets `keeps_results` to `False`.

        class TestUnits(CallWrapperConformance):
            wrapper = "units"
    """

    wrapper: ClassVar[str]
    flags: ClassVar[Mapping[str, Any]] = {}
    keeps_results: ClassVar[bool] = True

    @pytest.fixture
    def wrapped(self, runtime: Callable[..., Runtime], tmp_path: Path) -> Runtime:
        """Return a Tesseract whose calls are wrapped."""
        return runtime(PLUS_ONE, output_path=str(tmp_path), **self.flags)

    @pytest.fixture
    def bare(self, wrapped: Runtime) -> Runtime:
        """Return the Tesseract without the wrapper."""
        registry = wrapped.catalog.call_wrappers
        others = {name: each for name, each in registry.entries.items() if name != self.wrapper}
        catalog = replace(wrapped.catalog, call_wrappers=replace(registry, entries=others))
        return local_runtime(catalog, wrapped.config)

    def test_calls_are_wrapped(self, wrapped: Runtime) -> None:
        """With the options of the suite the wrapper has a function for `apply`."""
        wrap = wrapped.catalog.call_wrappers.find(self.wrapper).wrap
        assert wrap(endpoint="apply", output=Wire(format="json"), binding=wrapped) is not None

    def test_every_format_is_answered(self, wrapped: Runtime, bare: Runtime) -> None:
        """Results have the format that was asked for, the first time and later."""
        call = call_of({"inputs": {"x": [1.0, 2.0]}}, output_path=wrapped.config.output_path)
        expected = result_of(bare, call)
        for form in [*wrapped.catalog.formats.names] * 2:
            found = result_of(wrapped, replace(call, output=Wire(format=form)))
            assert found == expected or not self.keeps_results, form

    @pytest.mark.parametrize("x", [[-1.0], "many", [[1.0]], None])
    def test_faults_are_those_of_the_call(self, wrapped: Runtime, bare: Runtime, x: Any) -> None:
        """A fault of the author or the caller is that of the call without the wrapper."""
        before = wrapped.catalog.faults.texts  # of other tests
        faults = [each.invoke(call_of({"inputs": {"x": x}})).fault for each in (bare, wrapped)]
        kinds = [(fault.kind, fault.message, fault.details) for fault in faults if fault]
        assert kinds[0] == kinds[1]
        assert wrapped.catalog.faults.texts == before

    def test_changes_of_the_payload_count(self, wrapped: Runtime, bare: Runtime) -> None:
        """A call with changes has another result than one without."""
        call = call_of({"inputs": {"x": [1.0, 2.0]}})
        bodies = [
            b"".join(each.invoke(replace(call, changes=changes)).body)
            for changes in ({}, {"inputs.x": [3.0]})
            for each in (bare, wrapped)
        ]
        assert bodies[1] != bodies[3]
        assert bodies[::2] == bodies[1::2] or not self.keeps_results
