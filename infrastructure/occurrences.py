"""Counts occurrences for the detectors, in a read model that has come as far as the fact at hand."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from infrastructure.read_models import ReadModels
from projections import occurrences
from projections.occurrences import OCCURRENCES


class StoredOccurrences:
    """Implements `application.incidents.Occurrences`."""

    def __init__(self, reader: ReadModels) -> None:
        self._reader = reader

    def lately(
        self, kind: str, common: Mapping[str, str], after: datetime, until: datetime, position: int
    ) -> list[UUID]:
        """The cases of these occurrences; raises ServiceUnavailable while the fact is not counted yet."""
        return self._reader.read(
            OCCURRENCES, lambda rows: occurrences.lately(rows, kind, common, after, until), position
        )

    def amount(self, kind: str, common: Mapping[str, str], after: datetime, until: datetime) -> int:
        """How many occurrences there were; raises ServiceUnavailable."""
        return self._reader.read(
            OCCURRENCES, lambda rows: occurrences.amount(rows, kind, common, after, until)
        )
