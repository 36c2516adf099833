"""Google's APIs as far as a deployment uses them, on loopback, with a state that can be looked at and made to fail."""
