"""Evaluations of a Tesseract on a cluster of Ray."""
