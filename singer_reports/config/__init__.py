"""What the user hands over, checked before the first request."""
