"""One trade through the whole loop, stage by stage: `manage.py place_trade`."""

import json
import time
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from risk.costs import PlanImpossible
from testudo import clock
from trading import orders
from trading.api.present import trade_in_full
from trading.management.amounts import moment, positive
from trading.market import prices
from trading.models import EntryKind, ExchangeAccount, Leg, Trade, Venue
from trading.order_states import FINISHED, LIVE, TradeState
from trading.plans import Drawing, NoMarket, judge

POLL = 0.1  # seconds between two looks at the trade's own row


class Command(BaseCommand):
    help = (
        "Place one trade and follow it until it is protected or waits for its price, or, with "
        "--follow, closed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("symbol")
        parser.add_argument("side", choices=["long", "short"])
        parser.add_argument("--account", type=UUID, required=True)
        for line in ("entry", "stop", "target"):
            parser.add_argument(f"--{line}", type=positive, required=True, help="a price")
        parser.add_argument("--risk", type=positive, help="fraction of equity: 0.01 is 1 %%")
        parser.add_argument(
            "--kind", choices=EntryKind.values, default="",
            help="refuse it where the line means another kind of entry now",
        )  # fmt: skip
        parser.add_argument(
            "--expires-at", type=moment, help="how long the entry may wait; the end of tomorrow"
        )
        parser.add_argument("--timeout", type=float, default=30, help="seconds to wait at most")
        parser.add_argument("--follow", action="store_true", help="wait until the trade is over")
        parser.add_argument("--dry-run", action="store_true", help="size and judge only")
        parser.add_argument(
            "--json", action="store_true", help="print the trade as JSON at the end"
        )
        parser.add_argument("--yes-live", action="store_true", help="needed on the live venue")

    def handle(self, *, account: UUID, **options) -> None:
        row = ExchangeAccount.objects.filter(pk=account, removed_at=None).first()
        if row is None:
            raise CommandError(f"There is no account {account}.", returncode=2)
        if row.venue == Venue.BINANCE and not options["yes_live"]:
            raise CommandError("This is a live account. Add --yes-live to trade it.", returncode=2)
        drawing = self._drawing(row, options)
        try:
            if options["dry_run"]:
                judged = judge(row, drawing, quote_of=prices.latest)
                self._say_verdicts(judged.verdicts)
                return
            trade = orders.place_trade(row, drawing)
        except (PlanImpossible, NoMarket) as error:
            raise CommandError(str(error), returncode=2) from error
        except orders.PlanRefused as refused:
            self._say_verdicts(refused.verdicts)
            raise CommandError("The plan is refused; nothing was sent.") from refused
        self._follow(trade, options)

    def _drawing(self, row: ExchangeAccount, options) -> Drawing:
        quote = prices.latest(row.venue, options["symbol"])
        return Drawing(
            symbol=options["symbol"],
            side=options["side"],
            entry=options["entry"],
            stop=options["stop"],
            target=options["target"],
            risk_fraction=options["risk"],
            quoted_price=quote.ask if quote else None,
            quoted_at=clock.now(),
            kind=options["kind"],
            expires_at=options["expires_at"],
        )

    def _say_verdicts(self, verdicts) -> None:
        for verdict in verdicts:
            mark = "passes" if verdict.ok else "REFUSES" if verdict.effect == "block" else "advises"
            self.stdout.write(f"  {mark:8} {verdict.title}: {verdict.message}")

    def _follow(self, trade: Trade, options) -> None:
        """Print each line of the trade's story as it is written."""
        deadline = time.monotonic() + options["timeout"]
        said = 0
        while True:
            trade.refresh_from_db()
            story = trade_in_full(trade)
            for line in story["timeline"][said:]:
                self.stdout.write(f"  {line['ms']:>6} ms  {line['text']}")
            said = len(story["timeline"])
            if self._reached(trade, story, follow=options["follow"]):
                break
            if time.monotonic() > deadline:
                raise CommandError(f"Still {trade.state} after {options['timeout']} s.")
            time.sleep(POLL)
        if options["json"]:
            self.stdout.write(json.dumps(story))
        if trade.state in (TradeState.EXPIRED, TradeState.REJECTED, TradeState.CANCELED):
            raise CommandError(f"The entry was not filled: {trade.state_reason or trade.state}.")

    def _reached(self, trade: Trade, story: dict, *, follow: bool) -> bool:
        if trade.state in FINISHED or follow:
            return trade.state in FINISHED
        entry = next(leg for leg in story["legs"] if leg["leg"] == Leg.ENTRY)
        rests = story["waits"] == "exchange" and entry["state"] in LIVE
        if rests or story["waits"] == "line":
            self.stdout.write(f"  {trade.kind}: {story['state_text']}, until {story['expires_at']}")
            return True
        return bool(story["protected"])
