"""The channels: one file is one way to reach a person, all behind one contract and one suite of tests."""
