"""A headless Chromium driven over its DevTools protocol on two pipes: no port, no library, no network."""
import base64, json, os, shutil, subprocess, tempfile

EMPTY = "data:text/html,<title>mail</title>"
NAMES = ("chromium", "chromium-browser", "google-chrome")


class Browser:
    """`with Browser() as b:` one page; `b.call(method, **params)` waits for the answer."""

    def __init__(self):
        program = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
        if not program:
            raise SystemExit("no Chromium here: run tests/setup")
        self.profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        ours_read, theirs_write = os.pipe()
        theirs_read, ours_write = os.pipe()
        self.reads, self.writes = os.fdopen(ours_read, "rb"), os.fdopen(ours_write, "wb")
        # Chromium reads its orders from descriptor 3 and answers on 4.
        command = f'exec "$0" "$@" 3<&{theirs_read} 4>&{theirs_write}'
        switches = ["--headless=new", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                    "--hide-scrollbars", "--disable-background-networking", "--no-first-run", "--host-resolver-rules=MAP * ~NOTFOUND",
                    f"--user-data-dir={self.profile.name}", EMPTY]
        self.process = subprocess.Popen(["bash", "-c", command, program, *switches], pass_fds=(theirs_read, theirs_write),
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(theirs_read)
        os.close(theirs_write)
        self.count, self.session, self.pending = 0, None, b""
        targets = self.call("Target.getTargets")["targetInfos"]
        page = next(t for t in targets if t["type"] == "page")
        self.session = self.call("Target.attachToTarget", targetId=page["targetId"], flatten=True)["sessionId"]
        self.call("Page.enable")
        self.frame = self.call("Page.getFrameTree")["frameTree"]["frame"]["id"]

    def call(self, method, **params):
        self.count += 1
        order = {"id": self.count, "method": method, "params": params}
        if self.session:
            order["sessionId"] = self.session
        self.writes.write(json.dumps(order).encode() + b"\0")
        self.writes.flush()
        while True:
            answer = self.next_message()
            if answer.get("id") == self.count:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return answer["result"]

    def next_message(self):
        while b"\0" not in self.pending:
            piece = os.read(self.reads.fileno(), 1 << 16)
            if not piece:
                raise RuntimeError("Chromium has gone")
            self.pending += piece
        message, self.pending = self.pending.split(b"\0", 1)
        return json.loads(message)

    def show(self, html, width):
        """Lays `html` out `width` CSS pixels wide, with no script of its own."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
        # A page of its own each time: a document keeps the colour schemes that an earlier mail asked for.
        self.call("Page.navigate", url=EMPTY)
        self.call("Page.setDocumentContent", frameId=self.frame, html=html)

    def evaluate(self, script):
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"].get("exception", {}).get("description", "a script failed"))
        return answer["result"].get("value")

    def look(self, scheme):
        """`light`, `dark` (the mail is asked for its dark look) or `forced` (the reader turns its colours itself)."""
        value = "light" if scheme == "light" else "dark"
        self.call("Emulation.setEmulatedMedia", media="screen", features=[{"name": "prefers-color-scheme", "value": value}])
        self.call("Emulation.setAutoDarkModeOverride", enabled=scheme == "forced")

    def shot(self, clip=None):
        """A PNG of the page, or of {x, y, width, height} of it."""
        area = {"clip": dict(clip, scale=1)} if clip else {}
        return base64.b64decode(self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True, **area)["data"])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.writes.close()
        self.process.kill()
        self.process.wait()
        self.reads.close()
        self.profile.cleanup()


def pixels(png):
    """(width, rows of (r, g, b)) of a PNG of eight bits without interlacing, as Chromium writes them."""
    import struct, zlib
    at, data, width, height, depth = 8, b"", 0, 0, 3
    while at < len(png):
        size, kind = struct.unpack(">I4s", png[at:at + 8])
        chunk = png[at + 8:at + 8 + size]
        if kind == b"IHDR":
            width, height, bits, colour = struct.unpack(">IIBB", chunk[:10])
            depth = {2: 3, 6: 4}[colour]
        elif kind == b"IDAT":
            data += chunk
        at += size + 12
    raw, stride, above, rows = zlib.decompress(data), width * depth, bytes(width * depth), []
    for y in range(height):
        start = y * (stride + 1)
        above = unfiltered(raw[start], bytearray(raw[start + 1:start + 1 + stride]), above, depth)
        rows.append([tuple(above[x:x + 3]) for x in range(0, stride, depth)])
    return width, rows


def unfiltered(kind, row, above, depth):
    for x in range(len(row)):
        left, up = row[x - depth] if x >= depth else 0, above[x]
        corner = above[x - depth] if x >= depth else 0
        if kind == 1:
            row[x] = row[x] + left & 255
        elif kind == 2:
            row[x] = row[x] + up & 255
        elif kind == 3:
            row[x] = row[x] + (left + up) // 2 & 255
        elif kind == 4:
            guess = left + up - corner
            near = min((abs(guess - left), 0, left), (abs(guess - up), 1, up), (abs(guess - corner), 2, corner))[2]
            row[x] = row[x] + near & 255
    return bytes(row)
