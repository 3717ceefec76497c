"""What `recourse demo` shows: example cases, one case driven through its whole path, and how it is printed.

`cases` makes the example filings, `story` drives the HTTP API as any client would, `screen` prints.
"""
