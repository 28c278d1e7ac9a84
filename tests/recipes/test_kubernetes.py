"""The manifest for Kubernetes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.ports import free_port
from tests.recipes.recipe import INPUTS, MODEL, recipe
from tests.server.conftest import ANNOUNCEMENT, Client, Log, running

SECONDS_TO_END = 5 + 10
"""The seconds for `teardown()` and for slow readers, after those of `--shutdown-grace`."""


@pytest.fixture
def pod() -> dict[str, Any]:
    """Return the specification of the pods."""
    deployment, service = yaml.safe_load_all(recipe("kubernetes.yaml", {"8000": free_port()}))
    assert deployment["spec"]["template"]["metadata"]["labels"] == service["spec"]["selector"]
    return dict(deployment["spec"]["template"]["spec"])


def test_grace_of_the_pod_is_longer_than_that_of_the_server(pod: dict[str, Any]) -> None:
    """The server has the time that it gives to calls before it is killed."""
    [container] = pod["containers"]
    _, seconds = container["lifecycle"]["preStop"]["exec"]["command"]
    grace = float(container["args"][container["args"].index("--shutdown-grace") + 1])
    assert pod["terminationGracePeriodSeconds"] >= int(seconds) + grace + SECONDS_TO_END


def test_probes_are_answered_without_the_key(pod: dict[str, Any], tmp_path: Path) -> None:
    """The container serves at the port of the probes, with the key of the secret."""
    [container] = pod["containers"]
    program, *options = container["args"]
    [key] = container["env"]
    variables = {"TESSERACT_API_PATH": str(MODEL / "tesseract_api.py"), key["name"]: "sesame"}
    command = [str(Path(sys.executable).with_name(program)), *options]
    with running(command, environment=variables, folder=tmp_path) as process:
        Log(process).wait_for(ANNOUNCEMENT)
        client = Client(port=container["ports"][0]["containerPort"])
        probes = [value for name, value in container.items() if name.endswith("Probe")]
        assert [client.get(p["httpGet"]["path"], host="10.1.2.3").status for p in probes] == [
            200
        ] * 3
        assert client.apply(INPUTS).status == 401
        assert client.apply(INPUTS, authorization="Bearer sesame").status == 200
