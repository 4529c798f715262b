"""Puts the proxy on Amazon Bedrock AgentCore: `.venv/bin/python setup_and_deploy.py --help`."""

import importlib.util
import sys

if __name__ == "__main__":
    if importlib.util.find_spec("boto3") is None:
        sys.exit("boto3 is missing: `make run` builds .venv; use .venv/bin/python setup_and_deploy.py")
    from deployment.cli import main

    sys.exit(main())
