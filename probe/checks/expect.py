"""What an answer has to be, where any answer is not enough."""

from pydantic import BaseModel, ConfigDict, Field, field_validator

from probe.core import failure
from probe.core.failure import UNKNOWN, NamedFailure
from probe.wire.http1 import Head


class Expect(BaseModel):
    """``status`` (one or several), a text in the ``body``, and headers that contain a text."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    status: tuple[int, ...] = ()
    body: str | None = None
    header: dict[str, str] = Field(default_factory=dict)

    @field_validator("status", mode="before")
    @classmethod
    def _one_or_several(cls, value: object) -> object:
        return [value] if isinstance(value, int | str) else value

    def hold(self, head: Head, content: bytes) -> None:
        """Raise NamedFailure with what is not as expected."""
        if self.status and head.status not in self.status:
            raise NamedFailure(failure.HTTP_STATUS, f"status {head.status}")
        for name, text in self.header.items():
            if text not in (head.get(name) or ""):
                raise NamedFailure(f"{UNKNOWN}header {name} is not as expected")
        if self.body is not None and self.body.encode() not in content:
            raise NamedFailure(f"{UNKNOWN}the body lacks the expected text")

    def met(self, head: Head, content: bytes) -> bool:
        """Whether the answer is as expected."""
        try:
            self.hold(head, content)
        except NamedFailure:
            return False
        return True
