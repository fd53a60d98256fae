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
import collections, os, pathlib, random, re, smtplib, sys, tempfile, time

import harness, kill_run
from harness import has_line

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
COLLEAGUE = "tanto@sakura.example"
# Where in the dialogue what happens how often.
CHANCES = {"greet": 0.02, "mail_busy": 0.03, "mail_drop": 0.01, "rcpt_grey": 0.05, "rcpt_size": 0.02, "slow": 0.05,
           "dot_busy": 0.04, "no_line": 0.04, "dot_drop": 0.03}


class Sink(harness.Sink):
    """A next hop of moods; `records` has what it took: recipients, message, and whether it said so."""

    def __init__(self, seed, drops):
        self.random, self.calm, self.drops, self.records = random.Random(seed), False, drops, []
        super().__init__()

    def happens(self, what):
        return not self.calm and self.random.random() < CHANCES[what]

    def meet(self):
        if self.happens("greet"):
            raise EOFError

    def answer_sender(self):
        if self.happens("mail_drop"):
            raise EOFError
        return "451 4.3.0 busy" if self.happens("mail_busy") else None

    def answer_recipient(self, address):
        if self.happens("rcpt_grey"):
            return "450 4.2.0 grey"
        # Never for a report: nobody is told of one that is refused.
        return "552 5.3.4 too big" if address != harness.SENDER and self.happens("rcpt_size") else None

    def take(self, message, recipients):
        if self.happens("slow"):
            time.sleep(self.random.uniform(0.5, 2.5))
        if self.happens("dot_busy"):
            return "451 4.3.0 later"
        if has_line(message) and self.happens("no_line"):
            return "554 5.7.1 no such links here"
        record = {"to": recipients, "message": message, "said": not (self.drops and self.happens("dot_drop"))}
        with self.lock:
            self.records.append(record)
        if not record["said"]:
            raise EOFError


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
            to, mail = [f"c{number}@candidate.example"], harness.mail(number)
            if number % 2:
                to, mail = to + [COLLEAGUE], mail.replace(b"Subject:", f"Cc: {COLLEAGUE}\r\nSubject:".encode(), 1)
            while True:
                try:
                    connection = connection or smtplib.SMTP("127.0.0.1", self.port, timeout=60)
                    connection.sendmail(harness.SENDER, to, mail)
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
        number = harness.number_of(record["message"])
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
    harness.CONFIG += HASTY.format(mode=options.mode)
    gateway = harness.Gateway(os.environ["CAREER_RELAY_BIN"], state, sink.port)
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
    parser = harness.arguments(__doc__, kills=6)
    parser.add_argument("--mode", default="hand-through")
    parser.add_argument("--seconds", type=float, default=2)
    options = parser.parse_args()
    return harness.tell(*run(options, pathlib.Path(tempfile.mkdtemp(prefix="chaos-run-"))))


if __name__ == "__main__":
    sys.exit(main())
