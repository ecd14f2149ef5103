"""`--with NAME=VALUE`: everything about a model that has an honest default, checked once."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, ValidationError

from agent.grammar import Constrain
from agent.settings import Settings

KEY = "HANDEYE_API_KEY"
"""The environment variable that holds the API key of a server, where none is named."""

GROUNDER = "grounder."
"""Begins the options that mean the grounder alone."""

SERVED = frozenset({"key", "timeout", "attempts", "constrain", "tokenizer"})
"""What only a server has a use for."""


class OptionError(ValueError):
    """An option that cannot be used, with what can."""


class Options(Settings):
    """How a model is reached and spoken to. What is not stated is left to its files, its server or its name."""

    settings: Path | None = None
    """A file in the form of handeye.json, for a model that has none."""
    dtype: Literal["auto", "float32", "bfloat16", "float16", "int8"] = "auto"
    key: str = KEY
    """The environment variable with the API key: its name, not the key."""
    timeout: float = Field(default=120.0, gt=0)
    """Seconds for an answer of a server."""
    attempts: int = Field(default=4, ge=1)
    constrain: Constrain = "none"
    tokenizer: Path | None = None
    """tokenizer.json of a served model, so that its prompts are counted exactly."""
    disk_cache: bool = True
    """Whether our own engine keeps system turns from run to run, in the user's cache folder."""
    record: Path | None = None
    """A new cassette: every question and answer is kept in it."""
    replay: Path | None = None
    """A cassette to answer from, without the model."""

    @classmethod
    def of(cls, pairs: Iterable[str], prefix: str = "") -> Self:
        """The options of `pairs` whose names begin with `prefix`, and of no other. Raises `OptionError`."""
        values: dict[str, str] = {}
        for pair in pairs:
            name, equals, value = pair.partition("=")
            if not equals or not name:
                raise OptionError(f"--with {pair}: expected NAME=VALUE")
            if name.startswith(GROUNDER) == bool(prefix):
                values[name.removeprefix(prefix).replace("-", "_")] = value
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise OptionError(explain(error, prefix)) from error

    def stated(self) -> Settings:
        """How it is spoken to, as far as it is stated: here, and below that in the file of `settings`."""
        names = self.model_fields_set & set(Settings.model_fields)
        here = Settings.model_validate(self.model_dump(include=names))
        if self.settings is None:
            return here
        try:
            return here.over(Settings.model_validate_json(self.settings.read_bytes()))
        except (OSError, ValidationError) as error:
            raise OptionError(f"--with settings={self.settings}: {error}") from error


def explain(error: ValidationError, prefix: str) -> str:
    """What is wrong with the first option that cannot be used."""
    first = error.errors(include_url=False)[0]
    name = str(first["loc"][0])
    if first["type"] == "extra_forbidden":
        return f"--with {prefix}{name}: no such option; expected one of {', '.join(sorted(Options.model_fields))}"
    return f"--with {prefix}{name}={first['input']}: {first['msg']}"
