"""What is wrong with a policy document."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: where in the document, as a JSON pointer, and what."""

    path: str
    detail: str


class PolicyFaults(Exception):
    """The document is no policy. All faults are told at once."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(faults)
        self.faults = tuple(faults)

    def __str__(self) -> str:
        return "; ".join(f"{fault.path or '/'}: {fault.detail}" for fault in self.faults)
