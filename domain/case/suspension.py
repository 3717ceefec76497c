"""A case at rest."""

from dataclasses import dataclass
from uuid import UUID

from domain.values import Stage, SuspensionGround


@dataclass(frozen=True, slots=True)
class Suspension:
    """Why the case rests, where it goes on, and whether a receipt of court or police is on file."""

    suspension_id: UUID
    ground: SuspensionGround
    resumes: Stage
    confirmed: bool = False
