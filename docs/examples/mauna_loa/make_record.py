"""Write `co2.csv`, the monthly means of the weekly record in statsmodels."""

from pathlib import Path

import pandas as pd
from statsmodels.datasets import co2  # pyright: ignore[reportMissingImports]

RECORD = Path(__file__).parent / "co2.csv"


def monthly_record() -> pd.DataFrame:
    """Average the weeks dated in each month; months without any are left out."""
    weekly = co2.load_pandas().data["co2"].dropna()
    monthly = weekly.groupby([weekly.index.year, weekly.index.month]).mean().round(2)
    return monthly.rename_axis(["year", "month"]).rename("co2_ppm").reset_index()


def main() -> None:
    """Write the record beside this file."""
    record = monthly_record()
    record.to_csv(RECORD, index=False, float_format="%.2f", lineterminator="\n")


if __name__ == "__main__":
    main()
