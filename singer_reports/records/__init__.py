"""Decodes JSON to typed rows and checks them; uses no network."""
