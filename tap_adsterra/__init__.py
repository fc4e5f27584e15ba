"""A Singer tap for the Adsterra Publishers API."""
