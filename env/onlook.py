"""Looking on while a person acts: what is heard becomes actions, each with the screens before and after it.

Nobody can be made to wait. Where a person goes on before the screen has come to rest, what belongs together becomes
one action (a double click, a chord, a click and the text that follows, a line with its enter key); where that cannot
be, the deed says that its screen was not seen by itself.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from actions.action import Key, Move, Point, Type
from env.deed import Deed
from env.draft import Draft, begin, join
from env.heard import NOTHING, Answered, Field, Heard, Odd, Opened, Pressed, Rested, Returned, Seen, Switched, Turned
from env.observation import Box, Download, Observation, Receipt, changed
from env.typed import Typing

HURRIED = "the next action came before the screen had come to rest: the screen after this one shows both"


@dataclass(frozen=True)
class Mark:
    """Where a screen stood when an action began."""

    moves: int = 0
    """How often its page had become another one."""
    files: tuple[Download, ...] = ()
    window: str = ""


class Screen(Protocol):
    """What is looked at, and what is heard of it."""

    @property
    def arrived(self) -> int:
        """How much has been done so far, whether or not it has been taken."""
        ...

    def take(self) -> Heard | None:
        """The next that was done; None where there is nothing new."""
        ...

    def wait(self, seconds: float) -> bool:
        """Wait until there is something to take, at most `seconds`; whether there is."""
        ...

    def look(self) -> Observation:
        """What it shows once it has come to rest."""
        ...

    def mark(self) -> Mark:
        """Where it stands."""
        ...

    def name(self, field: Field) -> str:
        """What stands for the secret in `field`."""
        ...


@dataclass(frozen=True)
class Hover:
    """What the screen shows for a pointer that only rests."""

    at: Point
    seen: Seen
    box: Box
    picture: Observation

    def needed(self, at: Point) -> bool:
        """Whether a place is within what it brought forth, and not within what it rests on."""
        return inside(at, self.box) and not inside(at, self.seen.box)


class Onlooker:
    """Puts together the deeds on `screen`, from its first picture on."""

    def __init__(self, screen: Screen, first: Observation, clock: Callable[[], float]) -> None:
        self._screen, self._clock = screen, clock
        self._shown = first  # the screen on which the next action begins
        self._draft: Draft | None = None
        self._after: Observation | None = None  # the screen at rest after all that was heard of the draft
        self._hover: Hover | None = None
        self._done: deque[Deed] = deque()
        self._odd: list[str] = []
        self._mark = screen.mark()
        self._paused = self._hearing = False
        self._pointed: Point | None = None
        self._began = self._touched = 0.0

    def deed(self, seconds: float) -> Deed | None:
        """The next deed; None where `seconds` pass without one."""
        end = self._clock() + seconds
        while not self._done:
            if self._next():
                continue
            draft, now = self._draft, self._clock()
            left = end - now
            if draft is not None and not draft.held:
                if self._after is None:
                    self._rest(draft)
                    continue
                idle = self._touched + draft.patience - now
                if idle <= 0:
                    self._end()
                    continue
                left = min(left, idle)
            self._screen.wait(max(left, 0))
            if self._clock() >= end:
                break
        return self._done.popleft() if self._done else None

    def last(self, *, alive: bool = True) -> Deed | None:
        """The deed that was still open, with the screen after it where that can still be seen."""
        while alive and self._next():
            pass
        if not self._done and self._draft is not None:
            if not alive and self._after is None:
                self._after = self._shown
                self._odd.append("the screen was closed before it had come to rest")
            self._end()
        return self._done.popleft() if self._done else None

    def pause(self, *, on: bool) -> None:
        """Take no notice from here on, or take notice again from the screen as it is then."""
        if on:
            self._end()
            self._hover = None
        else:
            self._shown = self._screen.look()
            self._odd.append("the recording was paused before this")
        self._paused = on

    @property
    def rested(self) -> bool:
        """Whether the screen was seen at rest after all that was done."""
        return not self._hearing and (self._draft is None or self._after is not None)

    @property
    def pointed(self) -> Point | None:
        """Where the pointer was last seen to rest."""
        return self._pointed

    @property
    def shown(self) -> Observation:
        """The screen after all that was done."""
        return self._shown

    def _next(self) -> bool:
        """Hear the next that was done; whether there was anything."""
        self._hearing = True  # before it is taken: in between it would seem to be neither to come nor done
        try:
            heard = self._screen.take()
            if heard is not None:
                self._hear(heard)
            return heard is not None
        finally:
            self._hearing = False

    def _hear(self, heard: Heard) -> None:
        if self._paused:
            return
        if isinstance(heard, Rested):
            self._rests(heard)
            self._pointed = heard.at
            return
        if isinstance(heard, Odd):
            self._odd.append(heard.what)
            return
        draft, rested = self._draft, self._after is not None
        self._touched = self._clock()
        if draft is not None and draft.takes(heard, rested):
            self._after = None
            return
        if draft is not None and not rested and (joined := join(draft, heard)) is not None:
            self._draft = joined
            return
        if (fresh := begin(heard)) is None:
            return
        self._end()
        self._reach(heard)
        self._draft, self._mark, self._began = fresh, self._screen.mark(), self._touched

    def _rest(self, draft: Draft) -> None:
        """See the screen at rest; what is done meanwhile makes that worth nothing."""
        arrived = self._screen.arrived
        seen = self._screen.look()
        if self._screen.arrived != arrived:
            return
        self._after = self._still(seen)
        if isinstance(draft, Typing) and not draft.hides and (deed := self._deed(draft, self._after)) is not None:
            self._done.append(replace(deed, open=True))

    def _still(self, seen: Observation) -> Observation:
        """A dialog holds the page up, and its picture is the one from before, as an environment has it."""
        return replace(seen, screenshot=self._shown.screenshot) if seen.dialog else seen

    def _end(self) -> None:
        """End the draft, if there is one."""
        draft, after = self._draft, self._after
        if draft is None:
            return
        if after is None:
            after = self._still(self._screen.look())
            self._odd.append(HURRIED)
        deed = self._deed(draft, after)
        self._odd += () if deed else draft.remarks()
        self._draft = self._after = None
        self._shown = replace(after, receipt=None)
        if deed is not None:
            self._odd.clear()
            self._done.append(deed)

    def _deed(self, draft: Draft, after: Observation) -> Deed | None:
        action = draft.action(self._screen.name)
        if action is None:
            return None
        receipt = self._receipt(draft.seen, after, keyed=isinstance(action, Key | Type))
        notes = (*draft.remarks(), *self._odd)
        seconds = self._clock() - self._began
        return Deed(action, self._shown, replace(after, receipt=receipt), notes, seconds=seconds)

    def _receipt(self, seen: Seen, after: Observation, *, keyed: bool) -> Receipt:
        count, box = changed(self._shown.screenshot, after.screenshot)
        mark, now = self._mark, self._screen.mark()
        files = now.files[len(mark.files) :]
        return Receipt(
            target=seen.target or (self._shown.focus if keyed else ""),
            window=mark.window,
            pixels_changed=count,
            changed_box=box,
            navigated=now.moves != mark.moves or after.url != self._shown.url,
            dialog=after.dialog if after.dialog != self._shown.dialog else "",
            downloads=tuple(each.name for each in files),
            files=files,
            url=after.url,
            focus=after.focus,
            value=after.value,
            evidence=() if seen.evidence == NOTHING else (seen.evidence,),
        )

    def _rests(self, heard: Rested) -> None:
        """Note what the pointer brings forth; it is a move of its own where something of that is used."""
        base = self._shown if self._draft is None else self._after
        if base is None:
            return
        if self._hover is not None and self._hover.needed(heard.at):
            self._moved(self._hover)
            base = self._shown
        arrived = self._screen.arrived
        picture = self._screen.look()
        if self._screen.arrived != arrived or picture.dialog:
            return
        _, box = changed(base.screenshot, picture.screenshot)
        self._hover = Hover(heard.at, heard.seen, box, picture) if box else None

    def _reach(self, heard: Heard) -> None:
        """Whether an action needs the pointer where it rested before: to reach what shows, or since that stays."""
        hover, self._hover = self._hover, None
        if hover is None or isinstance(heard, Opened | Returned | Switched | Answered):
            return
        if not isinstance(heard, Pressed | Turned) or hover.needed(heard.at):
            self._moved(hover)

    def _moved(self, hover: Hover) -> None:
        self._end()
        self._hover = None
        count, box = changed(self._shown.screenshot, hover.picture.screenshot)
        receipt = Receipt(
            target=hover.seen.target,
            pixels_changed=count,
            changed_box=box,
            url=hover.picture.url,
            focus=hover.picture.focus,
            value=hover.picture.value,
            evidence=(hover.seen.evidence,),
        )
        self._done.append(Deed(Move(at=hover.at), self._shown, replace(hover.picture, receipt=receipt)))
        self._shown = hover.picture


def inside(at: Point, box: Box | None) -> bool:
    """Whether a place lies in a box."""
    return box is not None and box[0] <= at.x < box[2] and box[1] <= at.y < box[3]
