"""Which seeds may be learnt from."""

from __future__ import annotations

JUDGING = 1_000_000
"""The first seed that is kept for judging: evaluation uses this one and those above it, training none of them."""


def training_seed(number: int) -> int:
    """`number`, if it may be learnt from; ValueError for a negative one or one that is kept for judging."""
    if not 0 <= number < JUDGING:
        raise ValueError(
            f"seed {number}: training uses seeds 0 to {JUDGING - 1}; seeds from {JUDGING} up are for judging only"
        )
    return number
