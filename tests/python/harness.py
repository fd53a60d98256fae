"""What the runs against a killed gateway share: the gateway, its mails, a next hop's dialogue, the end of a run."""
import argparse, base64, datetime, json, pathlib, re, signal, socket, subprocess, sys, tempfile, threading, time

HERE = pathlib.Path(__file__).resolve().parent
SENDER = "saiyo@sakura.example"
TEXT = """{name} 様

株式会社サクラ商事 採用担当でございます。
この度は、数ある企業の中から弊社の求人にご応募いただき、誠にありがとうございました。

慎重に検討を重ねました結果、誠に残念ではございますが、今回は採用を見送らせていただくこととなりました。
ご希望に沿えない結果となりましたこと、深くお詫び申し上げます。

末筆ながら、今後のますますのご活躍を心よりお祈り申し上げます。

株式会社サクラ商事 人事部
"""


CONFIG = """data_dir = "{data}"
companies_dir = "companies"
hostname = "gw.sakura.example"

[smtp]
listen = ["127.0.0.1:{port}"]

[[route]]
name = "mx"
domains = ["*"]
next_hop = "127.0.0.1:{mx}"
proves = "delivered"

[notify]
gather_for = "1s"
"""
COMPANY = (HERE.parent / "it" / "sakura.toml").read_text("utf-8").replace("NETWORK", "127.0.0.0/8")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def mail(number):
    body = base64.encodebytes(TEXT.format(name=f"応募者{number}").encode()).decode().replace("\n", "\r\n")
    head = [f"From: saiyo@sakura.example", f"To: c{number}@candidate.example", f"Message-ID: <{number}@sakura.example>",
            "Subject: =?UTF-8?B?6YG46ICD57WQ5p6c44Gu44GU6YCj57Wh?=", "Date: Mon, 06 Apr 2026 10:00:00 +0900",
            "MIME-Version: 1.0", "Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: base64"]
    return ("\r\n".join(head) + "\r\n\r\n" + body).encode()


class Gateway:
    """The real binary with a config of its own; killed and started at will."""

    def __init__(self, binary, folder, mx):
        self.binary, self.folder, self.port, self.process = binary, folder, free_port(), None
        (folder / "companies").mkdir(parents=True, exist_ok=True)
        (folder / "companies" / "sakura.toml").write_text(COMPANY)
        self.config = folder / "career-relay.toml"
        self.config.write_text(CONFIG.format(data=folder / "data", port=self.port, mx=mx))

    def start(self):
        log = open(self.folder / "log", "ab")
        self.process = subprocess.Popen([self.binary, "serve", "--config", self.config], stdout=log, stderr=log)
        until = time.monotonic() + 60  # on a machine that does much else; it takes less than a second by itself
        while time.monotonic() < until:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                if self.process.poll() is not None:
                    sys.exit(f"the gateway ended with {self.process.returncode}; see {self.folder / 'log'}")
                time.sleep(0.01)
        sys.exit("the gateway does not listen")

    def greets(self):
        """Waits until it takes mail: it listens a while before that."""
        with socket.create_connection(("127.0.0.1", self.port), 60) as connection:
            connection.settimeout(60)
            while connection.recv(1) not in (b"\n", b""):
                pass

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def ask(self, *words):
        out = subprocess.run([self.binary, *words, "--config", self.config, "--json"], capture_output=True, text=True)
        if out.returncode:
            sys.exit(f"career-relay {' '.join(words)}: {out.stdout}{out.stderr}")
        return json.loads(out.stdout)


class Sink:
    """A next hop that takes everything, one thread for each connection. What makes it difficult is in who inherits."""

    def __init__(self, port=0):
        self.lock, self.open = threading.Lock(), set()
        self.rise(port)
        self.port = self.listener.getsockname()[1]

    def rise(self, port):
        self.listener = socket.create_server(("127.0.0.1", port), backlog=100)
        threading.Thread(target=self.accept, args=(self.listener,), daemon=True).start()

    def accept(self, listener):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self.lock:
                self.open.add(connection)
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        with connection, connection.makefile("rb") as lines:
            try:
                self.converse(lines, lambda text: connection.sendall(text.encode() + b"\r\n"))
            except (OSError, EOFError):
                pass
        with self.lock:
            self.open.discard(connection)

    def converse(self, lines, say):
        self.meet()
        say("220 sink")
        recipients = []
        while line := lines.readline():
            verb = line[:4].upper()
            if verb == b"EHLO":
                say("250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 1000000")
            elif verb == b"MAIL":
                recipients = []
                say(self.answer_sender() or "250 ok")
            elif verb == b"RCPT":
                address = line.split(b"<")[1].split(b">")[0].decode()
                answer = self.answer_recipient(address)
                if not answer:
                    recipients.append(address)
                say(answer or "250 ok")
            elif verb == b"DATA":
                say("354 go on" if recipients else "554 5.5.1 nobody")
                if recipients:
                    say(self.take(message_of(lines), recipients) or "250 taken")
            else:
                say("221 bye" if verb == b"QUIT" else "250 ok")

    def meet(self):
        """Before the greeting; here and in what follows EOFError drops the connection."""

    def answer_sender(self):
        """Another answer to MAIL than 250."""

    def answer_recipient(self, address):
        """Another answer to RCPT than 250."""

    def take(self, message, recipients):
        """Takes a mail; another answer than 250."""


def message_of(lines):
    message = []
    while (line := lines.readline()) != b".\r\n":
        if not line:
            raise EOFError
        message.append(line.removeprefix(b"."))
    return b"".join(message)


def has_line(message):
    """Whether the referral's line is in the mail; a report or a notice has none."""
    head, _, body = message.replace(b"\r\n", b"\n").partition(b"\n\n")
    if b"base64" in head.lower():
        try:
            body = base64.b64decode(body.replace(b"\n", b"") + b"==")
        except ValueError:
            return False
    return b"https://careerrelay.jp/r/" in body


def number_of(message):
    """The number of the mail that this is, or that this report is about; 0 for anything else."""
    # A report carries the header of the mail it is about behind its own, so the last id is that mail's.
    return int((re.findall(rb"Message-ID: <(\d+)@sakura", message) or [b"0"])[-1])


def arguments(description, kills):
    """A parser with what every run takes."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=kills)
    parser.add_argument("--seed", type=int, default=1)
    return parser


def resumable(parser):
    """Adds what a run takes that can be stopped and goes on in the same folder."""
    parser.add_argument("--state")
    parser.add_argument("--report")


def state_folder(options, prefix):
    """The folder that keeps everything of a run; a new one where none is named."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped; the same call goes on"))
    state = pathlib.Path(options.state or tempfile.mkdtemp(prefix=prefix)).resolve()
    state.mkdir(parents=True, exist_ok=True)
    state.chmod(0o755)  # Postfix runs as users of its own
    return state


def kills_done(state):
    file = state / "kills"
    return int(file.read_text()) if file.exists() else 0


def tell(result, faults):
    """Prints how a run ended; gives the status to exit with."""
    print(json.dumps(result))
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


def write_report(path, name, result):
    """Replaces the last result of this run in the table of long runs."""
    row = f"| {name} | {datetime.date.today().isoformat()} | " + ", ".join(f"{k} {v}" for k, v in result.items()) + " |"
    file = pathlib.Path(path)
    rows = [line for line in file.read_text("utf-8").splitlines() if not line.startswith(f"| {name} |")]
    file.write_text("\n".join([*rows, row]) + "\n", "utf-8")
