"""The world behind the ports: Firestore, Cloud Tasks, Slack, files."""
