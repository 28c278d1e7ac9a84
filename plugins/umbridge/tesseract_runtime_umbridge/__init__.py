"""A Tesseract as a model of UM-Bridge, and a model of UM-Bridge as a Tesseract."""
