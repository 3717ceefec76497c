"""The case: one aggregate whose facts tell its whole story, folded into small regions.

`aggregate` holds the commands and their guards, `evolution` the fold of each fact, and one
module per region what the region remembers and which questions it answers.
"""

from domain.case.aggregate import Case

__all__ = ["Case"]
