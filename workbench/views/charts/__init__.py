"""Charts: when somebody was where, when a site is busy, who is near to whom."""
