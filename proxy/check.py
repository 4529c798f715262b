"""What `check` finds, all at once: wrong settings, wrong policies, and policies that cannot do what they promise."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from policies.hooks import overridden
from policies.line import Entry
from policies.loading import PolicyConfigError, announcements, unmatched_globs
from policies.loading import load as load_policies
from policies.policy import Secrets
from proxy import preflight, telemetry
from proxy.announcement import DEMO_POLICIES, upstream_name, who_may_call
from proxy.app import with_upstream
from proxy.auth import outbound
from proxy.callers import callers, refusals
from proxy.commands import counted
from proxy.connect import connect
from proxy.discovery import of_issuer
from proxy.eras import MODERN
from proxy.errors import ConfigError, ProxyError, RpcError
from proxy.oauth_settings import Asked
from proxy.publishing import Publishing, publishing_of
from proxy.references import unusable
from proxy.services import is_local, quiet
from proxy.settings import PREFIX, Settings, load
from proxy.signing_keys import KeysAwayError, SigningKeys
from proxy.upstream import Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """`findings` must be mended; `notes` are worth knowing; `lines` show the effective configuration."""

    lines: Sequence[str] = ()
    notes: Sequence[str] = ()
    findings: Sequence[str] = field(default_factory=tuple)


def check(flags: Mapping[str, Any], *, offline: bool) -> Report:
    """Check what a proxy with these flags and this environment would run.

    Unless `offline`, it also opens and closes each policy, reads a secret kept elsewhere, and asks the upstream.
    """
    findings: list[str] = []
    settings = _settings(flags, findings)
    entries = _entries(settings, flags, findings)
    findings += telemetry.findings(os.environ)
    if settings is None or entries is None:
        return Report(findings=findings)
    findings += [*_auth(settings), *_inbound(settings), *refusals(settings, entries), *preflight.places(settings)]
    findings += asyncio.run(_tried(settings, entries, offline=offline))
    notes = [*announcements(entries), *_without_subject(settings, entries)]
    if not offline and not findings:
        notes += asyncio.run(_issuer(settings))
        asyncio.run(_compared(settings, entries, notes, findings))
    return Report(lines=described(settings, entries), notes=notes, findings=tuple(dict.fromkeys(findings)))


async def _tried(settings: Settings, entries: Sequence[Entry], *, offline: bool) -> list[str]:
    lent = quiet(settings).secrets
    found = [text async for text in preflight.secrets(settings, lent, offline=offline)]
    found += [text async for text in _secrets_of_login(settings, lent, offline=offline)]
    return found if offline else [*found, *[text async for text in preflight.opening(entries)]]


async def _compared(settings: Settings, entries: Sequence[Entry], notes: list[str], findings: list[str]) -> None:
    """Ask the upstream for its tools and hold the globs against them."""
    publishing = publishing_of(settings)
    try:
        with _quiet("proxy.upstream"):
            names = await _upstream_tools(settings, publishing)
    except (ProxyError, TimeoutError) as error:
        notes.append(f"upstream: could not be asked: {_said(error)}")
        if unmatched_globs(entries, ()):
            notes.append("the tools globs were not compared with the upstream's tools")
        return
    notes.append(f"the upstream lists {counted(len(names), 'tool')}")
    findings += [f"tools: {finding}" for finding in publishing.findings]
    for name, glob in unmatched_globs(entries, names):
        findings.append(f"policy {name}: tools: {glob!r} matches no tool of the upstream")


def described(settings: Settings, entries: Sequence[Entry]) -> list[str]:
    """The effective configuration, for people: no credential, no value of a policy's config."""
    source = str(settings.policies) if settings.policies else "built-in default"
    chain = [f"  {number}. {text}" for number, text in enumerate(map(_entry, entries), 1)]
    return [
        f"upstream  {upstream_name(settings)}",
        f"inbound   {who_may_call(settings)}",
        f"auth      {settings.auth_mode}",
        f"policies  {source}" + ("" if chain else ": none, every call and result passes unchanged"),
        *chain,
    ]


def _entry(entry: Entry) -> str:
    fails = "fails open" if entry.on_failure == "open" else "fails closed"
    hooks = " ".join(overridden(type(entry.policy))) or "no hook"
    covers = "all tools" if "*" in entry.tools else f"tools {', '.join(entry.tools)}"
    return f"{entry.name}: {entry.mode}, {fails}, {covers}, {hooks}, {entry.timeout_ms:g} ms"


def _settings(flags: Mapping[str, Any], findings: list[str]) -> Settings | None:
    try:
        return load(**flags)
    except ConfigError as error:
        findings += error.findings
        return None


def _entries(settings: Settings | None, flags: Mapping[str, Any], findings: list[str]) -> list[Entry] | None:
    """The policies, also where the settings are wrong: everything is to be reported at once."""
    named = flags.get("policies") or os.environ.get(f"{PREFIX}POLICIES")
    path = settings.policies if settings else Path(named) if named else None
    try:
        demo = settings and not (settings.upstream or settings.stdio) and is_local(settings)
        return load_policies(path, quiet(settings or Settings.model_construct()), more=DEMO_POLICIES if demo else ())
    except PolicyConfigError as error:
        findings += error.findings
        return None


def _auth(settings: Settings) -> Iterator[str]:
    try:
        outbound(settings, quiet(settings).secrets)
    except ConfigError as error:
        yield from error.findings


def _inbound(settings: Settings) -> Iterator[str]:
    try:
        callers(settings, quiet(settings).secrets)
    except ConfigError as error:
        yield from error.findings


async def _secrets_of_login(settings: Settings, lent: Secrets, *, offline: bool) -> AsyncIterator[str]:
    for name in ("oauth_client_secret", "oauth_signing_key"):
        reference = getattr(settings, name)
        if not reference or unusable(reference) or (offline and reference.startswith("arn:")):
            continue
        try:
            await lent.get(reference)
        except LookupError as error:
            yield f"setting {name}: {error}"


async def _issuer(settings: Settings) -> list[str]:
    """What the issuer of the callers' tokens answers: a note, for the proxy starts without it."""
    if settings.inbound not in ("jwt", "oauth"):
        return []
    issuer = settings.inbound_issuer or Asked.of(settings).issuer
    keys = SigningKeys(of_issuer(issuer).issuer, settings.inbound_jwks_url)
    try:
        with _quiet("proxy.signing_keys"):
            return [f"the issuer publishes {counted(len((await keys.current()).keys), 'key')}"]
    except KeysAwayError as error:
        return [f"issuer: could not be asked, so nobody could be let in now: {error}"]
    finally:
        await keys.close()


@contextlib.contextmanager
def _quiet(name: str) -> Iterator[None]:
    """What this logger would say stands in a note."""
    logger = logging.getLogger(name)
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)


def _without_subject(settings: Settings, entries: Sequence[Entry]) -> Iterator[str]:
    if settings.inbound == "platform":
        for entry in entries:
            if entry.policy.per_caller and entry.mode != "off":
                yield f"policy {entry.name}: decides by caller, and with IAM in front of inbound=platform there is none"


async def _upstream_tools(settings: Settings, publishing: Publishing) -> list[str]:
    """Names of the upstream's tools as published, before any policy hides some. Raises ProxyError, TimeoutError."""
    if settings.auth_mode == "passthrough":
        raise ProxyError("each caller's token sees its own tools")
    if settings.auth_mode == "identity" and not (settings.workload_identity or settings.client_id):
        raise ProxyError("its token comes by the first call that brings a workload access token")
    async with with_upstream(settings) as effective:
        upstream = connect(effective, outbound(effective, quiet(effective).secrets))
        await upstream.open()
        try:
            async with asyncio.timeout(settings.bounds.first_list_s):
                pages = await upstream.pages("tools/list", Origin(version=MODERN, own=True))
        finally:
            await upstream.close()
    listed = [tool for page in pages for tool in page.get("tools") or () if isinstance(tool, Mapping)]
    return [str(tool.get("name")) for tool in publishing.published(listed, whole=True)]


def _said(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "it did not list them in time"
    return f"it answered error {error.code}" if type(error) is RpcError else str(error)
