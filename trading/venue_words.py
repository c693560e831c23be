"""What is said of a venue that does not answer: what fails, and what still protects. Pure."""

from trading.models.accounts import Venue
from trading.models.venue_health import VenueBreaker

NAMES = {
    Venue.PAPER: "the paper exchange",
    Venue.BINANCE_DEMO: "Binance's demo exchange",
    Venue.BINANCE: "Binance",
}
FAILS = {
    VenueBreaker.Part.ORDERS: "does not answer orders",
    VenueBreaker.Part.ACCOUNT: "does not answer questions about accounts",
    VenueBreaker.Part.PUBLIC: "does not answer",
    VenueBreaker.Part.PRICES: "sends no prices",
}


def name_of(venue: str) -> str:
    """A venue in a sentence."""
    return NAMES[Venue(venue)]


def down(venue: str, part: VenueBreaker.Part, error: str) -> str:
    """What fails. `error` is what the last request met."""
    return _sentence(f"{name_of(venue)} {FAILS[part]} ({error.rstrip('.')}).")


def what_still_works(venue: str) -> str:
    """What protects a trader while it is down, and what waits."""
    return (
        f"Stops and targets that were placed rest at {name_of(venue)} and work without us. "
        "Exits and stops keep being sent. New trades wait; one request a minute tries again."
    )


def back(venue: str) -> str:
    return _sentence(f"{name_of(venue)} answers again. New trades may be sent.")


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
