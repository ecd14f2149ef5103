"""Other data for a record: the values of its parameters, wherever its steps and expectations hold them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from urllib.parse import quote, quote_plus

from actions import Action, Navigate, Select, Type, Upload
from agent.expect import Check
from agent.reader import Run
from agent.schema import Effect, EvidenceEntry, Line, Look


class ValueMistake(ValueError):
    """A value that cannot be set: the name, and why nobody could say what it stands for."""


def _none() -> Mapping[str, str]:
    return MappingProxyType({})


@dataclass(frozen=True)
class Values:
    """What stands in the place of what; the values of parameters that are not set stand for themselves."""

    old: Mapping[str, str] = field(default_factory=_none)
    """By name, as recorded."""
    new: Mapping[str, str] = field(default_factory=_none)
    """By name, those that are set."""

    def __bool__(self) -> bool:
        return bool(self.new)

    def text(self, said: str) -> str:
        """`said` with the new values in it, each as a whole word; the longest recorded value counts first."""
        return self._put({old: self.new.get(name, old) for name, old in self.old.items()}, said)

    def url(self, said: str) -> str:
        """The same of an address, where values are percent-encoded."""
        pairs: dict[str, str] = {}
        for name, old in self.old.items():
            new = self.new.get(name, old)
            pairs |= {
                old: quote(new, safe=""),
                quote_plus(old): quote_plus(new),
                quote(old, safe=""): quote(new, safe=""),
            }
        return self._put(pairs, said)

    def _put(self, pairs: Mapping[str, str], said: str) -> str:
        words = sorted((old for old in pairs if old), key=len, reverse=True)
        if not self.new or not words:
            return said
        return re.sub("|".join(map(_word, words)), lambda found: pairs[found[0]], said)

    def line(self, line: Line) -> Line:
        """A recorded step with other data."""
        if not self.new:
            return line
        return line.model_copy(
            update={
                "action": self.action(line.action) if line.action else None,
                "before": self._look(line.before),
                "receipt": self._effect(line.receipt) if line.receipt else None,
            }
        )

    def action(self, action: Action) -> Action:
        """An action with other data."""
        match action:
            case Type():
                return action.model_copy(update={"text": self.text(action.text)})
            case Select():
                return action.model_copy(update={"label": self.text(action.label)})
            case Navigate():
                return action.model_copy(update={"url": self.url(action.url)})
            case Upload():
                return action.model_copy(update={"files": tuple(map(self.text, action.files))})
            case _:
                return action

    def checks(self, checks: tuple[Check, ...]) -> tuple[Check, ...]:
        """Expectations with other data."""
        if not self.new:
            return checks
        return tuple(
            check.model_copy(
                update={
                    "url": self.url(check.url) if check.url else check.url,
                    "title": self.text(check.title) if check.title else check.title,
                    "text": self.text(check.text) if check.text else check.text,
                    "value": self.text(check.value) if check.value else check.value,
                }
            )
            for check in checks
        )

    def _look(self, look: Look) -> Look:
        return look.model_copy(update={"focus": self.text(look.focus), "dialog": self.text(look.dialog)})

    def _effect(self, effect: Effect) -> Effect:
        lay = tuple(map(self._evidence, effect.evidence))
        said = {"focus": self.text(effect.focus), "target": self.text(effect.target), "evidence": lay}
        return effect.model_copy(update=said)

    def _evidence(self, lay: EvidenceEntry) -> EvidenceEntry:
        near = tuple(map(self.text, lay.near))
        return lay.model_copy(update={"name": self.text(lay.name), "text": self.text(lay.text), "near": near})


NO_VALUES = Values()


def set_values(run: Run, given: Mapping[str, str]) -> Values:
    """The parameters of `run` with other values. `ValueMistake` where it is not certain what they stand for."""
    known = run.manifest.parameters
    for name in given:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
            hint = f"; did you mean {close[0]!r}?" if close else f"; it has {', '.join(known) or 'none'}"
            raise ValueMistake(f"--set {name}: the record has no such parameter{hint}")
        _certain(run, name, known)
    return Values(dict(known), {name: value for name, value in given.items() if value != known[name]})


def _certain(run: Run, name: str, known: Mapping[str, str]) -> None:
    value = known[name]
    if not value.strip():
        raise ValueMistake(f"--set {name}: its recorded value is empty, so that nobody can say where it was used")
    if twins := [other for other in known if other != name and known[other] == value]:
        raise ValueMistake(
            f"--set {name}: {twins[0]} has the same recorded value {value!r}: which was used is not known"
        )
    whole = re.compile("|".join(map(_word, sorted({*known.values()} - {""}, key=len, reverse=True))))
    used = False
    for where, said in _texts(run):
        left = whole.sub(lambda found: "\0" if found[0] == value else "", said)
        used = used or "\0" in left
        if value in left:
            raise ValueMistake(
                f"--set {name}: {where} holds {value!r} within a word: whether it was meant is not known"
            )
    if not used:
        raise ValueMistake(f"--set {name}: no step of the record uses {value!r}")


def _texts(run: Run) -> Iterator[tuple[str, str]]:
    """What holds values: where it stands, and what it is; addresses are read as they were before they were encoded."""
    yield "the start", run.manifest.task.start
    for line in run.lines:
        match line.action:
            case Type(text=text) | Select(label=text) | Navigate(url=text):
                yield f"step {line.index}", text
            case Upload(files=files):
                for file in files:
                    yield f"step {line.index}", file
    for number, check in enumerate(run.manifest.expect, start=1):
        for said in (check.url, check.title, check.text, check.value):
            if said:
                yield f"expectation {number}", said


def _word(text: str) -> str:
    return rf"(?<!\w){re.escape(text)}(?!\w)"
