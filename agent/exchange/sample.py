"""Steps of a run as training samples: the prompt that a model would have seen, and the answer that was right."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from actions import ActionError, Dialect, Frame
from actions.terms import call_start
from agent.exchange.dictation import Dictation
from agent.exchange.past import space, step
from agent.exchange.style import Style
from agent.prompt import call
from agent.reader import Run
from agent.schema import Look
from agent.speaker import Question, QuestionError
from agent.spoken import ModelPolicy
from agent.step import Reply, Step
from env import Task

IMAGE = "<image>"
"""Where a picture stands in a text, for qwen-vl-finetune and LLaMA-Factory alike."""

MARKS = (IMAGE, "<video>", "<audio>", *(f"<|{name}|>" for name in ("im_start", "im_end", "endoftext")))
MARKS += tuple(f"<|{name}|>" for name in ("vision_start", "vision_end", "vision_pad", "image_pad", "video_pad"))
"""What trainers take for more than text, wherever it stands."""


@dataclass(frozen=True)
class Left:
    """What was left out, and why; step 0 is the whole run."""

    run: str
    step: int
    why: str

    def __str__(self) -> str:
        return f"{self.run}{f', step {self.step}' if self.step else ''}: {self.why}"


@dataclass(frozen=True)
class Turn:
    """One message; each picture in it is an `IMAGE`."""

    role: str
    """system, user or assistant."""
    text: str


@dataclass(frozen=True)
class Sample:
    """One step to learn: turns up to the answer, the last of them, and the screens of their pictures in order."""

    run: str
    step: int
    instruction: str
    turns: tuple[Turn, ...]
    screens: tuple[Look, ...]
    edges: tuple[int, int] | None = None
    """Width and height that coordinates count to; None where the screens do not agree."""
    earlier: tuple[str, ...] = ()
    """The calls made so far, oldest first."""


class Unfit(ValueError):
    """Why a step is no sample."""


def samples(run: Run, name: str, style: Style) -> Iterator[Sample | Left]:
    """A sample for each step that is worth learning, and a word on each that is not, in order."""
    pupil = Pupil(style, run)
    past: list[Step] = []
    for line in run.lines:
        now = step(line)
        try:
            yield pupil.sample(name, now, past)
        except Unfit as why:
            yield Left(name, line.index, str(why))
        past.append(pupil.own(now))


class Pupil:
    """The model that is to learn, in the place of the one that acted."""

    def __init__(self, style: Style, run: Run) -> None:
        self.style, self.run = style, run
        self.task = Task(run.manifest.task.instruction)

    def sample(self, name: str, now: Step, past: Sequence[Step]) -> Sample:
        """The sample of a step. Raises `Unfit`."""
        answer = self.answer(now)
        question = self.question(now, past)
        shown = len(question.images)
        for earlier in past[len(past) - (shown - 1) :]:
            if earlier.error or earlier.action is None:
                raise Unfit(f"shows the mistake of step {earlier.index} as a turn to be learnt")
        turns = (*(_turn(message) for message in question.messages), Turn("assistant", answer))
        _check(turns, shown)
        looks = tuple(line.before for line in self.run.lines[now.index - shown : now.index])
        calls = tuple(call(each.reply.text) for each in past if each.after and not each.error)
        edges = {(frame.model_width, frame.model_height) for frame in map(self.framed, looks)}
        agreed = edges.pop() if len(edges) == 1 else None
        return Sample(name, now.index, self.task.instruction, turns, looks, agreed, calls)

    def question(self, now: Step, past: Sequence[Step]) -> Question:
        """What the model would have been asked. Raises `Unfit`."""
        dictation = Dictation(self.style)
        try:
            ModelPolicy(dictation, space=space(self.run)).reply(self.task, past, now.before)
        except QuestionError as error:
            raise Unfit(str(error)) from error
        (question,) = dictation.questions
        return question

    def answer(self, now: Step) -> str:
        """What is to be learnt: the action in the dialect, and what was written before it. Raises `Unfit`."""
        if now.error:
            raise Unfit(f"nothing was carried out: {now.error[:120]}")
        if now.action is None:
            raise Unfit("there is no action")
        dialect = self.style.speech
        try:
            frame = self.frame(now)
            written = dialect.print(now.action, frame)
        except (ActionError, ValueError) as error:
            raise Unfit(f"{dialect.name} cannot say it: {error}") from error
        said = with_thought(thought(now.reply.text), written, dialect.name) if self.style.thoughts else written
        if said != written and not _alike(dialect, said, written, frame):
            raise Unfit("what was written before the call would be read as an action itself")
        return said

    def frame(self, now: Step) -> Frame:
        """The screen of a step, and the image that this model sees of it. ValueError for one that it cannot see."""
        return self.style.frame(*now.before.size)

    def framed(self, look: Look) -> Frame:
        """The same of a screen that was kept."""
        return self.style.frame(look.width, look.height)

    def own(self, earlier: Step) -> Step:
        """An earlier step as if this model had made it, in the coordinates in which it would have seen the screen."""
        try:
            text = self.answer(earlier)
        except Unfit:
            return earlier
        return replace(earlier, reply=Reply(text), frame=self.frame(earlier))


def thought(text: str) -> str:
    """What stands before the call in a reply; empty where nothing does, or nobody can tell where the call begins."""
    return text[: call_start(text.rstrip())].strip().removeprefix("Thought:").strip()


def with_thought(said: str, written: str, dialect: str) -> str:
    """A reply that says something and then makes the call that is written."""
    if not said:
        return written
    return f"Thought: {' '.join(said.split())}\n{written}" if dialect.startswith("ui-tars") else f"{said}\n{written}"


def _alike(dialect: Dialect, said: str, written: str, frame: Frame) -> bool:
    try:
        return dialect.parse(said, frame) == dialect.parse(written, frame)
    except ActionError:
        return False


def _turn(message: Mapping[str, object]) -> Turn:
    content = message["content"]
    assert isinstance(content, str | list)
    role = str(message["role"])
    if isinstance(content, str):
        return Turn(role, content)
    return Turn(role, "".join(IMAGE if part["type"] == "image" else str(part["text"]) for part in content))


def _check(turns: Sequence[Turn], shown: int) -> None:
    """Raise `Unfit` where a text holds what a trainer would not take for text."""
    whole = "\n".join(turn.text for turn in turns)
    for mark in MARKS:
        if whole.count(mark) != (shown if mark == IMAGE else 0):
            raise Unfit(f"a text in it holds {mark}, which a trainer would not take for text")
