"""Everything that touches Delta: tables, commits, releases, the analysts' catalog."""
