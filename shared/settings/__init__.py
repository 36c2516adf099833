"""The settings in groups: what each is called, what it takes and what it means. ``shared.config`` joins them."""
