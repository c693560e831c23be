"""Streams held back by a failing listener: show them, and try them again at once."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from testudo.events import relay
from testudo.events.models import OutboxEvent


class Command(BaseCommand):
    help = "Show events that no listener has managed to hear, and deliver them again now."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--stream", help="one stream; all of them if left out")
        parser.add_argument("--dry-run", action="store_true", help="show, but deliver nothing")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *, stream: str | None, dry_run: bool, **options: Any) -> None:
        held = OutboxEvent.objects.filter(delivered_at=None, attempts__gt=0)
        if stream is not None:
            held = held.filter(stream=stream)
        rows = list(held.order_by("stream", "seq"))
        delivered = 0
        if not dry_run:
            held.update(retry_at=None)
            for name in dict.fromkeys(row.stream for row in rows):
                while sent := relay.deliver_due(stream=name):
                    delivered += sent
        left = held.count()
        self._report(rows, delivered=delivered, left=left, as_json=options["json"])
        if left and not dry_run:
            raise SystemExit(1)

    def _report(self, rows: list[OutboxEvent], *, delivered: int, left: int, as_json: bool) -> None:
        if as_json:
            shown = [
                {
                    "id": str(row.pk),
                    "stream": row.stream,
                    "seq": row.seq,
                    "name": row.name,
                    "attempts": row.attempts,
                    "last_error": row.last_error,
                }
                for row in rows
            ]
            self.stdout.write(json.dumps({"held": shown, "delivered": delivered, "left": left}))
            return
        for row in rows:
            self.stdout.write(f"{row} failed {row.attempts} times: {row.last_error}")
        self.stdout.write(f"{len(rows)} held back, {delivered} delivered, {left} still held back.")
