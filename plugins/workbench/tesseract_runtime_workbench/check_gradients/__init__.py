"""The command `check-gradients`: gradients of a Tesseract against finite differences."""
