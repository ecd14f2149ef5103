"""`python -m model.train.export STATE --out FOLDER`: a training checkpoint as a Hugging Face folder.

The training heads are dropped; what is left is a plain Qwen2.5-VL in bfloat16.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from safetensors.torch import save_file

from model.train.tiny import read_weights, write_files


def export(state: Path, folder: Path) -> None:
    """Write every file of the checkpoint folder but the card."""
    write_files(folder)
    weights, _ = read_weights(state)
    kept = {name: value.bfloat16().contiguous() for name, value in weights.items() if not name.startswith("heads.")}
    part = folder / "model.safetensors.part"
    save_file(kept, part, metadata={"format": "pt"})
    part.replace(folder / "model.safetensors")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m model.train.export", description=__doc__)
    parser.add_argument("state", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    export(args.state, args.out)


if __name__ == "__main__":
    main()
