"""Credentials of services: models, payment, messages, monitoring, documents."""

from __future__ import annotations

from collections.abc import Sequence
from string import hexdigits
from typing import Final

from policies.detect.rule import Late
from policies.secrets.kind import Kind, token, varied
from policies.secrets.kinds_cloud import named

_SLACK: Final = "Slack documentation, tokens"
_STRIPE: Final = "Stripe documentation, API keys"
_SHOPIFY: Final = "Shopify documentation, app secrets and access tokens"
_SQUARE: Final = "Square documentation, access tokens"
_DISCORD: Final = "Discord documentation, authentication"
_SENTRY: Final = "Sentry documentation, API authentication"
_SK: Final = " ".join(f"sk{first}{second}" for first in hexdigits[:16] for second in hexdigits[:16])

SERVICES: Final[Sequence[Kind]] = (
    token("slack-bot-token", "xoxb-", r"xoxb-[0-9]{8,14}-[A-Za-z0-9-]{18,80}", _SLACK),
    token("slack-user-token", "xoxp- xoxs- xoxo-", r"xox[pso]-[0-9]{8,14}-[0-9]{8,14}-[A-Za-z0-9-]{10,80}", _SLACK),
    token("slack-workspace-token", "xoxa- xoxr-", r"xox[ar]-[0-9]{1,14}-[A-Za-z0-9-]{8,90}", _SLACK),
    token("slack-refresh-token", "xoxe", r"xoxe(?:\.xox[bp])?-[0-9]-[A-Za-z0-9-]{40,200}", _SLACK),
    token("slack-app-token", "xapp-", r"xapp-[0-9]-[A-Z0-9]{8,14}-[0-9]{8,14}-[A-Fa-f0-9]{32,80}", _SLACK),
    Kind(
        name="slack-webhook",
        keywords=("hooks.slack.com",),
        pattern=Late(
            r"hooks\.slack\.com/(?:services|workflows|triggers)/"
            r"(?P<secret>[A-Z0-9]{8,14}/[A-Z0-9]{8,20}/[A-Za-z0-9/]{20,80})(?![A-Za-z0-9])"
        ),
        source="Slack documentation, incoming webhooks",
        check=varied,
    ),
    token("stripe-secret-key", "sk_live_ sk_test_", r"sk_(?:live|test)_[A-Za-z0-9]{16,247}", _STRIPE),
    token("stripe-restricted-key", "rk_live_ rk_test_", r"rk_(?:live|test)_[A-Za-z0-9]{16,247}", _STRIPE),
    token("stripe-webhook-secret", "whsec_", r"whsec_[A-Za-z0-9+/]{24,64}={0,2}", "Stripe documentation, webhooks"),
    token(
        "openai-key",
        "sk-proj- sk-svcacct- sk-admin- sk-none-",
        r"sk-(?:proj|svcacct|admin|None)-[A-Za-z0-9_-]{40,240}",
        "OpenAI documentation, API keys",
    ),
    Kind(
        name="openai-key",
        keywords=("sk-",),
        pattern=Late(r"(?<![A-Za-z0-9])sk-(?:[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}|[A-Za-z0-9]{48})(?![A-Za-z0-9_-])"),
        source="OpenAI documentation, API keys",
        check=varied,
    ),
    token(
        "anthropic-key",
        "sk-ant-",
        r"sk-ant-[a-z]{3,10}[0-9]{2}-[A-Za-z0-9_-]{32,120}",
        "Anthropic documentation, API keys",
    ),
    token(
        "hugging-face-token",
        "hf_ api_org_",
        r"(?:hf|api_org)_[A-Za-z0-9]{34,40}",
        "Hugging Face documentation, user access tokens",
    ),
    named(
        "datadog-key",
        "dd_api_key dd_app_key dd_application_key dd-api-key dd-application-key datadog",
        r"[A-Za-z_.-]{0,20}",
        r"[a-f0-9]{40}|[a-f0-9]{32}",
        "Datadog documentation, API and application keys",
    ),
    named(
        "twilio-auth-token",
        "twilio auth_token authtoken",
        r"[A-Za-z_.-]{0,20}",
        r"[a-f0-9]{32}",
        "Twilio documentation, API keys",
    ),
    token("twilio-api-key", _SK, r"SK[a-f0-9]{32}", "Twilio documentation, SIDs"),
    token(
        "sendgrid-key",
        "sg.",
        r"SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}",
        "SendGrid documentation, API keys",
    ),
    token(
        "mailgun-key",
        "key-",
        r"key-[a-f0-9]{32}",
        "Mailgun documentation, authentication",
    ),
    named(
        "mailgun-key",
        "mailgun",
        r"[A-Za-z_.-]{0,24}",
        r"[a-f0-9]{32}-[a-f0-9]{8}-[a-f0-9]{8}",
        "Mailgun documentation, authentication",
    ),
    Kind(
        name="mailchimp-key",
        keywords=tuple(f"-us{digit}" for digit in range(1, 10)),
        pattern=Late(r"(?<![A-Za-z0-9])[a-f0-9]{32}-us[0-9]{1,2}(?![A-Za-z0-9])"),
        source="Mailchimp documentation, API keys",
        check=varied,
        back=32,
        reach=8,
    ),
    token("shopify-token", "shpat_ shpca_ shppa_ shpss_", r"shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}", _SHOPIFY),
    token("square-token", "sq0atp- sq0csp- sq0idp-", r"sq0(?:atp|csp)-[A-Za-z0-9_-]{22,60}", _SQUARE),
    token("square-token", "eaaa", r"EAAA[A-Za-z0-9_-]{60}", _SQUARE),
    token(
        "paypal-braintree-token",
        "access_token$",
        r"access_token\$(?:production|sandbox)\$[a-z0-9]{16}\$[a-f0-9]{32}",
        "Braintree documentation, access tokens",
    ),
    Kind(
        name="telegram-bot-token",
        keywords=(":aa",),
        pattern=Late(r"(?<![A-Za-z0-9:])(?:bot)?(?P<secret>[0-9]{8,10}:AA[A-Za-z0-9_-]{33})(?![A-Za-z0-9_-])"),
        source="Telegram Bot API, authorizing a bot",
        check=varied,
        back=13,
        reach=40,
    ),
    Kind(
        name="discord-bot-token",
        keywords=("discord", "bot "),
        pattern=Late(
            r"(?:(?i:discord)[A-Za-z0-9_.-]{0,24}[ \t\"'\\=:,>]{1,8}(?:Bot )?|(?<![A-Za-z0-9])[Bb]ot )"
            r"(?P<secret>[MNO][A-Za-z0-9_-]{23,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,38})(?![A-Za-z0-9_.-])"
        ),
        source=_DISCORD,
        check=varied,
    ),
    Kind(
        name="discord-webhook",
        keywords=("/api/webhooks/",),
        pattern=Late(r"/api/webhooks/[0-9]{17,20}/(?P<secret>[A-Za-z0-9_-]{60,80})(?![A-Za-z0-9_-])"),
        source="Discord documentation, webhooks",
        check=varied,
    ),
    token(
        "grafana-token",
        "glc_ glsa_",
        r"glsa_[A-Za-z0-9]{32}_[a-fA-F0-9]{8}|glc_[A-Za-z0-9+/]{32,400}={0,2}",
        "Grafana documentation, service accounts",
    ),
    token(
        "new-relic-key",
        "nrak- nrii- nraa-",
        r"NR(?:AK|AA)-[A-Z0-9]{27}|NRII-[A-Za-z0-9_-]{32}",
        "New Relic documentation, API keys",
    ),
    token("sentry-token", "sntryu_", r"sntryu_[a-f0-9]{64}", _SENTRY),
    token("sentry-token", "sntrys_", r"sntrys_eyJ[A-Za-z0-9+/]{20,400}+={0,2}_[A-Za-z0-9+/]{43}", _SENTRY),
    token(
        "linear-key",
        "lin_api_ lin_oauth_",
        r"lin_(?:api|oauth)_[A-Za-z0-9]{32,64}",
        "Linear documentation, API authentication",
    ),
    token(
        "notion-token",
        "ntn_ secret_",
        r"ntn_[A-Za-z0-9]{46}|secret_[A-Za-z0-9]{43}",
        "Notion documentation, authentication",
    ),
    token(
        "atlassian-token",
        "atatt3 atctt3 atbb",
        r"AT[AC]TT3[A-Za-z0-9_=-]{60,240}|ATBB[A-Za-z0-9]{32}",
        "Atlassian documentation, API tokens",
    ),
    token(
        "postman-key",
        "pmak-",
        r"PMAK-[a-fA-F0-9]{24}-[a-fA-F0-9]{34}",
        "Postman documentation, API authentication",
    ),
)
