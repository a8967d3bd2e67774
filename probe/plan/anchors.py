"""The anchors of a configuration: pages that tell whether the vantage itself has a network."""

from typing import Annotated, Any, Final

from pydantic import AfterValidator, Field, field_validator, model_validator

from probe.plan.section import Strict
from probe.plan.target import parse_target

# Small, long-lived pages that vendors keep for this very purpose, in several networks. Over TLS:
# a captive portal cannot answer for them.
DEFAULT_ANCHORS: Final = (
    "https://www.apple.com/library/test/success.html",
    "https://www.gstatic.com/generate_204",
    "https://detectportal.firefox.com/success.txt",
    "https://www.cloudflare.com/cdn-cgi/trace",
    "https://www.msftconnecttest.com/connecttest.txt",
)
# Over plain HTTP, where a captive portal does answer: what these say is known to the letter.
DEFAULT_PORTAL: Final[tuple[dict[str, Any], ...]] = (
    {"url": "http://detectportal.firefox.com/success.txt", "status": [200], "body": "success"},
    {"url": "http://connectivitycheck.gstatic.com/generate_204", "status": [204]},
)


def _anchor(text: str) -> str:
    parse_target(text)
    return text


def _portal(text: str) -> str:
    if parse_target(text).check.name != "http":
        raise ValueError(f"'{text}' shows no captive portal: its URL must begin with http://")
    return text


AnchorUrl = Annotated[str, AfterValidator(_anchor)]
PortalUrl = Annotated[str, AfterValidator(_portal)]


class PortalSection(Strict):
    """A page over plain HTTP, and the only answer that nobody on the way has put in its place.

    ``body`` is the whole of it, but for an end of line.
    """

    url: PortalUrl
    status: list[Annotated[int, Field(ge=200, le=599, strict=True)]] = Field(
        default=[200, 204], min_length=1
    )
    body: str | None = Field(default=None, min_length=1, max_length=4096)

    @model_validator(mode="before")
    @classmethod
    def _short(cls, given: Any) -> Any:
        return {"url": given} if isinstance(given, str) else given

    @field_validator("status", mode="before")
    @classmethod
    def _one_or_several(cls, given: Any) -> Any:
        return [given] if isinstance(given, int) else given


class AnchorsSection(Strict):
    """Pages that tell whether the vantage itself has a working network. Empty: no such test."""

    international: list[AnchorUrl] = Field(default_factory=lambda: list(DEFAULT_ANCHORS))
    domestic: list[AnchorUrl] = Field(default_factory=list)
    portal: list[PortalSection] = Field(
        default_factory=lambda: [PortalSection(**page) for page in DEFAULT_PORTAL]
    )

    @model_validator(mode="before")
    @classmethod
    def _own_world(cls, given: Any) -> Any:
        """Who has chosen other anchors is not made to ask the vendors for their plain pages."""
        defaults = [*DEFAULT_ANCHORS]
        if isinstance(given, dict) and given.get("international", defaults) != defaults:
            return {"portal": [], **given}
        return given

    @model_validator(mode="after")
    def _portal_is_no_network(self) -> "AnchorsSection":
        if self.portal and not self.international and not self.domestic:
            problem = ValueError("says nothing alone: give international or domestic anchors too")
            problem.key = ("portal",)  # type: ignore[attr-defined]
            raise problem
        return self
