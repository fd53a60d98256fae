#!/usr/bin/env python3
"""Kills the gateway again and again under load, with Postfix as the candidates' MX, and reconciles every mail and credit.

kill_run.py --kills N [--min-credits N] [--state DIR] [--seed N] [--report FILE]

The gateway's binary is $CAREER_RELAY_BIN. Eight clients send rejections, each to a candidate of its own, and send a mail
again until it is acknowledged, as an MTA does. After the last kill they finish, the gateway drains, and then:
  lost     acknowledged mails that never came out at Postfix         must be 0
  credits  what the ledger counts                                    must equal the candidates, each once
  slots    granted                                                   must equal credits // 10
  notices  slots HR was told of by mail                              must equal the slots
  doubled  mails that came out twice (SMTP allows it), listed
The run is resumable: DIR keeps everything, and a second call goes on where the first was stopped.
"""
import argparse, base64, collections, datetime, email, email.policy, json, os, pathlib, random, re, signal, smtplib, socket
import subprocess, sys, tempfile, threading, time

HERE = pathlib.Path(__file__).resolve().parent
TEXT = """{name} 様

株式会社サクラ商事 採用担当でございます。
この度は、数ある企業の中から弊社の求人にご応募いただき、誠にありがとうございました。

慎重に検討を重ねました結果、誠に残念ではございますが、今回は採用を見送らせていただくこととなりました。
ご希望に沿えない結果となりましたこと、深くお詫び申し上げます。

末筆ながら、今後のますますのご活躍を心よりお祈り申し上げます。

株式会社サクラ商事 人事部
"""


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
        for _ in range(400):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                if self.process.poll() is not None:
                    sys.exit(f"the gateway ended with {self.process.returncode}; see {self.folder / 'log'}")
                time.sleep(0.01)
        sys.exit("the gateway does not listen")

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def ask(self, *words):
        out = subprocess.run([self.binary, *words, "--config", self.config, "--json"], capture_output=True, text=True)
        if out.returncode:
            sys.exit(f"career-relay {' '.join(words)}: {out.stdout}{out.stderr}")
        return json.loads(out.stdout)


class Clients:
    """Eight senders that never give a mail up."""

    def __init__(self, port, state):
        self.port, self.path, self.lock, self.stop = port, state / "acknowledged", threading.Lock(), threading.Event()
        self.acknowledged = self.path.read_text().split() if self.path.exists() else []
        self.next = len(self.acknowledged)
        self.log = open(self.path, "a")
        self.threads = [threading.Thread(target=self.run, daemon=True) for _ in range(8)]
        for thread in self.threads:
            thread.start()

    def take(self):
        with self.lock:
            self.next += 1
            return self.next

    def run(self):
        connection = None
        while not self.stop.is_set():
            number = self.take()
            while True:
                try:
                    connection = connection or smtplib.SMTP("127.0.0.1", self.port, timeout=60)
                    connection.sendmail("saiyo@sakura.example", [f"c{number}@candidate.example"], mail(number))
                    break
                except (OSError, smtplib.SMTPException):
                    connection = None
                    time.sleep(0.02)
            with self.lock:
                self.log.write(f"{number}\n")
                self.log.flush()
                self.acknowledged.append(str(number))

    def finish(self):
        self.stop.set()
        for thread in self.threads:
            thread.join()


def slots_of(notice):
    """The numbers of the hire slots a mail to HR tells of, by its subject."""
    subject = str(email.message_from_bytes(notice, policy=email.policy.default)["subject"])
    runs = re.search(r"no\. ([0-9to, ]+?),? (?:is|are) yours", subject)[1].split(", ")
    for first, *last in (run.split(" to ") for run in runs):
        yield from range(int(first), int((last or [first])[0]) + 1)


def caught(folder):
    """Message ids and subjects' recipients of all that lies in the Maildir."""
    ids, lines, notices = collections.Counter(), set(), collections.Counter()
    for path in (folder / "mail" / "all").glob("*/*"):
        raw = path.read_bytes()
        head, _, body = raw.replace(b"\r\n", b"\n").partition(b"\n\n")
        ident = next((l[12:].strip() for l in head.split(b"\n") if l.lower().startswith(b"message-id:")), b"").decode()
        number = ident.strip("<>").split("@")[0]
        if number.isdigit():
            ids[number] += 1
            if b"https://careerrelay.jp/r/" in base64.b64decode(body):
                lines.add(number)
        else:
            for slot in slots_of(raw):
                notices[slot] += 1
    return ids, lines, notices


def drained(gateway, postfix):
    """Whether nothing is under way any more: our spool, our outbox, Postfix's queue."""
    status = gateway.ask("status")
    queue = subprocess.run(["postqueue", "-c", postfix / "etc", "-j"], capture_output=True, text=True).stdout.strip()
    return not status["spool"]["entries"] and not status["spool"]["unposted"] and not queue


def reconcile(gateway, clients, postfix):
    ids, lines, notices = caught(postfix)
    balance = gateway.ask("ledger", "balance")["balances"][0]
    verify = gateway.ask("ledger", "verify")
    sent = set(clients.acknowledged)
    result = {
        "acknowledged": len(sent), "lost": len(sent - set(ids)), "doubled": sum(n - 1 for n in ids.values()),
        "without_line": len(sent - lines), "candidates": len(set(ids)), "credits": balance["counted"],
        "slots": balance["slots"], "notices": len(notices), "notices_doubled": sum(n - 1 for n in notices.values()),
        "ledger_faults": sum(len(company["faults"]) for company in verify),
    }
    wanted = {"lost": 0, "credits": result["candidates"], "slots": result["credits"] // 10, "notices": result["slots"],
              "ledger_faults": 0}
    return result, [f"{k} is {result[k]}, must be {v}" for k, v in wanted.items() if result[k] != v]


def load_state(state):
    file = state / "kills"
    return int(file.read_text()) if file.exists() else 0


def run(options, state):
    rng, done = random.Random(options.seed), load_state(state)
    postfix, mx = state / "postfix", free_port()
    subprocess.run([HERE.parent / "postfix-instance", "start", postfix, str(mx)], check=True)
    gateway = Gateway(os.environ["CAREER_RELAY_BIN"], state / "gateway", mx)
    try:
        gateway.start()
        clients = Clients(gateway.port, state)
        while done < options.kills or len(clients.acknowledged) <= options.min_credits:
            time.sleep(rng.uniform(0.05, 0.8))
            gateway.kill()
            gateway.start()
            done += 1
            (state / "kills").write_text(str(done))
        clients.finish()
        until = time.monotonic() + 120
        while not drained(gateway, postfix) and time.monotonic() < until:
            time.sleep(0.2)
        result, faults = reconcile(gateway, clients, postfix)
        while faults and time.monotonic() < until:  # the last slots are told when they have gathered
            time.sleep(1)
            result, faults = reconcile(gateway, clients, postfix)
        gateway.process.terminate()
        gateway.process.wait()
        return {"kills": done, **result}, faults
    finally:
        gateway.process.kill()
        subprocess.run([HERE.parent / "postfix-instance", "stop", postfix], check=False)


def write_report(path, result):
    """Replaces the last result of this run in the table of long runs."""
    today = datetime.date.today().isoformat()
    row = f"| `make long-slots` | {today} | " + ", ".join(f"{k} {v}" for k, v in result.items()) + " |"
    file = pathlib.Path(path)
    rows = [l for l in file.read_text("utf-8").splitlines() if not l.startswith("| `make long-slots`")]
    file.write_text("\n".join([*rows, row]) + "\n", "utf-8")


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


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--kills", type=int, default=20)
    p.add_argument("--min-credits", type=int, default=0)
    p.add_argument("--state")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--report")
    options = p.parse_args()
    state = pathlib.Path(options.state or tempfile.mkdtemp(prefix="kill-run-")).resolve()
    state.mkdir(parents=True, exist_ok=True)
    state.chmod(0o755)  # Postfix runs as users of its own
    result, faults = run(options, state)
    print(json.dumps(result))
    for fault in faults:
        print(fault, file=sys.stderr)
    if not faults and options.report:
        write_report(options.report, result)
    if not faults and options.kills <= load_state(state):
        (state / "kills").unlink()
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
