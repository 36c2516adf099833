"""What Bellhop costs: throughput against a bare function, round trips, and what a pass of the scheduled jobs reads."""
