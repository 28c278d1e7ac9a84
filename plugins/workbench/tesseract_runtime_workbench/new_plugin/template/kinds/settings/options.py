"""The options of the plugin."""

from pydantic import BaseModel, Field


class Options(BaseModel):
    """Options, also as variables: `TESSERACT_ACME_EXAMPLE_SIZE`."""

    size: int = Field(10, ge=1, description="How large it is.")
