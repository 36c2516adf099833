"""``python -m bench.compare``: Bellhop beside what else does its job, under the same load and the same faults."""
