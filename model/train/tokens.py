"""The built-in model's tokenizer: bytes one by one, and whole phrases of the action format as single tokens.

Text is spelled a byte at a time, as the model reads it off the screen. A click's horizontal coordinate is one
token such as `[37, ` and its vertical one such as `112]`, so that a click costs six tokens and a coordinate can
be taught by distance. The text that the tokens print is ordinary JSON.
"""

from __future__ import annotations

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

SPECIAL = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|vision_pad|>",
    "<|image_pad|>",
    "<|video_pad|>",
)

NUMBERS = 256
"""Coordinates below this have a token of their own on each axis."""

CALL = '{"name": "computer_use", "arguments": {"action": "'

PHRASES = (
    "user\n",
    "assistant\n",
    "system\n",
    "Instruction: ",
    "\nPrevious actions:",
    " None\n",
    *(f"\nStep {number}: " for number in range(1, 33)),
    "<tool_call>\n" + CALL,
    CALL,
    'left_click", "coordinate": ',
    'right_click", "coordinate": ',
    'double_click", "coordinate": ',
    'triple_click", "coordinate": ',
    'mouse_move", "coordinate": ',
    'left_click_drag", "coordinate": ',
    'scroll", "coordinate": ',
    'type", "text": "',
    'key", "keys": ["',
    'wait", "time": ',
    'terminate", "status": "success"',
    'terminate", "status": "failure"',
    'answer", "text": "',
    ', "pixels": ',
    "}}",
    '"}}',
    '"]}}',
    "}}\n</tool_call>",
    '"}}\n</tool_call>',
    '"]}}\n</tool_call>',
    "error: ",
)


def column(x: int) -> str:
    """The token of a horizontal coordinate."""
    return f"[{x}, "


def row(y: int) -> str:
    """The token of a vertical coordinate."""
    return f"{y}]"


def build() -> Tokenizer:
    """The tokenizer, always the same: byte ids first, then special tokens, phrases, columns and rows."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(vocab={c: i for i, c in enumerate(alphabet)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(text, normalized=False, special=True) for text in SPECIAL])
    numbers = [*map(column, range(NUMBERS)), *map(row, range(NUMBERS))]
    tokenizer.add_tokens([AddedToken(text, normalized=False) for text in (*PHRASES, *numbers)])
    return tokenizer
