"""Finds the cases of a buyer in a read model; one that forgot its buyer is not found any more."""

from uuid import UUID

from infrastructure.read_models import ReadModels
from projections import case_index
from projections.case_index import CASE_INDEX


class StoredSubjects:
    """Implements `application.subjects.SubjectIndex`."""

    def __init__(self, reader: ReadModels) -> None:
        self._reader = reader

    def cases_of(self, buyer: str) -> list[UUID]:
        """The cases filed for a buyer of this pseudonym, the newest first. Raises ServiceUnavailable."""
        return self._reader.read(CASE_INDEX, lambda rows: case_index.of_buyer(rows, buyer))
