"""The whole order path inside one process, on virtual time: for seeding and for tests.

The real services, the real adapter with python-binance, and the real paper exchange behind it;
only sockets, Celery and the wall clock are left out (DESIGN section 8).
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from risk.listing import CALCULATION, EXECUTION_RULES
from testudo import clock
from testudo.events.relay import deliver_due
from trading import account_stream, ooda, reconcile
from trading.connecting import store_account
from trading.credentials import ApiKeys
from trading.exchange.factory import exchange_for, paper_in_process
from trading.exchange.paper.exchange import PaperExchange
from trading.exchange.paper.in_process import InProcessAdapter
from trading.exchange.paper.values import from_e8, to_e8
from trading.market.prices import Quote
from trading.market.symbols import store_execution_rules, store_rules
from trading.models import ExchangeAccount, Trade, Venue
from trading.order_states import FINISHED, TradeState


class VirtualFloor:
    """One paper exchange and the platform around it, moved on by hand."""

    def __init__(
        self, paper: PaperExchange, moment: clock.VirtualClock, wire: InProcessAdapter
    ) -> None:
        self.paper = paper
        self.moment = moment
        self.wire = wire  # a test may put a fault on it
        self._stirred = False  # whether the exchange has told its users anything since
        paper.event_listeners.append(self._note_events)

    def _note_events(self, events: Sequence[object]) -> None:
        self._stirred = True

    def open_account(self, user, *, name: str, balances: dict[str, str]) -> ExchangeAccount:
        """An account at the exchange and ours for it, matched and ready to trade."""
        amounts = {asset: to_e8(amount) for asset, amount in balances.items()}
        _, key = self.paper.open_account(amounts)
        keys = ApiKeys(key.key, key.secret)
        account = store_account(user, venue=Venue.PAPER, name=name, keys=keys)
        account_stream.match_books(account)
        account.refresh_from_db()
        return account

    def read_rules(self) -> None:
        """Read the symbols' rules from the exchange, as `stream_market` does every hour."""
        store_rules(Venue.PAPER, self._public("exchangeInfo"))
        ruled = self._public("executionRules")["symbolRules"]
        found = {
            each["symbol"]: {
                EXECUTION_RULES: each["rules"],
                CALCULATION: self._public("referencePrice/calculation", symbol=each["symbol"]),
            }
            for each in ruled
        }
        store_execution_rules(Venue.PAPER, found)

    def _public(self, path: str, **params: str) -> Any:
        now_ms = clock.now_ms()
        answer = self.paper.handle("GET", f"/api/v3/{path}", urlencode(params), "", {}, now_ms)
        return answer.json()

    def quote_of(self, venue: str, symbol: str) -> Quote:
        """The market now, straight from the exchange's book."""
        book = self.paper.feed.book(symbol, 1)
        return Quote(
            symbol=symbol,
            price=Decimal(from_e8(self.paper.feed.last(symbol).price)),
            bid=Decimal(from_e8(book.bids[0].price)),
            ask=Decimal(from_e8(book.asks[0].price)),
            at=clock.now(),
            seen=clock.now(),
        )

    def advance(self, by: timedelta) -> datetime:
        """Let time pass and the market move with it."""
        now = self.moment.advance(by)
        self.paper.tick(clock.to_ms(now))
        self.paper.commit()
        return now

    def turn(self, account: ExchangeAccount) -> int:
        """One turn of the loop, and whoever listens to what it did."""
        account_stream.note_alive(account)
        account_stream.look_at_clock(account.venue, exchange_for(account))
        taken = ooda.run_turn(account.pk, exchange=exchange_for(account))
        while deliver_due():
            pass
        return taken

    def follow(
        self,
        trade: Trade,
        *,
        step: timedelta,
        at_most: timedelta,
        meanwhile: Callable[[], object] = lambda: None,
    ) -> Trade:
        """Let time pass until the trade is over, or `at_most` has passed; `meanwhile` is called
        after every step.

        Whenever the exchange has told its users something, the trade is read back from it and a
        turn follows, as the user stream would bring it about. A trade that is being closed gets
        a turn at every step, as from the guard: an exit the exchange did not fill is sent again.
        """
        until = clock.now() + at_most
        self._stirred = True
        while True:
            if self._stirred:
                self._stirred = False
                exchange = exchange_for(trade.account)
                reconcile.catch_up_trade(trade.pk, exchange=exchange)
                self.turn(trade.account)
                trade.refresh_from_db()
            elif trade.state == TradeState.CLOSING:
                self.turn(trade.account)
                trade.refresh_from_db()
            if trade.state in FINISHED or clock.now() >= until:
                return trade
            self.advance(step)
            meanwhile()


@contextmanager
def virtual_floor(paper: PaperExchange, *, start: datetime) -> Iterator[VirtualFloor]:
    """Work on virtual time, with `paper` for the venue `paper`, inside the block."""
    with ExitStack() as stack:
        moment = stack.enter_context(clock.use(clock.VirtualClock(start)))
        wire = InProcessAdapter(paper, clock.now_ms)
        stack.enter_context(paper_in_process(wire))
        floor = VirtualFloor(paper, moment, wire)
        floor.read_rules()
        yield floor
