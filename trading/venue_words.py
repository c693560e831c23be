"""What is said of a venue that does not answer: what fails, and what still protects. Pure."""

from collections.abc import Sequence

from trading.models.accounts import Venue
from trading.models.venue_health import VenueBreaker

Part = VenueBreaker.Part
NAMES = {
    Venue.PAPER: "the paper exchange",
    Venue.BINANCE_DEMO: "Binance's demo exchange",
    Venue.BINANCE: "Binance",
}
FAILS = {
    Part.ORDERS: "does not answer orders",
    Part.ACCOUNT: "does not answer questions about accounts",
    Part.PUBLIC: "does not answer",
    Part.PRICES: "sends no prices",
}


def name_of(venue: str) -> str:
    """A venue in a sentence."""
    return NAMES[Venue(venue)]


def down(venue: str, part: Part, error: str) -> str:
    """What fails. `error` is what the last request met."""
    return _sentence(f"{name_of(venue)} {FAILS[part]} ({error.rstrip('.')}).")


def what_still_works(venue: str) -> str:
    """What protects a trader while it is down, and what waits."""
    return (
        f"Stops and targets that were placed rest at {name_of(venue)} and work without us. "
        "Exits and stops keep being sent. New trades wait; one request a minute tries again."
    )


def title(venue: str, parts: Sequence[Part], *, probing: bool) -> str:
    """The trouble in a few words, for the head of a banner."""
    if probing:
        return _sentence(f"{name_of(venue)} is being tried again")
    if set(parts) == {Part.PRICES}:
        return _sentence(f"{name_of(venue)} sends no prices")
    return _sentence(f"{name_of(venue)} is down")


def fails(venue: str, parts: Sequence[Part], error: str) -> str:
    """What fails, every part of it. `error` is what the last request met; may be empty."""
    what = " and ".join(FAILS[part] for part in parts) or "does not answer"
    why = f" ({error.rstrip('.')})" if error else ""
    return _sentence(f"{name_of(venue)} {what}{why}.")


def protects(venue: str) -> str:
    """What guards a position meanwhile."""
    return (
        f"Stops and targets that were placed rest at {name_of(venue)} itself: it fills them "
        "whether or not it answers us."
    )


def works(venue: str, parts: Sequence[Part]) -> str:
    """What a trader can still do, and what to do where we cannot."""
    if Part.ORDERS not in parts:
        return "Closing, withdrawing an entry and tightening a stop are sent at once, as always."
    away = ""
    if venue != Venue.PAPER:
        away = f" To leave at once, use {name_of(venue)}'s own site or app; we follow what it says."
    return (
        "Closing, withdrawing an entry and tightening a stop are taken and sent again until it "
        f"answers.{away}"
    )


def waits() -> str:
    """What is held back, and what ends it."""
    return "New trades wait. One request a minute tries again; once it answers, they are taken."


def back(venue: str) -> str:
    return _sentence(f"{name_of(venue)} answers again. New trades may be sent.")


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
