"""What surrounds the product: the manifest and what is driven by it."""
