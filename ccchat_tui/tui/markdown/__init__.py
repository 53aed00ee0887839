"""Markdown that streams: text in pieces goes in, rows of styled text come out.

`document` is what reads it, `lines` what rows are made of. Nothing is loaded here: who needs only
rows, as the first screen does, does without the reader.
"""
