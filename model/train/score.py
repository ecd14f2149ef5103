"""`python -m model.train.score STATE --data FOLDER`: how often the model's own words are right, turn by turn.

Every token is the model's own choice (nothing is teacher-forced): a click counts when it lies in one of the boxes
that are right, anything else when the text is the same.
"""

from __future__ import annotations

import argparse
import json
import random
import re
from collections import defaultdict
from pathlib import Path

import torch

from model.decoder import Cache
from model.layout import Medium
from model.qwen import Qwen
from model.rope import position_ids
from model.train import tokens
from model.train.batch import patches
from model.train.samples import Encoder, Picture, Turn, read_shard
from model.train.tiny import config, read_weights

CLICK = re.compile(r'_click", "coordinate": \[(\d+), (\d+)\]')


class Examinee:
    """The network of a checkpoint or an exported folder, and its tokenizer, answering greedily."""

    def __init__(self, state: Path) -> None:
        weights, _ = read_weights(state)
        self.net = Qwen(config())
        self.net.load_state_dict({n: w for n, w in weights.items() if not n.startswith("heads.")})
        self.net.eval().bfloat16()
        self.tokenizer = tokens.build()
        self.encode = Encoder(self.tokenizer)

    @torch.inference_mode()
    def answer(self, picture: Picture, prompt: str, limit: int = 40) -> str:
        """What the model says, at most `limit` tokens."""
        vision, (width, height) = self.net.config.vision, picture.size
        encoded = self.encode(Turn(prompt, "", None), height // vision.factor * (width // vision.factor))
        ids = list(encoded.ids[: encoded.answer])
        grids = [(1, height // vision.patch_size, width // vision.patch_size)]
        positions = position_ids(ids, self.net.config, [Medium(grids[0])]).unsqueeze(1)
        new, after = torch.tensor([ids]), int(positions.max()) + 1
        cache = Cache(self.net.config.text, 1, len(ids) + limit, self.net.model.embed_tokens.weight)
        pixels = patches([picture.pixels()], vision.patch_size)
        logits = self.net(new, positions, pixels, grids, cache=cache)
        said: list[int] = []
        while len(said) < limit and (token := int(logits[0, -1].argmax())) != self.encode.end:
            said.append(token)
            place = torch.full((3, 1, 1), after + len(said) - 1)
            logits = self.net(torch.tensor([[token]]), place, cache=cache)
        return str(self.tokenizer.decode(said))


def right(said: str, turn: Turn) -> bool:
    """Whether `said` does what the turn asks for."""
    if turn.box is None:
        return said == turn.answer
    found = CLICK.search(said)
    if found is None or said.partition('"coordinate"')[0] != turn.answer.partition('"coordinate"')[0]:
        return False
    x, y = int(found[1]), int(found[2])
    return any(x0 <= x < x1 and y0 <= y < y1 for x0, y0, x1, y1 in turn.boxes or (turn.box,))


def score(state: Path, folder: Path, count: int, seed: int = 0) -> dict[str, float]:
    """Share of right answers by kind of picture, and how many turns were asked."""
    pool = [(p, t) for path in sorted(folder.glob("shard-*.npz")) for p in read_shard(path) for t in p.turns]
    drawn = random.Random(seed).sample(pool, min(count, len(pool)))
    examinee = Examinee(state)
    marks: dict[str, list[bool]] = defaultdict(list)
    for picture, turn in drawn:
        good = right(examinee.answer(picture, turn.prompt), turn)
        kind = picture.kind + ("/type" if turn.box is None else "")
        marks[kind].append(good)
        marks["all"].append(good)
    return {kind: round(sum(m) / len(m), 3) for kind, m in sorted(marks.items())} | {"turns": len(drawn)}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m model.train.score", description=__doc__)
    parser.add_argument("state", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    print(json.dumps(score(args.state, args.data, args.count)))


if __name__ == "__main__":
    main()
