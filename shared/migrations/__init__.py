"""Migrations: numbered steps, and the pure half of what plans, runs and undoes them. No I/O, no clock, no chance."""
