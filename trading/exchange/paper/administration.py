"""What the operator does: accounts, keys, money from outside, the market's price."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from trading.exchange.paper import commissions, user_events
from trading.exchange.paper import orders as o
from trading.exchange.paper.accounts import Account, ApiKey, new_key
from trading.exchange.paper.ledger import NotEnough
from trading.exchange.paper.security import public_key as read_public_key
from trading.exchange.paper.values import E8

if TYPE_CHECKING:
    from trading.exchange.paper.contingency import Lists
    from trading.exchange.paper.matching import Engine
    from trading.exchange.paper.store import Store
    from trading.exchange.paper.values import Feed

MOST_DEPOSIT = 10**9 * E8


class Administration:
    """The operator's side of `PaperExchange`."""

    accounts: dict[int, Account]
    keys: dict[str, ApiKey]
    engine: Engine
    lists: Lists
    store: Store
    feed: Feed
    autocommit: bool
    key_listeners: list[Callable[[ApiKey], None]]

    @property
    def now_ms(self) -> int:
        raise NotImplementedError

    def assets(self) -> set[str]:
        raise NotImplementedError

    def commit(self) -> None:
        raise NotImplementedError

    def _finish(self) -> None:
        raise NotImplementedError

    def _save_feed(self) -> None:
        raise NotImplementedError

    def open_account(self, balances: Mapping[str, int]) -> tuple[Account, ApiKey]:
        """A new account with a key and opening balances (e8 by asset)."""
        number = max(self.accounts, default=0) + 1
        account = Account(number, self.now_ms, self.now_ms)
        key = new_key(number, self.now_ms)
        self.accounts[number], self.keys[key.key] = account, key
        self.store.put_account(account)
        self.store.put_key(key)
        for asset, amount in balances.items():
            self._issue(number, asset, amount)
        self._finish()
        if self.autocommit:
            self.commit()
        return account, key

    def set_account(self, account: int, **changed: Any) -> Account:
        """Change `frozen`, `pays_bnb` or `commissions` (a text; empty for the symbols' rates).

        Raises: ValueError, where there is no such account, or for rates that are none.
        """
        if account not in self.accounts:
            raise ValueError(f"There is no account {account}.")
        known = replace(self.accounts[account], updated_ms=self.now_ms, **changed)
        rates = commissions.read(known.commissions) if known.commissions else None
        self.accounts[account] = known
        (self.engine.pays_bnb.add if known.pays_bnb else self.engine.pays_bnb.discard)(account)
        if rates is None:
            self.engine.rates.pop(account, None)
        else:
            self.engine.rates[account] = rates
        self.store.put_account(known)
        if self.autocommit:
            self.commit()
        return known

    def deposit(self, account: int, asset: str, amount: int) -> None:
        """Money from outside; negative takes it out. Raises: ValueError, where it cannot."""
        self._issue(account, asset, amount)
        event = user_events.balance_event(asset, amount, at_ms=self.now_ms, now_ms=self.now_ms)
        self.engine.events.append((account, event))
        self._finish()

    def _issue(self, account: int, asset: str, amount: int) -> None:
        known = self.assets()
        if asset not in known:
            raise ValueError(f"{asset} is not traded here. Choose from {', '.join(sorted(known))}.")
        if account not in self.accounts:
            raise ValueError(f"There is no account {account}.")
        if abs(amount) > MOST_DEPOSIT or self.engine.ledger.free(account, asset) > MOST_DEPOSIT:
            raise ValueError("More than 1000000000 units of an asset do not fit in an account.")
        try:
            self.engine.ledger.issue(account, asset, amount)
        except NotEnough as error:
            raise ValueError(str(error)) from None
        self.store.put_transfer(account, asset, amount, self.now_ms)

    def move(self, symbol: str, price: int, over_ms: int) -> None:
        """Walk the market to a price. Raises: ValueError, KeyError."""
        self.feed.move(symbol, price, at_ms=self.now_ms, over_ms=over_ms)
        self._save_feed()
        if self.autocommit:
            self.commit()

    # -- keys -------------------------------------------------------------------------------------

    def add_key(self, account: int, public_key: str = "") -> ApiKey:
        """Another key of an account. Raises: ValueError, for no account or no such public key."""
        if account not in self.accounts:
            raise ValueError(f"There is no account {account}.")
        if public_key:
            read_public_key(public_key)
        key = new_key(account, self.now_ms, public_key)
        self._keep_key(key)
        return key

    def set_key(self, key: str, **changed: Any) -> ApiKey:
        """Change `may_trade`, `addresses` or `revoked`. Raises: ValueError, for an unknown key."""
        if key not in self.keys:
            raise ValueError("There is no such key.")
        known = replace(self.keys[key], **changed)
        self._keep_key(known)
        if known.revoked:
            for listener in self.key_listeners:
                listener(known)
        return known

    def _keep_key(self, key: ApiKey) -> None:
        self.keys[key.key] = key
        self.store.put_key(key)
        if self.autocommit:
            self.commit()

    # -- accounts ---------------------------------------------------------------------------------

    def reset(self, account: int, balances: Mapping[str, int]) -> None:
        """Cancel all that is open, take all money out, put `balances` in. Trades stay for ever.

        Raises: ValueError, where it cannot.
        """
        if account not in self.accounts:
            raise ValueError(f"There is no account {account}.")
        for order in list(self.engine.by_account.get(account, {}).values()):
            if not order.is_open:
                continue  # ended with its list
            listed = self.engine.lists.get(order.list_id)
            if listed is not None:
                self.lists.cancel(listed, "reset")
            else:
                self.engine.end(order, o.CANCELED, cancel_id="reset")
        for asset, held in list(self.engine.ledger.assets(account)):
            if held.free:
                self._issue(account, asset, -held.free)
        for asset, amount in balances.items():
            self._issue(account, asset, amount)
        self._finish()
        if self.autocommit:
            self.commit()

    def discrepancies(self) -> dict[str, int]:
        """Where money is not conserved, by asset in e8; also where locks do not add up."""
        wrong = dict(self.engine.ledger.discrepancies())
        locked: dict[tuple[int, str], int] = {}
        symbols = self.engine.symbols
        for order in self.engine.orders.values():
            if order.locked:
                at = order.account, symbols[order.symbol].pays(order.side)
                locked[at] = locked.get(at, 0) + order.locked
        for listed in self.engine.lists.values():
            if listed.locked:
                symbol = symbols[listed.symbol]
                asset = symbol.base if listed.kind in o.PAYS_OTHER else symbol.pays(listed.leg_side)
                at = listed.account, asset
                locked[at] = locked.get(at, 0) + listed.locked
        for account, assets in self.engine.ledger.balances.items():
            for asset, held in assets.items():
                difference = held.locked - locked.get((account, asset), 0)
                if difference or held.free < 0:
                    wrong[f"{asset} of account {account}"] = difference or held.free
        return wrong
