"""Ensembles: many evaluations of a Tesseract by one command, and a table of their results."""
