"""The use cases of a case: one method per command, named as the case names it.

`running` fits them into the frame of every command; `negotiating`, `leasing`, `proving`, `reviewing`,
`deciding`, `paying`, `moving`, `accounting`, `appealing`, `ending`, `handling` and `sharing` hold the
commands by subject; `filing` puts them together. `files` holds those on the bytes of evidence, and
`forgetting` those on personal data, which need ports of their own.
"""

from application.cases.files import Files
from application.cases.filing import Cases, case_number
from application.cases.forgetting import Forgetting
from application.cases.running import Answer
from application.running import Request

__all__ = ["Answer", "Cases", "Files", "Forgetting", "Request", "case_number"]
