"""The command `init`, which writes a new Tesseract, and the recipe `base`."""
