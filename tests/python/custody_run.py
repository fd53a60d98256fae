#!/usr/bin/env python3
"""Kills a relay again and again under load in one of three situations, and reconciles every mail, report and credit.

custody_run.py SITUATION --kills N [--state DIR] [--seed N] [--rate N] [--peer postfix] [--report FILE]

SITUATION is what the next hop does: `through` (it takes everything), `down` (it is there for a moment now and then), or
`lossy` (it is slow, is busy now and then, and now and then takes a mail and drops the connection before its 250). Always
it refuses one recipient in twenty for good. Eight clients send rejections at a steady rate, each to a candidate of its
own, and send a mail again until it is acknowledged or refused, as an MTA does. In the end all is drained, and then:
  lost      acknowledged mails neither delivered nor reported                              must be 0
  unlisted  mails and reports that came twice out of our custody and that the log had not
            named as possible doubles, by its own time, when the second copy came          must be 0
  credits   what the ledger counts                      must equal the candidates who got the line
  doubled   mails that came more than once, however: SMTP allows it; to be compared with the peer's, which is killed
            as long after each of its starts
The relay is $CAREER_RELAY_BIN, or with --peer a Postfix in its place. DIR keeps everything: a second call goes on.
"""
import collections, datetime, json, os, random, re, shutil, signal, smtplib, socket, subprocess, sys, threading, time

import harness

HASTY = """
[custody]
hand_through_for = "1s"
[retry]
waits = ["1s"]
[deliver]
down_for = "1s"
"""


def recipient(number):
    return f"{'gone' if number % 20 == 7 else 'c'}{number}@candidate.example"


class Sink(harness.Sink):
    """The next hop. Each mail it takes is a line of DIR/taken, written before it says so."""

    def __init__(self, situation, seed, state):
        self.situation, self.random, self.calm = situation, random.Random(seed), False
        self.log = open(state / "taken", "a")
        super().__init__(harness.free_port())
        if situation == "down":
            self.fall()
            threading.Thread(target=self.flicker, daemon=True).start()

    def fall(self):
        # Whoever waits in accept is woken by the shutdown; close alone would leave the port open until then.
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        with self.lock:
            connections, self.open = self.open, set()
        for connection in connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def flicker(self):
        while not self.calm:
            time.sleep(self.random.uniform(0.5, 3))
            self.rise(self.port)
            time.sleep(self.random.uniform(0.2, 1.2))
            if not self.calm:
                self.fall()

    def lossily(self, chance):
        return self.situation == "lossy" and not self.calm and self.random.random() < chance

    def answer_recipient(self, address):
        return "550 5.1.1 nobody here" if address.startswith("gone") else None

    def take(self, message, recipients):
        if self.lossily(0.2):
            time.sleep(self.random.uniform(0.2, 2))
        if self.lossily(0.05):
            return "451 4.3.0 later"
        self.note(message, recipients)
        if self.lossily(0.05):
            raise EOFError

    def note(self, message, recipients):
        number = harness.number_of(message)
        ours = re.search(rb"^Message-ID: <(dsn-\w+)@", message, re.M) or re.search(rb"\sid (\w+)[;\s]", message)
        kind = "report" if harness.SENDER in recipients and b"multipart/report" in message else "mail"
        if kind == "mail" and not number:
            kind = "notice"  # to HR, about a hire slot
        record = {"kind": kind, "number": number, "line": harness.has_line(message), "at": time.time(),
                  "id": ours.group(1).decode() if ours else "?"}
        with self.lock:
            self.log.write(json.dumps(record) + "\n")
            self.log.flush()


class Clients:
    """Eight senders at a steady rate that never give a mail up. What became of each mail is a line of DIR/answered."""

    def __init__(self, port, state, rate):
        self.port, self.pause, self.lock, self.stop = port, 8 / rate, threading.Lock(), threading.Event()
        path = state / "answered"
        lines = [line.split() for line in path.read_text().splitlines()] if path.exists() else []
        self.answers = {int(number): answer for number, answer in lines}
        self.next, self.log = max(self.answers, default=0), open(path, "a")
        self.threads = [threading.Thread(target=self.run, daemon=True) for _ in range(8)]
        for thread in self.threads:
            thread.start()

    def run(self):
        connection, due = None, time.monotonic() + random.uniform(0, self.pause)
        while not self.stop.is_set():
            due = max(due + self.pause, time.monotonic() - 1)
            time.sleep(max(0, due - time.monotonic()))
            with self.lock:
                self.next += 1
                number = self.next
            to, answer = recipient(number), None
            while not answer:
                try:
                    connection = connection or smtplib.SMTP("127.0.0.1", self.port, timeout=60)
                    mail = harness.mail(number).replace(f"c{number}@candidate.example".encode(), to.encode())
                    connection.sendmail(harness.SENDER, [to], mail)
                    answer = "accepted"
                except smtplib.SMTPRecipientsRefused as fault:
                    refused = all(code >= 500 for code, _ in fault.recipients.values())
                    connection, answer = None, "refused" if refused else None
                except (OSError, smtplib.SMTPException) as fault:
                    connection, answer = None, "refused" if getattr(fault, "smtp_code", 0) >= 500 else None
                if not answer:
                    time.sleep(0.02)
            with self.lock:
                self.answers[number] = answer
                self.log.write(f"{number} {answer}\n")
                self.log.flush()

    def finish(self):
        self.stop.set()
        for thread in self.threads:
            thread.join()


class Gateway(harness.Gateway):
    """Ours."""

    def __init__(self, state, next_hop):
        super().__init__(os.environ["CAREER_RELAY_BIN"], state / "gateway", next_hop)
        self.config.write_text(self.config.read_text() + HASTY)

    def is_drained(self):
        spool = self.ask("status")["spool"]
        return not spool["entries"] and not spool["unposted"]

    def listed(self):
        """The ids that the log names as possible doubles, and when it did so first, as seconds since 1970."""
        first = {}
        for line in open(self.folder / "log", errors="replace"):
            if "possibl" in line and (found := re.search(r'"id":"([\w-]+)"', line)):
                at = re.search(r'"(?:time|timestamp|at)":"([^"]+)"', line).group(1)
                first.setdefault(found.group(1), datetime.datetime.fromisoformat(at).timestamp())
        return first

    def end(self):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait()


class Postfix:
    """A Postfix in our place, killed with all its processes at once."""

    def __init__(self, state, next_hop):
        self.folder, self.next_hop, self.port = state / "postfix", next_hop, harness.free_port()
        self.folder.mkdir(parents=True, exist_ok=True)

    def start(self):
        script = harness.HERE.parent / "postfix-instance"
        subprocess.run([script, "start", self.folder, str(self.port), f"relay={self.next_hop}", "hasty=yes"], check=True)

    def kill(self):
        # A process that was forked while we looked is found by the next look.
        while processes := self.processes():
            for pid in processes:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass

    def processes(self):
        """Those whose queue is in our folder: master runs there, and so does everything it starts."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                if os.readlink(f"/proc/{pid}/cwd") == str(self.folder / "queue") and "zombie" not in state_of(pid):
                    found.append(int(pid))
            except OSError:
                pass
        return found

    def is_drained(self):
        queue = subprocess.run(["postqueue", "-c", self.folder / "etc", "-j"], capture_output=True, text=True, check=True)
        return not queue.stdout.strip()

    def end(self):
        subprocess.run([harness.HERE.parent / "postfix-instance", "stop", self.folder], check=False)


def state_of(pid):
    return next(line for line in open(f"/proc/{pid}/status") if line.startswith("State:"))


def reconcile(relay, clients, state):
    records = [json.loads(line) for line in (state / "taken").read_text().splitlines()]
    mails = collections.defaultdict(list)
    for record in records:
        if record["kind"] == "mail":
            mails[record["number"]].append(record)
    reported = {record["number"] for record in records if record["kind"] == "report"}
    sent = {number for number, answer in clients.answers.items() if answer == "accepted"}
    lost = [number for number in sent if number not in mails and number not in reported]
    result = {"acknowledged": len(sent), "refused": len(clients.answers) - len(sent), "lost": len(lost),
              "reported": len(reported), "doubled": sum(len(copies) - 1 for copies in mails.values())}
    faults = [f"lost: {lost}"] if lost else []
    if isinstance(relay, Gateway):
        faults += reconcile_ours(relay, records, mails, result)
    return result, faults


def reconcile_ours(gateway, records, mails, result):
    copies = collections.defaultdict(list)
    for r in records:
        if r["kind"] != "notice":
            # Records of an older run have no time: of those any listing will do.
            copies[r["kind"], r["number"], r["id"]].append(r.get("at", float("inf")))
    twice = {key: sorted(times) for key, times in copies.items() if len(times) > 1}
    listed, never = gateway.listed(), float("inf")
    unlisted = [key for key, times in twice.items() if key[2] not in listed or listed.get(key[2], never) > times[1]]
    with_line = sum(any(copy["line"] for copy in of_one) for of_one in mails.values())
    balance = gateway.ask("ledger", "balance")["balances"][0]
    result.update({"doubled_in_custody": sum(len(times) - 1 for times in twice.values()), "listed": len(listed),
                   "unlisted": len(unlisted), "credits": balance["counted"], "with_line": with_line})
    faults = [f"doubled and not listed: {unlisted}"] if unlisted else []
    if balance["counted"] != with_line:
        faults.append(f"{balance['counted']} credits for {with_line} candidates who got the line")
    if any(company["faults"] for company in gateway.ask("ledger", "verify")):
        faults.append("the ledger has faults")
    return faults


def run(options, state):
    rng, done = random.Random(options.seed), harness.kills_done(state)
    sink = Sink(options.situation, options.seed, state)
    relay = (Postfix if options.peer else Gateway)(state, sink.port)
    try:
        relay.start()
        clients = Clients(relay.port, state, options.rate)
        while done < options.kills:
            # From its start on, so that a relay that is slow to start has as long to work as any other.
            time.sleep(rng.uniform(0.5, 2.5))
            relay.kill()
            relay.start()
            done += 1
            (state / "kills").write_text(str(done))
        clients.finish()
        sink.calm, until = True, time.monotonic() + 180
        while not relay.is_drained():
            if time.monotonic() > until:
                return {"kills": done}, ["what is kept does not go out; see " + str(state)]
            time.sleep(0.3)
        result, faults = reconcile(relay, clients, state)
        return {"kills": done, **result}, faults
    finally:
        relay.end()


def main():
    parser = harness.arguments(__doc__, kills=20)
    harness.resumable(parser)
    parser.add_argument("situation", choices=["through", "down", "lossy"])
    parser.add_argument("--rate", type=float, default=40, help="mails a second")
    parser.add_argument("--peer", choices=["postfix"])
    options = parser.parse_args()
    state = harness.state_folder(options, "custody-run-")
    result, faults = run(options, state)
    if not faults:
        if options.report:
            name = f"`make long-kill`: {options.peer or 'ours'}, {options.situation}"
            harness.write_report(options.report, name, result)
        shutil.rmtree(state)
    return harness.tell(result, faults)


if __name__ == "__main__":
    sys.exit(main())
