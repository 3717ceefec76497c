"""Use cases of the access log: what is opened, audited, handed out or refused is recorded before the answer.

What cannot be recorded is not shown: each of these raises ServiceUnavailable instead.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from application.errors import AccessReasonRequired, NotFound, ServiceUnavailable
from application.running import Request, Running, sealed_if_given
from application.store import RecordedFact, StoreUnavailable
from application.vault import Sealing
from domain.access_log import AccessLog, log_id, log_ids
from domain.case import Case
from domain.values import Actor, Role, Sealed, SealedFor

Place = tuple[int, str]
"""Where a sealed value stands: the version of its fact, and the field."""

Tell = Callable[[AccessLog, Sealed | None, datetime], None]
"""Tells a log what was seen, with the sealed reason."""


@dataclass(frozen=True, slots=True)
class Access:
    """Who wants to see something, by which permission and through which request, and why if they say so."""

    by: Actor
    permission: str
    request_id: str
    reason: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of an access log; `reason` is opened."""

    recorded: RecordedFact
    reason: str | None = field(repr=False)


class Accesses(Running[AccessLog]):
    """Every use case of access logs. Safe to share between threads."""

    aggregate = AccessLog

    def open(
        self, access: Access, subject_id: UUID, values: Mapping[Place, Sealed]
    ) -> dict[Place, str | None]:
        """Open sealed values of one aggregate for somebody; an auditor's look is recorded even at none.

        None stands for a value whose key was destroyed. Raises CannotOpen and ServiceUnavailable.
        """
        opened = self._vault.open(subject_id, values)
        fields = {name for (_, name), text in opened.items() if text is not None}
        self._seen(access, subject_id, sorted(fields))
        return opened

    def opened(self, access: Access, subject_id: UUID, fields: Sequence[str]) -> None:
        """Record what is about to be shown of an aggregate. Raises ServiceUnavailable."""
        self._note(
            access,
            subject_id,
            lambda log, reason, at: log.opened(access.permission, tuple(fields), reason, at),
        )

    def exported(self, access: Access, case_id: UUID, export: str, fields: Sequence[str]) -> None:
        """Record what is about to be handed out of a case, or of a person in it.

        export: in which form · fields: what was opened for it, if anything. Raises AccessReasonRequired and
        ServiceUnavailable.
        """
        self._stated(access)

        def tell(log: AccessLog, reason: Sealed | None, at: datetime) -> None:
            if reason is not None:
                log.exported(access.permission, export, tuple(fields), reason, at)

        self._note(access, case_id, tell)

    def refused(self, access: Access, case_id: UUID) -> None:
        """Record a refusal; nothing where there is no such case. Raises ServiceUnavailable."""
        if self._case(case_id):
            self._note(access, case_id, lambda log, reason, at: log.refused(access.permission, reason, at))

    def entries(self, access: Access, case_id: UUID, before: int | None, limit: int) -> list[Entry]:
        """Who saw what of a case, the newest first: those recorded before a position.

        Raises Forbidden, NotFound, AccessReasonRequired, CannotOpen and ServiceUnavailable.
        """
        self._permit(access.by, "accesses.read")
        case = self._case(case_id)
        if case is None:
            raise NotFound("case")
        self._stated(access)
        days = log_ids(case_id, case.filing.timestamp.date(), self._clock.now().date())
        try:
            recorded = self._store.latest(days, before, limit)
        except StoreUnavailable as down:
            raise ServiceUnavailable from down
        entries = [Entry(one, self._reason_of(one)) for one in recorded]
        self._seen(access, case_id, ["access reasons"] if any(one.reason for one in entries) else [])
        return entries

    def _stated(self, access: Access) -> None:
        if access.reason is None:
            raise AccessReasonRequired

    def _seen(self, access: Access, subject_id: UUID, fields: Sequence[str]) -> None:
        if fields:
            self.opened(access, subject_id, fields)
        elif access.by.role is Role.AUDITOR:
            self._note(access, subject_id, lambda log, reason, at: log.read(access.permission, reason, at))

    def _note(self, access: Access, subject_id: UUID, tell: Tell) -> None:
        day = self._clock.now().date()

        def decide(log: AccessLog, sealing: Sealing, at: datetime) -> None:
            tell(log, sealed_if_given(sealing, SealedFor.PLATFORM, "reason", access.reason), at)

        self._command(
            Request(access.by, access.request_id),
            log_id(subject_id, day),
            "accesses.record",
            decide,
            begin=lambda at: AccessLog.open(subject_id, day, at),
        )

    def _case(self, case_id: UUID) -> Case | None:
        try:
            return self._store.load(Case, case_id)
        except StoreUnavailable as down:
            raise ServiceUnavailable from down

    def _reason_of(self, recorded: RecordedFact) -> str | None:
        sealed: Sealed | None = vars(recorded.fact)["reason"]
        if sealed is None:
            return None
        place = (recorded.fact.originator_version, "reason")
        return self._vault.open(recorded.fact.originator_id, {place: sealed})[place]
