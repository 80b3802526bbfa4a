# The one front door. Each target sets the machine up by itself, where that is still to be done.

help:
	@echo "make run     build, then serve every camera found (the test card where there is none)"
	@echo "             ARGS=\"--listen 0.0.0.0:8081 /dev/video0\" goes to pinhole serve"
	@echo "make test    every test: units, whole service, browser, camera lab"
	@echo "make check   format, lints, documentation, licences, scripts"
	@echo "make bench   size, memory, time to the first picture; encoding and viewers against their floors"
	@echo "make clean   remove what was built"

run:
	@tools/run $(ARGS)

test:
	@tests/run

check:
	@tools/check

bench:
	@tools/bench

clean:
	rm -rf target tests/*/target

.PHONY: help run test check bench clean
