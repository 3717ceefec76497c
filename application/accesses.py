"""Use cases of the access log: what is opened, audited, handed out or refused is recorded before the answer.

What cannot be recorded is not shown: each of these raises ServiceUnavailable instead.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from uuid import UUID

from application import access as permissions
from application.clock import Clock
from application.errors import AccessReasonRequired, Forbidden, NotFound, ServiceUnavailable
from application.running import Request, sealed_if_given
from application.store import Effects, RecordedFact, Store, StoreUnavailable, VersionConflict
from application.vault import Vault
from domain.access_log import AccessLog, Look, log_ids
from domain.case import Case
from domain.values import Actor, Role, Sealed, SealedFor

Place = tuple[int, str]
"""Where a sealed value stands: the version of its fact, and the field."""

Tell = Callable[[AccessLog, Look, datetime], None]
"""Tells a log what was seen."""

NO_VERSION = 0
"""A reason is sealed for its access: of which version its fact will be is known when it is recorded."""

RETRIES = 5
"""How often a log's first reasons are sealed again when others make its data key at the same time."""


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


class Accesses:
    """Every use case of access logs. Safe to share between threads."""

    def __init__(self, store: Store, vault: Vault, clock: Clock, new_id: Callable[[], UUID]) -> None:
        self._store = store
        self._vault = vault
        self._clock = clock
        self._new_id = new_id

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
            lambda log, look, at: log.opened(look, tuple(fields), at),
        )

    def exported(self, access: Access, case_id: UUID, export: str, fields: Sequence[str]) -> None:
        """Record what is about to be handed out of a case, or of a person in it.

        export: in which form · fields: what was opened for it, if anything. Raises AccessReasonRequired and
        ServiceUnavailable.
        """
        self._stated(access)
        self._handed_out(access, case_id, export, fields)

    def proved(self, access: Access, case_id: UUID) -> None:
        """Record that what proves a case is about to be handed out. Raises ServiceUnavailable.

        No text is opened in it, so that a reason may be left out.
        """
        self._handed_out(access, case_id, "proof", ())

    def refused(self, access: Access, case_id: UUID) -> None:
        """Record a refusal; nothing where there is no such case. Raises ServiceUnavailable."""
        if self._case(case_id):
            self._note(access, case_id, lambda log, look, at: log.refused(look, at))

    def entries(self, access: Access, case_id: UUID, before: int | None, limit: int) -> list[Entry]:
        """Who saw what of a case, the newest first: those recorded before a position.

        Raises Forbidden, NotFound, AccessReasonRequired, CannotOpen and ServiceUnavailable.
        """
        if not permissions.may(access.by, "accesses.read"):
            raise Forbidden("accesses.read")
        case = self._case(case_id)
        if case is None:
            raise NotFound("case")
        self._stated(access)
        days = log_ids(case_id, case.filing.timestamp.date(), self._clock.now().date())
        try:
            recorded = self._store.latest(days, before, limit)
        except StoreUnavailable as down:
            raise ServiceUnavailable from down
        reasons = self._reasons(recorded)
        entries = [Entry(one, reasons.get(one.event_id)) for one in recorded]
        self._seen(access, case_id, ["access reasons"] if any(one.reason for one in entries) else [])
        return entries

    def _handed_out(self, access: Access, case_id: UUID, export: str, fields: Sequence[str]) -> None:
        self._note(access, case_id, lambda log, look, at: log.exported(look, export, tuple(fields), at))

    def _stated(self, access: Access) -> None:
        if access.reason is None:
            raise AccessReasonRequired

    def _seen(self, access: Access, subject_id: UUID, fields: Sequence[str]) -> None:
        if fields:
            self.opened(access, subject_id, fields)
        elif access.by.role is Role.AUDITOR:
            self._note(access, subject_id, lambda log, look, at: log.read(look, at))

    def _note(self, access: Access, subject_id: UUID, tell: Tell) -> None:
        """Add to the log of the day: one round trip, and two more where a reason is sealed."""
        access_id, now = self._new_id(), self._clock.now()
        provenance = Request(access.by, access.request_id).provenance
        for _ in range(RETRIES):
            log = AccessLog.open(subject_id, now.date(), now)
            sealing = self._vault.sealing(log.id, NO_VERSION)
            why = sealed_if_given(sealing, SealedFor.PLATFORM, reason_of(access_id), access.reason)
            tell(log, Look(access_id, access.permission, why), now)
            try:
                return self._store.add(log, provenance, Effects(data_keys=sealing.new_keys))
            except VersionConflict:
                continue
            except StoreUnavailable as down:
                raise ServiceUnavailable from down
        raise ServiceUnavailable

    def _case(self, case_id: UUID) -> Case | None:
        try:
            return self._store.load(Case, case_id)
        except StoreUnavailable as down:
            raise ServiceUnavailable from down

    def _reasons(self, recorded: Sequence[RecordedFact]) -> dict[UUID, str | None]:
        """The stated reasons by event, each log's opened at once."""
        found: dict[UUID, str | None] = {}
        for log, entries in groupby(recorded, key=lambda one: one.fact.originator_id):
            places = {one.event_id: _reason_in(one) for one in entries if vars(one.fact)["reason"]}
            opened = self._vault.open(log, dict(places.values()))
            found |= {event_id: opened[place] for event_id, (place, _) in places.items()}
        return found


def _reason_in(recorded: RecordedFact) -> tuple[Place, Sealed]:
    said = vars(recorded.fact)
    return (NO_VERSION, reason_of(said["access_id"])), said["reason"]


def reason_of(access_id: UUID) -> str:
    """The place of the reason of one access in its log."""
    return f"reason of {access_id}"
