"""The suites of endpoints, gradients, wrappers and servers find what is wrong with a plugin."""

from __future__ import annotations

from tests.testing.conftest import Suite

PLUGIN = """
from pydantic import BaseModel, RootModel
from runtime_core.contracts import (
    BoundEndpoint, CallWrapper, Endpoint, GradientBackend, ServerExtension, Unavailable
)
from runtime_core.gradients import vector_at
from runtime_core.hookspecs import hookimpl

class Anything(BaseModel):
    inputs: object

class Number(RootModel[int]):
    pass

def generous(binding):
    return BoundEndpoint(payload=Anything, result=Number, answer=lambda payload: 1)

def picky(binding):
    payload = binding.schemas.payload("PickyInputSchema", inputs="Picky")
    size = payload.model_fields["inputs"].annotation.model_fields["x"]
    return BoundEndpoint(payload=payload, result=Number, answer=lambda payload: 1)

@hookimpl
def endpoints():
    yield Endpoint(name="generous", summary="", bind=generous)
    yield Endpoint(name="picky", summary="", bind=picky)

def forward(binding, factor, inputs, jvp_inputs, jvp_outputs, tangent_vector):
    point = vector_at(inputs, jvp_inputs)
    with binding.evaluations(inputs) as evaluations:
        after, before = (
            evaluations.submit({p: point[p] + h * tangent_vector[p] for p in point}, jvp_outputs)
            for h in (1e-5, -1e-5)
        )
        found = after.result(), before.result()
    return {p: factor() * (found[0][p] - found[1][p]) / 2e-5 for p in jvp_outputs}

def providing(factor, everything=False):
    def provide(endpoint, binding):
        if endpoint != "jacobian_vector_product" and not everything:
            return Unavailable("only products")
        return lambda **given: forward(binding, factor, **given)
    return provide

class Kept:
    apply = None
    closed = False

    def close(self):
        self.closed = True

def stepping(endpoint, binding, state):
    if endpoint != "jacobian_vector_product":
        return Unavailable("only products")
    def product(inputs, jvp_inputs, jvp_outputs, tangent_vector):
        if state.closed:
            raise RuntimeError("no licence")
        state.apply = state.apply or binding.trace(inputs)
        point = vector_at(inputs, jvp_inputs)
        moved = {p: at + 1e-30j * tangent_vector[p] for p, at in point.items()}
        return {p: at.imag / 1e-30 for p, at in state.apply(moved, jvp_outputs).items()}
    return product

@hookimpl
def gradient_backends():
    shared = Kept()
    yield GradientBackend(
        name="stuck", summary="", open=lambda: Kept(), provide=stepping
    )
    yield GradientBackend(name="shared", summary="", open=lambda: shared, provide=stepping)
    counted = iter(range(1, 10**6))
    for name, provide in {
        "right": providing(lambda: 1),
        "doubled": providing(lambda: 2),
        "counting": providing(lambda: next(counted)),
        "eager": providing(lambda: 1, everything=True),
    }.items():
        yield GradientBackend(name=name, summary="", provide=provide)

def stale(endpoint, output, binding):
    kept = {}
    def around(wrapped):
        if wrapped.call.body not in kept:
            kept[wrapped.call.body] = [b"".join(wrapped.answer())]
        return kept[wrapped.call.body]
    return around

def silent(endpoint, output, binding):
    def around(wrapped):
        try:
            return wrapped.answer()
        except Exception:
            return [b'{"y": null}']
    return around

@hookimpl
def call_wrappers():
    yield CallWrapper(name="stale", summary="", wrap=stale)
    yield CallWrapper(name="silent", summary="", wrap=silent)

def broken(server):
    raise RuntimeError("no licence")

@hookimpl
def server_extensions():
    yield ServerExtension(name="broken", summary="", build=broken)
"""

TESTS = """
from runtime_core.testing import (
    CallWrapperConformance, EndpointConformance, GradientBackendConformance,
    ServerExtensionConformance,
)

class TestGenerous(EndpointConformance):
    endpoint, payload = "generous", '{"inputs": {"x": [1.0]}}'

class TestPicky(EndpointConformance):
    endpoint, payload = "picky", '{"inputs": {"x": [1.0]}}'

class TestRight(GradientBackendConformance):
    backend = "right"

class TestDoubled(GradientBackendConformance):
    backend = "doubled"

class TestCounting(GradientBackendConformance):
    backend = "counting"

class TestEager(GradientBackendConformance):
    backend = "eager"

class TestStuck(GradientBackendConformance):
    backend = "stuck"

class TestShared(GradientBackendConformance):
    backend = "shared"

class TestStale(CallWrapperConformance):
    wrapper = "stale"

class TestSilent(CallWrapperConformance):
    wrapper = "silent"

class TestBroken(ServerExtensionConformance):
    extension = "broken"
"""

FOUND = {
    "TestGenerous": "test_other_payloads_are_refused",
    "TestPicky": "test_other_tesseracts_have_it_or_a_reason",
    "TestDoubled": "test_derivatives_are_those_of_apply[jacobian_vector_product]",
    "TestCounting": "test_every_tesseract_has_its_own_state[jacobian_vector_product]",
    "TestEager": "test_unknown_endpoints_have_a_reason",
    "TestStuck": "test_every_call_has_its_own_point[jacobian_vector_product]",
    "TestShared": "test_every_tesseract_has_its_own_state[jacobian_vector_product]",
    "TestStale": "test_changes_of_the_payload_count",
    "TestSilent": "test_faults_are_those_of_the_call[x0]",
    "TestBroken": "test_the_service_is_described",
}
"""The test that finds what is wrong, by suite."""


def test_every_flaw_is_found(suite: Suite) -> None:
    """Each flaw fails the test that is about it, and a right backend passes all."""
    about = {f"({suite} and {test.partition('[')[0]})" for suite, test in FOUND.items()}
    outcomes = suite(TESTS, plugin=PLUGIN, chosen=" or ".join(["TestRight", *sorted(about)]))
    missed = [key for key in FOUND.items() if outcomes["::".join(key)] != "FAILED"]
    assert missed == []
    assert {state for name, state in outcomes.items() if name.startswith("TestRight")} == {"PASSED"}
