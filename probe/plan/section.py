"""What every section of a configuration file is: immutable, and strict about its keys."""

from pydantic import BaseModel, ConfigDict


class Strict(BaseModel):
    """A misspelt key is an error, and never a silent default."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)
