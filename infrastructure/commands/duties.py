"""`recourse processes`, `outbox` and `clock`: what follows the facts, waits to leave, and holds due times."""

from uuid import UUID

import click

from infrastructure import jump_guard, screen, ticker
from infrastructure import outbox as messages
from infrastructure.commands.terminal import (
    Failure,
    Listing,
    Parts,
    a_name,
    as_json,
    out,
    print_json,
    with_parts,
)
from infrastructure.follower import StreamNotParked, StreamStillFails
from infrastructure.process_supervisor import UnknownProcess


@click.group(cls=Listing)
def processes() -> None:
    """What follows the facts and gives commands: how far each is, and what waits for a person."""


@processes.command("status")
@as_json
@with_parts
def processes_status(parts: Parts, as_json: bool) -> None:
    """How far each process is."""
    found = parts.followers.status()
    print_json({"data": found}) if as_json else screen.print_processes(out, found)


@processes.command("parked")
@as_json
@with_parts
def parked_streams(parts: Parts, as_json: bool) -> None:
    """The streams that a process waits with, and why."""
    found = parts.followers.parked()
    print_json({"data": found}) if as_json else screen.print_parked_streams(out, found)


@processes.command("replay")
@click.argument("name")
@click.argument("stream", type=click.UUID)
@with_parts
def replay_stream(parts: Parts, name: str, stream: UUID) -> None:
    """Have a process react to what a parked stream waits with, after what made it fail was mended."""
    try:
        reacted = parts.followers.replay(name, stream)
    except UnknownProcess as fault:
        raise Failure(str(fault), "recourse processes status") from fault
    except (StreamNotParked, StreamStillFails) as fault:
        raise Failure(str(fault), "recourse processes parked") from fault
    out.print(f"{name}: mended, {reacted:,} facts", highlight=False)


@click.group(cls=Listing)
def outbox() -> None:
    """Messages that leave the system: what waits, and what waits for a person."""


@outbox.command("status")
@as_json
@with_parts
def outbox_status(parts: Parts, as_json: bool) -> None:
    """How many messages wait, since when, and which are parked."""
    now, parked = messages.status(parts.datastore), messages.parked(parts.datastore)
    print_json({"status": now, "parked": parked}) if as_json else screen.print_outbox(out, now, parked)


@outbox.command()
@click.argument("message_id", type=click.UUID)
@with_parts
def redeliver(parts: Parts, message_id: UUID) -> None:
    """Have a message delivered now, with all its attempts anew, under its old key: nothing is paid twice."""
    try:
        messages.redeliver(parts.datastore, message_id)
    except LookupError as fault:
        raise Failure(str(fault), "recourse outbox status") from fault
    out.print(f"{message_id} will be delivered now", highlight=False)


@click.group(cls=Listing)
def clock() -> None:
    """Due times, and the alarms that hold them while the database's clock is under suspicion."""


@clock.command("status")
@as_json
@with_parts
def clock_status(parts: Parts, as_json: bool) -> None:
    """How many due times are pending, and which alarms are open."""
    now, alarms = ticker.status(parts.datastore, parts.clock.now()), jump_guard.open_alarms(parts.datastore)
    print_json({"status": now, "alarms": alarms}) if as_json else screen.print_clock(out, now, alarms)


@clock.command()
@click.argument("alarm_id", type=click.UUID)
@click.option("--as", "by", required=True, callback=a_name, help="Who says that the clock is right.")
@with_parts
def acknowledge(parts: Parts, alarm_id: UUID, by: str) -> None:
    """Settle an alarm: the clock is right, or was put right. Due times are acted upon again."""
    if not jump_guard.acknowledge(parts.datastore, [alarm_id], by):
        raise Failure(f"no alarm {alarm_id} is open", "recourse clock status")
    out.print(f"{alarm_id} is settled", highlight=False)
