"""How one account asks a venue and sends to it: signed, timed, within the budget, one attempt each.

What the answers mean for an order is said in `outcomes`.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import requests
import structlog
from binance.exceptions import BinanceAPIException, BinanceRequestException
from requests.adapters import BaseAdapter

from testudo import clock
from trading.exchange.binance_wire import read_answer
from trading.exchange.outcomes import HELD_BACK, refusal
from trading.exchange.port import (
    Accepted,
    Budget,
    ExchangeRefused,
    ExchangeUnavailable,
    Outcome,
    Refused,
    RequestsHeld,
    Unknown,
)
from trading.exchange.venue_client import VenueClient
from trading.exchange.venue_clock import (
    RESYNC_SECONDS,
    SEND_WITHOUT_LOOK_SECONDS,
    Reading,
    clock_of,
)
from trading.exchange.venues import VenueUrls
from trading.exchange.weights import WEIGHT_OF_ORDER

STALE_CLOCK = -1021

log = structlog.get_logger(__name__)


class BinanceCalls:
    """One account's line to one venue. Not for sharing between threads."""

    def __init__(self, urls: VenueUrls, key: str, secret: str) -> None:
        self.venue = urls.name
        self._client = VenueClient(urls, key, secret)

    def keep_to(self, budget: Budget) -> None:
        """Ask `budget` before every request from now on."""
        self._client.budget = budget

    def ask_for_room(self) -> None:
        """Raises: RequestsHeld, where nothing may be asked or sent now."""
        if self._client.budget is not None:
            self._client.budget.take(WEIGHT_OF_ORDER, only_look=True)

    def mount(self, transport: BaseAdapter) -> None:
        """Send requests through `transport` instead of the network."""
        self._client.session.mount("http://", transport)

    def let_hear(self, listener: Callable[..., None]) -> None:
        """Hand every answer to `listener` as it came, before it is read."""
        self._client.session.hooks["response"].append(listener)

    def clock_offset(self) -> timedelta:
        """What to add to our clock for the exchange's, measured within the last 90 s."""
        reading = self._sync_clock(good_for=SEND_WITHOUT_LOOK_SECONDS)
        return timedelta(milliseconds=reading.offset_ms)

    def clock_reading(self) -> tuple[int, int] | None:
        """(offset, uncertainty) of the venue's clock in ms, fresh; None where it did not answer."""
        reading = self._sync_clock()
        if reading.uncertainty_ms is None:
            return None
        return reading.offset_ms, reading.uncertainty_ms

    # How it is done.

    def _send(
        self, method: str, path: str, fields: Mapping[str, Any], signed_at: datetime | None
    ) -> Outcome:
        """One attempt. Never raises once called: what is not a clear answer is Unknown."""
        call = self._client._post if method == "post" else self._client._delete
        data = {name: value for name, value in fields.items() if value is not None}
        try:
            self._sync_clock(good_for=SEND_WITHOUT_LOOK_SECONDS)
            self._client.signed_at_ms = clock.to_ms(signed_at) if signed_at else None
            answer = call(path, True, data=data)
            return Accepted(read_answer(answer))
        except RequestsHeld as held:
            return Refused(HELD_BACK, str(held))  # not a byte was sent
        except BinanceAPIException as error:
            code = error.code if isinstance(error.code, int) and error.code else None
            if code == STALE_CLOCK:
                clock_of(self.venue).doubt()
            return refusal(status=error.status_code, code=code, message=str(error.message))
        except (requests.RequestException, BinanceRequestException, OSError) as error:
            return Unknown(f"{type(error).__name__} while sending")
        except Exception as error:  # whatever it was, the order may have arrived
            log.warning("answer_unreadable", path=path, error=type(error).__name__)
            return Unknown(f"unreadable answer: {type(error).__name__}")
        finally:
            self._client.signed_at_ms = None

    def _ask(self, path: str, **fields: Any) -> Any:
        data = {name: value for name, value in fields.items() if value is not None}
        return self._question(lambda: self._client._get(path, True, data=dict(data)))

    def _question(self, ask: Any) -> Any:
        """Ask; once more after a clock refusal (BINANCE section 3, Time).

        Raises: ExchangeRefused with Binance's code; ExchangeUnavailable where there was no answer.
        """
        self._sync_clock()
        for last in (False, True):
            try:
                return ask()
            except BinanceAPIException as error:
                if error.code == STALE_CLOCK and not last:
                    clock_of(self.venue).doubt()
                    self._sync_clock()
                    continue
                if error.status_code >= 500 or error.status_code in (403, 418, 429):
                    raise ExchangeUnavailable(f"HTTP {error.status_code}") from error
                raise ExchangeRefused(int(error.code or 0), str(error.message)) from error
            except (requests.RequestException, BinanceRequestException, OSError) as error:
                raise ExchangeUnavailable(type(error).__name__) from error
        raise AssertionError("unreachable")

    def _sync_clock(self, *, good_for: float = RESYNC_SECONDS) -> Reading:
        """Keep the venue's clock offset fresh (R20)."""
        reading = clock_of(self.venue).reading(self._server_ms, good_for=good_for)
        self._client.timestamp_offset = reading.offset_ms
        return reading

    def _server_ms(self) -> int | None:
        try:
            return int(self._client._get("time")["serverTime"])
        except RequestsHeld:
            return None
        except (BinanceAPIException, BinanceRequestException, requests.RequestException):
            return None
        except (KeyError, TypeError, ValueError, AttributeError):
            return None  # an answer that is none
