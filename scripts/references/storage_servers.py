"""Serves an empty store on the loopback: `storage_servers.py s3|gcs BUCKET`.

Prints its address when it listens, and ends when its standard input does. moto and gcp-storage-emulator do the work.
"""

import http.server
import logging
import os
import sys
import urllib.request

logging.disable(logging.CRITICAL)


def s3(bucket):
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    address = "http://{}:{}".format(*server.get_host_and_port())
    urllib.request.urlopen(urllib.request.Request(f"{address}/{bucket}", method="PUT")).close()
    return address


def gcs(bucket):
    from gcp_storage_emulator.server import create_server

    # Many connections wait at once for a server that takes one after the other.
    http.server.HTTPServer.request_queue_size = 64
    server = create_server("127.0.0.1", 0, in_memory=True, default_bucket=bucket)
    server.start()
    return "http://{}:{}".format(*server._api._httpd.socket.getsockname())


def main(kind, bucket):
    os.environ["no_proxy"] = "*"
    print({"s3": s3, "gcs": gcs}[kind](bucket), flush=True)
    sys.stdin.read()
    os._exit(0)


main(*sys.argv[1:])
