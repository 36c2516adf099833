"""One module a deployed function: parse, call one flow, answer."""
