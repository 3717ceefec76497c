"""What every internal process promises: facts in, commands out."""

from typing import Protocol

from application.store import RecordedFact
from domain.events import Fact


class Process(Protocol):
    """A duty that follows the log of facts and gives commands through the use cases.

    It is handed every fact of the kinds that it reads, from the first one ever recorded on: those of one
    stream in order, each at least once. A name is kept for ever: how far a process is, is stored under it.
    """

    @property
    def name(self) -> str:
        """A noun, `snake_case`."""
        ...

    @property
    def reads(self) -> frozenset[type[Fact]]:
        """The kinds of facts that it is handed: its table of contents."""
        ...

    def react(self, recorded: RecordedFact) -> None:
        """Give the commands that this fact calls for; given twice, the second time changes nothing.

        Raises ServiceUnavailable: it is handed the fact again, and nothing after it until then. Anything
        else is tried a few times; then the fact's stream is parked for this process: its later facts wait
        until somebody replays it, and all other streams flow.
        """
        ...
