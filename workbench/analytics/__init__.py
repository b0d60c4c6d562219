"""Table in, table out: visits, transitions, gaps, ways between cameras, what cannot be.

One question a module, the function named like it: ``from workbench.analytics.visits import
visits``. Nothing here knows a store or draws a picture; the columns of every answer are declared
in :mod:`workbench.analytics.columns`.
"""
