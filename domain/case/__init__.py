"""The case: one aggregate whose facts tell its whole story, folded into small regions.

`aggregate` puts together the commands (`negotiating`, `escalating`, `promising`, `leasing`, `review`,
`deciding`, `paying`, `recovering`, `settlement`, `accountability`, `ending`) over what they share (`state`:
regions and guards). `evolution` folds each fact. The regions — `negotiation`, `promise`, `lease`, `money`,
`goods`, `merchant`, `follow_up`, `clocks` — are values that answer the commands' questions.
"""

from domain.case.aggregate import Case

__all__ = ["Case"]
