"""A page of a served Tesseract: fill in a form, run, see plots."""
