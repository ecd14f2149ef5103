"""Made-up forms, drawn in the middle of being filled in: what is right depends on what was done before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from random import Random

from agent.data import asking, calls, widgets, words
from agent.data.layouts import Items, Sheet, barred, dress, jitter, reading
from agent.data.store import Target

LABELS = words.read_list("labels")
BUTTONS = ("Submit", "Submit", "Login", "Send", "OK", "Save", "Go", "Sign in", "Search", "Next", "Add", "Apply", "Done")


@dataclass(frozen=True)
class Plan:
    """A form and how far it is filled in: a click into each field, then its text, and last the button."""

    labels: tuple[str, ...]
    values: tuple[str, ...]
    hidden: tuple[bool, ...]
    button: str
    calls_made: int

    @property
    def filled(self) -> int:
        """How many fields hold their text."""
        return self.calls_made // 2

    @property
    def focused(self) -> int:
        """The field that was clicked last, or -1."""
        return (self.calls_made + 1) // 2 - 1


def plan(random: Random) -> Plan:
    """A form of one to three fields in some state."""
    count = random.choice((1, 1, 1, 2, 2, 2, 3))
    labels = random.sample(LABELS, count)
    if count == 2 and random.random() < 0.5:
        labels = ["Username", "Password"]
    made = random.randrange(2 * count + 1)
    if random.random() < 0.6:
        made = 2 * random.randrange(count) + 1
    return Plan(
        labels=tuple(labels),
        values=tuple(words.secret(random) for _ in labels),
        hidden=tuple(label == "Password" for label in labels),
        button=random.choice(BUTTONS) if random.random() < 0.6 else words.caption(random),
        calls_made=made,
    )


def form(random: Random) -> Sheet:
    """Labelled text fields and a button, some of them filled in already."""
    form = plan(random)
    style = f"width:{random.randint(70, 125)}px;{widgets.native_style(random)}margin:{random.randint(0, 5)}px;"
    lead = random.choice(("above", "above", "left", "none" if len(form.labels) == 1 else "above"))
    rows = [_row(form, i, style, lead, random.random() < 0.5) for i in range(len(form.labels))]
    gap = f"margin:{random.randint(0, 20)}px 0 0 {random.randint(0, 16)}px"
    push = widgets.button(form.button, look=random.choice(("wide", "wide", "", "soft")))
    html = (
        f'<div style="{gap}">{"".join(rows)}<div style="margin-top:{random.randint(0, 16)}px">{push.html}</div></div>'
    )
    requests = [_request(random, form, form.values)]
    for _ in range(5 if form.calls_made % 2 else 1):
        requests.append(_request(random, form, _other(random, form)))
    return Sheet(
        "form",
        html,
        lambda items: _ask_form(random, form, requests, items),
        barred(random, requests[0][0]),
        style=dress(random),
    )


def _row(form: Plan, i: int, style: str, lead: str, bold: bool) -> str:
    label = f'<label style="font-weight:{"bold" if bold else "normal"}">{escape(form.labels[i])}</label>'
    look = "held" if i == form.focused else ""
    value = form.values[i] if i < form.filled else ""
    kind = "password" if form.hidden[i] else "text"
    field = widgets.field("field", form.labels[i], value, kind=kind, style=style, look=look)
    if lead == "none":
        return f"<div>{field.html}</div>"
    return f'<div style="margin:3px 0">{label}{"<br>" if lead == "above" else " "}{field.html}</div>'


def _other(random: Random, form: Plan) -> tuple[str, ...]:
    """Values that agree with what the form shows and are new elsewhere."""
    return tuple(value if i < form.filled else words.secret(random) for i, value in enumerate(form.values))


def _request(random: Random, form: Plan, values: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    labels = [label.lower() if random.random() < 0.6 else label for label in form.labels]
    button = form.button.lower() if random.random() < 0.3 else form.button
    return asking.to_fill(random, labels, values, button), values


def _ask_form(
    random: Random, form: Plan, requests: Sequence[tuple[str, tuple[str, ...]]], items: Items
) -> list[Target]:
    boxes = [items["field", label] for label in form.labels if ("field", label) in items]
    push = items.get(("button", form.button))
    if push is None or len(boxes) < len(form.labels):
        return []
    targets = []
    for request, values in requests:
        history = []
        for i in range(form.calls_made):
            history.append(calls.typing(values[i // 2]) if i % 2 else calls.click(jitter(random, boxes[i // 2])))
        if form.calls_made % 2:
            targets.append(calls.target(request, calls.typing(values[form.focused]), history=history))
        else:
            goal = push if form.filled == len(boxes) else boxes[form.filled]
            targets.append(calls.click_target(request, [goal], history))
    if form.calls_made % 2 and random.random() < 0.4:
        text = words.secret(random)
        request = random.choice(asking.TYPE_NOW).format(text)
        seen = [calls.click(jitter(random, boxes[form.focused]))]
        targets.append(calls.target(request, calls.typing(text), history=seen))
    for label, box in zip(form.labels, boxes, strict=True):
        if random.random() < 0.3:
            targets.append(calls.click_target(asking.to_click(random, "field", label), [box]))
    return targets


@dataclass(frozen=True)
class Options:
    """Check boxes or radio buttons (the role), some of them chosen already, and a button."""

    role: str
    names: tuple[str, ...]
    chosen: tuple[str, ...]
    button: str

    @property
    def open(self) -> list[str]:
        """The names that are not chosen yet."""
        return [name for name in self.names if name not in self.chosen]


def choices(random: Random) -> Sheet:
    """Check boxes or radio buttons and a button below them, some of them chosen already."""
    role = random.choice(("check", "radio"))
    names = tuple(dict.fromkeys(words.string_of(random) for _ in range(random.randint(2, 7))))
    limit = 1 if role == "radio" else len(names)
    chosen = random.sample(names, min(limit, random.choice((0, 0, 1, 1, 2, 3)), len(names)))
    button = "Submit" if random.random() < 0.6 else random.choice(BUTTONS)
    options = Options(role, names, tuple(chosen), button)
    requests = [_choice_request(random, options) for _ in range(3)]
    return Sheet(
        "choices",
        _choices_html(random, options),
        lambda items: _ask_choices(random, options, requests, items),
        barred(random, requests[0][0]),
        style=dress(random),
    )


def _choices_html(random: Random, options: Options) -> str:
    pieces = [widgets.choice(options.role, name, checked=name in options.chosen) for name in options.names]
    lines = "<br>".join(piece.html for piece in pieces)
    if options.role == "radio":  # one group, and no other tile of the page has a part in it
        lines = lines.replace("<input", f'<input name="group-{random.randrange(10**9)}"')
    push = widgets.button(options.button, look=random.choice(("wide", "wide", "", "soft")))
    return f"<div>{lines}</div><br>{push.html}"


def _choice_request(random: Random, options: Options) -> tuple[str, list[str]]:
    """A request that agrees with what is chosen, and what it asks for besides."""
    limit = min(3, len(options.open))
    radio = 0 if options.chosen else 1
    more = random.sample(options.open, radio if options.role == "radio" else random.randint(0, limit))
    asked = [name for name in options.names if name in options.chosen or name in more]
    return asking.to_choose(random, asked, options.button), more


def _ask_choices(
    random: Random, options: Options, requests: Sequence[tuple[str, list[str]]], items: Items
) -> list[Target]:
    boxes = {name: items[options.role, name] for name in options.names if (options.role, name) in items}
    push = items.get(("button", options.button))
    targets = []
    for request, more in requests:
        if push is None or not boxes.keys() >= {*options.chosen, *more}:
            continue
        history = [calls.click(jitter(random, boxes[name])) for name in options.chosen]
        goals = sorted((boxes[name] for name in more), key=reading) or [push]
        targets.append(calls.click_target(request, goals, history))
    for name in options.open[:3]:
        if name in boxes:
            targets.append(calls.click_target(asking.to_click(random, options.role, name), [boxes[name]]))
    return targets
