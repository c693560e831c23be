"""Walk the paper exchange's market to a price: `manage.py move_paper_market`."""

from django.core.management.base import BaseCommand, CommandError, CommandParser

from trading.exchange.paper_admin import move_market
from trading.exchange.port import ExchangeUnavailable
from trading.management.amounts import positive


class Command(BaseCommand):
    help = "Walk the paper exchange's synthetic market of a symbol to a price. Paper only."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("symbol")
        parser.add_argument("price", type=positive)
        parser.add_argument("--over", type=float, default=2.0, help="seconds the walk takes")
        parser.add_argument("--dry-run", action="store_true", help="say what would be done")

    def handle(self, *, symbol: str, price, over: float, dry_run: bool, **_: object) -> None:
        if dry_run:
            self.stdout.write(f"Would walk {symbol} to {price} within {over} s.")
            return
        try:
            move_market(symbol, price, over_ms=round(over * 1000))
        except ExchangeUnavailable as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{symbol} walks to {price} within {over} s.")
