"""Routes of corrective actions: what a merchant does about a cause of complaints, and whether it helped."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Response

from application.accesses import Access
from application.clock import Clock
from application.corrective_actions import CorrectiveActions
from application.running import Answer, Request
from domain.corrective_action import CorrectiveAction
from domain.values import Actor
from projections import corrective_actions as listed
from web import answers, schemas
from web.lists import Reader, own, page
from web.presenter import Presenter, Shown
from web.routes import Extra, Resource, Routes, versioned

ACTION = Resource("corrective_action", "/corrective-actions/", answers.StaleCorrectiveAction)
ONE = "/corrective-actions/<corrective_action_id>"
IN_TURN = ("corrective_action_already_closed", "corrective_action_out_of_turn")

_NOTHING: Mapping[str, Any] = {}
Done = tuple[Answer[CorrectiveAction], Extra]


def register(
    routes: Routes, actions: CorrectiveActions, show: Presenter, reader: Reader, clock: Clock
) -> None:
    """Add the routes."""
    _reading(routes, actions, show, reader, clock)
    _asking(routes, actions)
    _acting(routes, actions)


def _reading(
    routes: Routes, actions: CorrectiveActions, show: Presenter, reader: Reader, clock: Clock
) -> None:
    @routes.read(
        "/corrective-actions",
        "corrective_actions.read",
        answers.CorrectiveActions,
        schemas.CorrectiveActionsQuery(),
        codes=["merchant_not_found"],
    )
    def list_corrective_actions(by: Actor, query: dict[str, Any]) -> Response:
        """Corrective actions, the newest first; a merchant's own."""
        asked = {**query, **own(by, query), "at": clock.now()}
        return page(reader, listed.CORRECTIVE_ACTIONS, listed.page, asked)

    @routes.read(
        ONE,
        "corrective_actions.read",
        answers.CorrectiveAction,
        schemas.NothingSchema(),
        codes=["corrective_action_not_found"],
        opens=True,
    )
    def get_corrective_action(access: Access, query: dict[str, Any], corrective_action_id: UUID) -> Response:
        """A corrective action: its cause, what it waits for, and its measured effect."""
        action, facts = actions.read(access.by, corrective_action_id)
        history = show.history(action, facts, access)
        return versioned({**whole(action), "history": history}, action.version)


def _asking(routes: Routes, actions: CorrectiveActions) -> None:
    @routes.command(
        "/corrective-actions",
        "corrective_actions.open",
        schemas.ActionOpeningSchema(),
        answers.CorrectiveActionCommand,
        of=ACTION,
        created="/corrective-actions/{corrective_action_id}",
        codes=["corrective_action_already_open"],
    )
    def open_corrective_action(request: Request, body: dict[str, Any]) -> Done:
        """Ask a merchant for a measure against the cause of these cases."""
        return actions.open(request, **body), _NOTHING

    @routes.command(
        f"{ONE}/verdict",
        "corrective_actions.judge",
        schemas.VerdictSchema(),
        answers.CorrectiveActionCommand,
        of=ACTION,
        versioned=True,
        codes=IN_TURN,
    )
    def judge_measure(request: Request, body: dict[str, Any], corrective_action_id: UUID) -> Done:
        """Take the measure as enough, or ask for another one."""
        return actions.judge(request, corrective_action_id, **body), _NOTHING

    @routes.command(
        f"{ONE}/closure",
        "corrective_actions.close",
        schemas.ReasonsSchema(),
        answers.CorrectiveActionCommand,
        of=ACTION,
        versioned=True,
        codes=["corrective_action_already_closed"],
    )
    def close_corrective_action(request: Request, body: dict[str, Any], corrective_action_id: UUID) -> Done:
        """End the action whatever it waits for."""
        return actions.close(request, corrective_action_id, **body), _NOTHING


def _acting(routes: Routes, actions: CorrectiveActions) -> None:
    @routes.command(
        f"{ONE}/measure",
        "corrective_actions.act",
        schemas.SubmissionSchema(),
        answers.CorrectiveActionCommand,
        of=ACTION,
        codes=IN_TURN,
    )
    def propose_measure(request: Request, body: dict[str, Any], corrective_action_id: UUID) -> Done:
        """Say what will be done about the cause."""
        return actions.propose(request, corrective_action_id, **body), _NOTHING

    @routes.command(
        f"{ONE}/completion",
        "corrective_actions.act",
        schemas.SubmissionSchema(),
        answers.CorrectiveActionCommand,
        of=ACTION,
        codes=IN_TURN,
    )
    def complete_corrective_action(
        request: Request, body: dict[str, Any], corrective_action_id: UUID
    ) -> Done:
        """Report that the measure was carried out."""
        return actions.complete(request, corrective_action_id, **body), _NOTHING


def whole(action: CorrectiveAction) -> Shown:
    """An action as everybody sees it who may read it."""
    effect = action.effect
    return {
        "corrective_action_id": action.id,
        "version": action.version,
        "merchant_id": action.opened.merchant_id,
        "root_cause": action.opened.root_cause,
        "cases": action.cases,
        "state": action.state,
        "due": action.due,
        "escalated": action.escalated,
        "opened_at": action.opened.timestamp,
        "completed_at": action.completed and action.completed.timestamp,
        "recurrence": effect
        and {
            "before": effect.before,
            "before_from": effect.before_from,
            "after": effect.after,
            "after_until": effect.after_until,
            "effective": effect.effective,
        },
        "closing": action.closing,
    }
