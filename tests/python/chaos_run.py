#!/usr/bin/env python3
"""Kills the gateway under load while its next hop does at random all that a next hop can do, and reconciles every mail.

chaos_run.py --kills N --mode hand-through|spool [--seed N] [--seconds N]

The next hop refuses recipients for now, or for the size of the mail; is busy; takes long; refuses mails with the line;
takes a mail and drops the connection instead of answering. Every second mail has a colleague in Cc. At the end:
  lost       recipients of acknowledged mails who got neither mail nor report       must be 0
  credits    at least the candidates whose every mail had the line and was answered for,
             at most those who got the line; without kills the two are one and the same
  doubled    mails that came more than once; without kills and drops               must be 0
"""
import argparse, base64, collections, json, os, pathlib, random, re, smtplib, socket, sys, tempfile, threading, time

import kill_run

HASTY = """
[custody]
mode = "{mode}"
hand_through_for = "1s"
[retry]
waits = ["1s"]
[deliver]
down_for = "1s"
edit_refusals_max = 1000
"""
SENDER, COLLEAGUE = "saiyo@sakura.example", "tanto@sakura.example"
# Where in the dialogue what happens how often.
CHANCES = {"greet": 0.02, "mail_busy": 0.03, "mail_drop": 0.01, "rcpt_grey": 0.05, "rcpt_size": 0.02, "slow": 0.05,
           "dot_busy": 0.04, "no_line": 0.04, "dot_drop": 0.03}


def has_line(message):
    head, _, body = message.partition(b"\r\n\r\n")
    if b"base64" in head.lower():
        body = base64.b64decode(body.replace(b"\r\n", b"") + b"==")
    return b"https://careerrelay.jp/r/" in body


class Sink:
    """A next hop of moods; `records` has what it took: recipients, message, and whether it said so."""

    def __init__(self, seed, drops):
        self.random, self.calm, self.drops = random.Random(seed), False, drops
        self.records, self.lock = [], threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=100)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            connection, _ = self.listener.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def happens(self, what):
        return not self.calm and self.random.random() < CHANCES[what]

    def serve(self, connection):
        with connection, connection.makefile("rb") as lines:
            try:
                self.converse(lines, lambda text: connection.sendall(text.encode() + b"\r\n"))
            except (OSError, EOFError):
                pass

    def converse(self, lines, say):
        if self.happens("greet"):
            raise EOFError
        say("220 sink")
        recipients = []
        while line := lines.readline():
            verb = line[:4].upper()
            if verb == b"EHLO":
                say("250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 1000000")
            elif verb == b"MAIL":
                if self.happens("mail_drop"):
                    raise EOFError
                recipients = []
                say("451 4.3.0 busy" if self.happens("mail_busy") else "250 ok")
            elif verb == b"RCPT":
                address = line.split(b"<")[1].split(b">")[0].decode()
                if self.happens("rcpt_grey"):
                    say("450 4.2.0 grey")
                elif address != SENDER and self.happens("rcpt_size"):
                    say("552 5.3.4 too big")  # never for a report: nobody is told of one that is refused
                else:
                    recipients.append(address)
                    say("250 ok")
            elif verb == b"DATA":
                say("354 go on" if recipients else "554 5.5.1 nobody")
                if recipients:
                    self.take(lines, say, recipients)
            else:
                say("221 bye" if verb == b"QUIT" else "250 ok")

    def take(self, lines, say, recipients):
        message = b""
        while (line := lines.readline()) != b".\r\n":
            if not line:
                raise EOFError
            message += line.removeprefix(b".")
        if self.happens("slow"):
            time.sleep(self.random.uniform(0.5, 2.5))
        if self.happens("dot_busy"):
            return say("451 4.3.0 later")
        if has_line(message) and self.happens("no_line"):
            return say("554 5.7.1 no such links here")
        record = {"to": recipients, "message": message, "said": not (self.drops and self.happens("dot_drop"))}
        with self.lock:
            self.records.append(record)
        if not record["said"]:
            raise EOFError
        say("250 taken")


class Clients(kill_run.Clients):
    """Senders of mails to a candidate, half of them with a colleague in Cc; a refusal for good is an answer, too."""

    def __init__(self, port, state):
        self.refused = set()
        super().__init__(port, state)

    def run(self):
        connection = None
        while not self.stop.is_set():
            time.sleep(random.uniform(0.02, 0.15))
            number = self.take()
            to, mail = [f"c{number}@candidate.example"], kill_run.mail(number)
            if number % 2:
                to, mail = to + [COLLEAGUE], mail.replace(b"Subject:", f"Cc: {COLLEAGUE}\r\nSubject:".encode(), 1)
            while True:
                try:
                    connection = connection or smtplib.SMTP("127.0.0.1", self.port, timeout=60)
                    connection.sendmail(SENDER, to, mail)
                    break
                except (OSError, smtplib.SMTPException) as fault:
                    connection = None
                    if getattr(fault, "smtp_code", 0) >= 500:
                        self.refused.add(number)
                        break
                    time.sleep(0.05)
            with self.lock:
                self.acknowledged.append(number)


def reconcile(sink, clients, gateway, exact):
    got, colleague, bounced = collections.defaultdict(list), collections.Counter(), set()
    for record in sink.records:
        # A report carries the header of the mail it is about behind its own, so the last id is that mail's.
        number = int((re.findall(rb"Message-ID: <(\d+)@sakura", record["message"]) or [b"0"])[-1])
        for address in record["to"]:
            if address.endswith("@candidate.example"):
                got[number].append((has_line(record["message"]), record["said"]))
            elif address == COLLEAGUE:
                colleague[number] += 1
            elif b"multipart/report" in record["message"]:
                bounced.update((number, a) for a in re.findall(rb"Final-Recipient: rfc822; (\w)", record["message"]))
    sent = set(clients.acknowledged) - clients.refused
    lost = [n for n in sent if n not in got and (n, b"c") not in bounced]
    lost += [n for n in sent if n % 2 and not colleague[n] and (n, b"t") not in bounced]
    most = {n for n, mails in got.items() if any(line for line, _ in mails)}
    least = {n for n in most & sent if (n, b"c") not in bounced and all(got[n][0][0] == line for line, _ in got[n])
             and any(said for _, said in got[n])}
    doubled = sum(len(m) - 1 for m in got.values()) + sum(c - 1 for c in colleague.values() if c)
    balance = gateway.ask("ledger", "balance")["balances"][0]
    result = {"acknowledged": len(sent), "lost": len(lost), "doubled": doubled, "least": len(least),
              "credits": balance["counted"], "most": len(most), "reports": len(bounced)}
    faults = [f"lost: {lost}"] if lost else []
    if not len(least) <= balance["counted"] <= len(most) or exact and (doubled or len(least) != len(most)):
        faults.append("credits or doubles are not what they must be")
    if any(company["faults"] for company in gateway.ask("ledger", "verify")):
        faults.append("the ledger has faults")
    return result, faults


def run(options, state):
    rng, sink = random.Random(options.seed), Sink(options.seed, options.kills > 0)
    kill_run.CONFIG += HASTY.format(mode=options.mode)
    gateway = kill_run.Gateway(os.environ["CAREER_RELAY_BIN"], state, sink.port)
    try:
        gateway.start()
        clients = Clients(gateway.port, state)
        for _ in range(options.kills):
            time.sleep(rng.uniform(0.2, 2.0))
            gateway.kill()
            gateway.start()
        time.sleep(options.seconds)
        clients.finish()
        sink.calm, until = True, time.monotonic() + 90
        while time.monotonic() < until:
            spool = gateway.ask("status")["spool"]
            if not spool["entries"] and not spool["unposted"]:
                break
            time.sleep(0.2)
        return reconcile(sink, clients, gateway, options.kills == 0)
    finally:
        gateway.process.kill()


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--kills", type=int, default=6)
    p.add_argument("--mode", default="hand-through")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--seconds", type=float, default=2)
    options = p.parse_args()
    result, faults = run(options, pathlib.Path(tempfile.mkdtemp(prefix="chaos-run-")))
    print(json.dumps(result))
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
