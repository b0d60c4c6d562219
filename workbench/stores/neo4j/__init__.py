"""A Neo4j server: its database as the place of a commit, and one of our own to try things out."""
