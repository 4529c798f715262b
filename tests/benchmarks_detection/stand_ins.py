"""Redactors simple enough to know beforehand what the scorer has to say of them."""

import json
import re
from collections.abc import Callable

from benchmarks.detection.seams import Answer, Redactor
from benchmarks.detection.tree import Json, Object

EMAIL = re.compile(r"[a-z0-9._+-]{1,40}@[a-z.]{1,20}\.(?:com|org|net)\b")
"""The plain form of the corpus's e-mails, and nothing else."""


def each_line(answer: Callable[[Object], Object | None]) -> Redactor:
    def redact(lines):
        found = [(str(line["id"]), answer(line["result"])) for line in lines]
        return [Answer(id=name, result=result, denied=None if result else "no") for name, result in found]

    return redact


def everywhere(change: Callable[[Json], Json]) -> Callable[[Object], Object]:
    """Changes leaves of the structured content and of JSON in texts; other texts as a whole."""

    def walked(value: Json) -> Json:
        if isinstance(value, dict):
            return {key: walked(each) for key, each in value.items()}
        return [walked(each) for each in value] if isinstance(value, list) else change(value)

    def copied(text: str) -> str:
        try:
            return json.dumps(walked(json.loads(text)))
        except ValueError:
            return str(change(text))

    def redacted(result: Object) -> Object:
        changed = {**result, "content": [{"type": "text", "text": copied(result["content"][0]["text"])}]}
        if "structuredContent" in result:
            changed["structuredContent"] = walked(result["structuredContent"])
        return changed

    return redacted


def without_emails(value: Json) -> Json:
    return EMAIL.sub("gone@example.com", value) if isinstance(value, str) else value


def without_digits(value: Json) -> Json:
    return value if value is None or isinstance(value, bool) else re.sub(r"\d", "#", str(value))


NOTHING = each_line(lambda result: result)
DENIES = each_line(lambda result: None)
EMAILS = each_line(everywhere(without_emails))
DIGITS = each_line(everywhere(without_digits))
FORGETS_THE_COPY = each_line(lambda result: everywhere(without_emails)(result) | {"content": result["content"]})
