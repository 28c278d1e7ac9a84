"""Second derivatives of a Tesseract."""
