"""Pictures: tables in, a plotly figure or an HTML text out.

Nothing here fetches anything: no store, no network. What a reader sees comes from the tables given,
escaped. Importing this folder imports plotly; nothing outside of it does.
"""
