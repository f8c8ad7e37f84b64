"""One file is one channel; all pass the same contract suite."""
