from __future__ import annotations

import pytest
from pydantic import ValidationError

from policies.secrets.exemption import Exemption, ExemptionConfig


@pytest.mark.parametrize(
    ("given", "tool", "path", "kind", "matches"),
    [
        ({"tools": ("ci_*",)}, "ci_logs", "$.x", "jwt", True),
        ({"tools": ("ci_*",)}, "crm", "$.x", "jwt", False),
        ({"kinds": ("aws-*",)}, "t", "$.x", "aws-access-key", True),
        ({"kinds": ("aws-*",)}, "t", "$.x", "jwt", False),
        ({"paths": ("$.content[*].text",)}, "t", "$.content[12].text", "jwt", True),
        ({"paths": ("$.content[*].text",)}, "t", "$.content[12].text.token", "jwt", False),
        ({"paths": ("$.content[0].text",)}, "t", "$.content[1].text", "jwt", False),
        ({"paths": ("$.a.*",)}, "t", "$.a.b", "jwt", True),
        ({"paths": ("$.a.*",)}, "t", "$.a.b.c", "jwt", False),
        ({"paths": ("$.structuredContent.build.**",)}, "t", "$.structuredContent.build.steps[3].log", "jwt", True),
        ({"paths": ("$.structuredContent.build.**",)}, "t", "$.structuredContent.build", "jwt", True),
        ({"paths": ("$.structuredContent.build.**",)}, "t", "$.structuredContent.builder", "jwt", False),
        ({"paths": ("$.**.token",)}, "t", "$.a[0].b.token", "jwt", True),
        ({"paths": ("$.**.token",)}, "t", "$.token", "jwt", True),
        ({"tools": ("t",), "kinds": ("jwt",), "paths": ("$.a",)}, "t", "$.a", "jwt", True),
        ({"tools": ("t",), "kinds": ("jwt",), "paths": ("$.a",)}, "t", "$.b", "jwt", False),
    ],
)
def test_an_exemption_covers_what_each_of_its_lists_names(
    given: dict[str, tuple[str, ...]], tool: str, path: str, kind: str, matches: bool
) -> None:
    exemption = ExemptionConfig(reason="a public test fixture", **given).exemption()

    assert exemption.matches(tool, path, kind) is matches


@pytest.mark.parametrize(
    "given",
    [
        {"tools": ["a"]},
        {"tools": ["a"], "reason": ""},
        {"tools": ["a"], "reason": "  "},
        {"tools": [""], "reason": "x"},
        {"paths": ["content"], "reason": "x"},
        {"paths": ["$.**.a.**"], "reason": "x"},
        {"tool": ["a"], "reason": "x"},
    ],
)
def test_an_exemption_that_says_too_little_is_refused(given: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ExemptionConfig.model_validate(given)


def test_an_exemption_of_everything_is_refused() -> None:
    with pytest.raises(ValueError, match="names tools, paths or kinds"):
        ExemptionConfig(reason="x").exemption()
    with pytest.raises(ValueError, match="reason"):
        Exemption(tools=("a",), reason=" ")
