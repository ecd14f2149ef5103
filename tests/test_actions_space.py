"""An action space says which actions a screen allows, and describes exactly those."""

from __future__ import annotations

import json

import pytest

from actions import ActionError, ActionSpace, Click, Finish, Frame, Navigate, Point


def kinds(schema: dict[str, object]) -> set[str]:
    """The kinds that a function schema offers."""
    definitions = schema["parameters"]["$defs"]  # type: ignore[index]
    return {each["properties"]["kind"]["const"] for each in definitions.values() if "kind" in each["properties"]}


@pytest.mark.parametrize("space", [ActionSpace.browser(), ActionSpace.desktop(), ActionSpace.pointer()])
def test_the_schema_offers_exactly_the_allowed_kinds(space: ActionSpace) -> None:
    assert kinds(space.json_schema()) == set(space.kinds)
    json.dumps(space.json_schema())


def test_the_schema_bounds_points_to_the_screen() -> None:
    schema = ActionSpace.pointer().json_schema(Frame.fit(1280, 720))
    point = schema["parameters"]["$defs"]["Point"]["properties"]  # type: ignore[index,call-overload]
    assert point["x"] == {"type": "integer", "minimum": 0, "maximum": 1279}
    assert point["y"] == {"type": "integer", "minimum": 0, "maximum": 719}


def test_an_action_outside_the_space_is_refused_with_what_is_allowed() -> None:
    space = ActionSpace.pointer()
    click = Click(at=Point(x=1, y=1))
    assert space.check(click) is click
    with pytest.raises(ActionError, match=r"navigate: not possible here; allowed: click, .*finish"):
        space.check(Navigate(url="http://x"))
    assert space.check(Finish())


def test_a_space_of_nothing_or_of_unknown_kinds_is_refused() -> None:
    with pytest.raises(ValueError, match="none given"):
        ActionSpace(frozenset())
    with pytest.raises(ValueError, match="fly"):
        ActionSpace.of("fly")  # type: ignore[arg-type]
