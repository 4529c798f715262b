"""From the config to what an artifact is built from, and the proof that it runs before anything is uploaded."""

from __future__ import annotations

from deployment import bundle_check, names, variables
from deployment.bundle_contents import Inputs
from deployment.config import DeployConfig
from deployment.run import Run


def inputs(config: DeployConfig) -> Inputs:
    return Inputs(
        folder=config.folder,
        python=config.python,
        policies=config.policies,
        include=config.include,
        requirements=config.requirements,
    )


def prove(run: Run) -> None:
    """`check` inside the twin, with the deployment's environment. Raises ConfigError with what it finds."""
    config = run.config
    secret = f"arn:aws:secretsmanager:{config.region}:000000000000:secret:{names.secret(config)}-000000"
    environment = variables.variables(config, config.client_secret_arn or secret)
    bundle_check.check(inputs(config), environment, run.report.tell)
