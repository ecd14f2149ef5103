"""Read a script from its file, or take one from Python, with its parameters filled in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import ValidationError

from agent.expect import Judge
from agent.expect.code import CodeError, find
from agent.lines import Where, load
from agent.script.faults import Part, ScriptError, explain, nearest, spell
from agent.script.model import Leg, Script

WEB = ("http://", "https://", "file:", "about:blank")
_SLOT = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")
_NOWHERE = Where({})


@dataclass(frozen=True)
class Loaded:
    """A script with where it came from and the parameters it was given."""

    script: Script
    path: Path
    parameters: Mapping[str, str]
    where: Where = _NOWHERE

    @property
    def folder(self) -> Path:
        """What its paths start from."""
        return self.path.parent

    @property
    def line(self) -> int:
        """Where `start` stands in the file."""
        return self.where(("start",))

    @property
    def page(self) -> Path | None:
        """The page file that `start` names; None where it is no path."""
        if self.script.environment.kind != "browser" or self.script.start.startswith(WEB):
            return None
        return (self.folder / self.script.start.partition("?")[0].partition("#")[0]).resolve()

    @property
    def told(self) -> Mapping[str, str]:
        """The parameters as a record keeps them: without the values that a password or a header is made of."""
        hidden = self.script.environment.secrets
        return {
            name: "" if value and any(value in each for each in hidden) else value
            for name, value in self.parameters.items()
        }

    def code(self) -> Mapping[str, Judge]:
        """The checks in Python by their names; `ScriptError` where one cannot be had."""
        found: dict[str, Judge] = {}
        for place, name in self._named("python"):
            try:
                found[name] = find(name, self.folder)
            except CodeError as error:
                raise self.fault(place, str(error)) from error
        return found

    def pictures(self) -> Mapping[str, Path]:
        """The pictures that screens are held against, by their names; `ScriptError` where one is not there."""
        found = {}
        for place, name in self._named("screenshot"):
            found[name] = self.folder / name
            if not found[name].is_file():
                said = f"there is no picture {found[name]}; --update-screenshots writes it"
                raise self.fault(place, said)
        return found

    def fault(self, place: tuple[Part, ...], said: str) -> ScriptError:
        """The error that something is wrong at `place`."""
        return ScriptError(f"{self.path}:{self.where(place)}: {spell(place)}: {said}")

    def _named(self, key: str) -> list[tuple[tuple[Part, ...], str]]:
        """What checks say under `key`, and where."""
        legs = enumerate(self.script.steps)
        groups = [
            *((("steps", number, "expect"), leg.expect) for number, leg in legs),
            (("expect",), self.script.expect),
        ]
        found: list[tuple[tuple[Part, ...], str]] = []
        for place, checks in groups:
            for number, check in enumerate(checks):
                said = {"python": check.python, "screenshot": check.screenshot}[key]
                if said is not None:
                    found.append(((*place, number, key), said))
        return found


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
    return _loaded(path, data, where, settings or {})


def given(script: Script, folder: Path, settings: Mapping[str, str] | None = None) -> Loaded:
    """`script` as it would be read from a file in `folder`. Raises `ScriptError`, whose lines mean nothing."""
    data = script.model_dump(mode="json", by_alias=True, exclude_unset=True)
    parts: list[Script | Leg] = [script, *script.steps]
    for entry, part in zip([data, *data.get("steps", ())], parts, strict=True):
        if part.actions:  # whose kinds are told apart by a field that is a default
            entry["actions"] = [action.model_dump(mode="json") for action in part.actions]
    return _loaded(folder / "script", data, _NOWHERE, settings or {})


def _loaded(path: Path, data: Mapping[str, object], where: Where, settings: Mapping[str, str]) -> Loaded:
    values = _parameters(path, where, data, settings)
    filled = {key: _fill(value, values, (key,), path, where) for key, value in data.items() if key != "parameters"}
    try:
        script = Script.model_validate(filled | {"parameters": values})
    except ValidationError as error:
        raise ScriptError(explain(path, where, error)) from error
    loaded = Loaded(script, path, values, where)
    if loaded.page and not loaded.page.is_file():
        raise loaded.fault(("start",), f"no web address, and there is no page {loaded.page}")
    return loaded


def _parameters(path: Path, where: Where, data: Mapping[str, object], settings: Mapping[str, str]) -> dict[str, str]:
    declared = data.get("parameters") or {}
    if not isinstance(declared, dict):
        raise ScriptError(f"{path}:{where(('parameters',))}: parameters: a mapping of names to values is wanted")
    for name in settings:
        if name not in declared:
            raise ScriptError(f"{path}: --set {name}: no such parameter{nearest(name, declared)}")
    values = {name: settings.get(name, default) for name, default in declared.items()}
    for name, value in values.items():
        line = where(("parameters", name))
        if value is None:
            raise ScriptError(f"{path}:{line}: parameters.{name}: has no value; give one with --set {name}=VALUE")
        if isinstance(value, dict | list):
            raise ScriptError(f"{path}:{line}: parameters.{name}: one value is wanted")
    return {name: str(value) for name, value in values.items()}


def _fill(value: object, values: Mapping[str, str], at: tuple[Part, ...], path: Path, where: Where) -> object:
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
            raise ScriptError(f"{path}:{where(at)}: {spell(at)}: no parameter {name!r}{nearest(name, values)}")
        if "expect" in at and at[-1] == "python":
            raise ScriptError(f"{path}:{where(at)}: {spell(at)}: no parameter chooses which code is run")
        return values[name]

    return _SLOT.sub(slot, value)
