"""Names of keys as models write them, and text as keyboards make it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions import ActionError
from env.keys import chord, runs


@pytest.mark.parametrize(
    ("keys", "names"),
    [
        (("ctrl", "S"), ["Control", "s"]),
        (("Control+Shift+Escape",), ["Control", "Shift", "Escape"]),
        (("ctrl++",), ["Control", "+"]),
        (("+",), ["+"]),
        (("Page_Down",), ["PageDown"]),
        (("page up",), ["PageUp"]),
        (("RETURN",), ["Enter"]),
        (("F12",), ["F12"]),
        (("A",), ["A"]),
        (("space",), [" "]),
        (("cmd", "-"), ["Meta", "-"]),
        (("ctrl", "plus"), ["Control", "+"]),
        (("Super_L",), ["Meta"]),
        (("shiftleft", "Prior"), ["Shift", "PageUp"]),
        (("ARROWLEFT",), ["ArrowLeft"]),
    ],
)
def test_common_names_become_the_browsers(keys: tuple[str, ...], names: list[str]) -> None:
    assert chord(keys) == names


@pytest.mark.parametrize("key", ["", "hyper", "f99", "é", "日本", "\n", "ctrl+hyper"])
def test_a_key_no_keyboard_has_is_named(key: str) -> None:
    with pytest.raises(ActionError, match="there is no key"):
        chord((key,))


@given(st.lists(st.text(), min_size=1))
def test_any_words_are_keys_or_an_action_error(keys: list[str]) -> None:
    try:
        names = chord(keys)
    except ActionError:
        return
    assert all(names)


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"])))
def test_runs_keep_every_character(text: str) -> None:
    assert "".join(run for _, run in runs(text)) == text
    assert all(typed == run.isascii() for typed, run in runs(text))


def test_line_ends_become_newlines() -> None:
    assert runs("a\r\nb\rc") == [(True, "a\nb\nc")]


@pytest.mark.parametrize("text", ["\x00", "a\x1b[A", "\x7f"])
def test_control_characters_are_refused(text: str) -> None:
    with pytest.raises(ActionError, match="control character"):
        runs(text)
