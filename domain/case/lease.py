"""Who works on the case now."""

from dataclasses import dataclass
from datetime import datetime

from domain.values import Role


@dataclass(frozen=True, slots=True)
class Lease:
    """One person's hold on the case; judged at the command, so it needs no clock to end it."""

    holder: str
    role: Role
    token: str
    expires_at: datetime

    def live(self, at: datetime) -> bool:
        """Whether the lease still holds at this instant."""
        return at < self.expires_at

    def held_by(self, subject: str, token: str | None, at: datetime) -> bool:
        """Whether this subject holds it now, under this token if one was named."""
        return self.live(at) and self.holder == subject and token in (None, self.token)
