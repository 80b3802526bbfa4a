# The single entry point. Each target sets up the machine itself, if that has not been done yet.

help:
	@echo "make run     build, then serve every camera found (the test card where there is none)"
	@echo "             ARGS=\"--listen 0.0.0.0:8081 /dev/video0\" goes to pinhole serve"
	@echo "make test    every test: units, whole service, browser, camera lab"
	@echo "make check   format, lints, documentation, licences, scripts"
	@echo "make bench   size, memory, time to the first picture; encoding and viewers against their floors"
	@echo "make cross   the program for 64-bit ARM: target/cross/arm64/pinhole; ARCH=amd64 for PCs"
	@echo "make deb     Debian packages for arm64 and amd64: target/deb/; ARCH=arm64 or amd64 for one"
	@echo "make test-arm64, make test-deb    unit tests on 64-bit ARM, emulated; the package in fresh Debian"
	@echo "make image   the card's image: target/image/pinhole-arm64-VERSION.img.zst (image-build/README.md)"
	@echo "make image-test      builds it and starts it in emulated machines; make image-lock chooses its packages anew"
	@echo "make power-cut-test  cuts the power 25 times at random moments"
	@echo "make release         what the page of a release carries: target/release-VERSION (docs/releasing.md)"
	@echo "make clean   remove what was built"

run:
	@tools/run $(ARGS)

test:
	@tests/run

check:
	@tools/check

bench:
	@tools/bench

cross:
	@cross/build $(or $(ARCH),arm64)

deb:
	@deb/build $(ARCH)

test-arm64:
	@tests/arm64/run

test-deb:
	@tests/package/run

image:
	@image-build/make

image-lock:
	@image-build/lock

image-test: image
	@tests/image/test

power-cut-test: image
	@tests/image/test --cuts 25 power_cut

release:
	@tools/release

clean:
	rm -rf target tests/*/target

.PHONY: help run test check bench cross deb test-arm64 test-deb image image-lock image-test power-cut-test release clean
