#!/usr/bin/python3
"""Serves clips by RTSP on a free port of an address, in real time, to each client from the start.

    gst_server.py ADDRESS DIGEST|- NAME=FILE.mkv:CODEC...     CODEC is h264, h265 or jpeg

Each is at /NAME; with DIGEST, the credentials are joe:hush. Prints the port. Debian: python3-gi,
gir1.2-gst-rtsp-server-1.0, gstreamer1.0-plugins-good, gstreamer1.0-plugins-bad.
"""
import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402

PACKERS = {
    "h264": "h264parse config-interval=-1 ! rtph264pay name=pay0 pt=96",
    "h265": "h265parse config-interval=-1 ! rtph265pay name=pay0 pt=96",
    "jpeg": "jpegparse ! rtpjpegpay name=pay0 pt=26",
}

Gst.init(None)
server = GstRtspServer.RTSPServer(address=sys.argv[1], service="0")
digest = sys.argv[2] == "DIGEST"
if digest:
    auth = GstRtspServer.RTSPAuth()
    auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "user")
    auth.add_digest("joe", "hush", token)
    server.set_auth(auth)
for argument in sys.argv[3:]:
    name, _, clip = argument.partition("=")
    path, _, codec = clip.rpartition(":")
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(f'( filesrc location="{path}" ! matroskademux ! {PACKERS[codec]} )')
    if digest:
        factory.add_role_from_structure(
            Gst.Structure.from_string("user,media.factory.access=true,media.factory.construct=true")[0]
        )
    server.get_mount_points().add_factory("/" + name, factory)
server.attach(None)
print(server.get_bound_port(), flush=True)
GLib.MainLoop().run()
