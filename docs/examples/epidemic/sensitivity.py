"""Which inputs decide the course of an epidemic: first-order Sobol indices of a sweep.

python sensitivity.py epidemic.parquet [sensitivity.png]
"""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd

INPUTS = ["contact_rate", "recovery_rate", "infected"]
OUTPUTS = ["peak", "peak_day", "total"]


def first_order(x: np.ndarray, y: np.ndarray) -> float:
    """Estimate the share of the variance of y that x alone explains.

    The samples are sorted by x and divided into groups of equal size: the variance within them is
    what x leaves unexplained.
    """
    groups = np.array_split(y[np.argsort(x)], round(np.sqrt(y.size)))
    within = sum(np.sum((group - group.mean()) ** 2) for group in groups) / (y.size - len(groups))
    return float(1 - within / np.var(y, ddof=1))


def indices(table: pd.DataFrame) -> pd.DataFrame:
    """Return the index of each input, a row, for each output, a column."""
    found = {
        output: {
            name: first_order(
                table[f"inputs.{name}"].to_numpy(), table[f"outputs.{output}"].to_numpy()
            )
            for name in INPUTS
        }
        for output in OUTPUTS
    }
    return pd.DataFrame(found)


def plot(table: pd.DataFrame, found: pd.DataFrame, path: str) -> None:
    """Draw some of the epidemics, and the indices beside them."""
    import matplotlib.pyplot as plt

    figure, (curves, bars) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    lines = 100 * np.stack([*table["outputs.curve"]])
    curves.plot(lines[:100].T, color="tab:blue", alpha=0.15)
    curves.plot(np.median(lines, axis=0), color="black")
    curves.set(xlabel="day", ylabel="infected in %", title="100 of the epidemics, and the median")
    found.T.plot.bar(ax=bars, rot=0, ylim=(0, 1), title="First-order Sobol indices")
    figure.savefig(path, dpi=120)


def main(sweep: str, *image: str) -> None:
    """Print the indices of a sweep, and draw them if there is the name of an image."""
    table = pd.read_parquet(sweep).sort_values("index")
    found = indices(table)
    print(found.round(2).to_string())
    for path in image:
        plot(table, found, path)


if __name__ == "__main__":
    main(*sys.argv[1:])
