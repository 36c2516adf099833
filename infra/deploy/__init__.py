"""The manifest, brought to Google Cloud by gcloud: what there is, what there should be, the commands between them."""
