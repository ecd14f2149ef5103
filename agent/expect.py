"""What must hold at the end of a task, and the look at the page that tells whether it does."""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Sequence
from typing import Protocol, Self, runtime_checkable
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, JsonValue, model_validator

from env import Environment, Observation


class Check(BaseModel):
    """One expectation: of the address, of the title, of visible text, or of the state of an element.

    Exactly one of `url`, `title`, `text`, `element` is given; `checked`, `value` and `visible` say more of an element.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    url: str | None = None
    """A pattern with * and ?; one that begins with / is held against path, query and fragment alone."""
    title: str | None = None
    """A pattern with * and ? for the title of the page, or of the window that is active."""
    text: str | None = None
    """Visible somewhere on the page; runs of white space count as one space."""
    element: str | None = None
    """A CSS selector."""
    checked: bool | None = None
    value: str | None = None
    visible: bool | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        subjects = {"url": self.url, "title": self.title, "text": self.text, "element": self.element}
        given = [name for name, value in subjects.items() if value is not None]
        if len(given) != 1:
            raise ValueError(f"give exactly one of url, title, text, element; got {', '.join(given) or 'none'}")
        if self.element is None and (self.checked, self.value, self.visible) != (None, None, None):
            raise ValueError("checked, value and visible belong to element")
        return self

    def __str__(self) -> str:
        if self.element is None:
            given = ("url", self.url), ("title", self.title)
            return next((f"{name} {said}" for name, said in given if said is not None), f"text {self.text!r}")
        states = ("checked", self.checked), ("value", self.value), ("visible", self.visible)
        said = [f"{name}={json.dumps(state)}" for name, state in states if state is not None]
        return f"element {self.element} {' '.join(said) or 'exists'}"


class Verdict(BaseModel):
    """Whether a check held, and what was found."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    check: str
    held: bool
    found: str


@runtime_checkable
class Page(Protocol):
    """An environment whose page can be asked."""

    def evaluate(self, expression: str) -> JsonValue:
        """The value of a JavaScript expression in the current page."""
        ...


# The text and the selector enter as JSON, which is JavaScript's own notation: nothing of them is executed.
_TEXT = "document.body ? document.body.innerText : ''"
_ELEMENT = """(() => {
  let node;
  try { node = document.querySelector(%s); } catch (error) { return {invalid: true}; }
  if (!node) return null;
  const box = node.getBoundingClientRect();
  return {
    checked: 'checked' in node ? !!node.checked : node.getAttribute('aria-checked') === 'true',
    value: 'value' in node ? String(node.value) : (node.textContent || '').trim(),
    visible: node.checkVisibility({visibilityProperty: true}) && box.width > 0 && box.height > 0,
  };
})()"""


def verify(checks: Sequence[Check], env: Environment, seen: Observation | None) -> tuple[Verdict, ...]:
    """Hold each check against the environment as it is now; `seen` is the last look at it."""
    return tuple(_verify(check, env, seen) for check in checks)


def _verify(check: Check, env: Environment, seen: Observation | None) -> Verdict:
    if seen is None:
        return Verdict(check=str(check), held=False, found="no screen")
    if check.url is not None:
        return Verdict(check=str(check), held=_matches(check.url, seen.url), found=seen.url)
    if check.title is not None:
        return Verdict(check=str(check), held=fnmatch.fnmatchcase(seen.title, check.title), found=seen.title)
    if seen.dialog:
        return Verdict(check=str(check), held=False, found=f"a dialog in front of the page: {seen.dialog}")
    if not isinstance(env, Page):
        return Verdict(check=str(check), held=False, found="this environment has no page to ask")
    if check.text is not None:
        return _text(check, env, check.text)
    return _element(check, env)


def _matches(pattern: str, url: str) -> bool:
    if pattern.startswith("/"):
        parts = urlsplit(url)
        url = parts._replace(scheme="", netloc="").geturl()
    return fnmatch.fnmatchcase(url, pattern)


def _text(check: Check, page: Page, wanted: str) -> Verdict:
    shown = " ".join(str(page.evaluate(_TEXT)).split())
    found = shown if len(shown) <= 200 else shown[:200] + "…"
    return Verdict(check=str(check), held=" ".join(wanted.split()) in shown, found=found)


def _element(check: Check, page: Page) -> Verdict:
    state = page.evaluate(_ELEMENT % json.dumps(check.element))
    if not isinstance(state, dict):
        gone = (check.visible, check.checked, check.value) == (False, None, None)
        return Verdict(check=str(check), held=gone, found="no such element")
    if state.get("invalid"):
        return Verdict(check=str(check), held=False, found="not a CSS selector")
    wanted = {"checked": check.checked, "value": check.value, "visible": check.visible}
    held = all(state[name] == value for name, value in wanted.items() if value is not None)
    found = " ".join(f"{name}={json.dumps(state[name])}" for name in wanted)
    return Verdict(check=str(check), held=held, found=found)
