"""A network that remembers what it has read: from prompt to prompt only what is new goes through it.

Rows of the cache are compared with a new prompt by words and by the content of pictures, never by the tokens that
stand for a picture, and what they share is kept. T tokens, V vocabulary, U units of a picture.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import chain, takewhile
from typing import TypeAlias

import torch
from torch import Tensor

from model import plan
from model.config import Config
from model.decoder import Cache
from model.fan import Line, spread
from model.features import Features
from model.generate import Prompt
from model.picture import Picture
from model.prefix import Prefixes
from model.qwen import Qwen
from model.rope import position_ids

Key: TypeAlias = int | str
"""A word's token, or the hash of the picture that a token is a part of."""


@dataclass
class Counts:
    """What a session has done so far; no clock has a say in it."""

    forwards: int = 0  # of the decoder
    prefilled_tokens: int = 0  # tokens of prompts that went through the decoder
    reused_tokens: int = 0  # tokens of prompts that the cache had already
    vision_calls: int = 0  # runs of the tower
    vision_hits: int = 0  # pictures in what was read whose features were kept


@dataclass(frozen=True)
class Sight:
    """A picture, image or video, among the tokens: the places from `start` to `end`, and the hash of what it shows."""

    start: int
    end: int
    key: str
    hidden: bool = False  # from what is read from now on: its rows are gone


@dataclass(frozen=True)
class View:
    """A picture of a prompt, and where it stands."""

    sight: Sight
    picture: Picture


@dataclass(frozen=True)
class Reading:
    """What a session is about to read: embeddings x [1,T,hidden] at M-RoPE ids [3,T], and what the tokens are.

    Those beyond `keys` are lines of a fan, which stand one instead of the other and are forgotten.
    """

    session: Session
    mark: int  # its length, behind which they stand
    x: Tensor
    ids: Tensor
    keys: Sequence[Key]
    sights: tuple[Sight, ...] = ()
    prefilled: int = 0  # of the tokens, those of a prompt
    shared: tuple[int, ...] = ()  # the beginning that others share
    sees: Tensor | None = None  # [T,T], where not each sees all before it
    last: int | None = None  # tokens at the end whose states are wanted; None: all


class Session:
    """What one network has read in one conversation, and what comes next.

    Sessions of one network may share `features` and `prefixes`. `length` counts tokens, evicted ones too; any
    `length` that was seen outside a picture is a mark to rewind to. A call that raises leaves what was read before, and
    `read` what that shares with its prompt.
    """

    def __init__(
        self,
        network: Qwen,
        *,
        features: Features | None = None,
        prefixes: Prefixes | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.network, self.config, self.clock = network, network.config, clock
        self.features = features or Features(network.visual)
        self.prefixes = prefixes or Prefixes()
        self.counts = Counts()
        self.looking = 0.0  # seconds spent on pictures so far
        self.sights: list[Sight] = []
        self._keys: list[Key] = []
        self._tops: list[int] = []  # for each token the largest M-RoPE id so far
        with torch.inference_mode():
            self.cache = Cache(self.config.text, 1, plan.room(1), like=network.model.norm.weight)

    @property
    def length(self) -> int:
        """Tokens read so far: a mark."""
        return len(self._keys)

    @property
    def nbytes(self) -> int:
        """Bytes that the cache takes."""
        return self.cache.nbytes

    @property
    def left(self) -> plan.Left:
        """Bytes by which what it keeps for later, alone or with others, may still grow."""
        return plan.Left(self.features.pictures.left, self.features.parts.left, self.prefixes.store.left)

    def read(self, prompt: Prompt, *, shared: int = 0, rows: Tensor | None = None) -> Tensor:
        """Logits [V], or [R] of the tokens `rows` alone, behind all of `prompt`; only what is new in it is read.

        The first `shared` tokens, words all of them, are kept for other sessions, or taken from them. Where no
        picture was evicted this is what a session without a past gives.
        """
        return self.logits(self.run(self.prepare(prompt, shared=shared))[-1], rows)

    def append(self, segment: Prompt) -> Tensor:
        """Logits [V] behind `segment`, words and pictures, read behind all that was read; one forward."""
        views, ids = seen(segment, self.config)
        return self.logits(self.run(replace(self._segment(segment.tokens, views, ids + self._next()), last=1))[-1])

    def feed(self, tokens: Sequence[int], rows: Tensor | None = None) -> Tensor:
        """Logits [V], or [R] of the tokens `rows` alone, behind `tokens`; one forward.

        All are read as words, also those that would stand for a picture. `PlanError` where the cache cannot grow.
        """
        return self.logits(self.run(self.prepare_feed(tokens))[-1], rows)

    def logits(self, states: Tensor, rows: Tensor | None = None) -> Tensor:
        """Logits [...,V] of states [...,hidden], or [...,R] of the tokens `rows` alone."""
        with torch.inference_mode():
            return self.network.logits(states, rows)

    def shares(self, prompt: Prompt) -> int:
        """Tokens at the beginning of `prompt` that it would not have to read."""
        return self._common(_keys(prompt.tokens, seen(prompt, self.config)[0]), 1)

    def prepare(self, prompt: Prompt, *, shared: int = 0, last: int = 1) -> Reading:
        """What `read` has to read, the `last` tokens at least, with the session brought to where that begins."""
        views, ids = seen(prompt, self.config)
        if not 0 <= shared < len(prompt.tokens) or any(view.sight.start < shared for view in views):
            raise ValueError(f"shared: {shared}; expected a number of words at the beginning of the prompt")
        same = self._common(_keys(prompt.tokens, views), last)
        if same < shared and self._borrow(prompt.tokens[:shared]):
            same = shared
        self.rewind(same)
        self.counts.reused_tokens += same
        new = [moved(view, -same) for view in views if view.sight.start >= same]
        first = prompt.tokens[:shared]
        unknown = () if self.prefixes.holds(first, self._like()) else first
        segment = self._segment(prompt.tokens[same:], new, ids[:, same:], len(unknown))
        return replace(segment, shared=unknown, last=last)

    def prepare_feed(self, tokens: Sequence[int], fan: Sequence[Line] = ()) -> Reading:
        """What `feed` has to read, and behind it lines of which one at most will have come."""
        if not tokens:
            raise ValueError("no tokens to feed; expected one or more")
        places, sees = spread(len(tokens), fan)
        if self.cache.length + len(places) > self.cache.room:
            plan.check_session(self.config, plan.Request(len(places), (), 0), self.cache, plan.FULL)
        ids = (places + self._next()).expand(3, -1)
        with torch.inference_mode():
            new = torch.tensor([[*tokens, *chain.from_iterable(fan)]], device=self.cache.device)
            x = self.network.model.embed_tokens(new)
        return Reading(self, self.length, x, ids, list(tokens), sees=sees)

    def run(self, reading: Reading) -> Tensor:
        """Normalised states [T,hidden] behind each token of it, or the last ones that are wanted; one forward."""
        with torch.inference_mode():
            self.ready(reading)
            rotation = self.network.rotation(reading.ids.unsqueeze(1).to(reading.x.device))
            with self.cache.branching(reading.sees):
                states: Tensor = self.network.model(reading.x, rotation, None, self.cache, reading.last)[0]
            self.took(reading)
            return states

    def ready(self, reading: Reading) -> None:
        """Make room for it behind what was read, whatever a forward that was interrupted has left."""
        if reading.mark != self.length:
            raise ValueError(f"prepared behind {reading.mark} tokens; the session has read {self.length} by now")
        self.cache.length = self._row(self.length)
        self._reserve(reading.x.shape[1])

    def took(self, reading: Reading) -> None:
        """Note that the decoder has read it, and keep its beginning for others."""
        self.counts.forwards += 1
        self.counts.prefilled_tokens += reading.prefilled
        self.sights.extend(reading.sights)
        self._note(reading.keys, reading.ids[:, : len(reading.keys)])
        self.cache.length = self._row(self.length)
        if reading.shared:
            self.prefixes.put(reading.shared, self.cache.rows(len(reading.shared)))

    def knows(self, tokens: tuple[int, ...]) -> bool:
        """Whether a prompt that begins with these words has them read already, here or by another session."""
        known = self._keys[: len(tokens)] == list(tokens)
        return known or self.prefixes.get(tokens, self._like()) is not None

    def share(self, tokens: tuple[int, ...]) -> None:
        """Read these words, with nothing behind them, for all sessions with the same `prefixes`."""
        self.run(self.prepare(Prompt(tokens)))
        self.prefixes.put(tokens, self.cache.rows(len(tokens)))

    def rewind(self, mark: int) -> None:
        """Forget all behind the first `mark` tokens; ValueError where that is no place, or inside a picture."""
        if not 0 <= mark <= self.length or any(sight.start < mark < sight.end for sight in self.sights):
            raise ValueError(f"mark: {mark}; expected a length of 0 to {self.length} that ends inside no picture")
        self.cache.length = self._row(mark)
        del self._keys[mark:], self._tops[mark:]
        self.sights = [sight for sight in self.sights if sight.end <= mark]

    def evict(self, number: int) -> None:
        """Let go of the rows of the picture of that number, counted from 0.

        All positions stay. What was read before keeps what it saw of the picture, and what is read from now on
        does not see it: exactly a mask over its columns. A prompt that has the picture in this place still shares it.
        """
        if not 0 <= number < len(self.sights) or self.sights[number].hidden:
            raise ValueError(f"picture {number}; expected the number of one of {len(self.sights)} that is still held")
        sight = self.sights[number]
        first = self._row(sight.start)
        with torch.inference_mode():
            self.cache.drop(first, first + sight.end - sight.start)
        self.sights[number] = replace(sight, hidden=True)

    def _segment(self, tokens: Sequence[int], views: Sequence[View], ids: Tensor, shared: int = 0) -> Reading:
        """Words and pictures whose places count from the first of `tokens`, looked at; `ids` [3,T] are their places."""
        media = tuple(view.picture.medium for view in views)
        plan.check_session(self.config, plan.Request.of(tokens, media, self.config, shared), self.cache, self.left)
        with torch.inference_mode():
            new = torch.tensor([list(tokens)], device=self.cache.device)
            x = self.network.embed(new, self._look(views))
        sights = tuple(moved(view, self.length).sight for view in views)
        return Reading(self, self.length, x, ids, _keys(tokens, views), sights, len(tokens))

    def _common(self, keys: Sequence[Key], last: int) -> int:
        """Tokens that `keys` and the session share at their beginnings, the `last` ones left to be read."""
        pairs = zip(keys[:-last], self._keys, strict=False)
        same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
        for sight in self.sights:  # half a picture is none
            if sight.start < same < sight.end:
                same = sight.start
        return same

    def _borrow(self, tokens: Sequence[int]) -> bool:
        """Begin anew with `tokens`, if somebody has read them."""
        if (rows := self.prefixes.get(tokens, self._like())) is None:
            return False
        self.rewind(0)
        with torch.inference_mode():
            self._reserve(len(tokens))
            self.cache.put(rows)
        self._note(list(tokens), torch.arange(len(tokens)).expand(3, -1))
        return True

    def _like(self) -> Tensor:
        """An empty beginning, for its shape and kind."""
        return self.cache.rows(0)

    def _look(self, views: Sequence[View]) -> Tensor | None:
        """Features of pictures in their order."""
        if not views:
            return None
        start, calls, hits = self.clock(), self.features.calls, self.features.hits
        found = [self.features.see(view.picture) for view in views]
        self.looking += self.clock() - start
        self.counts.vision_calls += self.features.calls - calls
        self.counts.vision_hits += self.features.hits - hits
        return torch.cat(found)

    def _note(self, keys: Sequence[Key], ids: Tensor) -> None:
        tops = ids.max(dim=0).values.cummax(dim=0).values
        self._tops.extend(tops.clamp(min=self._next() - 1).tolist())
        self._keys.extend(keys)

    def _next(self) -> int:
        """The M-RoPE id with which what comes next starts."""
        return self._tops[-1] + 1 if self._tops else 0

    def _row(self, place: int) -> int:
        """The row of the cache at which the token of that place stands, or would stand; no place inside a picture."""
        return place - sum(sight.end - sight.start for sight in self.sights if sight.hidden and sight.end <= place)

    def _reserve(self, tokens: int) -> None:
        if (needed := self.cache.length + tokens) > self.cache.room:
            self.cache.grow(plan.room(needed))


def fleeting(network: Qwen, clock: Callable[[], float]) -> Session:
    """A session for one answer, which keeps nothing for others."""
    return Session(
        network, features=Features(network.visual, room=0, windows=0), prefixes=Prefixes(room=0), clock=clock
    )


def seen(prompt: Prompt, config: Config) -> tuple[list[View], Tensor]:
    """The pictures of a prompt in their order, and its M-RoPE ids [3,T].

    ValueError where tokens, media and patches do not agree.
    """
    if not prompt.tokens:
        raise ValueError("a prompt of no tokens; expected one or more")
    prompt.check()
    ids = position_ids(prompt.tokens, config, prompt.media)
    pads = [at for at, token in enumerate(prompt.tokens) if token in (config.image_token_id, config.video_token_id)]
    unit, first = config.vision.spatial_merge_size**2, 0
    views = []
    for picture in prompt.shown():
        count = math.prod(picture.medium.grid) // unit
        key = f"{picture.key} {picture.medium.seconds_per_grid}"  # seconds bear on positions
        views.append(View(Sight(pads[first], pads[first] + count, key), picture))
        first += count
    return views, ids


def moved(view: View, by: int) -> View:
    """The same some places further on."""
    return replace(view, sight=replace(view.sight, start=view.sight.start + by, end=view.sight.end + by))


def _keys(tokens: Sequence[int], views: Sequence[View]) -> list[Key]:
    """What has to be equal for rows to be shared, token by token."""
    keys: list[Key] = list(tokens)
    for sight in (view.sight for view in views):
        keys[sight.start : sight.end] = [sight.key] * (sight.end - sight.start)
    return keys
