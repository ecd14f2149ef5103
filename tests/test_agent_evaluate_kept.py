"""An evaluation on disk: every episode once, whenever it was interrupted."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.evaluate import Asked, EvaluationError, Kept, Mark, plan, read_evaluation
from agent.evaluate.page import render
from agent.schema import ModelEntry

TASKS = ("enter-text", "click-test")


def asked(name: str = "m", *, hash: str = "", options: tuple[str, ...] = (), episodes: int = 2) -> Asked:
    return Asked(
        suite="easy20",
        tasks=TASKS,
        episodes=episodes,
        seed=7,
        model=ModelEntry(name=name, dialect="qwen2.5", hash=hash),
        options=options,
        versions={},
    )


def mark(task: str, seed: int, *, stop: str = "done", success: bool = True, detail: str = "") -> Mark:
    return Mark.model_validate(
        {"task": task, "seed": seed, "success": success, "steps": 1, "seconds": 0.5, "stop": stop, "detail": detail}
    )


def test_what_lies_there_is_not_played_again_but_what_broke_is(tmp_path: Path) -> None:
    chances = plan(TASKS, 2, 7)
    with Kept(tmp_path, asked()) as kept:
        assert kept.missing(chances) == chances
        kept.add(mark("click-test", 8))
        kept.add(mark("enter-text", 7, stop="environment", success=False))
    with Kept(tmp_path, asked()) as kept:
        assert [chance.key for chance in kept.missing(chances)] == [
            ("enter-text", 7),
            ("enter-text", 8),
            ("click-test", 7),
        ]
        kept.add(mark("enter-text", 7))
    _, marks = read_evaluation(tmp_path)
    assert [(m.key, m.success) for m in marks] == [(("enter-text", 7), True), (("click-test", 8), True)]


@pytest.mark.parametrize("rest", [b'{"task":"cli', b"\x00\x00\x00", b'{"task":"click-test","seed":8'])
def test_a_line_that_was_cut_off_is_played_again(tmp_path: Path, rest: bytes) -> None:
    with Kept(tmp_path, asked()) as kept:
        kept.add(mark("enter-text", 7))
    with (tmp_path / "episodes.jsonl").open("ab") as file:
        file.write(rest)
    assert len(read_evaluation(tmp_path)[1]) == 1
    with Kept(tmp_path, asked()) as kept:
        assert len(kept.missing(plan(TASKS, 2, 7))) == 3
        kept.add(mark("click-test", 8))
    assert (tmp_path / "episodes.jsonl").read_bytes().count(b"\n") == 2
    assert [m.key for m in read_evaluation(tmp_path)[1]] == [("enter-text", 7), ("click-test", 8)]


def test_more_episodes_are_added_to_those_that_were_played(tmp_path: Path) -> None:
    with Kept(tmp_path, asked()) as kept:
        for chance in plan(TASKS, 2, 7):
            kept.add(mark(*chance.key))
    with Kept(tmp_path, asked(episodes=3)) as kept:
        assert [chance.key for chance in kept.missing(plan(TASKS, 3, 7))] == [("enter-text", 9), ("click-test", 9)]
    with Kept(tmp_path, asked(episodes=1)):
        assert [m.key for m in read_evaluation(tmp_path)[1]] == [("enter-text", 7), ("click-test", 7)]


def test_the_episodes_of_another_model_are_never_mixed_in(tmp_path: Path) -> None:
    with Kept(tmp_path, asked(hash="abc")):
        pass
    for other in (asked("other"), asked(hash="def"), asked(hash="abc", options=("dtype=int8",))):
        with pytest.raises(EvaluationError, match="choose another"):
            Kept(tmp_path, other)
    with Kept(tmp_path, asked()):  # a server that could not be asked for its hash is let be
        pass


def test_a_folder_without_an_evaluation_is_named(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="no evaluation"):
        read_evaluation(tmp_path)
    (tmp_path / "eval.json").write_text("{}")
    with pytest.raises(EvaluationError, match=r"eval\.json"):
        read_evaluation(tmp_path)


def test_a_line_in_the_middle_that_is_no_mark_is_named(tmp_path: Path) -> None:
    with Kept(tmp_path, asked()) as kept:
        kept.add(mark("enter-text", 7))
    path = tmp_path / "episodes.jsonl"
    path.write_bytes(b'{"task": 1}\n' + path.read_bytes())
    with pytest.raises(EvaluationError, match=r"episodes\.jsonl, line 1"):
        read_evaluation(tmp_path)


def test_what_a_model_or_a_page_wrote_is_text_in_the_report() -> None:
    broken = mark("click-test", 7, stop="model", detail="<b>\x1b[31m</b>")
    page = render(asked("<script>alert(1)</script>").sheet([broken]))
    assert "<script" not in page
    assert "<b>" not in page
    assert "\x1b" not in page
    assert "http://" not in page
    assert "https://" not in page
