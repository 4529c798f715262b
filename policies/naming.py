"""From the `use` of a policies.toml to a class: a built-in, an entry point, or `module:Class`."""

from __future__ import annotations

import importlib
import inspect
import re
import sys
from collections.abc import Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import Final

from policies.finding import unknown
from policies.policy import Policy, PolicyConfig

GROUP: Final = "mcp_policy_proxy.policies"
"""Entry points of this group can be named in `use`; being installed alone activates nothing."""

BUILTINS: Final[Mapping[str, str]] = {
    "sanitize": "policies.sanitize:Sanitize",
    "redact": "policies.redact:Redact",
    "audit": "policies.audit:Audit",
}

_ADDRESS: Final = re.compile(r"\w+(\.\w+)*:\w+\Z")
_WORD: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


class UseError(Exception):
    """`use` does not lead to a policy; the message says why, without the text of foreign exceptions."""


def short_name(use: str) -> str:
    """`redact` for `redact`, `block_words` for `mine:BlockWords`."""
    return _WORD.sub("_", use.rpartition(":")[2].rpartition(".")[2]).lower()


def policy_class(use: str, builtins: Mapping[str, str], beside: Path | None) -> type[Policy]:
    """The class that `use` names; modules are also looked for in the folder `beside`. Raises UseError."""
    found = _load(_address(use, builtins), beside)
    if not (isinstance(found, type) and issubclass(found, Policy)) or found is Policy:
        raise UseError(f"{use!r} is not a subclass of policies.policy.Policy")
    if inspect.isabstract(found):
        raise UseError(f"{use!r} is abstract: it has methods that must be implemented")
    if not (isinstance(found.Config, type) and issubclass(found.Config, PolicyConfig)):
        raise UseError(f"Config of {use!r} is not a subclass of policies.policy.PolicyConfig")
    return found


def _address(use: str, builtins: Mapping[str, str]) -> str:
    if ":" in use:
        if not _ADDRESS.match(use):
            raise UseError(f"{use!r} is not 'module:Class'")
        return use
    installed = {point.name: point.value for point in entry_points(group=GROUP)}
    if use not in builtins and use not in installed:
        raise UseError(f"{unknown('policy', use, {*builtins, *installed})} (your own class is 'module:Class')")
    return builtins.get(use) or installed[use]


def _load(address: str, beside: Path | None) -> object:
    module_name, _, class_name = address.partition(":")
    if beside is not None and str(beside) not in sys.path:
        sys.path.append(str(beside))  # last: nothing of theirs shadows anything of ours
    module = _module(module_name, beside)
    try:
        return vars(module)[class_name]
    except KeyError:
        classes = [name for name, value in vars(module).items() if isinstance(value, type) and value is not Policy]
        raise UseError(f"module {module_name!r}: {unknown('class', class_name, classes)}") from None


def _module(name: str, beside: Path | None) -> object:
    importlib.invalidate_caches()
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise UseError(f"module {name!r} imports {error.name!r}, which is not installed") from None
        places = f"neither in {beside} nor installed" if beside else "not installed"
        raise UseError(f"there is no module {name!r}: it is {places}") from None
    except (Exception, SystemExit) as error:  # noqa: BLE001 - code of others: whatever it raises is a finding
        raise UseError(f"importing {name!r} raised {type(error).__name__}") from None
