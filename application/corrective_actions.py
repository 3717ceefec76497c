"""Use cases of corrective actions, and the process that opens them where a rectification lapsed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID, uuid5

from application.clock import Clock
from application.errors import InvalidRequest, ServiceUnavailable
from application.rulebook import Rulebook
from application.running import Answer, Request, Running, reasons_of
from application.store import ClaimTaken, Deadline, Effects, RecordedFact, Store, StoreUnavailable
from application.vault import Sealing, Vault
from domain import events
from domain.case import Case
from domain.corrective_action import CorrectiveAction
from domain.events import CaseReopened, DecisionIssued, Fact, RectificationLapsed
from domain.refusals import CorrectiveActionAlreadyClosed, CorrectiveActionAlreadyOpen
from domain.values import Actor, ReopenGround, Role, SealedFor

CORRECTION = Actor("corrective-actions", Role.SYSTEM)

STEP = "corrective_action"
"""The kind of deadline of an action's own clock."""

_WITH_A_TERM = (
    events.CorrectiveActionOpened,
    events.MeasureProposed,
    events.MeasureAccepted,
    events.MeasureRejected,
    events.CorrectiveActionCompleted,
)


class Recurrence(Protocol):
    """Finds cases again that were found for the buyer. Raises ServiceUnavailable."""

    def upheld(self, merchant_id: str, reason: str, since: datetime, until: datetime) -> tuple[UUID, ...]:
        """Those of this merchant and reason that were filed from one instant until before another."""
        ...


class ActionsOverCases(Protocol):
    """Finds the actions that were opened up to a fact, by their cases. Raises ServiceUnavailable."""

    def open_over(self, case_id: UUID, position: int) -> list[UUID]:
        """The open actions over this case, with all facts up to this position."""
        ...


@dataclass
class ActionOpen(Exception):
    """An action is open already for this merchant and cause."""

    action_id: UUID


def action_claim(merchant_id: str, root_cause: str) -> str:
    """What only one open action is about at a time."""
    return f"corrective-action:{len(merchant_id)}:{merchant_id}/{root_cause}"


class CorrectiveActions(Running[CorrectiveAction]):
    """Every use case of a corrective action. Safe to share between threads."""

    aggregate = CorrectiveAction

    def __init__(
        self,
        store: Store,
        vault: Vault,
        rulebook: Rulebook,
        recurrence: Recurrence,
        clock: Clock,
        new_id: Callable[[], UUID],
    ) -> None:
        super().__init__(store, vault, clock, new_id)
        self._rulebook = rulebook
        self._recurrence = recurrence

    def _concerns(self, by: Actor, aggregate: CorrectiveAction) -> bool:
        return by.role is not Role.MERCHANT or by.merchant_id == aggregate.opened.merchant_id

    def _effects(self, aggregate: CorrectiveAction, facts: Sequence[Fact]) -> Effects:
        claims = (action_claim(aggregate.opened.merchant_id, aggregate.opened.root_cause),)
        opened = any(isinstance(fact, events.CorrectiveActionOpened) for fact in facts)
        closed = any(isinstance(fact, events.CorrectiveActionClosed) for fact in facts)
        return Effects(
            claims=claims if opened else (),
            released=claims if closed else (),
            deadlines=tuple(
                Deadline(aggregate.clock_id, STEP, fact.due)
                for fact in facts
                if isinstance(fact, _WITH_A_TERM)
            ),
            ended=(aggregate.clock_id,) if closed else (),
        )

    def _taken(self, claim: ClaimTaken) -> Exception:
        return ActionOpen(claim.held_by) if claim.held_by else claim

    # --- opening ---

    def open(
        self, request: Request, merchant_id: str, root_cause: str, cases: tuple[UUID, ...], terms: str
    ) -> Answer[CorrectiveAction]:
        """Ask a merchant for a measure. Raises InvalidRequest for a case that is not this merchant's."""
        action_id = self._new_id()

        def make(sealing: Sealing, at: datetime) -> CorrectiveAction:
            self._of_the_merchant(cases, merchant_id)
            return CorrectiveAction.open(
                request.by,
                action_id,
                merchant_id,
                root_cause,
                cases,
                sealing.seal(SealedFor.PLATFORM, "terms", terms),
                self._rulebook.in_force(at),
                at,
            )

        try:
            return self._created(request, "corrective_actions.open", action_id, make)
        except ActionOpen as known:
            raise CorrectiveActionAlreadyOpen(str(known.action_id)) from known

    def _of_the_merchant(self, cases: tuple[UUID, ...], merchant_id: str) -> None:
        for case_id in cases:
            case = self._case(case_id)
            if case is None or case.filing.merchant_id != merchant_id:
                raise InvalidRequest("/cases", "must be cases of this merchant")

    def _case(self, case_id: UUID) -> Case | None:
        try:
            return self._store.load(Case, case_id)
        except StoreUnavailable as down:
            raise ServiceUnavailable from down

    def open_or_join(self, request: Request, action_id: UUID, case_id: UUID) -> None:
        """Open an action over the cause of one case, or let the case join the one that is open."""
        case = self._case(case_id)
        if case is None:
            raise self._missing()

        def begin(at: datetime) -> CorrectiveAction:
            return CorrectiveAction.open(
                request.by,
                action_id,
                case.filing.merchant_id,
                case.reason,
                (case_id,),
                None,
                self._rulebook.in_force(at),
                at,
            )

        try:
            self._join(request, action_id, case_id, begin)
        except ActionOpen as known:
            self._join(request, known.action_id, case_id)

    def _join(
        self,
        request: Request,
        action_id: UUID,
        case_id: UUID,
        begin: Callable[[datetime], CorrectiveAction] | None = None,
    ) -> None:
        self._command(
            request,
            action_id,
            "corrective_actions.open",
            lambda action, _, at: action.join(case_id, at),
            begin=begin,
        )

    def leave(self, request: Request, action_id: UUID, case_id: UUID) -> None:
        """Let a case go whose decision fell."""
        self._command(
            request, action_id, "corrective_actions.open", lambda action, _, at: action.leave(case_id, at)
        )

    # --- its steps ---

    def propose(self, request: Request, action_id: UUID, text: str) -> Answer[CorrectiveAction]:
        """Say what will be done."""

        def decide(action: CorrectiveAction, sealing: Sealing, at: datetime) -> None:
            sealed = sealing.seal(SealedFor.MERCHANT, "text", text)
            action.propose(request.by, sealed, self._rulebook.in_force(at), at)

        return self._command(request, action_id, "corrective_actions.act", decide)

    def judge(
        self, request: Request, action_id: UUID, accepted: bool, reasons: str
    ) -> Answer[CorrectiveAction]:
        """Take the measure as enough, or not. Needs the version."""

        def decide(action: CorrectiveAction, sealing: Sealing, at: datetime) -> None:
            policy = self._rulebook.in_force(at)
            action.judge(request.by, accepted, reasons_of(sealing, reasons), policy, at)

        return self._versioned(request, action_id, "corrective_actions.judge", decide)

    def complete(self, request: Request, action_id: UUID, text: str) -> Answer[CorrectiveAction]:
        """Report that the measure was carried out."""

        def decide(action: CorrectiveAction, sealing: Sealing, at: datetime) -> None:
            sealed = sealing.seal(SealedFor.MERCHANT, "text", text)
            action.complete(request.by, sealed, self._rulebook.in_force(at), at)

        return self._command(request, action_id, "corrective_actions.act", decide)

    def close(self, request: Request, action_id: UUID, reasons: str) -> Answer[CorrectiveAction]:
        """End the action whatever it waits for. Needs the version."""

        def decide(action: CorrectiveAction, sealing: Sealing, at: datetime) -> None:
            action.close(request.by, reasons_of(sealing, reasons), at)

        return self._versioned(request, action_id, "corrective_actions.close", decide)

    # --- clocks and reading ---

    def miss_clock(self, request: Request, aggregate_id: UUID, clock_id: UUID) -> bool:
        """Escalate a step that is late, or measure the effect; False when there was nothing left to do."""

        def miss(action: CorrectiveAction, at: datetime) -> None:
            opened = action.opened

            def upheld(since: datetime, until: datetime) -> tuple[UUID, ...]:
                return self._recurrence.upheld(opened.merchant_id, opened.root_cause, since, until)

            action.miss_clock(clock_id, upheld, self._rulebook.in_force(at), at)

        return self._fired(request, aggregate_id, "clocks.miss", clock_id, miss)

    def runs_clock(self, by: Actor, aggregate_id: UUID, clock_id: UUID) -> bool:
        """Whether the action still waits for a step."""
        action = self._load(by, aggregate_id, "clocks.miss")
        return action.due is not None and clock_id == action.clock_id

    def read(self, by: Actor, action_id: UUID) -> tuple[CorrectiveAction, list[RecordedFact]]:
        """The action and its facts. Raises NotFound."""
        return self._recorded(by, action_id, "corrective_actions.read")


class CorrectionProcess:
    """Asks a merchant that let a rectification lapse for a measure, unless the decision behind it falls."""

    name = "corrective_actions"
    reads: frozenset[type[Fact]] = frozenset({RectificationLapsed, CaseReopened, DecisionIssued})

    def __init__(self, actions: CorrectiveActions, over_cases: ActionsOverCases) -> None:
        self._actions = actions
        self._over_cases = over_cases

    def react(self, recorded: RecordedFact) -> None:
        """Open an action, or let the case join the one that is open; let it go when its decision fell."""
        request = Request(
            CORRECTION, f"corrective_actions:{recorded.event_id}", causation_id=recorded.event_id
        )
        case_id = recorded.fact.originator_id
        match recorded.fact:
            case RectificationLapsed():
                self._ask(request, uuid5(recorded.event_id, "corrective action"), case_id)
            case CaseReopened(ground=ReopenGround.OVERTURNED) | DecisionIssued(replaces=UUID()):
                for action_id in self._over_cases.open_over(case_id, recorded.position):
                    self._actions.leave(request, action_id, case_id)
            case _:
                pass  # reopened or decided, but nothing that was decided before was found wrong

    def _ask(self, request: Request, action_id: UUID, case_id: UUID) -> None:
        try:
            self._actions.open_or_join(request, action_id, case_id)
        except CorrectiveActionAlreadyClosed:
            # It was closed between the two looks: now there is none, and a new one is opened.
            self._actions.open_or_join(request, action_id, case_id)
