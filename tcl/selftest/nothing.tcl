# A file without a test: that must be a failure; run by tests/selftest.sh.
