"""Rows of several examples: what each of them loses and learns is what it would alone."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from model_checkpoint import network, shape, shape2
from PIL import Image

from model.attention import Apart, attend_apart, plain
from model.qwen import Qwen
from model.train.examples import Example
from model.train.packing import Deal, balance, pack
from model.train.pupil import Pupil, forget
from model.train.rows import join
from test_model_train_data import GOLDEN, made, preparer
