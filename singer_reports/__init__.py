"""The code that the taps share: settings, days, requests, rows, bookmarks and errors.

Data flows one way: settings (``config``) -> plan (``dates``) -> responses (``http``) -> rows
(``records``) -> messages (``output``) -> bookmark (``streams``). Nothing here depends on one API.
"""
