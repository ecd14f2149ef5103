"""Where in a picture a thing is: asked of a model, and told in pixels of the picture as it was given."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

from actions import ActionError, ActionSpace, Click, Dialect, Frame, Grounded, Nowhere, parse_grounding
from actions.terms import BOUNDS
from agent.prompt import write
from agent.speaker import Question, Said, Speaker
from env import Image

Turn: TypeAlias = dict[str, object]


@dataclass(frozen=True)
class Found:
    """What the model wrote, and where that points; `problem` says why nowhere."""

    said: Said
    grounded: Grounded
    problem: str = ""
    nowhere: bool = False
    """Whether it could be read and points at nothing; else what has a problem could not be read."""


CLICKS = ActionSpace(frozenset({"click"}))
"""All that pointing by a click takes."""

NOWHERE = Grounded(boxes=(), points=(), labels=())

ASKED = {
    "resized": 'Find {} in the image. Answer in JSON: [{{"bbox_2d": [x1, y1, x2, y2], "label": "..."}}]',
    "999": 'Find {} in the image. Answer in JSON: [{{"bbox_2d": [x1, y1, x2, y2], "label": "..."}}]',
    "thousand": "Detect the bounding box of {}.",
    "screen": 'Find {} in the image. Answer in JSON: [{{"bbox_2d": [x1, y1, x2, y2], "label": "..."}}]',
}
"""The request for boxes in each convention of coordinates."""


def find(speaker: Speaker, image: Image, target: str, *, max_tokens: int) -> Found:
    """Where `target` is in `image`, as `speaker` sees it. Raises `QuestionError` and `PolicyBroken`."""
    dialect = speaker.settings.speech(speaker.name)
    width, height = image.shape[1], image.shape[0]
    frame = dialect.frame(width, height, *speaker.size(width, height))
    click = speaker.settings.pointing(speaker.name) == "click"
    asked = _click(speaker, dialect, frame, target) if click else _boxes(dialect, target)
    stop, grammar = (("</tool_call>",), _grammar(speaker, dialect, frame)) if click else ((), None)
    said = speaker.say(Question(asked, (image,), max_tokens=max_tokens, stop=stop, grammar=grammar))
    try:
        return Found(said, _clicked(dialect, said.text, frame) if click else parse_grounding(said.text, frame))
    except Nowhere as error:
        return Found(said, NOWHERE, str(error), nowhere=True)
    except ActionError as error:
        return Found(said, NOWHERE, str(error))


def _boxes(dialect: Dialect, target: str) -> tuple[Turn, ...]:
    text = {"type": "text", "text": ASKED[dialect.convention].format(target)}
    return ({"role": "user", "content": [{"type": "image"}, text]},)


def _click(speaker: Speaker, dialect: Dialect, frame: Frame, target: str) -> tuple[Turn, ...]:
    """The prompt of an agent's first step, which is what such a model was trained on."""
    text = {"type": "text", "text": write(f"Click on {target}.", (), dialect, frame)}
    user: Turn = {"role": "user", "content": [text, {"type": "image"}]}
    if not speaker.settings.system:
        return (user,)
    return ({"role": "system", "content": dialect.prompt(ActionSpace.browser(), frame)}, user)


def _grammar(speaker: Speaker, dialect: Dialect, frame: Frame) -> str | None:
    """What holds our own engine to a click; None where nothing is to."""
    if not speaker.settings.grammar:
        return None
    return dialect.grammar(CLICKS, frame, BOUNDS if speaker.settings.system else replace(BOUNDS, thought=0))


def _clicked(dialect: Dialect, text: str, frame: Frame) -> Grounded:
    action = dialect.parse(text, frame)
    if not isinstance(action, Click) or action.at is None:
        raise Nowhere(f"the answer is no click at a place but: {action.kind}")
    return Grounded(boxes=(), points=(action.at,), labels=("",))
