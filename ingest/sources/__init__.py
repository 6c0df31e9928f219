"""One file per thing that is loaded. Each gives dlt resources; the ledger decides what is new."""
