"""The gradient endpoints, one module each: `jacobian` and its products with a vector.

All three have the same skeleton: `bind` takes the author's function, makes the payload, hands its
fields on by keyword, and holds the result against what was asked.
"""
