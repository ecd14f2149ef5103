"""Whether an action did the kind of thing that it did when it was recorded."""

from __future__ import annotations

from collections.abc import Iterator

from actions import Action, Move, Scroll, Wait
from agent.schema import Effect
from env import Receipt

UNSAID = "nothing"


def surprise(action: Action, recorded: Effect | None, now: Receipt | None) -> str:
    """What was otherwise than recorded, in words; empty where all was of the same kind.

    The wheel and the pointer may go further or less far: what they did not bring into view is missed by the next step.
    """
    if recorded is None or now is None:
        return ""
    loose = isinstance(action, Move | Scroll | Wait)
    return "; ".join(_differences(recorded, now, loose=loose))


def _differences(recorded: Effect, now: Receipt, *, loose: bool) -> Iterator[str]:
    if now.navigated != recorded.navigated:
        yield f"it led to {'another page' if now.navigated else 'no other page'}, unlike the record"
    if _dialog(now.dialog) != _dialog(recorded.dialog):
        yield f"it opened {_dialog(now.dialog) or 'no dialog'}, and {_dialog(recorded.dialog) or 'none'} in the record"
    if len(now.downloads) != len(recorded.downloads):
        yield f"{len(now.downloads)} files arrived, and {len(recorded.downloads)} in the record"
    if loose:
        return
    if now.nothing and not recorded.nothing:
        yield "nothing changed, unlike the record"
    if role(now.focus) != role(recorded.focus):
        yield f"the focus is on {role(now.focus) or UNSAID}, and on {role(recorded.focus) or UNSAID} in the record"
    elif now.value != recorded.value:
        yield f"what has the focus is {now.value or 'without a value'}, and {recorded.value or 'without'} in the record"


def role(focus: str) -> str:
    """What has the focus, without its name."""
    return focus.partition(' "')[0]


def _dialog(dialog: str) -> str:
    return dialog.partition(":")[0]
