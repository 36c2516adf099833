"""Cloud Tasks and Cloud Scheduler, as far as their REST interfaces show."""
