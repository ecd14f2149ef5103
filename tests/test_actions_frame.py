"""Where a pixel of the screen lies in the model's image, and back."""

from __future__ import annotations

import random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from actions import ActionError, Click, Convention, Drag, Frame, Point, smart_resize

GOLDEN = {
    (1280, 720): ((1288, 728), (1288, 728)),
    (1280, 800): ((1288, 812), (1260, 784)),
    (1366, 768): ((1372, 756), (1316, 728)),
    (1440, 900): ((1428, 896), (1260, 784)),
    (1920, 1080): ((1932, 1092), (1316, 728)),
    (1920, 1200): ((1932, 1204), (1260, 784)),
    (2560, 1440): ((2548, 1428), (1316, 728)),
    (3440, 1440): ((3444, 1428), (1540, 644)),
    (3840, 2160): ((3836, 2156), (1316, 728)),
    (5120, 2880): ((4760, 2688), (1316, 728)),
    (1080, 2400): ((1092, 2408), (672, 1484)),
    (1440, 3120): ((1428, 3108), (672, 1456)),
    (720, 1280): ((728, 1288), (728, 1288)),
    (224, 224): ((224, 224), (224, 224)),
    (56, 56): ((56, 56), (56, 56)),
    (14, 14): ((56, 56), (56, 56)),
    (1022, 1522): ((1008, 1512), (812, 1204)),
}
"""Screen -> size under the hub's budget, size under 1280 tokens; the last shows halves rounding to even."""

sides = st.integers(28, 4000)


@pytest.mark.parametrize("screen", list(GOLDEN)[:-1])
def test_known_screens_get_their_known_sizes(screen: tuple[int, int]) -> None:
    width, height = screen
    hub, small = GOLDEN[screen]
    assert smart_resize(height, width) == hub[::-1]
    assert smart_resize(height, width, max_pixels=1280 * 784) == small[::-1]


def test_halves_round_to_even() -> None:
    assert smart_resize(70, 42) == (56, 56)
    assert smart_resize(1522, 1022) == (1512, 1008)


def test_sizes_are_those_of_transformers_and_of_our_own_processor() -> None:
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import smart_resize as theirs

    from model import smart_resize as ours

    drawn = random.Random(0)
    for _ in range(2000):
        height, width = (int(2 ** drawn.uniform(1, 12.5)) for _ in range(2))
        factor = drawn.choice((16, 28, 32))
        budget = {
            "factor": factor,
            "min_pixels": drawn.choice((3136, 65536)),
            "max_pixels": drawn.choice((10**6, 10**7)),
        }
        if max(height, width) / min(height, width) > 200:
            for resize in (theirs, ours, smart_resize):
                with pytest.raises(ValueError, match=r"aspect|narrow"):
                    resize(height, width, **budget)
            continue
        wanted = theirs(height, width, **budget)
        assert smart_resize(height, width, **budget) == wanted, (height, width, budget)
        assert ours(height, width, **budget) == wanted, (height, width, budget)


@given(sides, sides)
@settings(deadline=None)
def test_a_size_that_came_out_goes_in_unchanged(width: int, height: int) -> None:
    if max(width, height) > 200 * min(width, height):
        return
    once = smart_resize(height, width)
    assert smart_resize(*once) == once
    assert once[0] * once[1] <= 12_845_056


CONVENTIONS: tuple[Convention, ...] = ("resized", "thousand", "999")


def returns(frame: Frame, x: int, y: int) -> bool:
    """Whether a pixel of the screen comes back within half a scale and half a pixel, exactly reckoned on each axis."""
    there = frame.to_model(Point(x=x, y=y))
    assert 0 <= there.x <= frame.model_width
    assert 0 <= there.y <= frame.model_height
    back = frame.to_screen(there.x, there.y)
    return all(
        2 * model * abs(home - came) <= size + model  # |home - came| <= 0.5 * size / model + 0.5
        for home, came, size, model in (
            (x, back.x, frame.width, frame.model_width),
            (y, back.y, frame.height, frame.model_height),
        )
    )


@pytest.mark.parametrize("screen", GOLDEN)
@pytest.mark.parametrize("convention", CONVENTIONS)
def test_every_pixel_of_every_known_screen_comes_back_within_half_a_scale_and_half_a_pixel(
    screen: tuple[int, int], convention: Convention
) -> None:
    width, height = screen
    for resized in GOLDEN[screen]:
        frame = Frame.of(convention, *screen, *resized)
        assert all(returns(frame, x, min(x, height - 1)) for x in range(width))
        assert all(returns(frame, min(y, width - 1), y) for y in range(height))


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_five_thousand_random_screens_come_back_within_half_a_scale_and_half_a_pixel(convention: Convention) -> None:
    drawn = random.Random(5)
    for _ in range(5000):
        width, height = (int(2 ** drawn.uniform(0, 14)) for _ in range(2))
        budget = drawn.choice((3136, 200_704, 1_003_520, 12_845_056))
        narrow = max(width, height) > 200 * min(width, height)
        model = (width, height) if narrow else smart_resize(height, width, max_pixels=budget)[::-1]
        frame = Frame.of(convention, width, height, *model)
        columns = [0, 1, width // 2, width - 2, width - 1, *(drawn.randrange(width) for _ in range(4))]
        rows = [0, 1, height // 2, height - 2, height - 1, *(drawn.randrange(height) for _ in range(4))]
        for x, y in zip(columns, rows, strict=True):
            assert returns(frame, min(max(x, 0), width - 1), min(max(y, 0), height - 1)), (frame, x, y)


@given(st.integers(1, 10**6), st.integers(1, 10**6), st.data())
@example(900, 1, None)
@example(1, 900, None)
@example(3840, 1316, None)
@example(5, 2, None)
@settings(deadline=None)
def test_no_pair_of_sizes_breaks_the_bound(size: int, model: int, data: st.DataObject | None) -> None:
    frame = Frame(size, size, model, model)
    places = {0, size // 2, size - 1} | ({data.draw(st.integers(0, size - 1))} if data else set(range(size)))
    assert all(returns(frame, place, place) for place in places)


def test_the_far_edge_of_a_convention_is_a_place_that_is_written_and_read() -> None:
    frame = Frame.of("thousand", 3840, 2160, 1316, 728)
    assert frame.to_model(Point(x=3839, y=2159)) == Point(x=1000, y=1000)
    assert frame.to_screen(1000, 1000) == Point(x=3839, y=2159)
    assert Frame.of("999", 1440, 3120, 672, 1456).to_screen(999, 999) == Point(x=1439, y=3119)


def test_a_convention_says_what_its_coordinates_count() -> None:
    sizes = {name: Frame.of(name, 1920, 1080, 1316, 728) for name in (*CONVENTIONS, "screen")}
    assert {name: (frame.model_width, frame.model_height) for name, frame in sizes.items()} == {
        "resized": (1316, 728),
        "thousand": (1000, 1000),
        "999": (999, 999),
        "screen": (1920, 1080),
    }


def test_the_corner_of_a_box_may_lie_on_the_far_edge_and_not_beyond() -> None:
    frame = Frame(1920, 1080, 1316, 728)
    assert frame.edge(1316, 728) == Point(x=1920, y=1080)
    with pytest.raises(ActionError, match=r"^bbox_2d: \(1317, 0\) lies outside the 1316x728 image"):
        frame.edge(1317, 0, field="bbox_2d")


def test_the_two_axes_have_scales_of_their_own() -> None:
    frame = Frame.fit(1366, 768)
    assert (frame.model_width, frame.model_height) == (1372, 756)
    assert frame.to_model(Point(x=683, y=384)) == Point(x=686, y=378)


@pytest.mark.parametrize("x", [-1, 1289, 1e9, float("inf"), float("-inf"), float("nan"), 10**400])
def test_a_place_outside_names_the_field_the_numbers_and_the_range(x: float) -> None:
    with pytest.raises(ActionError, match=r"coordinate: \(.*20\) lies outside the 1288x728 image; x must be 0\.\.1287"):
        Frame.fit(1280, 720).to_screen(x, 20)


def test_the_far_edge_belongs_to_the_last_pixel() -> None:
    assert Frame.fit(1280, 720).to_screen(1288, 728) == Point(x=1279, y=719)


def test_an_action_that_points_off_the_screen_is_refused_by_field() -> None:
    frame = Frame(160, 208, 160, 208)
    inside = Click(at=Point(x=159, y=207))
    assert frame.check(inside) is inside
    with pytest.raises(ActionError, match=r"at: \(160, 0\) lies outside the 160x208 screen"):
        frame.check(Click(at=Point(x=160, y=0)))
    with pytest.raises(ActionError, match=r"path\[1\]: \(0, 208\)"):
        frame.check(Drag(path=(Point(x=0, y=0), Point(x=0, y=208))))


def test_a_frame_without_pixels_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one pixel"):
        Frame(0, 10, 28, 28)
