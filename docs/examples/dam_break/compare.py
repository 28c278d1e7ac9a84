"""Compare the program with the exact solution of Stoker: `compare.py [PICTURE]`."""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from tesseract_runtime_client import Tesseract

GRAVITY = 9.81


def exact(
    upstream: float, downstream: float, time: float, x: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return depth in m and velocity in m/s at the places x, of a dam that was at x = 0.

    From behind the dam to before it: water at rest, a rarefaction, water of one depth, a bore, and
    water at rest. The bore goes where the flow is dry.
    """
    behind = np.sqrt(GRAVITY * upstream)
    middle, speed, bore = _middle(upstream, downstream)
    fan = (2 * behind - x / time) / 3  # its celerity
    edges = [-behind * time, (speed - np.sqrt(GRAVITY * middle)) * time, bore * time]
    places = [x < edges[0], x < edges[1], x < edges[2]]
    depth = np.select(places, [upstream, fan**2 / GRAVITY, middle], downstream)
    velocity = np.select(places, [0, 2 * (behind - fan), speed], 0)
    return depth, velocity


def _middle(upstream: float, downstream: float) -> tuple[float, float, float]:
    """Return the depth and velocity between rarefaction and bore, and the speed of the bore."""
    behind = np.sqrt(GRAVITY * upstream)
    if downstream == 0:
        return 0.0, 2 * behind, 2 * behind
    low, high = downstream, upstream
    while high - low > 1e-12 * upstream:  # bisection: the velocities on both sides meet
        middle = (low + high) / 2
        jump = np.sqrt(GRAVITY / 2 * (middle + downstream) / (middle * downstream))
        if 2 * (behind - np.sqrt(GRAVITY * middle)) > (middle - downstream) * jump:
            low = middle
        else:
            high = middle
    speed = 2 * (behind - np.sqrt(GRAVITY * high))
    return high, speed, high * speed / (high - downstream)


def plot(cases: list[tuple[dict, dict]], path: str) -> None:
    """Draw the depths of some cases, as computed and exactly."""
    import matplotlib.pyplot as plt

    figure, rows = plt.subplots(1, len(cases), figsize=(10, 3.2), layout="constrained")
    for axes, (inputs, found) in zip(rows, cases, strict=True):
        x, depth = found["x"], exact(**inputs, x=found["x"])[0]
        axes.fill_between(x, found["depth"], color="tab:blue", alpha=0.3, label="program")
        axes.plot(x, depth, color="black", linewidth=1, label="exact")
        title = f"{inputs['downstream']:g} m before the dam, {inputs['time']:g} s"
        axes.set(title=title, xlabel="x in m", ylabel="depth in m", ylim=(0, None))
    rows[0].legend()
    figure.savefig(path, dpi=120)


def main(*picture: str) -> None:
    """Print how far program and exact solution are apart, with more and more cells."""
    cases = []
    api = Path(__file__).with_name("tesseract_api.py")
    with TemporaryDirectory() as files, Tesseract.from_api(api, output_path=files) as dam:
        for downstream in (2.0, 0.0):
            inputs = {"upstream": 10.0, "downstream": downstream, "time": 50.0}
            for cells in (250, 1000, 4000):
                found = dam.apply({**inputs, "cells": cells})
                error = np.abs(found["depth"] - exact(**inputs, x=found["x"])[0]).mean()
                print(f"{downstream:g} m before the dam, {cells:4} cells: {100 * error:4.1f} cm")
            cases.append((inputs, dict(found)))
    for path in picture:
        plot(cases, path)


if __name__ == "__main__":
    main(*sys.argv[1:])
