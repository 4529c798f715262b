"""Where a secret may stay: by tool, place and kind, with the reason in writing."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, field_validator

from policies.finding import SaidError

_PATH: Final = re.compile(r"\$(?:\.\*\*|\.[^\s.\[\]]+|\[(?:\*|[0-9]+|'[^']+')\]){0,64}\Z")
_PARTS: Final = re.compile(r"(\.\*\*|\*)")
_TOLD: Final = {".**": r"(?:[.\[].*)?", "*": r"[^.\[\]]*"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Exemption:
    """What one of `tools`, `paths` and `kinds` each names is left alone; an empty one names everything.

    Tools and kinds are globs. Paths are JSON paths such as `$.content[*].text`: `*` stands for one step or a part of
    one, `.**` for any number of steps. Raises ValueError for a reason that says nothing, and for more
    than one `.**` in a path.
    """

    tools: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    reason: str
    _paths: tuple[re.Pattern[str], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.reason.strip():
            raise ValueError("an exemption needs a reason")
        object.__setattr__(self, "_paths", tuple(map(_pattern, self.paths)))

    def matches(self, tool: str, path: str, kind: str) -> bool:
        """Whether a secret of this kind at this path (as `policies.text.path` writes it) of this tool's may stay."""
        return (
            _named(tool, self.tools)
            and _named(kind, self.kinds)
            and (not self._paths or any(pattern.fullmatch(path) for pattern in self._paths))
        )


class ExemptionConfig(BaseModel):
    """A table `[[policy.config.exempt]]`: at least one of `tools`, `paths` and `kinds`, and always a `reason`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tools: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    paths: tuple[str, ...] = ()
    kinds: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    reason: Annotated[str, Field(min_length=1, max_length=500)]

    @field_validator("reason")
    @classmethod
    def _says_something(cls, reason: str) -> str:
        if not reason.strip():
            raise SaidError("a reason in words is needed")
        return reason

    @field_validator("paths")
    @classmethod
    def _are_paths(cls, paths: tuple[str, ...]) -> tuple[str, ...]:
        wrong = [str(number) for number, path in enumerate(paths, 1) if not _PATH.match(path) or path.count("**") > 1]
        if wrong:
            raise ValueError(f"path {', '.join(wrong)}: a JSON path is wanted, such as $.content[*].text or $.data.**")
        return paths

    def exemption(self) -> Exemption:
        """Raises ValueError when it names nothing: that would exempt everything."""
        if not (self.tools or self.paths or self.kinds):
            raise SaidError("an exemption names tools, paths or kinds")
        return Exemption(tools=self.tools, paths=self.paths, kinds=self.kinds, reason=self.reason)


def _named(name: str, globs: tuple[str, ...]) -> bool:
    return not globs or any(fnmatchcase(name, glob) for glob in globs)


def _pattern(path: str) -> re.Pattern[str]:
    """Raises ValueError for more than one `**`: each multiplies the places to try."""
    if path.count("**") > 1:
        raise ValueError("a path has one ** at most")
    return re.compile("".join(_TOLD.get(part, re.escape(part)) for part in _PARTS.split(path)), re.DOTALL)
