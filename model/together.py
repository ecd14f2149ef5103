"""Several sessions of one network in one pass of the decoder.

The linear layers see the tokens of all sessions side by side, none of them padding; in attention each session's own
tokens look at its own cache. N sessions, T tokens of all of them, R rows wanted.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from model import plan
from model.attention import attend_behind
from model.decoder import Attention, Layer
from model.qwen import Qwen
from model.rope import Rotation
from model.session import Reading, Session

PART = 8
"""Sessions that want more than one in so many rows of the head go through it together."""


def read(readings: Sequence[Reading], rows: Sequence[Tensor | None]) -> list[Tensor]:
    """Logits behind each, of the `rows` that it wants, as its session alone would give them; one forward for all.

    ValueError where the sessions are not different ones of one network, `PlanError` where all at once would not fit.
    """
    network = _network([reading.session for reading in readings])
    if len(readings) == 1:
        session = readings[0].session
        return [session.logits(session.run(readings[0])[-1], rows[0])]
    plan.check_together(network.config, [(len(reading.keys), reading.session.cache) for reading in readings])
    with torch.inference_mode():
        for reading in readings:
            reading.session.ready(reading)
        hidden = _decode(network, readings)
        for reading in readings:
            reading.session.took(reading)
        return _logits(network, hidden, rows)


def begin(sessions: Sequence[Session], beginnings: Sequence[tuple[int, ...]]) -> None:
    """Have a beginning that several of the sessions need and none has read be read by the first of them, once.

    It has to be followed by one more word at least in what each session reads next.
    """
    _network(sessions)
    needed: dict[tuple[int, tuple[int, ...]], list[Session]] = {}
    for session, beginning in zip(sessions, beginnings, strict=True):
        if beginning and not session.knows(beginning):
            needed.setdefault((id(session.prefixes), beginning), []).append(session)
    for (_, beginning), who in needed.items():
        if len(who) > 1:
            who[0].share(beginning)


def _network(sessions: Sequence[Session]) -> Qwen:
    """The network of all sessions."""
    if not sessions:
        raise ValueError("no sessions to read; expected one or more")
    if len({id(session.network) for session in sessions}) > 1:
        raise ValueError("the sessions are of several networks; expected one")
    if len({id(session) for session in sessions}) < len(sessions):
        raise ValueError("a session is given twice; expected each once")
    return sessions[0].network


def _decode(network: Qwen, readings: Sequence[Reading]) -> Tensor:
    """Normalised hidden states [N, hidden] of the last token of each."""
    x = torch.cat([reading.x for reading in readings], dim=1)  # [1, T, hidden]
    ids = torch.cat([reading.ids for reading in readings], dim=1)  # [3, T]
    cos, sin = network.rotation(ids.unsqueeze(1).to(x.device))
    rotation = cos.to(x.dtype), sin.to(x.dtype)
    for index, layer in enumerate(network.model.layers):
        assert isinstance(layer, Layer)
        x = layer.behind(x, _attend(layer.self_attn, layer.input_layernorm(x), rotation, readings, index))
    sizes = [reading.x.shape[1] for reading in readings]
    for reading, size in zip(readings, sizes, strict=True):
        reading.session.cache.length += size
    last = torch.tensor(sizes).cumsum(0) - 1
    hidden: Tensor = network.model.norm(x[0, last.to(x.device)])
    return hidden


def _attend(attention: Attention, x: Tensor, rotation: Rotation, readings: Sequence[Reading], layer: int) -> Tensor:
    """What `Attention` does, each session behind its own cache."""
    sizes = [reading.x.shape[1] for reading in readings]
    parts = zip(*(torch.split(tensor, sizes, dim=2) for tensor in attention.heads(x, rotation)), strict=True)
    out = []
    for reading, (q, k, v) in zip(readings, parts, strict=True):
        k, v = reading.session.cache.write(layer, k, v)
        out.append(attend_behind(q, k, v, None))
    return torch.cat(out, dim=2).transpose(1, 2).flatten(2)


def _logits(network: Qwen, hidden: Tensor, rows: Sequence[Tensor | None]) -> list[Tensor]:
    """Logits of hidden states [N, hidden], of the rows that each wants; the head is gone through once at most."""
    many = network.config.text.vocab_size // PART
    whole = [number for number, wanted in enumerate(rows) if wanted is None or len(wanted) > many]
    found = dict(zip(whole, network.logits(hidden[whole]), strict=True)) if whole else {}
    logits = []
    for number, wanted in enumerate(rows):
        if number not in found:
            logits.append(network.logits(hidden[number], wanted))
        else:
            logits.append(found[number] if wanted is None else found[number][wanted.to(hidden.device)])
    return logits
