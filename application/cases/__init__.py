"""The use cases of a case: one method per command, named as the case names it.

`running` fits them into the frame of every command; `leasing`, `reviewing`, `deciding`, `paying`,
`moving`, `accounting` and `ending` hold the commands by subject; `filing` puts them together.
"""

from application.cases.filing import Cases, case_number
from application.cases.running import Answer
from application.running import Request

__all__ = ["Answer", "Cases", "Request", "case_number"]
