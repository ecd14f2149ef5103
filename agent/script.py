"""Task scripts: what is to be done and what must hold afterwards, in a YAML file."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

import yaml
from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails

from actions import Action
from agent.expect import Check
from agent.limits import Limits
from agent.lines import Where, load
from agent.place import Login, Part, Place, Route, Spot

WEB = ("http://", "https://", "file:", "about:blank")


class ScriptError(ValueError):
    """A task script that cannot be run, as 'file:line: key: what is wrong'. Nothing was started."""


class Budget(Part):
    """The limits of a run; null is no limit."""

    steps: int | None = Field(default=30, ge=1)
    seconds: float | None = Field(default=600.0, gt=0)
    tokens: int | None = Field(default=None, ge=1)
    repeats: int | None = Field(default=3, ge=2)
    recoveries: int | None = Field(default=2, ge=0)

    def limits(self) -> Limits:
        """As the loop takes them."""
        return Limits(
            steps=self.steps,
            seconds=self.seconds,
            tokens=self.tokens,
            repeats=self.repeats,
            recoveries=self.recoveries,
        )


class Script(Part):
    """A task script, checked.

    `start` is an address, a MiniWoB++ task, a screen's name, or the path of a page relative to the script; a desktop
    has none.
    `{{name}}` stands for a parameter everywhere but in `parameters`; one without a value has to be set.
    `actions` are what `--model script` plays.
    """

    name: str = Field(min_length=1)
    start: str = ""
    instruction: str = ""
    environment: Place = Place()
    parameters: dict[str, str | None] = Field(default_factory=dict)
    limits: Budget = Budget()
    seed: int = 0
    until: Literal["finish", "expect"] = "finish"
    """When to stop: when the policy says so, or as soon as every expectation holds."""
    network: tuple[str, ...] = Field(default=(), strict=False)
    """Origins that pages may speak to beside those that the script names; "any" for all there are."""
    secrets: dict[str, tuple[str, ...]] = Field(default_factory=dict, strict=False)
    """Names that stand for secrets as <secret:NAME>, and the origins that each is typed into; none: that of `start`."""
    masks: tuple[str, ...] = Field(default=(), strict=False)
    """CSS selectors of what is covered in every screenshot."""
    expect: tuple[Check, ...] = Field(default=(), strict=False)
    actions: tuple[Action, ...] = Field(default=(), strict=False)

    @field_validator("environment", mode="before")
    @classmethod
    def _short(cls, value: object) -> object:
        return {"kind": value} if isinstance(value, str) else value

    @field_validator("network", mode="before")
    @classmethod
    def _all(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value

    @field_validator("secrets", mode="before")
    @classmethod
    def _bound(cls, value: object) -> object:
        """A list of names binds each to the start's origin."""
        if isinstance(value, list) and all(isinstance(name, str) for name in value):
            return {name: () for name in value}
        return value

    @model_validator(mode="after")
    def _starts(self) -> Self:
        if self.environment.kind == "desktop":
            if self.start:
                raise ValueError("start: a desktop starts the program of its environment; leave it out")
            if any(check.title is None for check in self.expect):
                raise ValueError("expect: a desktop has windows and no page: only a title can be expected")
        elif not self.start:
            raise ValueError("start: missing: the address or page to start from")
        return self

    @model_validator(mode="after")
    def _asks(self) -> Self:
        if not self.instruction and self.environment.kind in ("browser", "desktop"):
            raise ValueError("instruction: missing; only miniwob and screens bring their own")
        if self.until == "expect" and not self.expect:
            raise ValueError("until: expect needs at least one expectation")
        return self


@dataclass(frozen=True)
class Loaded:
    """A script with where it came from and the parameters it was given."""

    script: Script
    path: Path
    parameters: Mapping[str, str]
    line: int = 1
    """Where `start` stands in the file."""

    @property
    def page(self) -> Path | None:
        """The page file that `start` names; None where it is no path."""
        if self.script.environment.kind != "browser" or self.script.start.startswith(WEB):
            return None
        return (self.path.parent / self.script.start.partition("?")[0].partition("#")[0]).resolve()

    @property
    def told(self) -> Mapping[str, str]:
        """The parameters as a record keeps them: without the values that a password or a header is made of."""
        hidden = self.script.environment.secrets
        return {
            name: "" if value and any(value in each for each in hidden) else value
            for name, value in self.parameters.items()
        }


KEYS: dict[tuple[str, ...], Iterable[str]] = {
    (): Script.model_fields,
    ("environment",): Place.model_fields,
    ("environment", "credentials"): Login.model_fields,
    ("environment", "geolocation"): Spot.model_fields,
    ("environment", "proxy"): Route.model_fields,
    ("limits",): Budget.model_fields,
    ("expect", "*"): Check.model_fields,
}
"""The keys that a mapping at each place of a script may have."""

_SLOT = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")


def read_script(path: Path, settings: Mapping[str, str] | None = None) -> Loaded:
    """The script in the file `path` with `settings` for its parameters. Raises `ScriptError`, and reads no more."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ScriptError(f"{path}: {error}") from error
    try:
        data, where = load(text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ScriptError(f"{path}:{line}: {error.problem}") from error
    if not isinstance(data, dict):
        raise ScriptError(f"{path}:1: a script is a mapping of keys, got {type(data).__name__}")
    values = _parameters(path, where, data, settings or {})
    filled = {key: _fill(value, values, (key,), path, where) for key, value in data.items() if key != "parameters"}
    try:
        script = Script.model_validate(filled | {"parameters": values})
    except ValidationError as error:
        raise ScriptError(_explain(path, where, error)) from error
    loaded = Loaded(script, path, values, where(("start",)))
    if loaded.page and not loaded.page.is_file():
        raise ScriptError(f"{path}:{loaded.line}: start: no web address, and there is no page {loaded.page}")
    return loaded


def _parameters(path: Path, where: Where, data: Mapping[str, object], settings: Mapping[str, str]) -> dict[str, str]:
    declared = data.get("parameters") or {}
    if not isinstance(declared, dict):
        raise ScriptError(f"{path}:{where(('parameters',))}: parameters: a mapping of names to values is wanted")
    for name in settings:
        if name not in declared:
            raise ScriptError(f"{path}: --set {name}: no such parameter{_nearest(name, declared)}")
    values = {name: settings.get(name, default) for name, default in declared.items()}
    for name, value in values.items():
        line = where(("parameters", name))
        if value is None:
            raise ScriptError(f"{path}:{line}: parameters.{name}: has no value; give one with --set {name}=VALUE")
        if isinstance(value, dict | list):
            raise ScriptError(f"{path}:{line}: parameters.{name}: one value is wanted")
    return {name: str(value) for name, value in values.items()}


def _fill(value: object, values: Mapping[str, str], at: tuple[str | int, ...], path: Path, where: Where) -> object:
    """`value` with every {{name}} replaced; what a parameter holds is never read as a slot again."""
    if isinstance(value, dict):
        return {key: _fill(entry, values, (*at, key), path, where) for key, entry in value.items()}
    if isinstance(value, list):
        return [_fill(entry, values, (*at, number), path, where) for number, entry in enumerate(value)]
    if not isinstance(value, str):
        return value

    def slot(match: re.Match[str]) -> str:
        name = match[1]
        if name not in values:
            place = _spell(at)
            raise ScriptError(f"{path}:{where(at)}: {place}: no parameter {name!r}{_nearest(name, values)}")
        return values[name]

    return _SLOT.sub(slot, value)


def _explain(path: Path, where: Where, error: ValidationError) -> str:
    return "\n".join(_say(path, where, one) for one in error.errors(include_url=False, include_context=False))


def _say(path: Path, where: Where, one: ErrorDetails) -> str:
    place, kind = one["loc"], one["type"]
    said = one["msg"].removeprefix("Value error, ")
    if kind == "extra_forbidden":
        inside = tuple("*" if isinstance(part, int) else part for part in place[:-1])
        said = f"unknown key{_nearest(str(place[-1]), KEYS.get(inside, ()))}"
    elif kind == "missing":
        said = "missing"
    elif not isinstance(one["input"], dict | list):
        said = f"{said}, got {one['input']!r}"
    name = _spell(place)
    return f"{path}:{where(place)}: {name + ': ' if name else ''}{said}"


def _spell(place: Iterable[str | int]) -> str:
    return ".".join(str(part) for part in place)


def _nearest(name: str, known: Iterable[str]) -> str:
    names = list(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; known: {', '.join(names)}" if names else ""
