# SPDX-License-Identifier: MIT
"""What dmclientctl --json prints, held against docs/dmclientctl.schema.json."""

import copy
import json

import jsonschema

import harness

SCHEMA = json.loads((harness.ROOT / "docs" / "dmclientctl.schema.json").read_text(encoding="utf-8"))


def strict(schema):
    """The same without leave to have members that are not in it."""
    if isinstance(schema, dict):
        schema = {key: strict(value) for key, value in schema.items()}
        if "properties" in schema:
            schema["additionalProperties"] = False
        return schema
    return [strict(item) for item in schema] if isinstance(schema, list) else schema


def validator(name):
    """Of the object of #/$defs with that name, strictly."""
    schema = strict(copy.deepcopy(SCHEMA))
    del schema["anyOf"]
    return jsonschema.Draft202012Validator({**schema, "$ref": f"#/$defs/{name}"})


def check(name, text):
    """Whether `text` is that object, and also one of what the whole schema has."""
    found = json.loads(text)
    validator(name).validate(found)
    jsonschema.Draft202012Validator(SCHEMA).validate(found)
    assert list(found)[0] == "schema"
