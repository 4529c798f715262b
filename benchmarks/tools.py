"""The 50 tools that every server publishes, and the arguments of about 1 KB that are sent to one of them."""

from benchmarks.wire import Json

COUNT = 50
NAMES = tuple(f"update_record_{number:02d}" for number in range(COUNT))
CALLED = NAMES[COUNT // 2]
DESCRIPTION = (
    "Update one customer record and return the note as it was stored. Use it after the customer has confirmed "
    "the change; it never creates a record. Area {area}: fields that are left out keep their value."
)
_SENTENCE = "The customer asked for a change of the delivery window and confirmed the new one by phone. "
NOTE_LENGTH = 850


def note(mark: str) -> str:
    """A text of NOTE_LENGTH characters that no other call carries, so that a stale answer is seen."""
    return (f"Case {mark}. " + _SENTENCE * 10)[:NOTE_LENGTH]


def arguments(mark: str) -> Json:
    """Arguments of about 1 KB in JSON; the tool answers with their `note`."""
    return {
        "record_id": "REC-0042-7781",
        "note": note(mark),
        "priority": 3,
        "tags": ["delivery", "confirmed", "phone"],
        "notify": True,
        "window": {"start": "09:00", "end": "12:30"},
    }


def _field(kind: str, description: str, **more: object) -> Json:
    return {"type": kind, "description": description, **more}


def input_schema() -> Json:
    """A JSON Schema of about 1 KB, of the kind that real tools publish."""
    clock = _field("string", "Time of day as HH:MM, in the customer's own time zone.")
    return {
        "type": "object",
        "properties": {
            "record_id": _field("string", "Identifier of the record, as returned by the search tool."),
            "note": _field("string", "What was agreed, in plain words. Kept unchanged with the record."),
            "priority": _field("integer", "1 is the most urgent, 5 the least.", minimum=1, maximum=5, default=3),
            "tags": _field("array", "Short labels that reports group records by.", items={"type": "string"}),
            "notify": _field("boolean", "Whether the customer gets a confirmation by mail.", default=False),
            "window": _field(
                "object",
                "Delivery window that the customer agreed to; both ends are inclusive.",
                properties={"start": clock, "end": clock},
                required=["start", "end"],
            ),
        },
        "required": ["record_id", "note"],
    }


def definitions() -> list[Json]:
    """The tool objects of a tools/list result."""
    return [
        {"name": name, "description": DESCRIPTION.format(area=area), "inputSchema": input_schema()}
        for area, name in enumerate(NAMES)
    ]
