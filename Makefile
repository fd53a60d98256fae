# Everything a developer or CI runs. `make help` lists it.

CARGO ?= cargo
export CARGO_TERM_COLOR ?= auto

TARGET ?= inject
SECONDS ?= 60

.PHONY: bench bench-ledger bench-spool bench-tls bench-verdict build check classifier-table clippy compare-editors corpus-inject demo \
	deny doc fmt fuzz help long-forms long-idle long-inject long-kill long-ledger long-render long-slots long-splice \
	long-streams screenshots setup test units

help: ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 14

test: setup check units doc ## install what the tests need, then run every check and every test

setup: ## install what the tests need (Debian packages, cargo-nextest, cargo-deny)
	tests/setup

check: fmt clippy deny ## formatting, lints, dependency rules

fmt:
	$(CARGO) fmt --check

# With every feature, so that CI compiles the samotop adapter as well; the tests build without any.
clippy:
	$(CARGO) clippy --all-targets --all-features --locked -- -D warnings

deny:
	$(CARGO) deny --all-features check bans licenses sources

units: ## every test: unit, tidy, golden mails, whole system over real sockets
	$(CARGO) nextest run --locked --no-fail-fast

doc: ## the documentation builds, with no broken link
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --no-deps --document-private-items --locked --quiet

build: ## the release binary
	$(CARGO) build --release --locked

demo: ## a day of HR mail on loopback (a debug build: it is there in two minutes)
	$(CARGO) run --locked -- demo

bench: ## microbenches of the pipeline: time, allocations, and what grows with the mail
	$(CARGO) bench --locked --bench pipeline --bench doubling

bench-verdict: ## what a verdict costs: processor time, growth with the mail, load time and memory of rules and model
	$(CARGO) bench --locked --bench verdict

bench-tls: ## the relay with TLS on both sides beside Postfix, five rounds (needs root, for Postfix)
	$(CARGO) bench --locked --bench relay_tls -- --rounds 5

bench-spool: ## mail that waits: released beside Postfix (needs root), 100,000 for a dead destination, three rounds
	$(CARGO) bench --locked --bench spooled -- --rounds 3

KILLS ?= 300
SITUATIONS ?= through down lossy

long-kill: build ## 300 SIGKILLs in each of three situations, and a Postfix in our place; resumable, result in docs/long-runs.md
	for s in $(SITUATIONS); do \
	  CAREER_RELAY_BIN=target/release/career-relay tests/python/custody_run.py $$s --kills $(KILLS) --state target/long-kill/ours-$$s --report docs/long-runs.md && \
	  tests/python/custody_run.py $$s --kills $(KILLS) --peer postfix --state target/long-kill/postfix-$$s --report docs/long-runs.md || exit 1; \
	done

long-slots: build ## 200 SIGKILLs under load with Postfix as next hop, slots and notices; resumable, result in docs/long-runs.md
	CAREER_RELAY_BIN=target/release/career-relay tests/python/kill_run.py --kills 200 --min-credits 1000 --state target/long-slots --report docs/long-runs.md

long-ledger: build ## 2,000 SIGKILLs across gateway and store, with copies made, killed and brought back; resumable, result in docs/long-runs.md
	CAREER_RELAY_BIN=target/release/career-relay tests/python/kill_run.py --kills 2000 --copies --name long-ledger --seed 7 --state target/long-ledger --report docs/long-runs.md

bench-ledger: ## referrals a second, the curve of their cost, verify: writes the table and the plot of docs/ledger.md
	LEDGER_DOCS=docs $(CARGO) bench --locked --bench ledger

long-inject: build ## 4,038 mails of every kind through preview, read back by Python (CI takes 250); result in docs/long-runs.md
	tests/python/inject_matrix.py target/release/career-relay --seed 6

CORPUS = tests/corpus/inject
READERS = tests/python/inject_corpus

corpus-inject: ## the made mails of tests/corpus/inject, written anew
	$(READERS)/make.py $(CORPUS)/made

screenshots: build ## pictures of edited mails in sixteen layouts, into target/screenshots
	$(READERS)/render.py target/release/career-relay $(CORPUS)/made $(CORPUS)/hand --shots target/screenshots --names $(CORPUS)/pictured.txt

EDITORS ?= target/editors
MAILS ?= 120

compare-editors: build ## 120 mails of the corpus given to other editors of mail, as the table of docs/injection.md
	$(READERS)/install-editors $(EDITORS)
	$(READERS)/compare.py target/release/career-relay $(EDITORS) $(CORPUS)/made $(CORPUS)/hand --limit $(MAILS)

classifier-table: ## the figures of docs/classifier.md: how the test half of the corpus is answered, with and without each part
	CLASSIFIER_TABLE=write $(CARGO) nextest run --locked --lib the_test_half_is_answered_as_the_document_says

long-forms: ## every mail of the classifier's corpus in seven forms (CI takes a quarter); result in docs/long-runs.md
	LONG_FORMS=all $(CARGO) nextest run --locked --lib a_mail_is_judged_alike_in_every_form

long-render: build ## every edited HTML mail of the corpus in Chromium (CI shows a sample)
	$(READERS)/render.py target/release/career-relay $(CORPUS)/made $(CORPUS)/hand

long-streams: ## 10 million random streams behind DATA and BDAT against the reference (CI reads 200,000); resumable, result in docs/long-runs.md
	STREAMS=10000000 STREAMS_STATE=$(CURDIR)/target/long-streams STREAMS_REPORT=$(CURDIR)/docs/long-runs.md $(CARGO) test --release --locked --test streams -- --nocapture

long-splice: ## a million mails, built, harmed and random: the same octets or a proven splice (CI tries 20,000); resumable, result in docs/long-runs.md
	SPLICES=1000000 SPLICES_STATE=$(CURDIR)/target/long-splice SPLICES_REPORT=$(CURDIR)/docs/long-runs.md $(CARGO) test --release --locked --test splice -- --nocapture

long-idle: build ## 10,000 idle clients, 2,500 under TLS, 5,000 dripping ones: memory and waits; result in docs/long-runs.md
	CAREER_RELAY_BIN=target/release/career-relay CAREER_RELAY_CROWD=10000 CAREER_RELAY_REPORT=docs/long-runs.md \
	$(CARGO) nextest run --locked --test it --no-capture door_crowds

fuzz: ## fuzz one parser, from fuzz/seeds: make fuzz TARGET=address|auth|bdat|classify|command|data|inject|message|proxy|reply|report|xclient SECONDS=60 (needs cargo-fuzz)
	mkdir -p fuzz/corpus/$(TARGET)
	cd fuzz && $(CARGO) fuzz run --fuzz-dir . --sanitizer none $(TARGET) corpus/$(TARGET) seeds/$(TARGET) -- -max_total_time=$(SECONDS) -max_len=16384
