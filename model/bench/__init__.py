"""What a step of an agent costs: transformers, transformers with its cache kept, and ours, side by side in one run."""
