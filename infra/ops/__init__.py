"""The operator's commands, ``python -m infra.ops``: the console's JSON as tables, on this machine or in the cloud."""
