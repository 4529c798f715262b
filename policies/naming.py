"""From the `use` of a policies.toml to a class: a built-in, an entry point, or `module:Class`."""

from __future__ import annotations

import importlib
import inspect
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Final

from policies.finding import failed, unknown
from policies.policy import Policy, PolicyConfig

GROUP: Final = "mcp_policy_proxy.policies"
"""Entry points of this group can be named in `use`; being installed alone activates nothing."""

BUILTINS: Final[Mapping[str, str]] = {
    "sanitize": "policies.sanitize:Sanitize",
    "redact": "policies.redact:Redact",
    "secrets": "policies.secrets:Secrets",
    "tokenize": "policies.tokenize:Tokenize",
    "audit": "policies.audit:Audit",
}

_ADDRESS: Final = re.compile(r"\w+(\.\w+)*:\w+\Z")
_FILE: Final = re.compile(r"(?:.*/)?(\w+)\.py(?:[:.](\w+))?")
_DOTTED: Final = re.compile(r"(\w+(?:\.\w+)*)\.([A-Z]\w*)")
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


def is_builtin(policy: Policy) -> bool:
    """Whether its code is all ours."""
    return _addressed(type(policy)) in BUILTINS.values()


def stands_for(policy: Policy, name: str) -> bool:
    """Whether this is the built-in policy of the name, or somebody's refinement of it."""
    return BUILTINS[name] in map(_addressed, type(policy).__mro__)


def _addressed(owner: type) -> str:
    return f"{owner.__module__}:{owner.__qualname__}"


def _address(use: str, builtins: Mapping[str, str]) -> str:
    if meant := _meant(use):
        raise UseError(f"{use!r} is not 'module:Class'; did you mean {meant!r}?")
    if ":" in use:
        if not _ADDRESS.match(use):
            raise UseError(f"{use!r} is not 'module:Class'")
        return use
    return builtins.get(use) or _installed(use, builtins)


def _installed(use: str, builtins: Mapping[str, str]) -> str:
    from importlib.metadata import entry_points  # reads every distribution there is

    installed = {point.name: point.value for point in entry_points(group=GROUP)}
    if use not in installed:
        raise UseError(f"{unknown('policy', use, {*builtins, *installed})} (your own class is 'module:Class')")
    return installed[use]


def _meant(use: str) -> str | None:
    """`oh:OfficeHours` for `oh.OfficeHours` and for `folder/oh.py:OfficeHours`."""
    if file := _FILE.fullmatch(use):
        return f"{file[1]}:{file[2] or 'Class'}"
    dotted = _DOTTED.fullmatch(use)
    return f"{dotted[1]}:{dotted[2]}" if dotted else None


def _load(address: str, beside: Path | None) -> object:
    module_name, _, class_name = address.partition(":")
    if beside is not None and str(beside) not in sys.path:
        sys.path.append(str(beside))  # last: nothing of theirs shadows anything of ours
    module = _module(module_name, beside)
    _must_be_theirs(module, module_name, beside)
    try:
        return vars(module)[class_name]
    except KeyError:
        classes = [name for name, value in vars(module).items() if isinstance(value, type) and value is not Policy]
        raise UseError(f"module {module_name!r}: {unknown('class', class_name, classes)}") from None


def _must_be_theirs(module: ModuleType, name: str, beside: Path | None) -> None:
    """Raises UseError when Python found another module of the name than the one in the folder `beside`."""
    first = name.partition(".")[0]
    files = (beside / f"{first}.py", beside / first / "__init__.py") if beside else ()
    own = next((file for file in files if file.is_file()), None)
    found = getattr(sys.modules.get(first, module), "__file__", None)
    if own is not None and (found is None or not _same(Path(found), own)):
        raise UseError(f"module {name!r} was imported from {found or 'Python itself'}, not from {own}: rename yours")


def _same(found: Path, own: Path) -> bool:
    """Whether it is the same file, or a copy of it."""
    return found.is_file() and (found.samefile(own) or found.read_bytes() == own.read_bytes())


def _module(name: str, beside: Path | None) -> ModuleType:
    importlib.invalidate_caches()
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            what = f"module {name!r} imports {error.name!r}, which is not installed"
            raise UseError(f"{what} ({failed(error, beside).rpartition(' at ')[2]})") from None
        places = f"neither in {beside} nor installed" if beside else "not installed"
        raise UseError(f"there is no module {name!r}: it is {places}") from None
    except (Exception, SystemExit) as error:  # noqa: BLE001 - code of others: whatever it raises is a finding
        raise UseError(f"importing {name!r} raised {failed(error, beside)}") from None
