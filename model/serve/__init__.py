"""A checkpoint behind the OpenAI HTTP interface; needs the extra `serve`."""

from model.serve.app import Limits, create_app
from model.serve.run import hosts, listen, run

__all__ = ["Limits", "create_app", "hosts", "listen", "run"]
