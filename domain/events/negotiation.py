"""What the parties settle between themselves, until the platform steps in."""

from domain.events.fact import Fact, stored_as


@stored_as("PlatformSteppedIn")
class PlatformSteppedIn(Fact):
    """The platform took up a filed case; the review began."""

    by: str
