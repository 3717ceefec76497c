"""What somebody wrote down."""

from uuid import UUID

from domain.events.fact import Fact, stored_as
from domain.values import Sealed, Visibility


@stored_as("NoteAdded")
class NoteAdded(Fact):
    """Somebody wrote something down."""

    note_id: UUID
    text: Sealed
    visibility: Visibility
