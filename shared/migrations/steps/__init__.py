"""The numbered steps. One that was run anywhere is not changed any more: what is to be done next is a new step."""
