"""Tests of the gradient backend."""

from runtime_core.testing import GradientBackendConformance


class TestGradientBackend(GradientBackendConformance):
    """The gradient backend does what every gradient backend must do."""

    backend = "acme-example"
