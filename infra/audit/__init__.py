"""What ``make check`` looks for beside form: dangerous code, secrets in the tree, packages with weaknesses."""
