"""Regression cases of a Tesseract: the endpoint and the command `test`."""
