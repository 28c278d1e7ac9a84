"""The gradient endpoints, one module each: `jacobian` and its products with a vector.

`endpoint` has what they share; each module has the result and how it is checked.
"""
