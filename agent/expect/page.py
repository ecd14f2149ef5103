"""What a page says of itself: its text, and the state of its elements."""

from __future__ import annotations

import json
from typing import Protocol, runtime_checkable

from pydantic import JsonValue

from agent.expect.check import Check

SHOWN = 200
"""Characters of a page that are told."""


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


def shown(page: Page) -> str:
    """The text that can be seen, each run of white space as one space."""
    return " ".join(str(page.evaluate(_TEXT)).split())


def text(wanted: str, page: Page) -> tuple[bool, str]:
    """Whether `wanted` can be read on the page, and how that begins."""
    found = shown(page)
    return " ".join(wanted.split()) in found, found if len(found) <= SHOWN else found[:SHOWN] + "…"


def element(check: Check, page: Page) -> tuple[bool, str]:
    """Whether the element is as `check` says, and how it is."""
    state = page.evaluate(_ELEMENT % json.dumps(check.element))
    if not isinstance(state, dict):
        return (check.visible, check.checked, check.value) == (False, None, None), "no such element"
    if state.get("invalid"):
        return False, "not a CSS selector"
    wanted = {"checked": check.checked, "value": check.value, "visible": check.visible}
    held = all(state[name] == value for name, value in wanted.items() if value is not None)
    return held, " ".join(f"{name}={json.dumps(state[name])}" for name in wanted)
