"""Town bytes in, raw Delta tables out."""
