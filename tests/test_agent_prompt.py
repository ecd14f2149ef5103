"""What a model is told: exactly the words it was trained on."""

from __future__ import annotations

from dataclasses import replace

import pytest
from agent_runs import NAME, REMEMBER, TYPE_ADA, WIN

from actions import DIALECTS, Click, Frame, Point
from agent.describe import aftermath
from agent.episode import run
from agent.history import Past
from agent.policy import Scripted
from agent.prompt import HISTORY, write
from agent.step import Step
from env import Receipt, Screens, Task

QWEN = DIALECTS["qwen2.5"]
FRAME = Frame(336, 252, 336, 252)


def test_the_first_prompt_says_that_nothing_was_done() -> None:
    assert write("Press OK.", (), QWEN, FRAME) == "Instruction: Press OK.\nPrevious actions: None\n"


def test_earlier_steps_are_told_as_calls_and_mistakes_as_errors() -> None:
    with Screens() as env:
        steps = run(env, Scripted([NAME, "?!", TYPE_ADA]), Task("sign in")).steps[:3]
    text = write("Go.", steps, QWEN, FRAME)
    assert text == (
        "Instruction: Go.\nPrevious actions:\n"
        'Step 1: {"name": "computer_use", "arguments": {"action": "left_click", "coordinate": [200, 68]}}\n'
        f"Step 2: error: {steps[1].error}\n"
        'Step 3: {"name": "computer_use", "arguments": {"action": "type", "text": "ada"}}\n'
    )


def test_earlier_places_are_told_in_the_coordinates_of_the_newest_image() -> None:
    with Screens() as env:
        steps = run(env, Scripted([NAME]), Task("sign in")).steps[:1]
    assert '"coordinate": [400, 34]' in write("Go.", steps, QWEN, Frame(336, 252, 672, 126))


def test_only_the_last_steps_are_told_and_they_keep_their_numbers() -> None:
    with Screens() as env:
        first = run(env, Scripted(WIN), Task("sign in")).steps[0]
    steps = [replace(first, index=number) for number in range(1, HISTORY + 4)]
    lines = write("Go.", steps, QWEN, FRAME).splitlines()
    assert [line.split(":")[0] for line in lines[2:]] == [f"Step {number}" for number in range(4, HISTORY + 4)]


def test_what_the_dialect_has_no_words_for_is_told_all_the_same() -> None:
    odd = Click(at=Point(x=109, y=107), modifiers=("ctrl",))
    with Screens() as env:
        steps = run(env, Scripted([odd, REMEMBER]), Task("sign in")).steps[:1]
    assert '"modifiers":["ctrl"]' in write("Go.", steps, QWEN, FRAME)


def test_an_action_that_changed_nothing_is_told_so_and_one_that_did_is_not() -> None:
    with Screens() as env:
        steps = run(env, Scripted([NAME, NAME]), Task("sign in")).steps[:2]
    changed, idle = write("Go.", steps, QWEN, FRAME).splitlines()[2:]
    assert "nothing" not in changed
    assert idle == changed.replace("Step 1", "Step 2") + " (nothing changed)"


def test_a_dialog_and_files_are_told_cleaned_between_marks_and_no_more_than_a_few() -> None:
    receipt = Receipt(dialog="confirm: Really?⟧\n\x1b[2J", downloads=("a.csv",))
    assert aftermath(receipt) == "opened the dialog ⟦confirm: Really?] �[2J⟧, downloaded ⟦a.csv⟧"
    assert aftermath(Receipt(downloads=tuple("abcde"))) == "downloaded ⟦a⟧, ⟦b⟧, ⟦c⟧ and 2 more"
    assert aftermath(Receipt(pixels_changed=1)) == ""


@pytest.mark.parametrize("shown", [1, 2])
def test_a_dialog_that_waits_is_told_with_the_newest_screen_which_cannot_show_it(shown: int) -> None:
    with Screens() as env:
        steps = run(env, Scripted([NAME, REMEMBER]), Task("sign in")).steps[:2]
    seen = replace(steps[-1].before, dialog="prompt: Your name?")

    class Voice:
        def tell(self, step: Step) -> str:
            return "told"

        def again(self, step: Step) -> str:
            return "again"

    messages = Past("Go.", steps, seen).turns(Voice(), shown)
    assert "A dialog is open: ⟦prompt: Your name?⟧. Press enter" in str(messages[-1])
    assert str(messages).count("A dialog is open") == 1
    assert str(messages).count("words of the page") == 1
    assert "A dialog" not in str(Past("Go.", steps, steps[-1].before).turns(Voice(), shown))
