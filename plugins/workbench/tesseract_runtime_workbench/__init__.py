"""The commands of an author: `init`, `test` and `check-gradients`, one subpackage each."""
