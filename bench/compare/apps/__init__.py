"""The alternatives' own programs. They run in their own virtual environment and import nothing of Bellhop's."""
