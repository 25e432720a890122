"""The JSON Schema of the answers file, made from the fields, so that an editor completes it and marks what is wrong.

Draft 7, of which only what draft 4 has is used: taplo (the language server behind Even Better TOML) reads both. It is never
stricter than the wizard, which checks more than a schema can say.
"""

from __future__ import annotations

from typing import Any, Final

from wizard.collect.answers import VERSION
from wizard.collect.fields import FIELDS, MOST_EXECUTIONS, PATTERNS, Field
from wizard.remotion import aws_managed
from wizard.remotion.operators import IDS
from wizard.remotion.regions import SUPPORTED

_TITLE: Final = "Answers for remotion-lambda-wizard"
_RELEASE: Final = r"^\s*(?:auto|v?\d+\.\d+\.\d+.*)\s*$"
_MORE: Final[dict[str, dict[str, Any]]] = {
    "remotion.version": {"pattern": _RELEASE, "examples": ["auto", "4.0.527"]},
    "quotas.concurrent_executions": {"minimum": 0, "maximum": MOST_EXECUTIONS},
    "extras.operator": {"items": {"type": "string", "enum": list(IDS)}},
    "extras.aws_managed_policies": {
        "items": {
            "anyOf": [
                {"type": "string", "enum": [policy.name for policy in aws_managed.policies()]},
                {"type": "string", "pattern": "[Aa][Ww][Ss][Ll][Aa][Mm][Bb][Dd][Aa]"},  # an ARN, or a name's older form
            ]
        }
    },
}
_OF_A_KIND: Final[dict[str, dict[str, Any]]] = {
    "text": {"type": "string"},
    "choice": {"type": "string"},
    "flag": {"type": "boolean"},
    "number": {"type": "integer"},
    "texts": {"type": "array", "items": {"type": "string"}},
    "regions": {
        "type": "array",
        "minItems": 1,
        "uniqueItems": True,
        "items": {"anyOf": [{"type": "string", "enum": list(SUPPORTED)}, {"type": "string", "pattern": "^us-gov-"}]},
    },
    "tags": {"type": "object", "maxProperties": 49, "additionalProperties": {"type": "string", "maxLength": 256}},
}


def answers_schema() -> dict[str, Any]:
    """Return the JSON Schema of an answers file."""
    tables: dict[str, dict[str, Any]] = {}
    for key, spec in FIELDS.items():
        table, name = key.split(".", 1)
        tables.setdefault(table, {})[name] = _of_field(spec)
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": _TITLE,
        "description": "What `remotion-lambda-wizard --answers FILE` reads. It holds no secret.",
        "type": "object",
        "required": ["version"],
        "additionalProperties": False,
        "properties": {
            "version": {"description": "Version of this format", "type": "integer", "enum": [VERSION]},
            **{
                table: {"type": "object", "additionalProperties": False, "properties": fields}
                for table, fields in tables.items()
            },
        },
    }


def _of_field(spec: Field) -> dict[str, Any]:
    said = {"description": spec.what[0].upper() + spec.what[1:]}
    made = said | _OF_A_KIND[spec.kind] | {"default": spec.default} | _MORE.get(spec.key, {})
    if spec.choices:
        made["enum"] = list(spec.choices)
    if spec.key in PATTERNS:
        pattern = PATTERNS[spec.key].pattern
        if spec.kind == "texts":
            made["items"] = {"type": "string", "pattern": f"^(?:{pattern})$"}
        else:
            made["pattern"] = f"^(?:{pattern})$" if spec.default else f"^(?:{pattern})?$"
    return made
