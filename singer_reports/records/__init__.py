"""From JSON to complete, typed rows: decoding, checks, schemas. Pure: no network."""
