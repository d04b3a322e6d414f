"""Writes test/frontend/onnx/attribute-defaults.json: what the attributes of the standard's operators are by default."""

import json
import onnx
from onnx import helper
from onnx.defs import OpSchema, get_all_schemas_with_history

last = 27
prefixes = {"": "", "ai.onnx.preview.training": "ai.onnx.preview.training."}


def value_of(attribute):
    value = helper.get_attribute_value(attribute.default_value)
    if isinstance(value, bytes):
        return value.decode()
    if attribute.type == OpSchema.AttrType.FLOAT:
        return {"float": value}
    if attribute.type == OpSchema.AttrType.FLOATS:
        return {"floats": list(value)}
    if attribute.type == OpSchema.AttrType.STRINGS:
        return [text.decode() for text in value]
    return list(value) if attribute.type == OpSchema.AttrType.INTS else value


operators = {}
for schema in sorted(get_all_schemas_with_history(), key=lambda schema: (schema.name, schema.since_version)):
    if schema.domain not in prefixes or schema.since_version > last:
        continue
    defaults = {
        name: value_of(attribute)
        for name, attribute in sorted(schema.attributes.items())
        if attribute.default_value is not None and attribute.default_value.name != ""
    }
    versions = operators.setdefault(prefixes[schema.domain] + schema.name, [])
    # Only where something has changed.
    if defaults != (versions[-1]["defaults"] if versions else {}):
        versions.append({"since": schema.since_version, "defaults": defaults})

with open("test/frontend/onnx/attribute-defaults.json", "w") as file:
    origin = f"onnx {onnx.__version__}, operator sets up to {last}, scripts/onnx-defaults.py"
    known = {name: versions for name, versions in operators.items() if versions}
    json.dump({"origin": origin, "operators": known}, file, indent=2)
    file.write("\n")
