"""Exchange keys at rest: they open for their owner, account and venue, and for nothing else."""

import base64
import json
from uuid import uuid4

import pytest

from trading.credentials import ApiKeys, CredentialsUnreadable, fingerprint, seal, unseal

KEYS = ApiKeys("k" * 64, "s" * 64)


@pytest.fixture
def owner():
    return {"user_id": uuid4(), "account_id": uuid4(), "venue": "paper"}


def test_sealed_keys_open_again(owner):
    assert unseal(seal(KEYS, **owner), **owner) == KEYS


def test_neither_key_nor_secret_stands_in_the_sealed_row_or_the_repr(owner):
    sealed = seal(KEYS, **owner)
    assert KEYS.key.encode() not in sealed
    assert KEYS.secret.encode() not in sealed
    assert "kkk" not in repr(KEYS)
    assert "sss" not in repr(KEYS)


@pytest.mark.parametrize("moved", ["user_id", "account_id", "venue"])
def test_a_row_moved_to_another_owner_account_or_venue_does_not_open(owner, moved):
    sealed = seal(KEYS, **owner)
    other = "binance" if moved == "venue" else uuid4()
    with pytest.raises(CredentialsUnreadable):
        unseal(sealed, **{**owner, moved: other})


@pytest.mark.parametrize("part", ["wrapped", "body"])
def test_a_changed_byte_does_not_open(owner, part):
    row = json.loads(seal(KEYS, **owner))
    raw = bytearray(base64.b64decode(row[part]))
    raw[-1] ^= 1
    row[part] = base64.b64encode(bytes(raw)).decode()
    with pytest.raises(CredentialsUnreadable):
        unseal(json.dumps(row).encode(), **owner)


def test_the_same_keys_never_seal_the_same_way_twice(owner):
    assert seal(KEYS, **owner) != seal(KEYS, **owner)


def test_an_older_master_key_still_opens_what_it_sealed(owner, settings):
    sealed = seal(KEYS, **owner)
    newer = base64.b64encode(bytes(32)).decode()
    settings.MASTER_KEYS = f"{settings.MASTER_KEYS},2:{newer}"
    assert unseal(sealed, **owner) == KEYS
    assert json.loads(seal(KEYS, **owner))["kek"] == 2


def test_without_a_master_key_nothing_is_sealed(owner, settings):
    settings.MASTER_KEYS = ""
    with pytest.raises(CredentialsUnreadable, match="MASTER_KEYS"):
        seal(KEYS, **owner)


def test_a_key_is_recognised_without_being_stored():
    assert fingerprint("abc") == fingerprint("abc") != fingerprint("abd")
    assert "abc" not in fingerprint("abc")
