"""Gradients derived from those that a Tesseract defines itself."""
