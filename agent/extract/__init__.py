"""What a run brings back: typed values of the page, and of what the policy says."""

from agent.extract.form import Form, FormError, Modelled, Schemed, form
from agent.extract.policy import Answering, answered, said
from agent.extract.read import read
from agent.extract.value import Value

__all__ = ["Answering", "Form", "FormError", "Modelled", "Schemed", "Value", "answered", "form", "read", "said"]
