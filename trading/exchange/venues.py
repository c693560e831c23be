"""The places an account can trade at, each with its own set of URLs. Paper is just one of them."""

from dataclasses import dataclass

from django.conf import settings


@dataclass(frozen=True, slots=True)
class VenueUrls:
    name: str
    rest: str  # scheme and host, no path
    ws_api: str  # the whole WebSocket API address
    streams: str  # root of the market streams, without a trailing slash


class VenueRefused(Exception):
    """This venue may not be used here; the message says what would permit it."""


def venue_urls(name: str) -> VenueUrls:
    """The URLs of a venue. Raises: VenueRefused, for an unknown or an unpermitted live one."""
    if name not in settings.VENUES:
        raise VenueRefused(f"There is no venue {name!r}. Use one of: {', '.join(settings.VENUES)}.")
    if name == "binance" and not settings.LIVE:
        raise VenueRefused("Live trading is off here. Set TESTUDO_LIVE=1 to permit it.")
    urls = settings.VENUES[name]
    return VenueUrls(name, urls["rest"].rstrip("/"), urls["ws_api"], urls["streams"].rstrip("/"))
