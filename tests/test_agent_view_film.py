"""A run as a film: what stands in its frames, and how long."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from agent_runs import WIN, click, handeye, keep
from PIL import Image, ImageSequence

from actions import Drag, Key, Point, Scroll
from agent.reader import RecordError, Run, read_run
from agent.view import FilmError, write_film
from agent.view.film import LAST, MARK, SECONDS, frames
from agent.view.marks import marks
from env import Image as Pixels


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("run")
    keep(folder, ["<nonsense>", *WIN])
    return read_run(folder)


def gif(path: Path) -> Iterator[tuple[Pixels, int]]:
    with Image.open(path) as film:
        for frame in ImageSequence.Iterator(film):
            yield np.asarray(frame.convert("RGB")), int(frame.info["duration"])


def pink(frame: Pixels, at: tuple[int, int], reach: int = 16) -> int:
    """Pixels in the color of marks around a place."""
    x, y = at
    near = frame[max(0, y - reach) : y + reach, max(0, x - reach) : x + reach].astype(int)
    return int((np.abs(near - MARK).max(axis=2) < 48).sum())


def test_a_gif_shows_each_step_with_its_click_and_then_the_end(run: Run, tmp_path: Path) -> None:
    shown = list(gif(write_film(run, tmp_path / "run.gif")))
    assert len(shown) == len(run.lines) + 1
    assert [span for _, span in shown] == [1000 * SECONDS] * len(run.lines) + [1000 * LAST]
    places = {1: (200, 68), 3: (109, 107), 4: (145, 155)}
    for number, at in places.items():
        assert pink(shown[number][0], at) > 60, number
        assert pink(shown[number][0], at, 4) > 25, number  # the dot in the middle
        assert all(pink(shown[number][0], other) == 0 for other in places.values() if other != at), number
    assert pink(shown[0][0], (200, 68)) == pink(shown[-1][0], (145, 155)) == 0  # no click in either


def test_the_screens_in_a_film_are_those_of_the_run(run: Run, tmp_path: Path) -> None:
    *_, (last, _) = gif(write_film(run, tmp_path / "run.gif"))
    after = run.lines[-1].after
    assert after
    assert np.abs(last[:252, :336].astype(int) - run.screen(after.screen)).max() < 24  # 256 colors a frame
    assert last[252:].max() > 200  # words below it


@pytest.mark.parametrize("kind", ["mp4", "webm"])
def test_a_video_shows_each_step_long_enough_with_its_click(run: Run, tmp_path: Path, kind: str) -> None:
    path = write_film(run, tmp_path / f"run.{kind}")
    with av.open(str(path)) as film:
        [stream] = film.streams.video
        rate = stream.average_rate
        assert rate
        shown = [frame.to_ndarray(format="rgb24") for frame in film.decode(stream)]
    assert len(shown) / rate == pytest.approx(len(run.lines) * SECONDS + LAST, abs=0.3)
    for number, at in ((1, (200, 68)), (4, (145, 155))):
        frame = shown[round((number + 0.5) * SECONDS * float(rate))]
        assert pink(frame, at) > 40, number
        assert pink(frame, at, 4) > 12, number
        assert pink(frame, (109, 107)) == 0
    assert all(side % 2 == 0 for side in shown[0].shape[:2])


def small(run: Run, factor: float) -> Run:
    """The first step alone, its screen of another size."""
    line = run.lines[1]
    picture = Image.fromarray(run.screen(line.before.screen))
    size = round(picture.width * factor), round(picture.height * factor)
    picture.resize(size, Image.Resampling.NEAREST).save(run.blob("0" * 64))
    look = line.before.model_copy(update={"screen": "0" * 64, "width": size[0], "height": size[1]})
    line = line.model_copy(update={"index": 1, "before": look, "after": None, "action": click(size[0] // 2, 20)})
    return Run(run.folder, run.manifest, (line,), None)


@pytest.mark.parametrize(("factor", "wide", "scale"), [(0.47, 474, 3), (1.0, 336, 1), (6.01, 1280, 1280 / 2019)])
def test_small_screens_are_drawn_larger_and_large_ones_smaller(
    run: Run, factor: float, wide: int, scale: float
) -> None:
    whole = list(frames(small(run, factor)))
    first = np.asarray(whole[0].picture)
    assert abs(first.shape[1] - wide) <= 1
    x = round(run.lines[1].before.width * factor) // 2
    assert pink(first, (round((x + 0.5) * scale), round(20.5 * scale)), 6) > 25  # the dot in the middle


def test_drags_wheels_and_keys_leave_their_marks(run: Run) -> None:
    line = run.lines[1]
    drag = line.model_copy(update={"action": Drag(path=(Point(x=50, y=200), Point(x=280, y=200)))})
    wheel = line.model_copy(update={"action": Scroll(dy=-500)})
    key = line.model_copy(update={"action": Key(keys=("ctrl", "s"), count=2), "receipt": None})
    dragged = list(frames(Run(run.folder, run.manifest, (drag, wheel), None)))
    assert pink(np.asarray(dragged[0].picture), (165, 200), 6) > 20  # the middle of the path
    assert pink(np.asarray(dragged[1].picture), (168, 90), 6) > 10  # above the middle of the screen
    assert marks(drag).heads[0][0] == (280, 200)
    assert marks(wheel).arrow == ((168, 126), (168, 126 - 4 * marks(wheel).radius))
    assert marks(key).label == "⌨ ctrl+s ×2"


def test_a_film_of_nothing_or_of_lost_pictures_is_refused(run: Run, tmp_path: Path) -> None:
    with pytest.raises(FilmError, match="needs at least one step"):
        write_film(Run(run.folder, run.manifest, (), None), tmp_path / "none.gif")
    lost = run.lines[0].model_copy(update={"before": run.lines[0].before.model_copy(update={"screen": "1" * 64})})
    for name in ("lost.gif", "lost.mp4"):
        with pytest.raises(RecordError, match="1111"):
            write_film(Run(run.folder, run.manifest, (*run.lines, lost), None), tmp_path / name)
    with pytest.raises(FilmError, match=r"\.gif, \.mp4 or \.webm"):
        write_film(run, tmp_path / "run.avi")
    assert not list(tmp_path.iterdir())


def test_the_command_writes_a_film_by_its_ending(run: Run, tmp_path: Path) -> None:
    done = handeye("view", run.folder, "--out", tmp_path / "run.GIF")
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{tmp_path / 'run.GIF'}\n"
    assert len(list(gif(tmp_path / "run.GIF"))) == len(run.lines) + 1
