"""Serializers that refuse what they do not know, and queries read with the same care."""

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request

NON_FIELD = "non_field_errors"


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses unknown and read-only fields by name, beside every other fault at once (B10)."""

    def to_internal_value(self, data: Any) -> Any:
        unknown = self._unknown(data)
        try:
            value = super().to_internal_value(data)
        except serializers.ValidationError as error:
            if isinstance(error.detail, dict):
                raise serializers.ValidationError({**unknown, **error.detail}) from None
            raise
        if unknown:
            raise serializers.ValidationError(unknown)
        return value

    def _unknown(self, data: Any) -> dict[str, str]:
        if not isinstance(data, Mapping):
            return {}
        known = [name for name, field in self.fields.items() if not field.read_only]
        way_out = f"Remove this field. Known here: {', '.join(known) or 'none'}."
        return {str(name)[:64]: way_out for name in data if name not in known}


def read_body(kind: type[StrictSerializer], request: Request, **context: Any) -> dict[str, Any]:
    """The request's body, validated. Raises: ValidationError, answered as a 400 problem."""
    form = kind(data=request.data, context={"request": request, **context})
    form.is_valid(raise_exception=True)
    return dict(form.validated_data)


def read_query(
    kind: type[serializers.Serializer[Any]], request: Request, **context: Any
) -> dict[str, Any]:
    """The query parameters, validated: a known one sent twice is refused, unknown ones ignored.

    Raises: ValidationError, answered as a 400 problem.
    """
    form = kind(context={"request": request, **context})
    sent = {}
    for name in map(str, form.fields):
        values = request.query_params.getlist(name)
        if len(values) > 1:
            raise serializers.ValidationError({name: "Send this parameter once."})
        if values:
            sent[name] = values[0]
    form = kind(data=sent, context={"request": request, **context})
    form.is_valid(raise_exception=True)
    return dict(form.validated_data)
