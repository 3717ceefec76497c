"""Finds the cases again that a corrective action is measured by, in the read model that keeps them."""

from datetime import datetime
from uuid import UUID

from infrastructure.read_models import ReadModels
from projections import upheld_cases
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
