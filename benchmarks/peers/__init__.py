"""The same streams with other tools, which are installed in an environment of their own."""
