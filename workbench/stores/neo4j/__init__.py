"""A Neo4j server: its database as the place of a commit, and one of our own to try things out."""

import logging

# The driver logs each connection that it lost and each question that it asks again. Where nobody
# set logging up that would be printed raw between the answers; who set it up gets it all.
logging.getLogger("neo4j").addHandler(logging.NullHandler())
