"""Other programs that put a line into mail, each run as its manual has it: file in, file out.

An editor takes the octets of a mail with CRLF, the line as text and as HTML, and gives back the octets that would go on.
"""
import contextlib, os, pathlib, shutil, smtplib, socket, subprocess, tempfile, threading, time


def with_lf(raw):
    return raw.replace(b"\r\n", b"\n")


def with_crlf(raw):
    return with_lf(raw).replace(b"\n", b"\r\n")


class Editor:
    """What the private folder holds, and a scratch folder with the line in files."""

    def __init__(self, home, scratch):
        self.home, self.scratch = home, scratch
        libraries = [home / "tree/usr/lib/x86_64-linux-gnu"]
        perl = [home / "tree/usr/share/perl5", *sorted((home / "tree/usr/lib/x86_64-linux-gnu/perl5").glob("*"))]
        self.environment = dict(os.environ, LD_LIBRARY_PATH=":".join(map(str, libraries)), PERL5LIB=":".join(map(str, perl)))

    def write_lines(self, text, html):
        (self.scratch / "line.txt").write_text(text, "utf-8")
        (self.scratch / "line.html").write_text(html, "utf-8")

    def run(self, *command, **kinds):
        return subprocess.run([str(c) for c in command], env=self.environment, capture_output=True, timeout=30, **kinds)

    def version(self, package):
        rows = dict(row.split(" ") for row in (self.home / "versions").read_text().splitlines())
        return rows[package].split("-")[0]

    def close(self):
        pass


class AlterMime(Editor):
    """Behind Postfix's pipe, as the how-tos have it; base64 texts need a switch."""

    def name(self):
        return f"alterMIME {self.version('altermime')}"

    def edit(self, raw, text, html):
        self.write_lines(text, html)
        mail = self.scratch / "mail"
        mail.write_bytes(with_lf(raw))
        self.run(self.home / "tree/usr/bin/altermime", f"--input={mail}", f"--disclaimer={self.scratch}/line.txt",
                 f"--disclaimer-html={self.scratch}/line.html", "--force-into-b64")
        return with_crlf(mail.read_bytes())


class MimeDefang(Editor):
    """Its scanner, given a folder as the milter gives it one; the filter is the boilerplate recipe of its manual."""

    FILTER = r"""
use HTML::Parser ();
sub slurp { open(my $f, '<', $_[0]) or die; local $/; my $t = <$f>; chomp $t; return $t; }
sub filter_begin { }
sub filter { return action_accept(); }
sub filter_multipart { return action_accept(); }
sub filter_end { my ($entity) = @_;
  append_text_boilerplate($entity, slurp('LINES/line.txt'), 1); append_html_boilerplate($entity, slurp('LINES/line.html'), 1); }
1;
"""

    def name(self):
        return f"MIMEDefang {self.version('mimedefang')}"

    def edit(self, raw, text, html):
        self.write_lines(text, html)
        work = pathlib.Path(tempfile.mkdtemp(dir=self.scratch))
        (self.scratch / "filter.pl").write_text(self.FILTER.replace("LINES", str(self.scratch)))
        (work / "INPUTMSG").write_bytes(with_lf(raw))
        head, _, body = with_lf(raw).partition(b"\n\n")
        (work / "HEADERS").write_bytes(head + b"\n")
        (work / "COMMANDS").write_text("S<hr@sakura.example>\nR<yamada@mail.example> ? ? ?\nQabc\nF\n")
        done = self.run("perl", self.home / "tree/usr/bin/mimedefang.pl", "-f", self.scratch / "filter.pl", work)
        results = (work / "RESULTS").read_text("utf-8", "surrogateescape") if (work / "RESULTS").exists() else ""
        if not results:
            raise RuntimeError(f"MIMEDefang: {done.stderr.decode()[-400:]}")
        if (work / "NEWBODY").exists():
            head, body = changed_head(head, results), (work / "NEWBODY").read_bytes()
        shutil.rmtree(work)
        return with_crlf(head + b"\n\n" + body)


def changed_head(head, results):
    """The header as the milter would change it: M the type, I a field's new value, J one that goes."""
    import re, urllib.parse
    fields = re.split(rb"\n(?![ \t])", head)
    named = lambda field, name: field.lower().startswith(name.lower().encode() + b":")
    for row in results.splitlines():
        value = urllib.parse.unquote(row[1:].replace("%0A", "\n"), errors="surrogateescape")
        if row[:1] == "M":
            name, value = "Content-Type", value
        elif row[:1] in "IJ" and len(value.split(" ")) >= 2:
            name, _, value = value.split(" ", 2) if row[:1] == "I" else (*value.split(" ", 1), "")
        else:
            continue
        name = name.rstrip(":")
        kept = [f for f in fields if not named(f, name)]
        fields = kept + ([f"{name}: {value}".encode("utf-8", "surrogateescape")] if row[:1] != "J" else [])
    return b"\n".join(fields)


class Haraka(Editor):
    """The server itself with its banner, between a client and a sink."""

    PLUGIN = """'use strict'
const fs = require('node:fs')
exports.hook_mail = function (next, connection) {
    const read = (name) => fs.readFileSync(process.env.LINES + '/' + name, 'utf8')
    connection.transaction.set_banner('\\n' + read('line.txt'), read('line.html'))
    next()
}
exports.hook_rcpt = function (next) { next(OK) }
"""

    def __init__(self, home, scratch):
        super().__init__(home, scratch)
        self.sink, self.port = Sink(), free_port()
        config, self.package = scratch / "config", home / "haraka/node_modules/Haraka"
        (scratch / "plugins").mkdir()
        (scratch / "queue").mkdir()
        config.mkdir()
        (scratch / "plugins/line.js").write_text(self.PLUGIN)
        for name, content in {
            "smtp.ini": f"listen=127.0.0.1:{self.port}\n", "log.ini": "[main]\nlevel=error\n", "me": "relay.example\n",
            "smtp_forward.ini": f"host=127.0.0.1\nport={self.sink.port}\n", "plugins": "line\nqueue/smtp_forward\n",
            "connection.ini": (self.package / "config/connection.ini").read_text() + "\n[message]\n",
        }.items():
            (config / name).write_text(content)
        self.server = subprocess.Popen(["node", self.package / "bin/haraka", "-c", scratch], stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL, env=dict(os.environ, LINES=str(scratch)))
        wait_for(self.port)

    def name(self):
        import json
        return f"Haraka {json.loads((self.package / 'package.json').read_text())['version']}"

    def edit(self, raw, text, html):
        self.write_lines(text, html)
        self.sink.mail = None
        with smtplib.SMTP("127.0.0.1", self.port, local_hostname="client.example", timeout=30) as client:
            client.sendmail("hr@sakura.example", ["yamada@mail.example"], raw, ["BODY=8BITMIME"])
        return with_crlf(self.sink.mail)

    def close(self):
        self.server.terminate()
        self.server.wait()
        self.sink.close()


class Sink:
    """A next hop that keeps the last mail."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port, self.mail = self.listener.getsockname()[1], None
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.talk, args=(connection,), daemon=True).start()

    def talk(self, connection):
        with contextlib.suppress(OSError), connection, connection.makefile("rb") as lines:
            connection.sendall(b"220 sink.example\r\n")
            for line in lines:
                verb = line.strip().upper()
                if verb.startswith(b"EHLO"):
                    connection.sendall(b"250-sink.example\r\n250 8BITMIME\r\n")
                elif verb == b"DATA":
                    connection.sendall(b"354 go\r\n")
                    rows = iter(lines.readline, b".\r\n")
                    self.mail = b"".join(row[1:] if row.startswith(b".") else row for row in rows)
                    connection.sendall(b"250 kept\r\n")
                else:
                    connection.sendall(b"221 bye\r\n" if verb == b"QUIT" else b"250 ok\r\n")

    def close(self):
        self.listener.close()


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def wait_for(port):
    for _ in range(600):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise RuntimeError(f"nothing answers on {port}")


class Ours(Editor):
    """`preview`, with the words and the link that the example company has."""

    binary = None

    def name(self):
        return "career-relay"

    def edit(self, raw, text, html):
        mail, out = self.scratch / "mail", self.scratch / "out"
        mail.write_bytes(raw)
        self.run(self.binary, "preview", mail, "--out", out, check=True)
        return out.read_bytes()
