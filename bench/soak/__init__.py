"""``python -m bench soak``: thousands of alerts under random faults, and what became of every one of them."""
