"""What the taps share and neither owns: days, requests, rows, bookmarks and errors.

A number travels one way: settings -> plan (``dates``) -> fetch (``fetch``, ``http``) -> rows
(``decode``, ``rows``, ``table``) -> messages and bookmark (``stream``). Nothing here knows an API.
"""
