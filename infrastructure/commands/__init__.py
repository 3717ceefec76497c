"""Commands that need no other room than this one and those below; the front door adds them to its own.

`terminal` is what every command shares: how settings and parts reach it, how it prints, how it fails.
"""
