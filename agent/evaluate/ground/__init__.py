"""Grounding sets in ScreenSpot's formats: does a click land in the box?"""

from agent.evaluate.ground.data import Data, DataError, Form, Item, read, seen
from agent.evaluate.ground.mark import Pointed
from agent.evaluate.ground.order import Pointing
from agent.evaluate.ground.play import TOKENS, WORDING, Pointer

__all__ = ["TOKENS", "WORDING", "Data", "DataError", "Form", "Item", "Pointed", "Pointer", "Pointing", "read", "seen"]
