"""The only code that knows a database; one file is one backend."""
