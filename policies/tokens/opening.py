"""Opens the tokens in what a call carries: its arguments, and the answers of a retry (`inputResponses`).

A text that is nothing but one token, in whatever quotes, emphasis, doubled brackets or blanks a model put around it,
becomes the value: a JSON number where it was one. In a longer text the value stands in the token's place, escaped as
the token was (`%3C…%3E` gives a percent-encoded value). A text that is JSON is opened inside, strings and names alike,
and stays JSON. One token that does not open denies the call: none is ever passed on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from policies.jsontext import Exact, JsonError, dumps, loads
from policies.model import ALLOW, Allow, Call, Change, Deny, Json, JsonObject, Modify
from policies.text import Budget, GrowthError, KeyCollisionError, TooManyValuesError, Walk, Where, path
from policies.tokens.errors import DamagedTokenError, TokenError, TokenNotAllowedError, UnknownKeyError
from policies.tokens.flows import Flow, allowed
from policies.tokens.mail import from_mail
from policies.tokens.spans import Span, find, may_hold
from policies.tokens.tokens import Opened, Tokens

MAX_CHANGES: Final = 1_000
"""Changes of one call that are told; the others are made as well."""

_VALUES: Final = 200_000
_COST: Final = 8
"""A token counts as so many values."""
_SECONDS: Final = 3.0
_TOLD: Final = 10
_AROUND: Final = 64
"""Characters of quotes and the like on either side of a token that is the whole text."""

_FIELDS: Final = ("arguments", "inputResponses")
_MIRROR: Final = str.maketrans("<“‘«", ">”’»")
_WRAPPING: Final = re.compile(r"[<\"'`*_~“‘«„]*")
_WRITTEN: Final = re.compile(r"&(?:amp;)?lt;|&(?:amp;)?gt;|&quot;|&#0?39;|\\u003[ce]|%3c|%3e|%22|\\(?=[\"'])", re.I)
_SIGNS: Final = {"lt;": "<", "gt;": ">", "uot;": '"', "%22": '"', "39;": "'", "3c": "<", "3e": ">"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """Opens tokens in calls of a tool as far as `flows` allow. `monotonic` gives seconds, and bounds the time."""

    tokens: Tokens
    flows: Sequence[Flow]
    monotonic: Callable[[], float]

    def call(self, call: Call, scope: str) -> Allow | Modify | Deny:
        """The call with its tokens opened. Denies with the reason of a TokenError, `key_collision`, `too_large` or
        `too_many_values`; `detail` holds reasons and paths. In other methods than tools/call no token is allowed.
        """
        work = _Work(self, scope, call.name if call.method == "tools/call" else None)
        try:
            params = work.params(call.params)
        except KeyCollisionError:
            return Deny("key_collision")
        except GrowthError:
            return Deny("too_large")
        except TooManyValuesError:
            return Deny("too_many_values")
        if work.refused:
            told = ", ".join(f"{reason} at {place}" for reason, place in work.refused)
            return Deny(work.refused[0][0], told)
        return ALLOW if params is call.params else Modify(call.with_params(params), tuple(work.changes))


class _Work:
    """One call. After a refusal the walk goes on, to tell the other places; nothing of it is used."""

    def __init__(self, opening: Opening, scope: str, to: str | None) -> None:
        self._opening, self._scope, self._to = opening, scope, to
        self.refused: list[tuple[str, str]] = []
        self.changes: dict[Change, None] = {}
        end = opening.monotonic() + _SECONDS
        self._budget = Budget(_VALUES, lambda: opening.monotonic() > end)
        self._walk = Walk(edit=self._edit, key=self._key, budget=self._budget)

    def params(self, params: JsonObject) -> JsonObject:
        new = {name: self._walk.value(params[name], (None, name)) for name in _FIELDS if name in params}
        return params if all(params[name] is value for name, value in new.items()) else {**params, **new}

    def _edit(self, text: Json, where: Where) -> Json:
        if not may_hold_tokens(text):
            return text
        inner = self._walk.inside(text, where)
        return self._text(text, where) if inner is None else inner

    def _key(self, text: str, where: Where) -> str:
        new = self._text(text, where) if may_hold_tokens(text) else text
        return new if isinstance(new, str) else dumps(new).decode()

    def _text(self, text: str, where: Where) -> Json:
        text = from_mail(text)
        spans = find(text)
        if not spans:
            return text
        self._budget.spend(_COST * len(spans))
        opened = [self._opened(span, where) for span in spans]
        if len(spans) == 1 and opened[0] and _is_whole(text, spans[0]):
            return _number(opened[0].value) if opened[0].is_number else opened[0].value
        parts, at = [], 0
        for span, found in zip(spans, opened, strict=True):
            parts += [text[at : span.start], span.escaped(found.value if found else "")]
            at = span.end
        return "".join([*parts, text[at:]])

    def _opened(self, span: Span, where: Where) -> Opened | None:
        try:
            return self._allowed(span, where)
        except TokenError as error:
            if len(self.refused) < _TOLD:
                self.refused.append((error.reason, path(where)))
            return None

    def _allowed(self, span: Span, where: Where) -> Opened:
        if span.parts is None:
            raise DamagedTokenError
        opened = self._opening.tokens.open_parts(span.parts, self._scope)
        if self._to is None or not allowed(self._opening.flows, opened, self._to):
            raise TokenNotAllowedError
        if len(self.changes) < MAX_CHANGES:
            self.changes[Change(path(where), f"opened:{opened.entity}")] = None
        return opened


def may_hold_tokens(text: str) -> bool:
    """Whether tokens may stand in it, in either form."""
    return may_hold(text) or from_mail(text) is not text


def asks_for_newer_keys(decision: Allow | Modify | Deny) -> bool:
    """Whether a ring that is read again might open what stayed closed."""
    return isinstance(decision, Deny) and UnknownKeyError.reason in decision.detail


def _is_whole(text: str, span: Span) -> bool:
    """Whether nothing but blanks and pairs of wrapping signs stand around it."""
    if span.start > _AROUND or len(text) - span.end > _AROUND:
        return False
    before, after = _signs(text[: span.start]), _signs(text[span.end :])
    return _WRAPPING.fullmatch(before) is not None and after == before[::-1].translate(_MIRROR)


def _signs(text: str) -> str:
    """Without blanks, and with escapes undone."""
    plain = _WRITTEN.sub(lambda found: _sign(found[0].lower()), text)
    return "".join(plain.split())


def _sign(escape: str) -> str:
    return next((sign for end, sign in _SIGNS.items() if escape.endswith(end)), "")


def _number(text: str) -> Json:
    """The number, written with the very same text again. Text that is no number's, from a caller's own rule, stays."""
    try:
        value = loads(text)
        is_same = dumps(value).decode() == text
    except JsonError:
        return text
    if isinstance(value, bool) or not isinstance(value, int | float):
        return text
    return value if is_same else Exact(text)
