"""What the taps share and neither owns: days, requests, rows, bookmarks and errors.

A number travels one way: settings (``config``) -> plan (``dates``) -> responses (``http``) -> rows
(``records``) -> messages (``output``) -> bookmark (``streams``). Nothing here knows an API.
"""
