"""Training data for the built-in model: made-up tiles, MiniWoB++ rollouts and form pages, written to shards."""
