"""All built-in kinds of secrets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from policies.secrets.kind import Kind
from policies.secrets.kinds_cloud import CLOUD
from policies.secrets.kinds_generic import GENERIC
from policies.secrets.kinds_saas import SERVICES

KINDS: Final[Sequence[Kind]] = (*CLOUD, *SERVICES, *GENERIC)

NAMED: Final = "named-secret"
"""The kind of a value that stands under a key, or behind a name, that speaks of a secret."""
