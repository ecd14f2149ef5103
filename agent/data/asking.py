"""The wordings in which a person may ask for a click or for a text to be entered."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

CLICK: dict[str, tuple[str, ...]] = {
    "link": (
        'Click on the link "{}".',
        'Click on the link "{}".',
        'Click on the "{}" link.',
        "Click the link {}.",
        "Follow the link {}.",
        "Open the link {}.",
    ),
    "button": (
        'Click on the "{}" button.',
        'Click on the "{}" button.',
        "Click button {}.",
        "Click button {}.",
        'Press the "{}" button.',
        'Click the button labeled "{}".',
        "Press {}.",
        "Click on {}.",
    ),
    "check": ("Select {}.", "Check {}.", 'Check the box "{}".', "Tick {}.", "Click the checkbox {}."),
    "radio": ("Select {}.", "Choose {}.", 'Choose the option "{}".', "Pick {}.", "Click the option {}."),
    "field": (
        "Focus into the textbox labelled {}.",
        'Click on the "{}" field.',
        "Click into the field {}.",
        "Focus the {} text field.",
        'Click the text box "{}".',
    ),
    "filled": ('Click on the field with "{}".', 'Focus into the textbox that says "{}".'),
    "area": ('Click on the text area with "{}".', "Focus into the text area that says {}."),
    "tab": ("Click on {}.", "Switch to {}.", 'Open the tab "{}".', "Switch to the tab {}."),
    "close": (
        'Close the dialog box by clicking the "x".',
        "Close the dialog.",
        'Click the "x".',
        'Click the button in the dialog box labeled "x".',
    ),
    "dialog": ('Click the button in the dialog box labeled "{}".', "Click {} in the dialog."),
    "select": ('Click on the list that shows "{}".', "Open the drop-down list {}."),
    "slider": ("Click on the slider.", "Click the slider."),
    "block": ("Click the {} box.", "Click on the {} rectangle."),
    "text": ("Click the word {}.", 'Click on the word "{}".', 'Click on "{}".', "Click {}.", 'Find "{}".'),
}

KINDS = {
    "radio": "radio",
    "check": "checkbox",
    "filled": "text",
    "field": "text",
    "area": "textarea",
    "button": "button",
}
"""What a request for any widget of a kind calls the roles."""

ONE_FIELD = (
    'Enter "{value}" into the text field and press {button}.',
    'Enter "{value}" into the text field and press {button}.',
    'Type "{value}" in the text field and click {button}.',
    'Enter "{value}" and click {button}.',
    'Write "{value}" into the {label} field, then press {button}.',
    'Enter "{value}" as {label} and press {button}.',
    "Type {value} into the field {label} and click {button}.",
)

TWO_FIELDS = (
    'Enter the {first} "{one}" and the {second} "{two}" into the text fields and press {button}.',
    'Enter the {first} "{one}" and the {second} "{two}" into the text fields and press {button}.',
    'Enter "{one}" as {first} and "{two}" as {second}, then click {button}.',
    "Fill in {first} {one} and {second} {two} and press {button}.",
    'Sign in with {first} "{one}" and {second} "{two}" ({button}).',
)

CHOICES = (
    "Select {} and click {}.",
    "Select {} and click {}.",
    "Check {} and press {}.",
    "Choose {}, then click {}.",
)

SWITCHES = (
    "Turn on {} and press {}.",
    "Select {} and click {}.",
    "Check {} and press {}.",
    "Tick {}, then click {}.",
    "Switch on {} and press {}.",
)

PICKS = ("Choose {}.", 'Choose "{}" from the menu.', "Pick {}.", 'Select "{}".', "Open {}.")

CONFIRMS = (
    'Press "{opener}" and then "{answer}".',
    "Press {opener}, then click {answer} in the dialog.",
    "Click {opener}, then click {answer} in the dialog.",
    "Press {opener} and answer {answer}.",
    'Click on "{opener}" and answer "{answer}".',
    "Press {opener} and confirm with {answer}.",
    "Click button {opener}, then click button {answer}.",
)

ANSWERS = (
    'Answer "{}".',
    "Answer the question with {}.",
    "Click {} in the dialog.",
    'Click the button in the dialog box labeled "{}".',
    "Press {}.",
)

SWITCHED = (
    "Open the tab {tab} and press {button}.",
    'Open the tab "{tab}" and press "{button}".',
    "Switch to {tab} and click {button}.",
    "Switch to the tab {tab}, then press {button}.",
    "Go to {tab} and press {button}.",
    "Click on {tab}, then click on {button}.",
    "Press {button} on the tab {tab}.",
)

VOTES = (
    "Vote for {} and press {}.",
    "Vote for {} and press {}.",
    "Choose {} and press {}.",
    "Choose {}, then click {}.",
    "Select {} and click {}.",
    'Pick "{}" and press "{}".',
    "Answer {} and press {}.",
)

SEARCHES = (
    'Search for "{query}" and open "{item}".',
    'Search for "{query}" and open "{item}".',
    "Search for {query} and click {item}.",
    'Find "{query}", then open the link {item}.',
    'Enter "{query}", press {button} and open {item}.',
    'Type "{query}" in the text field, press {button} and click the link "{item}".',
)

ROWS = (
    "{on} {names}.",
    "{on} {names}.",
    'Press "{on}" beside {names}.',
    "Click {on} next to {names}.",
    "Click the {on} button of {names}.",
)

COUNTED = (
    ("Set ", "{name} to {count}"),
    ("Choose ", "{count} {name}"),
    ("Set ", '"{name}" to {count}'),
    ("Make it ", "{count} {name}"),
)

TYPE_NOW = ('Type "{}".', 'Enter "{}".', 'Enter "{}" here.', 'Write "{}".', "Type {}.")


def to_click(random: Random, role: str, name: str) -> str:
    """A request to click the thing with this role and name."""
    return random.choice(CLICK[role]).format(name)


def any_of(kind: str) -> str:
    """A request to click some widget of a kind, as MiniWoB words it."""
    return f'Click on a "{kind}" widget.'


def in_turn(random: Random, one: str, two: str) -> str:
    """A request to click one button and then another."""
    form = random.choice(("Click button {}, then click button {}.", "Press {} and then {}."))
    return form.format(one, two)


def to_fill(random: Random, labels: Sequence[str], values: Sequence[str], button: str) -> str:
    """A request to enter a value into each field and press a button."""
    if len(labels) == 1:
        return random.choice(ONE_FIELD).format(value=values[0], label=labels[0], button=button)
    if len(labels) == 2:
        return random.choice(TWO_FIELDS).format(
            first=labels[0], second=labels[1], one=values[0], two=values[1], button=button
        )
    parts = [f'"{value}" into {label}' for label, value in zip(labels, values, strict=True)]
    return f"Enter {', '.join(parts[:-1])} and {parts[-1]}, then press {button}."


def to_choose(random: Random, names: Sequence[str], button: str) -> str:
    """A request to select these and press a button; without names, to select nothing."""
    return random.choice(CHOICES).format(", ".join(names) or "nothing", button)


def to_switch_on(random: Random, names: Sequence[str], button: str) -> str:
    """A request to check these boxes, in this order, and press a button."""
    *most, last = names
    listed = f"{', '.join(most)} and {last}" if most and random.random() < 0.6 else ", ".join(names)
    return random.choice(SWITCHES).format(listed, button)


def to_pick(random: Random, role: str, name: str) -> str:
    """A request to choose one thing of a menu."""
    return random.choice(PICKS).format(name) if random.random() < 0.5 else to_click(random, role, name)


def to_confirm(random: Random, opener: str, answer: str, asked: bool) -> str:
    """A request to press `opener` and then an answer in the dialog; the answer alone where it is `asked` already."""
    if asked:
        return random.choice(ANSWERS).format(answer)
    return random.choice(CONFIRMS).format(opener=opener, answer=answer)


def to_switch(random: Random, tab: str, button: str) -> str:
    """A request to open a tab and press a button in it."""
    return random.choice(SWITCHED).format(tab=tab, button=button)


def to_vote(random: Random, name: str, button: str) -> str:
    """A request to choose one option and press a button."""
    return random.choice(VOTES).format(name, button)


def to_search(random: Random, query: str, item: str, button: str) -> str:
    """A request to search for something and open one of the results."""
    return random.choice(SEARCHES).format(query=query, item=item, button=button)


def to_toggle(random: Random, on: str, names: Sequence[str]) -> str:
    """A request to press the button `on` in the rows of these names."""
    return random.choice(ROWS).format(on=on, names=" and ".join(names))


def to_count(random: Random, counts: Sequence[tuple[str, int]], button: str) -> str:
    """A request to bring each of these to its count and press a button."""
    lead, part = random.choice(COUNTED)
    parts = " and ".join(part.format(name=name, count=count) for name, count in counts)
    return lead + parts + random.choice((" and press {}.", ", then press {}.", " and click {}.")).format(button)
