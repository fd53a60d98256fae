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
import collections, email, email.policy, os, random, re, smtplib, subprocess, sys, threading, time

import harness

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
                    connection.sendmail(harness.SENDER, [f"c{number}@candidate.example"], harness.mail(number))
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
        head = raw.replace(b"\r\n", b"\n").partition(b"\n\n")[0]
        ident = next((l[12:].strip() for l in head.split(b"\n") if l.lower().startswith(b"message-id:")), b"").decode()
        number = ident.strip("<>").split("@")[0]
        if number.isdigit():
            ids[number] += 1
            if harness.has_line(raw):
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


def run(options, state):
    rng, done = random.Random(options.seed), harness.kills_done(state)
    postfix, mx = state / "postfix", harness.free_port()
    subprocess.run([harness.HERE.parent / "postfix-instance", "start", postfix, str(mx)], check=True)
    gateway = harness.Gateway(os.environ["CAREER_RELAY_BIN"], state / "gateway", mx)
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
        subprocess.run([harness.HERE.parent / "postfix-instance", "stop", postfix], check=False)


def main():
    parser = harness.arguments(__doc__, kills=20)
    harness.resumable(parser)
    parser.add_argument("--min-credits", type=int, default=0)
    options = parser.parse_args()
    state = harness.state_folder(options, "kill-run-")
    result, faults = run(options, state)
    if not faults and options.report:
        harness.write_report(options.report, "`make long-slots`", result)
    if not faults and options.kills <= harness.kills_done(state):
        (state / "kills").unlink()
    return harness.tell(result, faults)


if __name__ == "__main__":
    sys.exit(main())
