#!/usr/bin/env python3
"""Kills the gateway again and again under load, with Postfix as the candidates' MX, and reconciles every mail and credit.

kill_run.py --kills N [--min-credits N] [--copies] [--state DIR] [--seed N] [--report FILE]

The gateway's binary is $CAREER_RELAY_BIN. Eight clients send rejections, each to a candidate of its own, and send a mail
again until it is acknowledged, as an MTA does. After the last kill they finish, the gateway drains, and then:
  lost     acknowledged mails that never came out at Postfix         must be 0
  credits  what the ledger counts                                    must equal the candidates, each once
  slots    granted                                                   must equal credits // 10
  notices  slots HR was told of by mail                              must equal the slots
  doubled  mails that came out twice (SMTP allows it), listed
With --copies the ledger is copied while it is written (`ledger backup`), some of these copies are killed too, and every
50th kill is followed by `ledger restore` of a copy: what the copy lacks comes from the outbox again, and a slot may be told
of twice (notices_doubled). Also
  halves   copies that have their name and do not verify             must be 0
The run is resumable: DIR keeps everything, and a second call goes on where the first was stopped.
"""
import collections, email, email.policy, json, os, pathlib, random, re, smtplib, subprocess, sys, threading, time

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


class Copies:
    """Copies of the ledger, made while it is written, killed, and brought back."""

    KEPT = 4

    def __init__(self, gateway, folder, rng):
        self.gateway, self.folder, self.rng, self.running = gateway, folder, rng, None
        self.folder.mkdir(exist_ok=True)
        self.counts = {"copies": 0, "copies_killed": 0, "restored": 0, "halves": 0}
        self.file = self.folder / "counts"
        if self.file.exists():
            self.counts.update(json.loads(self.file.read_text()))

    def begin(self):
        name = self.folder / f"{time.time_ns()}.db"
        words = [self.gateway.binary, "ledger", "backup", name, "--config", self.gateway.config]
        self.running = name, subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def kill(self):
        self.running[1].kill()

    def end(self):
        """Waits for the copy; its name stands for a whole one."""
        (name, process), self.running = self.running, None
        said, _ = process.communicate()
        if "there is no ledger" in said:  # killed before it had made one
            return
        if process.returncode not in (0, -9):
            sys.exit(f"a copy failed: {said}")
        self.counts["copies"] += process.returncode == 0
        self.counts["copies_killed"] += process.returncode == -9
        for part in self.folder.glob("*.part-*"):
            part.unlink()
        if process.returncode == 0 and not name.exists() or process.returncode and name.exists() and not self.bring(name, "--dry-run"):
            self.counts["halves"] += 1
        for old in sorted(self.folder.glob("*.db"))[:-self.KEPT]:
            old.unlink()
        self.file.write_text(json.dumps(self.counts))

    def restore(self):
        """Brings one of the last copies back, with no gateway running."""
        there = sorted(self.folder.glob("*.db"))
        if not there:
            return
        restored = self.bring(self.rng.choice(there))
        if not restored:
            self.counts["halves"] += 1
            return
        self.counts["restored"] += 1
        self.file.write_text(json.dumps(self.counts))
        kept = pathlib.Path(restored["kept_as"])
        for file in kept.parent.glob(kept.name + "*"):
            file.unlink()

    def bring(self, name, *words):
        words = [self.gateway.binary, "ledger", "restore", name, *words, "--config", self.gateway.config, "--json"]
        done = subprocess.run(words, capture_output=True, text=True)
        if done.returncode:
            print(done.stdout, file=sys.stderr)
        return json.loads(done.stdout) if done.returncode == 0 else None


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


def reconcile(gateway, clients, postfix, copies):
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
    if copies:
        result.update(copies.counts)
    wanted = {"lost": 0, "halves": 0, "credits": result["candidates"], "slots": result["credits"] // 10, "notices": result["slots"],
              "ledger_faults": 0}
    return result, [f"{k} is {result[k]}, must be {v}" for k, v in wanted.items() if result.get(k, v) != v]


def kill(gateway, copies, rng, restore):
    """Kills the gateway at some moment, at times a copy of its ledger with it, and starts it again."""
    if rng.random() < 0.8:  # else it may be killed while it starts
        gateway.greets()
    time.sleep(rng.uniform(0.02, 0.4))
    copying = copies and rng.random() < 0.3
    if copying:
        copies.begin()
    time.sleep(rng.uniform(0.02, 0.4))
    if copying and rng.random() < 0.5:
        copies.kill()
    gateway.kill()
    if copying:
        copies.end()
    if copies and restore:
        copies.restore()
    gateway.start()


def run(options, state):
    rng, done = random.Random(options.seed), harness.kills_done(state)
    postfix, mx = state / "postfix", harness.free_port()
    subprocess.run([harness.HERE.parent / "postfix-instance", "start", postfix, str(mx)], check=True)
    gateway = harness.Gateway(os.environ["CAREER_RELAY_BIN"], state / "gateway", mx)
    try:
        gateway.start()
        clients = Clients(gateway.port, state)
        copies = Copies(gateway, state / "copies", rng) if options.copies else None
        while done < options.kills or len(clients.acknowledged) <= options.min_credits:
            done += 1
            kill(gateway, copies, rng, done % options.restore_every == 0)
            (state / "kills").write_text(str(done))
        clients.finish()
        until = time.monotonic() + 120
        while not drained(gateway, postfix) and time.monotonic() < until:
            time.sleep(0.2)
        result, faults = reconcile(gateway, clients, postfix, copies)
        while faults and time.monotonic() < until:  # the last slots are told when they have gathered
            time.sleep(1)
            result, faults = reconcile(gateway, clients, postfix, copies)
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
    parser.add_argument("--copies", action="store_true")
    parser.add_argument("--restore-every", type=int, default=50)
    parser.add_argument("--name", default="long-slots")
    options = parser.parse_args()
    state = harness.state_folder(options, "kill-run-")
    result, faults = run(options, state)
    if not faults and options.report:
        harness.write_report(options.report, f"`make {options.name}`", result)
    if not faults and options.kills <= harness.kills_done(state):
        (state / "kills").unlink()
    return harness.tell(result, faults)


if __name__ == "__main__":
    sys.exit(main())
