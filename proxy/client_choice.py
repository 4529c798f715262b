"""Which server the options of a verb name, and how to prove to it who calls."""

from __future__ import annotations

from argparse import Namespace

from proxy.client import Client
from proxy.parser import UsageError


def client(options: Namespace, local: str | None) -> Client:
    """By `arn`, `url`, or `local` where neither is given. Raises UsageError, or ProxyError for want of a credential."""
    url: str | None = options.url or local
    if problem := _problem(options, url) or _problem_of_token(options.token):
        raise UsageError(f"mcp-policy-proxy {options.verb}: {problem}")
    if options.arn or url is None:
        return _of_runtime(options.arn, options.qualifier or "DEFAULT", options.token)
    from proxy.client_proof import BearerToken

    return Client(url, BearerToken(options.token, url) if options.token else None)


def _problem(options: Namespace, url: str | None) -> str | None:
    if options.arn == "":
        return "--arn is empty"
    if options.arn and (options.url or getattr(options, "port", None)):
        return "--arn says which server to ask: leave out --url and --port"
    if options.qualifier and not options.arn:
        return "--qualifier goes with --arn"
    return None if options.arn or url else "--token goes with --arn or --url"


def _problem_of_token(reference: str | None) -> str | None:
    if reference is None:
        return None
    from proxy.references import unusable

    reason = unusable(reference)
    return f"the value of --token {reason}" if reason else None


def _of_runtime(arn: str, qualifier: str, token: str | None) -> Client:
    from proxy.arns import invocation_url, region_of
    from proxy.client_proof import BearerToken, Signature
    from proxy.client_runtime import RuntimeClient

    url = invocation_url(arn, qualifier)
    return RuntimeClient(arn, qualifier, BearerToken(token, url) if token else Signature(region_of(arn), url))
