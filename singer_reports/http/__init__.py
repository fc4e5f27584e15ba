"""HTTP requests, independent of streams and schemas."""
