"""Finds in read models what corrective actions need of many cases, and the actions over one."""

from datetime import datetime
from uuid import UUID

from infrastructure.read_models import ReadModels
from projections import corrective_actions, upheld_cases
from projections.corrective_actions import CORRECTIVE_ACTIONS
from projections.upheld_cases import UPHELD_CASES


class StoredRecurrence:
    """Implements `application.corrective_actions.Recurrence`."""

    def __init__(self, reader: ReadModels) -> None:
        self._reader = reader

    def upheld(self, merchant_id: str, reason: str, since: datetime, until: datetime) -> tuple[UUID, ...]:
        """The cases found for the buyer that were filed in this time; raises ServiceUnavailable."""
        return self._reader.read(
            UPHELD_CASES, lambda rows: upheld_cases.upheld(rows, merchant_id, reason, since, until)
        )


class StoredActions:
    """Implements `application.corrective_actions.ActionsOverCases`."""

    def __init__(self, reader: ReadModels) -> None:
        self._reader = reader

    def open_over(self, case_id: UUID, position: int) -> list[UUID]:
        """The open actions over this case; raises ServiceUnavailable while the fact is not passed yet."""
        return self._reader.read(
            CORRECTIVE_ACTIONS, lambda rows: corrective_actions.open_over(rows, case_id), position
        )
