"""The published OpenAPI schema is the one the code describes."""

from io import StringIO
from pathlib import Path

from django.core.management import call_command

PUBLISHED = Path(__file__).resolve().parents[2] / "docs" / "openapi.yaml"


def test_the_published_schema_is_valid_and_up_to_date():
    """Renew it with `manage.py spectacular --file docs/openapi.yaml`."""
    said = StringIO()
    call_command("spectacular", "--validate", "--fail-on-warn", stdout=said)
    assert said.getvalue() == PUBLISHED.read_text()
