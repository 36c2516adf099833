"""The destinations, as they behave towards us."""
