"""The parts of the documents that are made from the code: settings, diagrams and tables, each between two marks."""
