"""A trader's limits: the database itself refuses what the protocol forbids."""

import uuid

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction

from risk.models import COUNTS, FIGURES, RiskProfile
from risk.protocol import CAPS, DEFAULTS
from tests.risk.builders import D

pytestmark = pytest.mark.django_db


def test_a_fresh_profile_holds_the_protocols_defaults():
    profile = RiskProfile.objects.create(account_id=uuid.uuid4())
    profile.refresh_from_db()
    assert profile.limits() == DEFAULTS


def test_an_account_has_one_profile():
    account_id = uuid.uuid4()
    RiskProfile.objects.create(account_id=account_id)
    with pytest.raises(IntegrityError), transaction.atomic():
        RiskProfile.objects.create(account_id=account_id)


@pytest.mark.parametrize("name", [*FIGURES, *COUNTS])
def test_bulk_updates_cannot_pass_the_caps(name):
    profile = RiskProfile.objects.create(account_id=uuid.uuid4())
    least, most = CAPS[name]
    step = 1 if isinstance(most, int) else D("0.00001")
    for wrong in (most + step, least - step):
        with (
            pytest.raises(IntegrityError, match=f"{name}_within_caps|_check"),
            transaction.atomic(),
        ):
            RiskProfile.objects.filter(pk=profile.pk).update(**{name: wrong})
    RiskProfile.objects.filter(pk=profile.pk).update(**{name: most})
    profile.refresh_from_db()
    assert getattr(profile.limits(), name) == most


@pytest.mark.parametrize("name", FIGURES)
def test_the_database_refuses_nan(name):
    """PostgreSQL's NaN sorts above every number: only an upper bound keeps it out."""
    profile = RiskProfile.objects.create(account_id=uuid.uuid4())
    with (
        pytest.raises(IntegrityError, match=f"{name}_within_caps"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(
            f"UPDATE risk_riskprofile SET {name} = 'NaN' WHERE id = %s",  # noqa: S608
            [profile.pk],
        )


def test_a_form_hears_the_rules_own_sentence():
    profile = RiskProfile(account_id=uuid.uuid4(), max_risk=D("0.07"))
    with pytest.raises(ValidationError, match="the protocol allows"):
        profile.full_clean()


def test_a_profile_beyond_the_caps_gives_no_limits():
    with pytest.raises(ValueError, match="max_heat"):
        RiskProfile(account_id=uuid.uuid4(), max_heat=D("0.2")).limits()
