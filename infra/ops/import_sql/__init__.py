"""Coming over from the old system's PostgreSQL: its tables, from a server or a dump, into Firestore.

The rows are first copied into a file on this machine (SQLite), so that a conversation can be put together from all of
its tables, whatever their order, without holding them in memory. Then every document is created, never overwritten,
under a name that follows from its row: going over the same rows again changes nothing.
"""
