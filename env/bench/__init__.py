"""How long a step takes without any model, beside the least it could take and beside other frameworks."""
