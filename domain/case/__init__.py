"""The case: one aggregate whose facts tell its whole story, folded into small regions.

`aggregate` puts together the commands (`negotiating`, `escalating`, `promising`, `leasing`, `review`,
`deciding`, `accountability`, `appealing`, `ending`, ...) over what they share (`state`: regions and guards).
Money and goods build on each other: `obligations`, `recovering`, `paying`, `settlement` (how execution goes
on), `moving`, `repairing`. `evolution` folds each fact. The regions — `negotiation`, `promise`, `lease`,
`money`, `goods`, `warranty`, `merchant`, `appeal`, `follow_up`, `clocks` — are values that answer the
commands' questions.
"""

from domain.case.aggregate import Case

__all__ = ["Case"]
