"""What PostgreSQL itself guards: the claim counter, rows that never change, a trade's timeline."""

from django.db import migrations

FENCE = "CREATE SEQUENCE trading_fence"

APPEND_ONLY = """
CREATE FUNCTION trading_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: write a new row instead', TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER decision_append_only BEFORE UPDATE OR DELETE ON trading_decision
    FOR EACH ROW EXECUTE FUNCTION trading_append_only();
CREATE TRIGGER fill_append_only BEFORE UPDATE OR DELETE ON trading_fill
    FOR EACH ROW EXECUTE FUNCTION trading_append_only();
"""

NOT_ANY_MORE = """
DROP TRIGGER decision_append_only ON trading_decision;
DROP TRIGGER fill_append_only ON trading_fill;
DROP FUNCTION trading_append_only();
"""

TIMELINE = "CREATE INDEX trading_timeline ON %s ((payload -> 'trade_id'))"


def index_timeline(apps, schema_editor):
    table = apps.get_model("events", "OutboxEvent")._meta.db_table
    schema_editor.execute(TIMELINE % schema_editor.quote_name(table))


class Migration(migrations.Migration):
    dependencies = [("trading", "0001_initial"), ("events", "0001_initial")]

    operations = [
        migrations.RunSQL(FENCE, "DROP SEQUENCE trading_fence"),
        migrations.RunSQL(APPEND_ONLY, NOT_ANY_MORE),
        migrations.RunPython(
            index_timeline,
            lambda apps, schema_editor: schema_editor.execute("DROP INDEX trading_timeline"),
        ),
    ]
