"""The output schema of a tool, inferred from one of its results and the hints of its leaves (JSON Schema 2020-12)."""

from collections.abc import Mapping

from benchmarks.detection.tree import Object, Tree, as_leaf

_TYPES = {bool: "boolean", int: "integer", float: "number", str: "string", type(None): "null"}


def schema(tree: Tree) -> Object:
    """Objects are closed and their properties required; a list whose items differ says nothing of them."""
    leaf = as_leaf(tree)
    if leaf is not None:
        return {"type": _TYPES[type(leaf.value)], **leaf.hint}
    if isinstance(tree, Mapping):
        properties = {key: schema(value) for key, value in tree.items()}
        return {"type": "object", "properties": {**properties}, "required": [*tree], "additionalProperties": False}
    items = [schema(value) for value in tree]  # type: ignore[union-attr]
    return {"type": "array", "items": items[0] if items and all(item == items[0] for item in items) else {}}
