"""The same streams with other tools, which live in an environment of their own."""
