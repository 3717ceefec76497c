"""Enough of curl for the tour, on machines that have none: -sS, -X, -H, -d and one address."""

import argparse
import http.client
import sys
from urllib.parse import urlsplit

parser = argparse.ArgumentParser()
parser.add_argument("address")
parser.add_argument("-s", action="store_true")
parser.add_argument("-S", action="store_true")
parser.add_argument("-X", dest="method")
parser.add_argument("-H", dest="headers", action="append", default=[])
parser.add_argument("-d", dest="body")
asked = parser.parse_args()

where = urlsplit(asked.address)
connection = http.client.HTTPConnection(where.netloc, timeout=30)
headers = dict(line.split(": ", 1) for line in asked.headers)
body = asked.body.encode() if asked.body is not None else None
connection.request(asked.method or ("GET" if body is None else "POST"), where.path, body, headers)
sys.stdout.buffer.write(connection.getresponse().read())
