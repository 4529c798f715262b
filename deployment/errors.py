"""What ends a verb of the deployer. Messages name files, keys and resources, never a secret.

DeployError
├── ConfigError         the config is wrong: every finding at once, before anything is touched
├── FailedError         AWS says that a resource failed, with AWS's own reason
└── WaitedError         a wait ended at its bound
"""

from __future__ import annotations

from collections.abc import Sequence


class DeployError(Exception):
    """One clear sentence for whoever runs the deployer."""


class ConfigError(DeployError):
    """`findings`, one a line, in the order of the config."""

    def __init__(self, findings: Sequence[str]) -> None:
        super().__init__("\n".join(findings))
        self.findings = tuple(findings)


class FailedError(DeployError):
    """A resource is in a failed state."""


class WaitedError(DeployError):
    """Something did not happen within its bound; running the same verb again carries on."""
