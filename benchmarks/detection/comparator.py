"""Presidio in this process, as it comes, with a tokeniser in place of a model and no way to the network."""

import json
import re
import time
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from benchmarks.detection.scoring import copy_of
from benchmarks.detection.seams import Answer, Redactor, SeamMissingError, Span, as_result
from benchmarks.detection.tree import Json, Object

WEAK = frozenset({"DATE_TIME", "URL", "UUID"})
_WORDS = re.compile(r"\w+|[^\w\s]")


@cache
def analyzer(*, context: bool = True) -> Any:
    """An AnalyzerEngine with its default recognizers, with or without context words.

    Raises SeamMissingError where Presidio is not installed.
    """
    try:
        import tldextract
        from presidio_analyzer import AnalyzerEngine
        from presidio_analyzer.predefined_recognizers import EmailRecognizer
    except ImportError as error:
        raise SeamMissingError("presidio-analyzer is not installed") from error
    offline = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)

    class Offline(EmailRecognizer):
        """The module-level extractor would load the suffix list from the network; this one uses the packaged copy."""

        def validate_result(self, pattern_text: str) -> bool:
            return bool(offline(pattern_text).fqdn)

    engine = AnalyzerEngine(nlp_engine=_engine() if context else _nothing(), supported_languages=["en"])
    engine.registry.remove_recognizer("EmailRecognizer")
    engine.registry.add_recognizer(Offline())
    return engine


def _nothing() -> Any:
    from presidio_analyzer.nlp_engine import NoOpNlpEngine

    engine = NoOpNlpEngine([{"lang_code": "en", "model_name": "none"}])
    engine.load()
    return engine


def _engine() -> Any:
    from presidio_analyzer.nlp_engine import NlpArtifacts, NlpEngine
    from spacy.tokens import Doc
    from spacy.vocab import Vocab

    vocab = Vocab()

    class Words(NlpEngine):
        """Words and signs; the lemma is the word in lower case, so that context words count."""

        def load(self) -> None: ...

        def is_loaded(self) -> bool:
            return True

        def process_text(self, text: str, language: str) -> Any:
            matches = list(_WORDS.finditer(text))
            lemmas = [match.group().lower() for match in matches]
            ends = [match.end() for match in matches]
            starts = [*(match.start() for match in matches[1:]), len(text)]
            spaces = [end < start for end, start in zip(ends, starts, strict=True)]
            tokens = Doc(vocab, words=[match.group() for match in matches], spaces=spaces)
            at = [match.start() for match in matches]
            return NlpArtifacts([], tokens, at, lemmas, self, language)

        def process_batch(
            self, texts: Any, language: str, batch_size: int = 1, n_process: int = 1, **_: Any
        ) -> Iterator[Any]:
            return ((text, self.process_text(text, language)) for text in texts)

        def is_stopword(self, word: str, language: str) -> bool:
            return False

        def is_punct(self, word: str, language: str) -> bool:
            return not word.isalnum()

        def get_supported_entities(self) -> list[str]:
            return []

        def get_supported_languages(self) -> list[str]:
            return ["en"]

    return Words()


def spans(text: str, threshold: float = 0.0) -> list[Span]:
    found = analyzer().analyze(text=text, language="en", score_threshold=threshold)
    return [(each.start, each.end, each.entity_type) for each in found]


def milliseconds(body: Json, times: int = 3, *, context: bool = True) -> float:
    """CPU of analyze() over the JSON as a text, in ms.

    With context words, as it comes: looking for them is part of what analyze() does, and quadratic in the text. Without
    them (Presidio's NoOpNlpEngine), words near a value count for nothing.
    """
    text, engine = json.dumps(body), analyzer(context=context)

    def once() -> float:
        before = time.process_time()
        engine.analyze(text=text, language="en")
        return time.process_time() - before

    return 1000 * min(once() for _ in range(times))


def presidio(threshold: float, without: frozenset[str] = frozenset()) -> Redactor:
    """A redactor that overwrites what Presidio finds in the whole JSON, leaf by leaf, so that it stays JSON."""

    def redact(lines: Sequence[Object]) -> list[Answer]:
        return [_redacted(line, threshold, without) for line in lines]

    return redact


def _redacted(line: Object, threshold: float, without: frozenset[str]) -> Answer:
    result = line["result"]
    assert isinstance(result, dict)
    body = result.get("structuredContent")
    body = _json_or_text(copy_of(result)) if body is None else body
    writer = Written()
    writer.write(body)
    text = "".join(writer.parts)
    found = [span for span in spans(text, threshold) if span[2] not in without]
    hit = bytearray(len(text))
    for start, end, _ in found:
        hit[start:end] = b"\1" * (end - start)
    changed = cut(body, iter(writer.leaves), text, hit)
    answer = as_result(changed)
    if "structuredContent" not in result:
        answer.pop("structuredContent", None)
    elif _json_or_text(copy_of(result)) != result["structuredContent"]:
        answer["content"] = result["content"]
    return Answer(id=str(line["id"]), result=answer)


def _json_or_text(text: str) -> Json:
    try:
        value: Json = json.loads(text)
    except ValueError:
        return text
    return value


class Written:
    """JSON as a text, as json.dumps has it, with the place of every scalar in it; a text alone is written bare."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.leaves: list[tuple[int, int]] = []
        self._at = 0

    def _put(self, part: str) -> None:
        self.parts.append(part)
        self._at += len(part)

    def write(self, value: Json, depth: int = 0) -> None:
        if isinstance(value, dict):
            self._each([(json.dumps(key, ensure_ascii=False) + ": ", each) for key, each in value.items()], "{}", depth)
        elif isinstance(value, list):
            self._each([("", each) for each in value], "[]", depth)
        else:
            start = self._at
            self._put(value if isinstance(value, str) and not depth else json.dumps(value, ensure_ascii=False))
            quotes = isinstance(value, str) and depth > 0
            self.leaves.append((start + quotes, self._at - quotes))

    def _each(self, items: list[tuple[str, Json]], edges: str, depth: int) -> None:
        self._put(edges[0])
        for index, (key, value) in enumerate(items):
            self._put((", " if index else "") + key)
            self.write(value, depth + 1)
        self._put(edges[1])


def cut(value: Json, places: Iterator[tuple[int, int]], text: str, hit: bytearray) -> Json:
    """The value with every hit character overwritten; a number that is hit becomes null."""
    if isinstance(value, dict):
        return {key: cut(each, places, text, hit) for key, each in value.items()}
    if isinstance(value, list):
        return [cut(each, places, text, hit) for each in value]
    start, end = next(places)
    if not any(hit[start:end]):
        return value
    if not isinstance(value, str):
        return None
    shown = "".join("█" if hit[at] else text[at] for at in range(start, end))
    try:
        return str(json.loads(f'"{shown}"'))
    except ValueError:
        return shown
