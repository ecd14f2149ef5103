"""Actions are data that cannot be wrong."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from actions import ADAPTER, Answer, Click, Drag, Key, Point, Scroll, Type, points

ONE = Point(x=1, y=2)


@pytest.mark.parametrize(
    "text",
    [
        '{"kind": "click", "at": {"x": 1}}',
        '{"kind": "click", "at": {"x": 1, "y": 2, "z": 3}}',
        '{"kind": "click", "count": 4}',
        '{"kind": "click", "button": "left", "text": "x"}',
        '{"kind": "drag", "path": []}',
        '{"kind": "key", "keys": []}',
        '{"kind": "wait", "seconds": 61}',
        '{"kind": "wait", "seconds": NaN}',
        '{"kind": "jump"}',
        '{"at": {"x": 1, "y": 2}}',
        '{"kind": "tab", "index": -1}',
        '{"kind": "type", "text": "\\ud800"}',
    ],
)
def test_what_is_no_action_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        ADAPTER.validate_json(text)


def test_an_action_reads_back_what_it_wrote() -> None:
    for action in (
        Click(at=ONE, count=2),
        Drag(path=(ONE, ONE)),
        Scroll(dy=-3),
        Type(text="é\n"),
        Key(keys=("ctrl", "a")),
    ):
        assert ADAPTER.validate_json(ADAPTER.dump_json(action)) == action


def test_an_action_cannot_be_changed() -> None:
    action = Click(at=ONE)
    with pytest.raises(ValidationError):
        action.count = 2  # type: ignore[misc]


def test_points_lists_every_place_in_order() -> None:
    two = Point(x=3, y=4)
    assert points(Drag(path=(ONE, two))) == (ONE, two)
    assert points(Click(at=ONE)) == (ONE,)
    assert points(Click()) == ()
    assert points(Answer(text="x")) == ()
