"""Whether a class overrides the hooks it means to: a misspelt one would run never, and nobody would be told."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Iterator
from typing import Any, Final, get_args

from policies.model import Hook
from policies.policy import Policy

HOOKS: Final[tuple[str, ...]] = get_args(Hook)

_METHODS: Final = (*HOOKS, "open", "close")
_AFTER_ON: Final = {hook.removeprefix("on_"): hook for hook in HOOKS}


def overridden(policy: type[Policy]) -> list[str]:
    """The hooks that the class overrides."""
    return [hook for hook in HOOKS if getattr(policy, hook) is not getattr(Policy, hook)]


def hook_findings(policy: type[Policy]) -> Iterator[str]:
    """What is wrong with the hooks of the class: methods that look like one, and parameters that do not fit."""
    for name in dir(policy):
        if _looks_like_a_hook(name) and name not in HOOKS and callable(getattr(policy, name)):
            yield f"{policy.__name__}.{name} overrides no hook; {_nearest(name)}"
    for name in _METHODS:
        if getattr(policy, name) is not getattr(Policy, name) and (problem := _misfit(policy, name)):
            yield f"{policy.__name__}.{name} {problem}"


def _looks_like_a_hook(name: str) -> bool:
    return name.lower().startswith("on_") or name.lower() in {hook.replace("_", "") for hook in HOOKS}


def _nearest(name: str) -> str:
    near = difflib.get_close_matches(name.lower().removeprefix("on").strip("_"), _AFTER_ON, n=1, cutoff=0.7)
    return f"did you mean {_AFTER_ON[near[0]]}?" if near else f"the hooks are {', '.join(HOOKS)}"


def _misfit(policy: type[Policy], name: str) -> str | None:
    """Why the method cannot be called as it will be; None where it can, or where Python does not tell."""
    found = getattr(policy, name)
    if not callable(found):
        return "is not a method"
    expected = list(inspect.signature(getattr(Policy, name)).parameters)
    bound = isinstance(inspect.getattr_static(policy, name), staticmethod | classmethod)
    given: list[Any] = expected[1:] if bound else expected
    try:
        inspect.signature(found).bind(*given)
    except TypeError:
        return f"must take ({', '.join(expected)})"
    except ValueError:
        return None
    return None
