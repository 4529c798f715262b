"""Credentials of clouds, code hosts, package registries and infrastructure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from policies.detect.rule import Late
from policies.secrets.kind import Kind, token, varied

_AWS: Final = "AWS IAM User Guide, IAM identifiers"
_GITHUB: Final = "GitHub documentation, token formats"
_AZURE: Final = "Microsoft Purview documentation, sensitive information types of credentials"

_GIVEN: Final = r"[\"'\\]{0,4}[ \t]{0,4}(?:=>|:=|[=:,])[ \t]{0,4}[\"'\\]{0,4}"
"""What stands between a name and its value, in code, JSON, YAML, INI and env files."""


def named(name: str, keywords: str, gap: str, value: str, source: str) -> Kind:
    """A kind without a shape of its own: a keyword, then something of `gap`, an assignment, and the value."""
    return Kind(
        name=name,
        keywords=tuple(keywords.split()),
        pattern=Late(
            rf"(?i:{'|'.join(map(re.escape, keywords.split()))}){gap}{_GIVEN}(?P<secret>{value})(?![A-Za-z0-9/+_-])"
        ),
        source=source,
        why="word",
        confidence=0.9,
        check=varied,
    )


CLOUD: Final[Sequence[Kind]] = (
    token("aws-access-key", "akia asia abia acca", r"A(?:KI|SI|BI|CC)A[A-Z2-7]{12}[A-Z0-9]{4}", _AWS),
    named(
        "aws-secret-key",
        "secret_access_key secretaccesskey secret-access-key aws_secret aws.secret awssecret secretkey secret_key",
        r"[A-Za-z_.-]{0,16}",
        r"[A-Za-z0-9/+]{40}",
        _AWS,
    ),
    named(
        "aws-session-token",
        "session_token sessiontoken session-token security_token securitytoken security-token",
        "",
        r"(?:IQoJ|FwoG|FQoG|AQoD)[A-Za-z0-9/+_-]{80,}+={0,2}",
        _AWS,
    ),
    token("aws-bedrock-key", "absk", r"ABSK[A-Za-z0-9+/]{109,269}+={0,2}", _AWS),
    token("github-token", "ghp_", r"ghp_[A-Za-z0-9]{36}", _GITHUB),
    token("github-oauth-token", "gho_", r"gho_[A-Za-z0-9]{36}", _GITHUB),
    token("github-app-token", "ghu_ ghs_", r"gh[us]_[A-Za-z0-9]{36}", _GITHUB),
    token("github-refresh-token", "ghr_", r"ghr_[A-Za-z0-9]{36,76}", _GITHUB),
    token("github-fine-grained-token", "github_pat_", r"github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}", _GITHUB),
    token(
        "gitlab-token",
        "glpat- gldt- glrt- glcbt- glptt- glft- glimt- glagent- gloas- glsoat- glffct-",
        r"gl(?:pat|dt|rt|cbt|ptt|ft|imt|agent|oas|soat|ffct)-[A-Za-z0-9_-]{20,200}+(?:\.[a-z0-9]{2}\.[a-z0-9]{9})?",
        "GitLab documentation, token prefixes",
    ),
    token("google-api-key", "aiza", r"AIza[A-Za-z0-9_-]{35}", "Google Cloud documentation, API keys"),
    token(
        "google-oauth-secret",
        "gocspx-",
        r"GOCSPX-[A-Za-z0-9_-]{28}",
        "Google Identity documentation, OAuth 2.0",
    ),
    token(
        "google-access-token",
        "ya29.",
        r"ya29\.[A-Za-z0-9_-]{30,}",
        "Google Cloud documentation, token types",
    ),
    named("azure-storage-key", "accountkey account_key account-key", "", r"[A-Za-z0-9+/]{86}==", _AZURE),
    named(
        "azure-connection-key",
        "sharedaccesskey shared_access_key shared-access-key",
        "",
        r"[A-Za-z0-9+/]{43}=|[A-Za-z0-9+/]{86}==",
        _AZURE,
    ),
    Kind(
        name="azure-client-secret",
        keywords=("q~",),
        pattern=Late(r"(?<![A-Za-z0-9_~.-])[A-Za-z0-9_~.]{3}[0-9]Q~[A-Za-z0-9_~.-]{31,34}(?![A-Za-z0-9_~-])"),
        source=_AZURE,
        check=varied,
        back=4,
        reach=48,
    ),
    Kind(
        name="azure-sas-signature",
        keywords=("sig=",),
        pattern=Late(r"(?<=[?&;])sig=(?P<secret>[A-Za-z0-9%/+]{43,64}(?:=|%3[Dd])?)(?![A-Za-z0-9])"),
        source="Azure Storage documentation, shared access signatures",
        check=varied,
    ),
    token(
        "databricks-token",
        "dapi",
        r"dapi[a-f0-9]{32}(?:-[0-9])?",
        "Databricks documentation, personal access tokens",
    ),
    token(
        "digitalocean-token",
        "dop_v1_ doo_v1_ dor_v1_",
        r"do[opr]_v1_[a-f0-9]{64}",
        "DigitalOcean documentation, personal access tokens",
    ),
    token(
        "heroku-key",
        "hrku-",
        r"HRKU-[A-Za-z0-9_-]{36,70}",
        "Heroku Dev Center, platform API",
    ),
    named(
        "heroku-key",
        "heroku_api_key heroku_oauth_token heroku_key",
        "",
        r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
        "Heroku Dev Center, authentication",
    ),
    token(
        "cloudflare-token",
        "cfk_ cfut_ cfat_",
        r"cf(?:k|ut|at)_[A-Za-z0-9_-]{40,64}",
        "Cloudflare documentation, API tokens",
    ),
    named(
        "cloudflare-token",
        "cloudflare cf_api",
        r"[A-Za-z_.-]{0,24}",
        r"[A-Za-z0-9_-]{40}|[a-f0-9]{37}",
        "Cloudflare documentation, API tokens",
    ),
    token(
        "npm-token",
        "npm_",
        r"npm_[A-Za-z0-9]{36}",
        "npm documentation, access tokens",
    ),
    token("pypi-token", "pypi-age", r"(?<![A-Za-z0-9_-])pypi-AgE[A-Za-z0-9_-]{50,}", "PyPI help, API tokens"),
    token(
        "docker-hub-token",
        "dckr_pat_ dckr_oat_",
        r"dckr_[op]at_[A-Za-z0-9_-]{27,64}",
        "Docker documentation, access tokens",
    ),
    token(
        "vault-token",
        "hvs. hvb. hvr.",
        r"hv[sbr]\.[A-Za-z0-9_-]{24,300}+",
        "HashiCorp Vault documentation, tokens",
    ),
    Kind(
        name="terraform-cloud-token",
        keywords=(".atlasv1.",),
        pattern=Late(r"(?<![A-Za-z0-9])[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{60,80}(?![A-Za-z0-9_=-])"),
        source="HCP Terraform documentation, API tokens",
        check=varied,
        back=14,
        reach=96,
    ),
)
