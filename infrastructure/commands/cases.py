"""How commands find a case, and as whom they read it."""

import json
from uuid import UUID

from application.errors import NotFound
from domain.values import Actor, Role
from infrastructure.commands.terminal import Parts
from projections import case_index

OPERATOR = Actor("operator", Role.ADMIN)
"""As whom the command line reads: everything but what people wrote."""


def find_case(parts: Parts, name: str) -> UUID:
    """The id of a case that is named by id or number. Raises NotFound."""
    try:
        return UUID(name)
    except ValueError:
        page = parts.reader.read(case_index.CASE_INDEX, lambda rows: case_index.page(rows, number=name))
        found = json.loads(page)["data"]
    if not found:
        raise NotFound(f"case {name}")
    return UUID(found[0]["case_id"])
