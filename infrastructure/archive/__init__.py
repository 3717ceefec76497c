"""Backup and restore: the whole history in closed files, and a database made of nothing but them.

An archive is a folder. Facts stand in `events/` as CloudEvents, line by line in the order of the log, with
the log's entry and salt beside each; a file that was written is never changed, a later backup adds others.
What stands beside the facts (claims, due times, messages, keys of callers) is copied as it is, anew for each
backup, in `state/<size>/`. `manifests/<size>.json` names every file with its SHA-256, the signed checkpoint
and the digests of the read models. There is no key and no personal text in clear in any of them; the wrapped
data keys go to a file of their own, so that it can be kept, and destroyed, by other rules.
"""
