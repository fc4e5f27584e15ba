"""Singer messages on standard output."""
