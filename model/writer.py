"""An answer while it is written: told piece by piece, and ended where it has to end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from model.chat import Chat
from model.messages import ChatError

HALF = "\ufffd"
"""What an unfinished character is decoded to."""


def ignore(piece: str) -> None:
    """Nobody watches."""


def ends(format: Chat, tokens: Sequence[int]) -> tuple[int, ...]:
    """How many characters of the text are whole behind each of `tokens`."""
    found: list[int] = []
    start = told = 0
    for place in range(1, len(tokens) + 1):
        text = format.decode(tokens[start:place])
        if text and not text.endswith(HALF):
            start, told = place, told + len(text)
        found.append(told)
    return tuple(found)


@dataclass
class Watcher:
    """Tells `watch` each piece of text once it is whole, and finds the stop strings, be they one token or many.

    The pieces together are the text of the answer: they hold no half of a character and nothing behind a stop.
    """

    format: Chat
    stop: Sequence[str]
    watch: Callable[[str], None] = ignore
    told: list[str] = field(default_factory=list)
    done: int = 0  # tokens whose text is told

    def __post_init__(self) -> None:
        if isinstance(self.stop, str) or not all(self.stop):
            raise ChatError(f"stop: {self.stop!r}; expected a list of texts that are not empty")

    def __call__(self, tokens: Sequence[int]) -> bool:
        """Whether the latest of `tokens` completes a stop string; where not, what is new is told."""
        if self._stopped(tokens):
            return True
        text = self.format.decode(tokens[self.done :])
        if text and not text.endswith(HALF):  # bytes are cut between characters: each part decodes alone
            self._tell(text)
            self.done = len(tokens)
        return False

    def finish(self, tokens: Sequence[int], *, stopped: bool) -> str:
        """The whole text of the answer `tokens`, cut where the stop string ends that ends first; the rest is told."""
        whole = self.format.decode(tokens)
        if stopped:
            ends = [whole.find(stop) + len(stop) for stop in self.stop if stop in whole]
            whole = whole[: min(ends, default=len(whole))]
        self._tell(whole[sum(map(len, self.told)) :])
        return whole

    def _stopped(self, tokens: Sequence[int]) -> bool:
        """A token is at least one byte, so a string that it completes begins at most so many tokens back."""
        if not self.stop:
            return False
        longest = max(len(text.encode()) for text in self.stop)
        tail = self.format.decode(tokens[-longest:])
        return any(text in tail for text in self.stop)

    def _tell(self, piece: str) -> None:
        if piece:
            self.told.append(piece)
            self.watch(piece)
