"""What one step took, however it was done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace


@dataclass(frozen=True)
class Cost:
    """Seconds from screenshot to call and of each part, passes through the decoder, tokens of the prompt that went
    through it, peak memory."""

    seconds: float
    image: float
    vision: float
    prefill: float
    decode: float
    forwards: int
    prefilled: int
    peak: int = 0  # bytes

    def at(self, peak: int) -> Cost:
        """The same, with so many bytes of memory at its peak."""
        return replace(self, peak=peak)

    def data(self) -> Mapping[str, float]:
        """For JSON."""
        return asdict(self)
