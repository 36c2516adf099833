"""HTTP in and out: parsing, problem details, client address, guards."""
