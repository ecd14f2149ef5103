"""Values read from elements of the page."""

from __future__ import annotations

import json
import math
import re

from pydantic import JsonValue

from agent.describe import clean
from agent.expect import Page
from agent.extract.form import FormError
from agent.extract.value import Kind, Value
from env import Environment, Observation

MOST = 1000
"""Elements that are read at most."""

_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
_INTEGER = re.compile(r"[+-]?\d{1,400}", re.ASCII)

# The selector and the attribute's name enter as JSON, so that nothing of them is executed.
_READ = """(() => {
  const [selector, attribute, most] = %s;
  let nodes;
  try { nodes = [...document.querySelectorAll(selector)]; } catch (error) { return 'not a CSS selector'; }
  const fields = [HTMLInputElement, HTMLTextAreaElement, HTMLSelectElement];
  const read = (node) => {
    if (attribute !== null) return node.getAttribute(attribute);
    if (fields.some((kind) => node instanceof kind)) return String(node.value);
    return String(node.innerText ?? node.textContent ?? '');
  };
  return nodes.slice(0, most).map(read);
})()"""


def read(value: Value, env: Environment, seen: Observation | None) -> JsonValue:
    """What the page says for `value`, which names an element. Raises `FormError`."""
    if not isinstance(env, Page):
        raise FormError("this environment has no page to ask")
    if seen is not None and seen.dialog:
        raise FormError(f"a dialog in front of the page: {clean(seen.dialog)}")
    found = env.evaluate(_READ % json.dumps([value.element, value.attribute, MOST]))
    if not isinstance(found, list):
        raise FormError(str(found))
    if value.all:
        return [_typed(value, text) for text in found]
    if not found:
        raise FormError(f"no element {value.element}")
    return _typed(value, found[0])


def _typed(value: Value, text: JsonValue) -> JsonValue:
    if not isinstance(text, str):
        raise FormError(f"element {value.element} has no attribute {value.attribute}")
    text = " ".join(text.split())
    if value.pattern is not None:
        match = re.search(value.pattern, text)
        if match is None:
            raise FormError(f"no {value.pattern} in {clean(text, 80)!r}")
        text = match[match.re.groups] or ""
    return _as(value.type or "string", text)


def _as(kind: Kind, text: str) -> JsonValue:
    match kind:
        case "integer" if _INTEGER.fullmatch(text):
            return int(text)
        case "number" if _NUMBER.fullmatch(text):
            if _INTEGER.fullmatch(text):
                return int(text)
            if math.isfinite(number := float(text)):
                return number
        case "boolean" if text.lower() in ("true", "false"):
            return text.lower() == "true"
        case "string":
            return text
    raise FormError(f"no {kind}: {clean(text, 80)!r}")
