"""Vector stores: what a face or a body looks like, as numbers."""
